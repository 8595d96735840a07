//! How far a flow has come in its source.

use super::rows::Bind;
use super::{Commit, Error, Store};
use tollgate_core::model::{Fence, FlowName, Tenant};

/// A cursor that is durably committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What the cursor leads through: connection, account and stream. A cursor says nothing about another one.
    pub source: String,
    /// The format of the cursor, as the plugin's manifest numbers it.
    pub cursor_format: u32,
    /// The plugin's own text.
    pub cursor: String,
    /// Whether the last page said that nothing is left for now.
    pub is_caught_up: bool,
}

impl Commit {
    /// Moves a flow's checkpoint in this source and format; those of others stay.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn put_checkpoint(
        &mut self,
        flow: &FlowName,
        checkpoint: &Checkpoint,
        fence: Fence,
    ) -> Result<(), Error> {
        self.guarded(fence);
        let bind = Bind::new()
            .text(self.tenant.as_str())
            .text(flow.as_str())
            .text(&checkpoint.source)
            .int(checkpoint.cursor_format.into())
            .text(&checkpoint.cursor)
            .flag(checkpoint.is_caught_up)
            .int(fence.0)
            .int(self.at.0);
        self.session
            .execute(
                "INSERT INTO checkpoint (tenant, flow, source, cursor_format, cursor_text, is_caught_up, fence, at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (tenant, flow, source, cursor_format) DO UPDATE
                 SET cursor_text = excluded.cursor_text, is_caught_up = excluded.is_caught_up, fence = excluded.fence, at = excluded.at",
                bind,
            )
            .await
            .map(drop)
    }

    /// Lets a flow start over.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn clear_checkpoint(&mut self, flow: &FlowName) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str());
        self.session.execute("DELETE FROM checkpoint WHERE tenant = $1 AND flow = $2", bind).await.map(drop)
    }
}

impl Store {
    /// Where a flow can go on, one row for each source and format that it has read; none before its first page.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn checkpoints(&self, tenant: &Tenant, flow: &FlowName) -> Result<Vec<Checkpoint>, Error> {
        self.reader()
            .await?
            .fetch(
                "SELECT source, cursor_format, cursor_text, is_caught_up FROM checkpoint
                 WHERE tenant = $1 AND flow = $2",
                Bind::new().text(tenant.as_str()).text(flow.as_str()),
                |row| {
                    Ok(Checkpoint {
                        source: row.text(0)?,
                        cursor_format: row.number(1)?,
                        cursor: row.text(2)?,
                        is_caught_up: row.flag(3)?,
                    })
                },
            )
            .await
    }
}
