//! A plain HTTPS client for the simulators' own tests: no retries, no interpretation, one connection at a time.

use super::Json;
use super::server::{Sim, Vendor};
use crate::tls::{TestCa, client_config};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header as text; empty where it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A client of one simulator.
pub struct Client {
    host: String,
    port: u16,
    tls: Arc<ClientConfig>,
    bearer: Option<String>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client that trusts this authority; nothing is connected yet.
    ///
    /// # Panics
    /// Never: an authority's root is a certificate.
    #[must_use]
    pub fn new<V: Vendor>(sim: &Sim<V>, ca: &TestCa) -> Self {
        Self::trusting(sim, ca.root())
    }

    /// A client that trusts this root; nothing is connected yet.
    ///
    /// # Panics
    /// It is no certificate.
    #[must_use]
    pub fn trusting<V: Vendor>(sim: &Sim<V>, root: CertificateDer<'static>) -> Self {
        let tls = client_config(root).expect("an authority's root is a certificate");
        Self { host: sim.host().to_owned(), port: sim.tls_port(), tls, bearer: None, connection: None }
    }

    /// Sends this token with every later request.
    pub fn set_bearer(&mut self, token: &str) {
        self.bearer = Some(token.to_owned());
    }

    /// A second client with the same token and a connection of its own.
    #[must_use]
    pub fn another(&self) -> Self {
        Self {
            host: self.host.clone(),
            port: self.port,
            tls: self.tls.clone(),
            bearer: self.bearer.clone(),
            connection: None,
        }
    }

    /// Sends one request with these headers and waits for the whole answer.
    ///
    /// # Errors
    /// When the connection ends before the answer does.
    pub async fn send(
        &mut self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> io::Result<Reply> {
        let mut request = Request::builder().method(method).uri(target).header("host", &self.host);
        if let Some(token) = &self.bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).map_err(io::Error::other)?;
        let mut connection = match self.connection.take() {
            Some(connection) if connection.is_ready() => connection,
            _ => self.connect().await?,
        };
        let response = connection.send_request(request).await.map_err(io::Error::other)?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        self.connection = Some(connection);
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    /// Reads.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn get(&mut self, target: &str) -> io::Result<Reply> {
        self.send(Method::GET, target, &[], Bytes::new()).await
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn json(&mut self, method: Method, target: &str, body: &Json) -> io::Result<Reply> {
        self.send(method, target, &[("content-type", "application/json")], body.to_string()).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn form(&mut self, target: &str, pairs: &[(&str, &str)]) -> io::Result<Reply> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.send(Method::POST, target, &[("content-type", "application/x-www-form-urlencoded")], body).await
    }

    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
