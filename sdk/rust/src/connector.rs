//! What an author implements. Each trait is one exported interface; each has defaults, so that a connector with several
//! streams writes one [`Serve`] per stream and nothing else.
//!
//! Nothing here has a `self` that lives: each call gets a fresh instance of the plugin.

use crate::{
    Account, Change, Condition, Failure, Intent, Outcome, Page, ReadRequest, Result, Stream, Ticket, Violation,
};

/// What every connector does: prove the connection and say what is there.
pub trait Connector {
    /// Makes one cheap, authenticated request and says which account answered.
    ///
    /// # Errors
    /// Whatever kept the request from its answer.
    fn check() -> Result<Account>;

    /// The streams, one value each.
    fn streams() -> &'static [&'static dyn Serve] {
        &[]
    }

    /// The streams with their fields, as this account has them.
    ///
    /// # Errors
    /// The first stream that cannot be described.
    fn discover() -> Result<Vec<Stream>> {
        Self::streams().iter().map(|stream| stream.describe()).collect()
    }

    /// The stream of this name.
    ///
    /// # Errors
    /// [`Failure::Unsupported`] names the streams that there are.
    fn stream(name: &str) -> Result<&'static dyn Serve> {
        Self::streams().iter().copied().find(|stream| stream.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::streams().iter().map(|stream| stream.name()).collect();
            Failure::Unsupported(format!("there is no stream `{name}`, only {}", names.join(", ")))
        })
    }
}

/// All that a connector does for one stream. What it does not override, it does not do.
pub trait Serve: Sync {
    /// The stream's name in the system.
    fn name(&self) -> &'static str;

    /// Its fields and abilities.
    ///
    /// # Errors
    /// Whatever kept the system from describing it.
    fn describe(&self) -> Result<Stream>;

    /// See [`Source::read`].
    ///
    /// # Errors
    /// [`Failure::Unsupported`] unless overridden.
    fn read(&self, request: ReadRequest) -> Result<Page> {
        unsupported("reading", &request.stream)
    }

    /// See [`Target::write`].
    ///
    /// # Errors
    /// [`Failure::Unsupported`] unless overridden.
    fn write(&self, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
        let _ = intents;
        unsupported("writing", self.name())
    }

    /// See [`Target::settle`].
    ///
    /// # Errors
    /// [`Failure::Unsupported`] unless overridden.
    fn settle(&self, tickets: Vec<Ticket>) -> Result<Vec<Outcome>> {
        let _ = tickets;
        unsupported("settling", self.name())
    }

    /// See [`Lookup::fetch`].
    ///
    /// # Errors
    /// [`Failure::Unsupported`] unless overridden.
    fn fetch(&self, keys: Vec<String>) -> Result<Vec<Option<Change>>> {
        let _ = keys;
        unsupported("fetching", self.name())
    }

    /// See [`Lookup::search`].
    ///
    /// # Errors
    /// [`Failure::Unsupported`] unless overridden.
    fn search(&self, only: Vec<Condition>, most: u32) -> Result<Vec<Change>> {
        let _ = (only, most);
        unsupported("searching", self.name())
    }
}

/// A connector that can read.
pub trait Source: Connector {
    /// Reads the next page: the same or newer changes for the same cursor, and a cursor behind all of them.
    ///
    /// # Errors
    /// Why there is no page.
    fn read(request: ReadRequest) -> Result<Page> {
        Self::stream(&request.stream)?.read(request)
    }
}

/// A connector that can write.
pub trait Target: Connector {
    /// Writes intents; one outcome each, in order. A function of its arguments and of the answers: after a crash it is
    /// called again, and answered requests get their stored answers.
    ///
    /// # Errors
    /// Nothing was written.
    fn write(stream: String, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
        Self::stream(&stream)?.write(intents)
    }

    /// Asks what became of intents that were pending; one outcome each, in order.
    ///
    /// # Errors
    /// Nothing is known of any of them.
    fn settle(stream: String, tickets: Vec<Ticket>) -> Result<Vec<Outcome>> {
        Self::stream(&stream)?.settle(tickets)
    }
}

/// A connector that can look records up.
pub trait Lookup: Connector {
    /// The records with these keys, in order; none where there is no such record.
    ///
    /// # Errors
    /// Why nothing could be looked up.
    fn fetch(stream: String, keys: Vec<String>) -> Result<Vec<Option<Change>>> {
        Self::stream(&stream)?.fetch(keys)
    }

    /// At most `most` records that meet all conditions; the stream is not asked for 0.
    ///
    /// # Errors
    /// Why nothing could be looked up.
    fn search(stream: String, only: Vec<Condition>, most: u32) -> Result<Vec<Change>> {
        let stream = Self::stream(&stream)?;
        if most == 0 { Ok(Vec::new()) } else { stream.search(only, most) }
    }
}

/// A transform: changes in, changes out, no network.
pub trait Transform {
    /// For each change, in order: the changes that replace it, or why it is refused.
    ///
    /// # Errors
    /// None of them could be looked at.
    fn apply(changes: Vec<Change>) -> Result<Vec<std::result::Result<Vec<Change>, Violation>>>;
}

fn unsupported<T>(what: &str, stream: &str) -> Result<T> {
    Err(Failure::Unsupported(format!("{what} `{stream}` is not something this connector does")))
}
