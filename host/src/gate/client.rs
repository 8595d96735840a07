//! The one HTTP client of this host: HTTP/1.1 over TLS, pooled, capped.
//!
//! It follows no redirect, knows no proxy, keeps no cookie and never sends a request twice on its own. Its errors say
//! whether anything may have arrived: only what failed before the first byte of a request left is [`Failed::NotSent`].
//!
//! The times here are real ones, not [`crate::clock::Clock`]'s: they bound real sockets, which know no simulated time.

use crate::clock::SharedClock;
use crate::gate::body::{Body, Bounds, Cut};
use crate::gate::connect::{self, Born, Connector};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;
use tollgate_core::egress::Denial;
use tollgate_core::egress::Refusal;
use tollgate_core::model::limits;

/// What bounds a request and its answer; [`Default`] are the product's limits, tests use shorter times.
#[derive(Clone, Debug)]
pub(super) struct Caps {
    pub(super) resolve_ms: u64,
    pub(super) connect_ms: u64,
    pub(super) first_byte_ms: u64,
    pub(super) idle_ms: u64,
    pub(super) total_ms: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            resolve_ms: limits::RESOLVE_MS_MAX,
            connect_ms: limits::CONNECT_MS_MAX,
            first_byte_ms: limits::FIRST_BYTE_MS_MAX,
            idle_ms: limits::BODY_IDLE_MS_MAX,
            total_ms: limits::REQUEST_MS_MAX,
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// The name leads to an address that is never dialled; nothing left.
    Denied(Denial),
    /// Nothing left this host.
    NotSent(String),
    /// It may have arrived.
    SentNoAnswer(String),
    /// It arrived; the answer is larger than this many bytes.
    TooLarge(u64),
}

/// A pool of connections for one tenant's connection: two never share a socket, so what one leaves on the wire cannot
/// reach the other.
#[derive(Clone)]
pub(super) struct Client {
    pool: legacy::Client<Connector, Full<Bytes>>,
    clock: SharedClock,
    caps: Arc<Caps>,
}

impl Client {
    pub(super) fn new(connector: Connector, clock: SharedClock, caps: Arc<Caps>) -> Self {
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_millis(limits::CONNECTION_IDLE_MS_MAX))
            .pool_max_idle_per_host(limits::CONNECTIONS_IDLE_MAX)
            .http1_max_buf_size(limits::RESPONSE_HEADER_BYTES_MAX)
            .http1_max_headers(limits::RESPONSE_HEADERS_MAX)
            .build(connector);
        Self { pool, clock, caps }
    }

    /// Sends one request and collects its answer.
    ///
    /// # Errors
    /// See [`Failed`].
    pub(super) async fn send(&self, mut request: Request<Full<Bytes>>, bounds: Bounds<'_>) -> Result<Answer, Failed> {
        let headers = request.headers_mut();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("tollgate/", env!("CARGO_PKG_VERSION"))));
        let total = Duration::from_millis(self.caps.total_ms);
        match timeout(total, self.exchange(request, bounds)).await {
            Ok(answer) => answer,
            Err(_) => Err(no_answer(format!("no whole answer within {} ms", self.caps.total_ms))),
        }
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>, bounds: Bounds<'_>) -> Result<Answer, Failed> {
        let is_head = request.method() == Method::HEAD;
        let captured = capture_connection(&mut request);
        let response = self.head(request).await?;
        if let Some(Born(born)) = response.extensions().get::<Born>() {
            // It may be taken out of the pool again until it has been idle too long: its life must not end before that.
            let age_ms = self.clock.now().since_ms(*born);
            if age_ms + limits::CONNECTION_IDLE_MS_MAX > limits::CONNECTION_LIFE_MS_MAX
                && let Some(connection) = captured.connection_metadata().as_ref()
            {
                connection.poison();
            }
        }
        verify_head(&response)?;
        let (head, incoming) = response.into_parts();
        let body = self.body(&head.headers, incoming, bounds, is_head).await?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    async fn head(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failed> {
        let flood = Arc::new((AtomicU32::new(0), Notify::new()));
        let seen = flood.clone();
        hyper::ext::on_informational(&mut request, move |_| {
            if seen.0.fetch_add(1, Ordering::Relaxed) >= limits::RESPONSE_INFORMATIONAL_MAX {
                seen.1.notify_one();
            }
        });
        let first_byte = Duration::from_millis(self.caps.first_byte_ms + self.caps.resolve_ms + self.caps.connect_ms);
        tokio::select! {
            answered = timeout(first_byte, self.pool.request(request)) => match answered {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(classify(&error)),
                Err(_) => Err(no_answer(format!("no answer within {} ms", first_byte.as_millis()))),
            },
            () = flood.1.notified() => Err(no_answer("a flood of informational answers".into())),
        }
    }

    async fn body(
        &self,
        headers: &HeaderMap,
        mut incoming: Incoming,
        bounds: Bounds<'_>,
        is_head: bool,
    ) -> Result<Vec<u8>, Failed> {
        if is_head {
            return Ok(Vec::new());
        }
        let encoding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
        let length = hyper::body::Body::size_hint(&incoming).exact();
        let mut body = Body::new(encoding, length, bounds)?;
        let idle = Duration::from_millis(self.caps.idle_ms);
        loop {
            match timeout(idle, incoming.frame()).await {
                Err(_) => return Err(no_answer(format!("the answer stood still for {} ms", self.caps.idle_ms))),
                Ok(None) => return Ok(body.finish()?),
                Ok(Some(Err(error))) => return Err(no_answer(format!("the answer was cut: {}", reason(&error)))),
                Ok(Some(Ok(frame))) => {
                    if let Some(piece) = frame.data_ref() {
                        body.push(piece)?;
                    }
                }
            }
        }
    }
}

impl From<Cut> for Failed {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::TooLarge(bytes) => Failed::TooLarge(bytes),
            Cut::Broken(what) => no_answer(format!("the answer's body is not usable: {what}")),
        }
    }
}

/// Framing that two parsers read differently, or that nobody asked for, is no answer.
fn verify_head(response: &Response<Incoming>) -> Result<(), Failed> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(no_answer("the answer changes the protocol".into()));
    }
    let headers = response.headers();
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        return Err(no_answer("the answer has two lengths".into()));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > limits::RESPONSE_HEADER_BYTES_MAX {
        return Err(Failed::TooLarge(limits::RESPONSE_HEADER_BYTES_MAX as u64));
    }
    Ok(())
}

fn classify(error: &legacy::Error) -> Failed {
    if let Some(refused) = error.source().and_then(|source| source.downcast_ref::<connect::Error>()) {
        return match refused {
            connect::Error::Address { refusal, .. } => {
                let rule =
                    if *refusal == Refusal::Metadata { "address-forbidden" } else { "address-not-public" };
                Failed::Denied(Denial::new(rule, format!("{refusal}: {refused}")))
            }
            _ => Failed::NotSent(refused.to_string()),
        };
    }
    if error.is_connect() {
        return Failed::NotSent(reason(error));
    }
    match error.source().and_then(|source| source.downcast_ref::<hyper::Error>()) {
        Some(hyper) if hyper.is_parse_too_large() => Failed::TooLarge(limits::RESPONSE_HEADER_BYTES_MAX as u64),
        // hyper says so only when it hands the request back without having written any of it.
        Some(hyper) if hyper.is_canceled() => Failed::NotSent(reason(error)),
        _ => no_answer(reason(error)),
    }
}

fn no_answer(reason: String) -> Failed {
    Failed::SentNoAnswer(reason)
}

/// The innermost sentence of an error: the outer ones only say that there is one.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
