//! How far a flow has come in its source.

use super::rows::Bind;
use super::{Commit, Error, Store};
use tollgate_core::model::{Fence, FlowName, Tenant};

/// A cursor that is durably committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The format of the cursor, as the plugin's manifest numbers it.
    pub cursor_format: u32,
    /// The plugin's own text.
    pub cursor: String,
    /// Whether the last page said that nothing is left for now.
    pub is_caught_up: bool,
}

impl Commit {
    /// Moves a flow's checkpoint.
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
            .int(checkpoint.cursor_format.into())
            .text(&checkpoint.cursor)
            .flag(checkpoint.is_caught_up)
            .int(fence.0)
            .int(self.at.0);
        self.session
            .execute(
                "INSERT INTO checkpoint (tenant, flow, cursor_format, cursor_text, is_caught_up, fence, at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (tenant, flow) DO UPDATE
                 SET cursor_format = excluded.cursor_format, cursor_text = excluded.cursor_text,
                     is_caught_up = excluded.is_caught_up, fence = excluded.fence, at = excluded.at",
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
    /// Where a flow goes on; none before its first page.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn checkpoint(&self, tenant: &Tenant, flow: &FlowName) -> Result<Option<Checkpoint>, Error> {
        self.reader()
            .await?
            .fetch_one(
                "SELECT cursor_format, cursor_text, is_caught_up FROM checkpoint WHERE tenant = $1 AND flow = $2",
                Bind::new().text(tenant.as_str()).text(flow.as_str()),
                |row| {
                    Ok(Checkpoint { cursor_format: row.number(0)?, cursor: row.text(1)?, is_caught_up: row.flag(2)? })
                },
            )
            .await
    }
}
