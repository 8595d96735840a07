//! Intents: one row per write call, from the decision to the commit that takes over the outcomes.

use super::rows::{Bind, Many};
use super::{Commit, Error, Store};
use tollgate_core::model::{At, BatchId, ConnectionName, Fence, FlowName, RunId, StreamName, Tenant};

/// The intents of one write call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// Its id.
    pub id: BatchId,
    /// The flow that decided them.
    pub flow: FlowName,
    /// The run that decided them.
    pub run: RunId,
    /// Where they go.
    pub connection: ConnectionName,
    /// To which stream.
    pub stream: StreamName,
    /// The intents, as JSON text.
    pub intents: String,
    /// What the engine needs to take over their outcomes, as JSON text.
    pub sources: String,
    /// How often they were tried.
    pub attempt: u32,
    /// When it was first stored; never changes, so that a call that is run again sees the same time.
    pub decided: At,
    /// Not to be tried before.
    pub due: At,
    /// How many changes are in flight with it.
    pub count: u32,
}

const PUT: Many<'_> = Many {
    before: "INSERT INTO batch (tenant, lease, fence, seq, id, flow, run, connection, stream, intents, sources, attempt, decided,
             due, intent_count) VALUES ",
    row: "($1, $2, $3, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    after: " ON CONFLICT (tenant, id) DO UPDATE
            SET lease = excluded.lease, fence = excluded.fence, run = excluded.run, intents = excluded.intents,
                sources = excluded.sources, attempt = excluded.attempt, due = excluded.due,
                intent_count = excluded.intent_count",
};

impl Commit {
    /// Stores batches of one or more flows; one that exists is replaced and keeps its place in the order. The lease that
    /// guards this commit also guards the requests that serve them.
    ///
    /// # Errors
    /// As [`Store::begin`], and [`Error::Unstorable`].
    pub async fn put_batches(&mut self, rows: &[BatchRow], fence: Fence) -> Result<(), Error> {
        let lease = self.guarded(fence).to_owned();
        let tenant = self.tenant.clone();
        let last = self
            .session
            .fetch_one(
                "SELECT COALESCE(max(seq), 0) FROM batch WHERE tenant = $1",
                Bind::new().text(tenant.as_str()),
                |row| row.int(0),
            )
            .await?
            .unwrap_or(0);
        let numbered: Vec<_> = (last + 1..).zip(rows).collect();
        let shared = || Bind::new().text(tenant.as_str()).text(&lease).int(fence.0);
        self.session
            .insert(PUT, shared, &numbered, |bind, (seq, row)| {
                bind.int(*seq)
                    .text(row.id.as_str())
                    .text(row.flow.as_str())
                    .text(row.run.as_str())
                    .text(row.connection.as_str())
                    .text(row.stream.as_str())
                    .text(&row.intents)
                    .text(&row.sources)
                    .int(row.attempt.into())
                    .int(row.decided.0)
                    .int(row.due.0)
                    .int(row.count.into())
            })
            .await
    }

    /// Removes a batch and what its requests were answered. One that does not exist is fine.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn remove_batch(&mut self, id: &BatchId) -> Result<(), Error> {
        let key = || Bind::new().text(self.tenant.as_str()).text(id.as_str());
        self.session.execute("DELETE FROM batch WHERE tenant = $1 AND id = $2", key()).await?;
        self.session.execute("DELETE FROM answer WHERE tenant = $1 AND batch = $2", key()).await.map(drop)
    }
}

impl Store {
    /// A flow's open batches, oldest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn batches(&self, tenant: &Tenant, flow: &FlowName) -> Result<Vec<BatchRow>, Error> {
        self.reader()
            .await?
            .fetch(
                "SELECT id, flow, run, connection, stream, intents, sources, attempt, decided, due, intent_count FROM batch
                 WHERE tenant = $1 AND flow = $2 ORDER BY seq",
                Bind::new().text(tenant.as_str()).text(flow.as_str()),
                |row| {
                    Ok(BatchRow {
                        id: row.text(0)?.into(),
                        flow: row.text(1)?.into(),
                        run: row.text(2)?.into(),
                        connection: row.text(3)?.into(),
                        stream: row.text(4)?.into(),
                        intents: row.text(5)?,
                        sources: row.text(6)?,
                        attempt: row.number(7)?,
                        decided: At(row.int(8)?),
                        due: At(row.int(9)?),
                        count: row.number(10)?,
                    })
                },
            )
            .await
    }
}
