//! What is remembered; the only room that knows SQL.
//!
//! # The way through the room
//!
//! [`Store::open`] (`open.rs`) reaches SQLite or PostgreSQL, brings the schema up to date (`schema.rs`, `schema.sql`) and
//! starts the group committer. From there three ways lead in:
//!
//! - **reads** are methods of [`Store`], each one statement (or one per chunk of keys) and so one consistent view;
//! - **commits** ([`Store::begin`], `commit.rs`) are how everything changes that flows and people decide: the methods of
//!   [`Commit`], then [`Commit::finish`];
//! - **the group committer** (`group.rs`) writes what happens many times a second while plugins run: marks, answers,
//!   journal entries, usage. Callers queue; one task writes all that waits in one transaction.
//!
//! One file per table: `document`, `revision`, `plugin`, `secret`, `connection_account`, `consent`, `translation`, `lease`,
//! `checkpoint`, `record`, `batch`, `answer`, `journal`, `flow_state`, `set_aside`, `tally`, `token`, `run`, `usage`, `audit`;
//! `look` reads single rows and pages for people, `stuck` counts what waits for them. `rows.rs` repeats rows and keys,
//! `dialect.rs` is all that
//! differs between the two databases.
//!
//! # Invariants
//!
//! - Every key begins with the tenant, and every statement names it: no query crosses tenants.
//! - No commit without an audit record: [`Store::begin`] takes it, [`Commit::finish`] numbers and writes it. Leases, the
//!   last use of a token and the group committer are outside: the first two are no state of the business, and the journal
//!   is itself the record of the calls.
//! - A fence on every shared write: a method of [`Commit`] that takes a fence insists on [`Commit::guard`] with the same
//!   one in the same commit. A mark is written only while this store holds the lease that its batch was written under.
//! - What returned `Ok` survives a power cut (SQLite: WAL with `synchronous = FULL`).
//! - Audit numbers have no gaps: a number is taken and used in the same transaction.
//! - The store reads no clock; only leases on PostgreSQL use the database's.
//!
//! # Decisions
//!
//! - *One SQL text through sqlx's `Any` driver*, not one implementation per database: a second copy of each statement is
//!   a second behaviour. The price is plain column types and a look at `dialect.rs`.
//! - *Statements are checked by tests on both databases*, not at compile time: that would need a database to build.
//! - *The audit record is written last in its commit*, not first: its number comes from a row that all of a tenant's
//!   commits share, and this way they wait for each other only for the last moment.
//! - *Locks are taken in one order* (lease, rows of tables, `head`), so that commits wait for each other and never in a ring.
//! - *A lease's fence of this node is remembered here* (`held`), because a mark comes from a plugin's request, which
//!   knows its batch and no lease.
//! - On SQLite there is one writer. Whoever holds a [`Commit`] holds it: finish or drop the commit before waiting for
//!   anything else, the group committer above all.

mod answer;
mod audit;
mod batch;
mod checkpoint;
mod commit;
mod connection_account;
mod consent;
mod dialect;
mod document;
mod error;
mod flow_state;
mod group;
mod journal;
mod lease;
mod look;
mod open;
mod plugin;
mod record;
mod revision;
mod rows;
mod run;
mod schema;
mod secret;
mod set_aside;
mod stuck;
mod tally;
mod token;
mod translation;
mod usage;

pub use answer::Sending;
pub use audit::{AuditFilter, AuditRow};
pub use batch::BatchRow;
pub use checkpoint::Checkpoint;
pub use commit::Commit;
pub use connection_account::AccountRow;
pub use consent::{ConsentRow, ConsentState, ConsentStep};
pub use document::Document;
pub use error::Error;
pub use flow_state::{FlowState, Wish};
pub use journal::{CallTotals, JournalEntry};
pub use look::{SetAsideFilter, SetAsideLine, TranslationRow};
pub use plugin::{InstalledPlugin, PluginRow};
pub use record::RecordRow;
pub use revision::{DocumentVersion, RevisionRow};
pub use run::{RunCounts, RunRow};
pub use secret::SealedSecret;
pub use set_aside::{Basis, Kind, PARKED, PENDING, SetAsideRow, Tries, Try};
pub use stuck::StuckRow;
pub use token::TokenRow;
pub use translation::{RowVersion, TableRow};

