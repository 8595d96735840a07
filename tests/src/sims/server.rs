//! The listeners of a simulator: what all vendors have in common on the wire.

use super::Json;
use super::control;
use super::faults::{FaultKind, Faults};
use super::traffic::{Broken, Traffic};
use crate::tls::TestCa;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// The largest request body that a simulator reads: NetSuite's own bound, the wider one of the vendors'.
const BODY_BYTES_MAX: usize = 104 << 20;

/// One request, whole and in memory.
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, still percent-encoded.
    pub path: String,
    /// What stands behind the question mark, still percent-encoded.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// A header as text; empty where it is missing or no text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The bearer token of the request.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization").split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }

    /// The first query parameter of this name, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, v)| v.into_owned())
    }

    /// The path's segments, decoded; none where one is no UTF-8.
    #[must_use]
    pub fn segments(&self) -> Option<Vec<String>> {
        self.path.trim_start_matches('/').split('/').map(decode_segment).collect()
    }
}

fn decode_segment(segment: &str) -> Option<String> {
    // Form decoding reads `+` as a space, a path does not.
    let protected = segment.replace('+', "%2B");
    let pairs = format!("p={}", protected.replace('&', "%26"));
    let (_, value) = url::form_urlencoded::parse(pairs.as_bytes()).next()?;
    (!value.contains('\u{fffd}')).then(|| value.into_owned())
}

/// One answer, whole and in memory.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// An answer without a body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// An answer with a body of this content type.
    #[must_use]
    pub fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut answer = Self { status, headers: HeaderMap::new(), body: body.into() };
        answer.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        answer
    }

    /// A JSON answer.
    #[must_use]
    pub fn json(status: StatusCode, body: &Json) -> Self {
        Self::with_body(status, "application/json;charset=UTF-8", body.to_string())
    }

    /// The same answer with a header more; a value that is no header text is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

/// What a request is, before anything is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The kind of request, for the counters.
    pub route: &'static str,
    /// Whether it may change data.
    pub effectful: bool,
    /// Whether it is a call of the API: subject to faults and to the concurrency limit, as a token request is not.
    pub is_call: bool,
}

/// What a vendor must know to be simulated.
pub trait Vendor: Send + Sync + 'static {
    /// Tells what a request is.
    fn classify(&self, request: &Request) -> Class;

    /// Does what the request asks; `lock` asks to find one record locked, chosen by the number.
    fn answer(&self, request: &Request, lock: Option<u64>) -> Answer;

    /// Says no with the vendor's own words, doing nothing.
    fn refuse(&self, request: &Request, fault: FaultKind) -> Answer;

    /// How many calls may be open at once in the whole account.
    fn concurrency_max(&self) -> Option<u64> {
        None
    }

    /// Forgets all tokens.
    fn expire_tokens(&self);

    /// The true state of the data, per kind of record.
    fn report(&self) -> Json;

    /// Sets the counters of writes to nothing.
    fn reset_counts(&self);

    /// Changes data as someone in the vendor's own user interface would.
    ///
    /// # Errors
    /// A sentence that says what the verb needs.
    fn edit(&self, verb: &str, body: &Json) -> Result<Json, String>;
}

/// What the doors of one simulator share.
pub(super) struct Wire<V> {
    pub(super) vendor: Arc<V>,
    pub(super) traffic: Traffic,
    faults: Mutex<Faults>,
    latency: Duration,
    held: watch::Sender<bool>,
}

impl<V: Vendor> Wire<V> {
    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ledger(&self) -> Json {
        json!({ "objects": self.vendor.report(), "requests": self.traffic.report() })
    }

    /// Serves one request of the vendor's door. An error ends the connection without an answer.
    async fn serve(self: Arc<Self>, request: http::Request<Incoming>) -> Result<Response<Outgoing>, Lost> {
        let request = read(request).await.map_err(|_| Lost)?;
        let class = self.vendor.classify(&request);
        self.traffic.request(class.route, class.effectful);
        let limit = self.vendor.concurrency_max().filter(|_| class.is_call);
        let Some(_in_flight) = self.traffic.enter(limit) else {
            return Ok(self.finish(self.vendor.refuse(&request, FaultKind::TooManyRequests), false));
        };
        let plan = match class.is_call {
            true => self.faults().decide(class.effectful),
            false => super::faults::Plan::default(),
        };
        let wait = self.latency + Duration::from_millis(plan.delay_ms);
        if class.is_call && !wait.is_zero() {
            #[expect(
                clippy::disallowed_methods,
                reason = "the vendor is slow on purpose; no test waits for a result so"
            )]
            tokio::time::sleep(wait).await;
        }
        if class.is_call {
            // The sender lives in `self`, so the channel cannot close.
            let _ = self.held.subscribe().wait_for(|held| !held).await;
        }
        let answer = match plan.fault {
            Some(FaultKind::Garbage) => Answer::with_body(StatusCode::OK, "text/html", GARBAGE),
            Some(
                fault @ (FaultKind::TooManyRequests
                | FaultKind::RequestLimit
                | FaultKind::ServerError
                | FaultKind::Unavailable),
            ) => self.vendor.refuse(&request, fault),
            Some(FaultKind::ExpiredToken) => {
                self.vendor.expire_tokens();
                self.vendor.answer(&request, None)
            }
            Some(FaultKind::Lock) => self.vendor.answer(&request, Some(plan.draw)),
            Some(FaultKind::Slow | FaultKind::Cut | FaultKind::LostResponse) | None => {
                self.vendor.answer(&request, None)
            }
        };
        if plan.fault == Some(FaultKind::LostResponse) {
            self.traffic.broken(Broken::Lost);
            return Err(Lost);
        }
        Ok(self.finish(answer, plan.fault == Some(FaultKind::Cut)))
    }

    fn finish(&self, answer: Answer, cut: bool) -> Response<Outgoing> {
        let throttled = answer.status == StatusCode::TOO_MANY_REQUESTS
            || (answer.status == StatusCode::FORBIDDEN && contains(&answer.body, b"REQUEST_LIMIT_EXCEEDED"));
        self.traffic.answered(answer.status, throttled);
        let body = if cut {
            self.traffic.broken(Broken::Cut);
            Outgoing::cut(&answer.body)
        } else {
            Outgoing::whole(answer.body)
        };
        let mut response = Response::new(body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        response
    }
}

