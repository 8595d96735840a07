//! Every call is written down: those of plugins, and the gate's own for tokens. Names and counts, never values.

use crate::clock::SharedClock;
use crate::gate::line::Line;
use crate::store::{JournalEntry, Store};
use std::sync::Arc;
use tollgate_core::model::manifest::Route;
use tollgate_core::model::{At, RunId, http};

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// Writes for one call of a plugin.
#[derive(Clone)]
pub(super) struct Journal {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) line: Arc<Line>,
    pub(super) run: RunId,
}

impl Journal {
    /// An entry that begins now.
    pub(super) fn entry(&self, route: &str) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run: self.run.clone(),
            connection: self.line.connection().clone(),
            account: self.line.account().clone(),
            route: route.to_owned(),
            method: String::new(),
            origin: String::new(),
            path: String::new(),
            decision: String::new(),
            status: 0,
            request_bytes: 0,
            response_bytes: 0,
            took_ms: 0,
            error: String::new(),
        }
    }

    /// An entry for a request by this route.
    pub(super) fn entry_for(&self, route: &Route) -> JournalEntry {
        JournalEntry { method: route.method.clone(), path: route.path.clone(), ..self.entry(route.name.as_str()) }
    }

    /// Counts the calls that an entry stands for, at its hour.
    pub(super) async fn count(&self, at: At, calls: u32) -> Result<(), http::Error> {
        let (tenant, account) = (self.line.tenant(), self.line.account());
        self.store.add_usage(tenant, account, at.0.div_euclid(HOUR_MS), calls.into()).await.map_err(|error| unwritten(&error))
    }

    /// Writes an entry with the next group commit.
    ///
    /// # Errors
    /// The journal cannot be written: the caller hands out no answer then.
    pub(super) async fn put(&self, entry: JournalEntry) -> Result<(), http::Error> {
        self.store.put_journal(self.line.tenant(), entry).await.map_err(|error| unwritten(&error))
    }

    /// Ends an entry: how long it took until now.
    pub(super) fn ended(&self, entry: &mut JournalEntry) {
        entry.took_ms = self.clock.now().since_ms(entry.at);
    }
}

/// A name that a plugin chose, fit for a line of text.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

fn unwritten(error: &crate::store::Error) -> http::Error {
    tracing::error!(%error, "the journal cannot be written");
    http::Error::Other("the call could not be written down".into())
}
