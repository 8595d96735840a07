//! A fresh database for each test, of both kinds: every test of the store is written once and runs on each.

use crate::postgres::Cluster;
use anyhow::{Context, Result};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};
use std::future::Future;
use tempfile::TempDir;
use tollgate::store::{Basis, BatchRow, Commit, RunCounts, RunRow, Store};
use tollgate_core::model::{At, BatchId, Fence, FlowName, Tenant, audit};

/// Which kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of the private server.
    Postgres,
}

/// A database that nothing else uses, and a store on it.
pub struct Database {
    /// The store.
    pub store: Store,
    /// The address it was opened with.
    pub url: String,
    /// Its kind.
    pub kind: Kind,
    _folder: Option<TempDir>,
}

impl Database {
    /// Makes one; none where PostgreSQL is not installed.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub async fn fresh(kind: Kind) -> Result<Option<Database>> {
        let (url, folder) = match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir()?;
                let path = folder.path().join("store.db");
                (format!("sqlite:{}", path.to_str().context("the folder's path is text")?), Some(folder))
            }
            Kind::Postgres => match Cluster::shared() {
                Some(cluster) => (cluster.fresh_database().await?, None),
                None => return Ok(None),
            },
        };
        Ok(Some(Database { store: Store::open(&url).await?, url, kind, _folder: folder }))
    }

    /// A further store on the same database, as another node has.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn another_store(&self) -> Result<Store> {
        Ok(Store::open(&self.url).await?)
    }

    /// The number of rows of a table, read past the store.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count(&self, table: &str) -> Result<i64> {
        let mut connection = AnyConnection::connect(&self.url).await?;
        let row =
            sqlx::query(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(row.try_get(0)?)
    }

    /// All that a database of the server holds, table by table, as text; a file's bytes are in its folder.
    ///
    /// # Errors
    /// What the database says.
    pub async fn text(&self) -> Result<Vec<(String, String)>> {
        let mut connection = AnyConnection::connect(&self.url).await?;
        // Bytes that are text stay readable.
        sqlx::query("SET bytea_output = 'escape'").execute(&mut connection).await?;
        let tables =
            sqlx::query("SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'");
        let mut all = Vec::new();
        for table in tables.fetch_all(&mut connection).await? {
            let table: String = table.try_get(0)?;
            let rows = sqlx::query(AssertSqlSafe(format!("SELECT CAST({table} AS TEXT) FROM {table}")));
            for row in rows.fetch_all(&mut connection).await? {
                all.push((table.clone(), row.try_get(0)?));
            }
        }
        connection.close().await?;
        Ok(all)
    }
}

/// Runs one test on a fresh database, in a runtime of its own.
///
/// # Panics
/// When the test does, or when there is no database for it.
pub fn run<F: Future<Output = ()>>(kind: Kind, check: impl FnOnce(Database) -> F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if let Some(database) = Database::fresh(kind).await.expect("a fresh database") {
            check(database).await;
        }
    });
}

/// Makes two tests of each function, `NAME::sqlite` and `NAME::postgres`.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$about:meta])* async fn $name:ident($database:ident: Database) $body:block)*) => {$(
        $(#[$about])*
        mod $name {
            #[allow(unused_imports, reason = "some tests need nothing of their file")]
            use super::*;

            async fn check($database: $crate::database::Database) $body

            #[test]
            fn sqlite() {
                $crate::database::run($crate::database::Kind::Sqlite, check);
            }

            #[test]
            fn postgres() {
                $crate::database::run($crate::database::Kind::Postgres, check);
            }
        }
    )*};
}

/// The tenant of tests that need only one.
pub fn tenant() -> Tenant {
    "acme".into()
}

/// An audit record of a test.
pub fn record() -> audit::Record {
    audit::Record::new("test", "test.act", "test", "")
}

/// What the decisions of tests rest on.
pub fn basis() -> Basis {
    Basis { run: "run-1".into(), map_version: 3, reader: "sha256:0a".into(), writer: "sha256:0b".into() }
}

/// A run of a flow that goes on and has moved nothing.
pub fn run_row(id: &str, flow: &FlowName, started: i64) -> RunRow {
    RunRow {
        id: id.into(),
        flow: flow.clone(),
        started: At(started),
        ended: None,
        state: "running".into(),
        detail: String::new(),
        trouble: String::new(),
        counts: RunCounts::default(),
    }
}

/// Claims the lease of a flow for a holder that is named like this process's node.
///
/// # Panics
/// When another holds it.
pub async fn claim(store: &Store, flow: &FlowName) -> Fence {
    let claimed = store.claim(&tenant(), &lease(flow), "node-1", At(0), 60_000).await.expect("the store answers");
    claimed.expect("the lease is free")
}

/// The lease that covers a flow.
pub fn lease(flow: &FlowName) -> String {
    format!("flow:{flow}")
}

/// A commit that is guarded by the flow's lease.
///
/// # Panics
/// When the lease is not held under this fence.
pub async fn begin(store: &Store, flow: &FlowName, fence: Fence) -> Commit {
    let mut commit = store.begin(&tenant(), record(), At(1_000)).await.expect("the store answers");
    commit.guard(&lease(flow), fence).await.expect("the lease is ours");
    commit
}

/// A batch of one intent.
pub fn batch(flow: &FlowName, id: &str) -> BatchRow {
    BatchRow {
        id: id.into(),
        flow: flow.clone(),
        run: "run-1".into(),
        connection: "erp".into(),
        stream: "salesOrder".into(),
        intents: "[]".into(),
        sources: "{}".into(),
        attempt: 1,
        decided: At(0),
        due: At(0),
        count: 1,
    }
}

/// Claims a flow's lease and opens a batch under it, so that requests can be marked.
///
/// # Panics
/// When the lease is not free.
pub async fn open_batch(store: &Store, flow: &FlowName, id: &str) -> (BatchId, Fence) {
    let fence = claim(store, flow).await;
    let row = batch(flow, id);
    let mut commit = begin(store, flow, fence).await;
    commit.put_batches(std::slice::from_ref(&row), fence).await.expect("the batch is stored");
    commit.finish().await.expect("the commit succeeds");
    (row.id, fence)
}
