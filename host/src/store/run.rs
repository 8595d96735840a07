//! Executions of flows.

use super::rows::Bind;
use super::{Commit, Error, Store};
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
    /// For people.
    pub detail: String,
}

impl Commit {
    /// Stores a run, or how it goes on now. Its flow and its beginning never change.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn put_run(&mut self, row: &RunRow, fence: Fence) -> Result<(), Error> {
        self.guarded(fence);
        let bind = Bind::new()
            .text(self.tenant.as_str())
            .text(row.id.as_str())
            .text(row.flow.as_str())
            .int(row.started.0)
            .maybe_int(row.ended.map(|at| at.0))
            .text(&row.state)
            .text(&row.detail)
            .int(fence.0);
        self.session
            .execute(
                "INSERT INTO run (tenant, id, flow, started, ended, state, detail, fence)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (tenant, id) DO UPDATE
                 SET ended = excluded.ended, state = excluded.state, detail = excluded.detail, fence = excluded.fence",
                bind,
            )
            .await
            .map(drop)
    }
}

impl Store {
    /// The newest `most` runs of a flow, newest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn runs(&self, tenant: &Tenant, flow: &FlowName, most: u32) -> Result<Vec<RunRow>, Error> {
        self.reader()
            .await?
            .fetch(
                "SELECT id, flow, started, ended, state, detail FROM run
                 WHERE tenant = $1 AND flow = $2 ORDER BY started DESC, id DESC LIMIT $3",
                Bind::new().text(tenant.as_str()).text(flow.as_str()).int(most.into()),
                |row| {
                    Ok(RunRow {
                        id: row.text(0)?.into(),
                        flow: row.text(1)?.into(),
                        started: At(row.int(2)?),
                        ended: row.maybe_int(3)?.map(At),
                        state: row.text(4)?,
                        detail: row.text(5)?,
                    })
                },
            )
            .await
    }
}
