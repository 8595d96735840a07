//! All that a guest can ask for, one method per capability.
//!
//! The seam between the sandbox and the rest: in-process a direct call; a worker process turns it into messages. The
//! sandbox enforces what needs no knowledge of the world (lengths, counts); the broker decides everything else.

use futures_util::future::BoxFuture;
use tollgate_core::model::http;

/// What one call may ask of the host. One value serves exactly one call and ends with it.
pub trait Broker: Send + Sync + 'static {
    /// Sends one request by route. Cancel-safe: when the call is dropped, an effectful request that has left is still
    /// finished and its answer stored.
    fn send(&self, request: http::Request) -> BoxFuture<'_, Result<http::Response, http::Error>>;

    /// Sends all of them, in parallel as budget and concurrency allow; answers in the order of the requests.
    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Result<http::Response, http::Error>>>;

    /// Follows a link of an answer: same origin as the route's endpoint, GET only.
    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Result<http::Response, http::Error>>;

    /// The time of the last host call, milliseconds since 1970.
    fn now_ms(&self) -> u64;

    /// `count` random bytes, seeded by the host; the sandbox has bounded the count.
    fn random(&self, count: u32) -> Vec<u8>;

    /// The connection's settings as a JSON object.
    fn config(&self) -> String;

    /// What is left to this call.
    fn left(&self) -> Allowance;

    /// One line for the host's log; the sandbox has bounded its length and number and made it plain: without line ends,
    /// terminal escapes and characters that turn the direction of writing.
    fn log(&self, level: Level, text: &str);
}

/// What is left to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests.
    pub requests: u32,
    /// Milliseconds of wall time.
    pub wall_ms: u32,
    /// Changes of a page, or intents.
    pub records: u32,
    /// Bytes of answers.
    pub response_bytes: u64,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// For the author.
    Debug,
}