use error::Place;
use rows::Session;
use sqlx::AnyPool;
use sqlx::pool::PoolConnection;
use sqlx::{Any, Transaction};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_core::model::{Fence, Tenant, limits};

/// Everything that is remembered. Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    base: Arc<Base>,
    group: group::Committer,
}

/// What the store and its group committer share.
struct Base {
    place: Place,
    writer: AnyPool,
    reader: AnyPool,
    /// The leases that this store claimed and did not give back. Written by claims, renewals and releases.
    held: Mutex<HashMap<(Tenant, String), Fence>>,
    commits: AtomicU64,
    growth: Growth,
}

/// How many rows were put, and at how many the database counts its tables anew. Written by commits.
#[derive(Default)]
struct Growth {
    rows: AtomicU64,
    counted: AtomicU64,
}

impl Growth {
    /// Whether the tables may have doubled since this was last true.
    fn add(&self, rows: u64) -> bool {
        let rows = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let counted = self.counted.load(Ordering::Relaxed);
        rows >= counted.saturating_mul(2).max(limits::ANALYZE_ROWS_MIN)
            && self.counted.compare_exchange(counted, rows, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Store {
    /// Waits until the group committer has written all that is queued, then closes all connections. What is queued later
    /// is refused with [`Error::Closed`].
    pub async fn close(&self) {
        self.0.group.close().await;
        self.0.base.writer.close().await;
        self.0.base.reader.close().await;
    }

    /// How many transactions this store has committed since it was opened; single statements are not counted.
    pub fn commits(&self) -> u64 {
        self.0.base.commits.load(Ordering::Relaxed)
    }

    fn base(&self) -> &Base {
        &self.0.base
    }

    async fn reader(&self) -> Result<Session<PoolConnection<Any>>, Error> {
        self.base().session(&self.base().reader).await
    }

    async fn writer(&self) -> Result<Session<PoolConnection<Any>>, Error> {
        self.base().session(&self.base().writer).await
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.base().place.database)
    }
}

impl Base {
    async fn session(&self, pool: &AnyPool) -> Result<Session<PoolConnection<Any>>, Error> {
        let connection = pool.acquire().await.map_err(|error| self.place.error("connect", error))?;
        Ok(Session { connection, place: self.place.clone() })
    }

    async fn begin(&self) -> Result<Session<Transaction<'static, Any>>, Error> {
        let begin = self.place.dialect.begin();
        let connection = self.writer.begin_with(begin).await.map_err(|error| self.place.error(begin, error))?;
        Ok(Session { connection, place: self.place.clone() })
    }

    async fn finish(&self, session: Session<Transaction<'static, Any>>) -> Result<(), Error> {
        session.connection.commit().await.map_err(|error| self.place.error("COMMIT", error))?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Lets the database count its tables when they may have doubled. It plans worse without, so a failure is only told.
    async fn grow(&self, rows: u64) {
        let Some(analyze) = self.place.dialect.analyze().filter(|_| self.growth.add(rows)) else { return };
        let counted = match self.session(&self.writer).await {
            Ok(mut session) => session.execute(analyze, rows::Bind::new()).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = counted {
            tracing::warn!(%error, "the database could not count its tables");
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<(Tenant, String), Fence>> {
        // A panic elsewhere cannot leave the map half changed: each use is one call of it.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables are counted when they have doubled, from a first size on: pages of 400 rows are added.
    #[test]
    fn tables_are_counted_when_they_have_doubled() {
        let growth = Growth::default();
        let counted: Vec<u64> = (1..=16).filter(|_| growth.add(400)).map(|page| page * 400).collect();
        assert_eq!(counted, [1_200, 2_400, 4_800]);
    }
}
