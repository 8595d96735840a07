//! All that a guest can ask for, one method per capability.
//!
//! The seam between the sandbox and the rest: in-process a direct call; a worker process turns it into messages. The
//! sandbox enforces what needs no knowledge of the world (lengths, counts); the broker decides everything else.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tollgate_core::model::{files, http};

/// What one call may ask of the host. One value serves exactly one call and ends with it.
pub trait Broker: Send + Sync + 'static {
    /// Sends one request by route. Cancel-safe: when the call is dropped, an effectful request that has left is still
    /// finished and its answer stored.
    fn send(&self, request: http::Request) -> BoxFuture<'_, Result<http::Response, http::Error>>;

    /// Sends all of them, in parallel as budget and concurrency allow; answers in the order of the requests.
    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Result<http::Response, http::Error>>>;

    /// Follows a link of an answer: same origin as the route's endpoint, GET only.
    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Result<http::Response, http::Error>>;

    /// Plain files of a folder, `""` for the granted one itself, after `after`; sorted by name. Without a granted folder, as
    /// in all four, nothing is there.
    fn list_files(
        &self,
        folder: String,
        after: String,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<files::Entry>, files::Error>> {
        let _ = (folder, after, most);
        no_folder()
    }

    /// Bytes of a file from `offset` on.
    fn read_file(&self, name: String, offset: u64, most: u32) -> BoxFuture<'_, Result<Vec<u8>, files::Error>> {
        let _ = (name, offset, most);
        no_folder()
    }

    /// Makes a file, whole or not at all.
    fn write_file(&self, name: String, content: Vec<u8>) -> BoxFuture<'_, Result<(), files::Error>> {
        let _ = (name, content);
        no_folder()
    }

    /// Gives a file another name; replaces nothing.
    fn rename_file(&self, from: String, to: String) -> BoxFuture<'_, Result<(), files::Error>> {
        let _ = (from, to);
        no_folder()
    }

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

fn no_folder<T: Send + 'static>() -> BoxFuture<'static, Result<T, files::Error>> {
    ready(Err(files::Error::Denied("files: there is no folder".into()))).boxed()
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