const GARBAGE: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in to the proxy.</body></html>";

fn contains(body: &[u8], needle: &[u8]) -> bool {
    body.len() < 4_096 && body.windows(needle.len()).any(|window| window == needle)
}

/// The connection ends without an answer.
#[derive(Debug)]
pub(super) struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer is lost on purpose")
    }
}

impl std::error::Error for Lost {}

pub(super) async fn read(request: http::Request<Incoming>) -> Result<Request, String> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    })
}

/// An answer's body on its way: whole, or one that ends before its announced length.
pub(super) struct Outgoing {
    next: Option<Bytes>,
    left: u64,
}

impl Outgoing {
    pub(super) fn whole(body: Bytes) -> Self {
        let left = body.len() as u64;
        Self { next: (left > 0).then_some(body), left }
    }

    fn cut(body: &Bytes) -> Self {
        // One byte more than there is, so that even an empty body is cut.
        Self { next: Some(body.slice(..body.len() / 2)), left: body.len() as u64 + 1 }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        match self.next.take() {
            Some(bytes) => {
                self.left -= bytes.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            None if self.left > 0 => {
                self.left = 0;
                Poll::Ready(Some(Err(Lost)))
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// A running simulator. It stops when this is dropped, open connections included.
pub struct Sim<V: Vendor> {
    hosts: Vec<String>,
    tls_port: u16,
    control_url: String,
    wire: Arc<Wire<V>>,
    tasks: [JoinHandle<()>; 2],
}

impl<V: Vendor> Sim<V> {
    /// Starts both doors on loopback ports of the system's choice.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(vendor: V, hosts: Vec<String>, latency: Duration, ca: &TestCa) -> io::Result<Self> {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let tls_port = door.local_addr()?.port();
        let control_url = format!("http://{}", control.local_addr()?);
        let wire = Arc::new(Wire {
            vendor: Arc::new(vendor),
            traffic: Traffic::default(),
            faults: Mutex::new(Faults::none()),
            latency,
            held: watch::Sender::new(false),
        });
        let acceptor = TlsAcceptor::from(ca.server_config(&hosts));
        let tasks = [
            tokio::spawn(serve_vendor(door, acceptor, wire.clone())),
            tokio::spawn(serve_control(control, wire.clone())),
        ];
        Ok(Self { hosts, tls_port, control_url, wire, tasks })
    }

    /// The DNS names that the certificate holds; the first one is the API's.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The first DNS name.
    ///
    /// # Panics
    /// Never: a simulator has a name.
    #[must_use]
    pub fn host(&self) -> &str {
        self.hosts.first().expect("a simulator has a name")
    }

    /// The loopback port of the vendor's HTTPS door.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The origin of the test's own door, `http://127.0.0.1:port`.
    #[must_use]
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// The vendor behind the doors: its data, without the wire.
    #[must_use]
    pub fn vendor(&self) -> &V {
        &self.wire.vendor
    }

    /// What truly happened: data per kind of record, and requests.
    #[must_use]
    pub fn ledger(&self) -> Json {
        self.wire.ledger()
    }

    /// Sets what goes wrong from now on, instead of what was set before.
    pub fn set_faults(&self, faults: Faults) {
        *self.wire.faults() = faults;
    }

    /// Keeps every call that comes from now on open, undone and unanswered, until [`Sim::release`].
    pub fn hold(&self) {
        self.wire.held.send_replace(true);
    }

    /// Lets the held calls go on.
    pub fn release(&self) {
        self.wire.held.send_replace(false);
    }

    /// Waits until so many requests are in flight.
    pub async fn until_in_flight(&self, depth: u64) {
        self.wire.traffic.until_in_flight(depth).await;
    }

    /// Makes every token that was handed out invalid.
    pub fn expire_tokens(&self) {
        self.wire.vendor.expire_tokens();
    }

    /// Sets the counters of requests and writes to nothing; the data stay.
    pub fn reset_counts(&self) {
        self.wire.traffic.reset();
        self.wire.vendor.reset_counts();
    }
}

impl<V: Vendor> Drop for Sim<V> {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn serve_vendor<V: Vendor>(door: TcpListener, acceptor: TlsAcceptor, wire: Arc<Wire<V>>) {
    // The set owns the connections: when this task is aborted they end with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = door.accept().await else { continue };
        let (acceptor, wire) = (acceptor.clone(), wire.clone());
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request| wire.clone().serve(request));
            // A broken connection is either the peer's doing or ours on purpose: both are counted where they happen.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn serve_control<V: Vendor>(door: TcpListener, wire: Arc<Wire<V>>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = door.accept().await else { continue };
        let wire = wire.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| control::serve(wire.clone(), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
