//! What answers a plugin's requests while the kit looks on.

use crate::kit::Error;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tollgate_sandbox::Broker;

/// What a call is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `setup.check`.
    Check,
    /// `setup.discover`.
    Discover,
    /// `source.read`.
    Read,
    /// `lookup.fetch` and `lookup.search`.
    Lookup,
    /// `target.write` or `target.settle` of intents numbered from 0: the name of each, the same whenever it is written
    /// again.
    Write(Vec<String>),
    /// `transform.apply`.
    Transform,
}

/// One call that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name in cassettes: `read order, page 2`.
    pub name: String,
}

/// What is the same for all calls of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The time that the plugin sees, milliseconds since 1970.
    pub now_ms: u64,
    /// The connection's settings, a JSON object.
    pub settings: String,
}

/// Something that answers: a cassette, a connection, a test's own system.
pub trait Stage: Send + Sync {
    /// What it is, for people.
    fn name(&self) -> String;

    /// What is the same for all calls.
    fn frame(&self) -> Frame;

    /// What answers the requests of one call. The kit asks it for nothing but requests.
    fn open<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Arc<dyn Broker>, Error>>;

    /// The call has ended.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}
