//! Conservation: counters for what leaves no row, and counts of the rows that there are.

use super::rows::Bind;
use super::{Commit, Error, Store};
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{Fence, FlowName, Tenant};

impl Commit {
    /// Adds what was read, written, unchanged and skipped. What is held, excepted, dead or in flight is counted from rows
    /// and not taken from `add`.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn add_tally(&mut self, flow: &FlowName, add: &Tally, fence: Fence) -> Result<(), Error> {
        self.guarded(fence);
        let bind = Bind::new()
            .text(self.tenant.as_str())
            .text(flow.as_str())
            .count(add.read)
            .count(add.written)
            .count(add.unchanged)
            .count(add.skipped_predicate)
            .count(add.skipped_transform)
            .count(add.skipped_echo)
            .count(add.skipped_superseded)
            .count(add.skipped_discarded)
            .int(fence.0);
        self.session
            .execute(
                "INSERT INTO tally (tenant, flow, changes, written, unchanged, skipped_predicate, skipped_transform,
                                    skipped_echo, skipped_superseded, skipped_discarded, fence)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 ON CONFLICT (tenant, flow) DO UPDATE
                 SET changes = tally.changes + excluded.changes, written = tally.written + excluded.written,
                     unchanged = tally.unchanged + excluded.unchanged,
                     skipped_predicate = tally.skipped_predicate + excluded.skipped_predicate,
                     skipped_transform = tally.skipped_transform + excluded.skipped_transform,
                     skipped_echo = tally.skipped_echo + excluded.skipped_echo,
                     skipped_superseded = tally.skipped_superseded + excluded.skipped_superseded,
                     skipped_discarded = tally.skipped_discarded + excluded.skipped_discarded,
                     fence = excluded.fence",
                bind,
            )
            .await
            .map(drop)
    }
}

impl Commit {
    /// Counts what a person discarded beside a running flow. It takes no fence: it is added to, and the flow adds elsewhere.
    pub(super) async fn add_discarded(&mut self, flow: &FlowName, count: usize) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str()).count(count as u64);
        let sql = "INSERT INTO tally (tenant, flow, changes, written, unchanged, skipped_predicate, skipped_transform,
                                      skipped_echo, skipped_superseded, skipped_discarded, fence)
                   VALUES ($1, $2, 0, 0, 0, 0, 0, 0, 0, $3, 0)
                   ON CONFLICT (tenant, flow) DO UPDATE
                   SET skipped_discarded = tally.skipped_discarded + excluded.skipped_discarded";
        self.session.execute(sql, bind).await.map(drop)
    }
}

impl Store {
    /// A flow's counts, all of one moment: one statement sees one state of the database.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn tally(&self, tenant: &Tenant, flow: &FlowName) -> Result<Tally, Error> {
        let tally = self
            .reader()
            .await?
            .fetch_one(
                "SELECT COALESCE(t.changes, 0), COALESCE(t.written, 0), COALESCE(t.unchanged, 0),
                        COALESCE(t.skipped_predicate, 0), COALESCE(t.skipped_echo, 0), COALESCE(t.skipped_superseded, 0),
                        COALESCE(t.skipped_discarded, 0), COALESCE(t.skipped_transform, 0),
                        (SELECT count(*) FROM set_aside WHERE tenant = $1 AND flow = $2 AND kind = 'hold'),
                        (SELECT count(*) FROM set_aside WHERE tenant = $1 AND flow = $2 AND kind = 'exception'),
                        (SELECT count(*) FROM set_aside WHERE tenant = $1 AND flow = $2 AND kind = 'dead-letter'),
                        (SELECT CAST(COALESCE(sum(intent_count), 0) AS BIGINT) FROM batch
                         WHERE tenant = $1 AND flow = $2)
                 FROM (SELECT 1 AS one) AS always LEFT JOIN tally AS t ON t.tenant = $1 AND t.flow = $2",
                Bind::new().text(tenant.as_str()).text(flow.as_str()),
                |row| {
                    Ok(Tally {
                        read: row.number(0)?,
                        written: row.number(1)?,
                        unchanged: row.number(2)?,
                        skipped_predicate: row.number(3)?,
                        skipped_echo: row.number(4)?,
                        skipped_superseded: row.number(5)?,
                        skipped_discarded: row.number(6)?,
                        skipped_transform: row.number(7)?,
                        held: row.number(8)?,
                        exceptions: row.number(9)?,
                        dead_letters: row.number(10)?,
                        in_flight: row.number(11)?,
                    })
                },
            )
            .await?;
        Ok(tally.unwrap_or_default())
    }
}
