//! From a host name to an encrypted connection: resolve, judge every address, dial one of those, TLS.
//!
//! The address that was judged is the address that is dialled; nobody resolves a second time (DNS rebinding). A failure
//! here means that no byte of a request has left.

use crate::clock::SharedClock;
use crate::gate::client::Caps;
use crate::gate::net::Net;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tollgate_core::egress::{Refusal, address};
use tollgate_core::model::{At, limits};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The name leads where no request may go.
    #[error("`{host}` resolves to a {refusal} address")]
    Address {
        /// The name.
        host: String,
        /// The kind of address. The address itself goes to the log only: a plugin learns nothing of private networks.
        refusal: Refusal,
    },
    /// The name does not resolve.
    #[error("`{host}` does not resolve: {reason}")]
    Resolve { host: String, reason: String },
    /// No address answers.
    #[error("`{host}` is not reached: {reason}")]
    Dial { host: String, reason: String },
    /// The other side does not prove who it is.
    #[error("`{host}` and this host do not agree on TLS: {reason}")]
    Tls { host: String, reason: String },
}

/// Makes connections for the pool. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    net: Arc<dyn Net>,
    tls: Arc<ClientConfig>,
    clock: SharedClock,
    caps: Arc<Caps>,
}

/// When a connection was made; handed on with every answer, to end old connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Born(pub(super) At);

impl Connector {
    /// A connector that trusts the public authorities and those of `net`.
    ///
    /// # Errors
    /// An extra root is no certificate.
    pub(super) fn new(net: Arc<dyn Net>, clock: SharedClock, caps: Arc<Caps>) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in net.extra_roots() {
            roots.add(root)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { net, tls: Arc::new(tls), clock, caps })
    }

    async fn connect(self, host: String, port: u16) -> Result<Socket, Error> {
        let addresses = self.resolve(&host).await?;
        let within = Duration::from_millis(self.caps.connect_ms);
        let tls_error = |reason: String| Error::Tls { host: host.clone(), reason };
        let name = ServerName::try_from(host.clone()).map_err(|error| tls_error(error.to_string()))?;
        let connected = timeout(within, async {
            let tcp = self.dial(&host, &addresses, port).await?;
            // Requests are written whole: waiting for more to send would only delay them.
            let _ = tcp.set_nodelay(true);
            let tls = TlsConnector::from(self.tls.clone()).connect(name, tcp).await;
            tls.map_err(|error| tls_error(error.to_string()))
        });
        match connected.await {
            Ok(Ok(tls)) => Ok(Socket { io: TokioIo::new(tls), born: Born(self.clock.now()) }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Dial { host, reason: format!("no connection within {} ms", self.caps.connect_ms) }),
        }
    }

    /// Every address is judged; one that is refused refuses the name. At most [`limits::ADDRESSES_MAX`] are tried.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let error = |reason: String| Error::Resolve { host: host.to_owned(), reason };
        let mut addresses = match timeout(Duration::from_millis(self.caps.resolve_ms), self.net.resolve(host)).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(reason)) => return Err(error(reason.to_string())),
            Err(_) => return Err(error(format!("no answer within {} ms", self.caps.resolve_ms))),
        };
        address::classify_all(&addresses).map_err(|(address, refusal)| {
            tracing::warn!(host, %address, %refusal, "a name resolved to an address that is never dialled");
            Error::Address { host: host.to_owned(), refusal }
        })?;
        addresses.truncate(limits::ADDRESSES_MAX);
        if addresses.is_empty() { Err(error("it has no address".into())) } else { Ok(addresses) }
    }

    /// One address after the other, each with its share of the time, so that a dead one does not use up all of it.
    async fn dial(&self, host: &str, addresses: &[IpAddr], port: u16) -> Result<TcpStream, Error> {
        let share = Duration::from_millis(self.caps.connect_ms / addresses.len().max(1) as u64);
        let mut reason = String::new();
        for address in addresses {
            match timeout(share, self.net.dial(SocketAddr::new(*address, port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => reason = error.to_string(),
                Err(_) => reason = format!("no answer within {} ms", share.as_millis()),
            }
        }
        Err(Error::Dial { host: host.to_owned(), reason })
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = Socket;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Socket, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    /// The URI comes from a checked request: https, with a host.
    fn call(&mut self, uri: Uri) -> Self::Future {
        let host = uri.host().unwrap_or_default().to_owned();
        self.clone().connect(host, uri.port_u16().unwrap_or(443)).boxed()
    }
}

/// An encrypted connection.
pub(super) struct Socket {
    io: TokioIo<TlsStream<TcpStream>>,
    born: Born,
}

impl Connection for Socket {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.born)
    }
}

impl Read for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
    }
}
