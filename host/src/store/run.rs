//! Executions of flows: from a trigger until nothing is left to do.

use super::rows::{Bind, Fields};
use super::{Commit, Error, Store};
use sqlx::AssertSqlSafe;
use tollgate_core::model::{At, Fence, FlowName, RunId, Tenant};

/// One execution of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// The flow.
    pub flow: FlowName,
    /// When it began.
    pub started: At,
    /// When it ended; none while it goes on.
    pub ended: Option<At>,
    /// The engine's word for how it goes.
    pub state: String,
    /// Why it ended so, for people; empty where the state says it all.
    pub detail: String,
    /// The last trouble that it met, overcome or not; empty if it met none.
    pub trouble: String,
    /// What it moved.
    pub counts: RunCounts,
}

/// What one run moved. What it took over from a run before it, or left to one after, is counted where it was done, so
/// that the sums of one run need not meet: those of its flow do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Changes read.
    pub read: u64,
    /// Set-aside changes taken up again.
    pub taken_up: u64,
    /// Stored by the target.
    pub written: u64,
    /// The target already held it.
    pub unchanged: u64,
    /// Needed no write.
    pub skipped: u64,
    /// Set aside, for whatever reason.
    pub set_aside: u64,
}

const COLUMNS: &str =
    "SELECT id, flow, started, ended, state, detail, trouble, changes, taken_up, written, unchanged, skipped,
     set_aside FROM run WHERE tenant = $1";

impl Commit {
    /// Adds to what a run moved; one that is not stored yet is, as under way.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn add_run(&mut self, run: &RunRow, add: &RunCounts, fence: Fence) -> Result<(), Error> {
        self.guarded(fence);
        let bind = bind_run(Bind::new().text(self.tenant.as_str()), run, add).int(fence.0);
        self.session
            .execute(
                "INSERT INTO run (tenant, id, flow, started, ended, state, detail, trouble, changes, taken_up, written,
                                  unchanged, skipped, set_aside, fence)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                 ON CONFLICT (tenant, id) DO UPDATE
                 SET changes = run.changes + excluded.changes, taken_up = run.taken_up + excluded.taken_up,
                     written = run.written + excluded.written, unchanged = run.unchanged + excluded.unchanged,
                     skipped = run.skipped + excluded.skipped, set_aside = run.set_aside + excluded.set_aside,
                     fence = excluded.fence",
                bind,
            )
            .await
            .map(drop)
    }

    /// Stores a run, or how it goes on now. Its flow, its beginning and what it moved never change by this.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn put_run(&mut self, row: &RunRow, fence: Fence) -> Result<(), Error> {
        self.guarded(fence);
        let bind = bind_run(Bind::new().text(self.tenant.as_str()), row, &row.counts).int(fence.0);
        self.session
            .execute(
                "INSERT INTO run (tenant, id, flow, started, ended, state, detail, trouble, changes, taken_up, written,
                                  unchanged, skipped, set_aside, fence)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                 ON CONFLICT (tenant, id) DO UPDATE
                 SET ended = excluded.ended, state = excluded.state, detail = excluded.detail,
                     trouble = excluded.trouble, fence = excluded.fence",
                bind,
            )
            .await
            .map(drop)
    }

    /// Ends the runs of a flow whose process ended without a word, under this state; says how many there were.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn end_open_runs(&mut self, flow: &FlowName, state: &str, fence: Fence) -> Result<u64, Error> {
        self.guarded(fence);
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str()).text(state).int(self.at.0).int(fence.0);
        let sql = "UPDATE run SET state = $3, ended = $4, fence = $5
                   WHERE tenant = $1 AND flow = $2 AND ended IS NULL";
        self.session.execute(sql, bind).await
    }
}

fn bind_run(bind: Bind, row: &RunRow, counts: &RunCounts) -> Bind {
    bind.text(row.id.as_str())
        .text(row.flow.as_str())
        .int(row.started.0)
        .maybe_int(row.ended.map(|at| at.0))
        .text(&row.state)
        .text(&row.detail)
        .text(&row.trouble)
        .count(counts.read)
        .count(counts.taken_up)
        .count(counts.written)
        .count(counts.unchanged)
        .count(counts.skipped)
        .count(counts.set_aside)
}

impl Store {
    /// A flow's runs behind the one with the id `after` (empty: from the newest on), newest first, at most `most`; only
    /// those in this state, if one is given.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn runs(
        &self,
        tenant: &Tenant,
        (flow, state): (&FlowName, Option<&str>),
        after: &str,
        most: u32,
    ) -> Result<Vec<RunRow>, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(flow.as_str()).int(most.into());
        let (behind, bind) = match after {
            "" => ("", bind),
            after => {
                let sql = " AND (started, id) < (SELECT started, id FROM run WHERE tenant = $1 AND id = $4)";
                (sql, bind.text(after))
            }
        };
        let (of_state, bind) = match (state, after) {
            (None, _) => ("", bind),
            (Some(state), "") => (" AND state = $4", bind.text(state)),
            (Some(state), _) => (" AND state = $5", bind.text(state)),
        };
        let sql = format!("{COLUMNS} AND flow = $2{behind}{of_state} ORDER BY started DESC, id DESC LIMIT $3");
        self.reader().await?.fetch(AssertSqlSafe(sql), bind, read).await
    }

    /// One run.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn run(&self, tenant: &Tenant, id: &RunId) -> Result<Option<RunRow>, Error> {
        let sql = AssertSqlSafe(format!("{COLUMNS} AND id = $2"));
        self.reader().await?.fetch_one(sql, Bind::new().text(tenant.as_str()).text(id.as_str()), read).await
    }

    /// Whether a flow has runs that did not end: under way, or of a process that ended without a word.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn has_open_runs(&self, tenant: &Tenant, flow: &FlowName) -> Result<bool, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(flow.as_str());
        let sql = "SELECT 1 AS one FROM run WHERE tenant = $1 AND flow = $2 AND ended IS NULL LIMIT 1";
        Ok(self.reader().await?.fetch_one(sql, bind, |_| Ok(())).await?.is_some())
    }
}

fn read(row: &Fields<'_>) -> Result<RunRow, Error> {
    Ok(RunRow {
        id: row.text(0)?.into(),
        flow: row.text(1)?.into(),
        started: At(row.int(2)?),
        ended: row.maybe_int(3)?.map(At),
        state: row.text(4)?,
        detail: row.text(5)?,
        trouble: row.text(6)?,
        counts: RunCounts {
            read: row.number(7)?,
            taken_up: row.number(8)?,
            written: row.number(9)?,
            unchanged: row.number(10)?,
            skipped: row.number(11)?,
            set_aside: row.number(12)?,
        },
    })
}
