//! Waiting until nothing moves any more.

use super::{App, Error};
use crate::engine::Status;
use tollgate_core::model::FlowName;

impl App {
    /// Has every flow look at its source now and waits until all of them are at rest: sources read to their end, nothing
    /// in flight, nothing ready to be taken up again. Holds that wait for something else stay, and so does all of a paused
    /// flow.
    ///
    /// Flows release each other's records, so one quiet look is not enough: it is repeated until a whole round has
    /// changed nothing.
    ///
    /// # Errors
    /// The store.
    pub async fn rest(&self) -> Result<(), Error> {
        loop {
            let before = self.commits().await;
            let wishes: Vec<(FlowName, u64)> =
                self.flows.lock().await.iter().map(|(name, handle)| (name.clone(), handle.read_now())).collect();
            for (name, wish) in wishes {
                self.quiet(&name, wish).await;
            }
            if self.commits().await == before && self.is_all_accounted().await? {
                return Ok(());
            }
        }
    }

    async fn quiet(&self, flow: &FlowName, wish: u64) {
        let Some(mut status) = self.flows.lock().await.get(flow).map(|handle| handle.status()) else { return };
        // The flow ends only when the host stops: then there is nothing to wait for.
        let _ = status.wait_for(|status| is_quiet(status, wish)).await;
    }

    async fn commits(&self) -> u64 {
        self.flows.lock().await.values().map(|handle| handle.status().borrow().commits).sum()
    }

    async fn is_all_accounted(&self) -> Result<bool, Error> {
        let flows = self.flows.lock().await;
        let moving = flows.iter().filter(|(_, handle)| !handle.status().borrow().is_paused);
        let names: Vec<FlowName> = moving.map(|(name, _)| name.clone()).collect();
        drop(flows);
        for name in names {
            let is_ready = !self.store.ready(&self.tenant, &name, 1).await?.is_empty();
            if is_ready || self.tally(&name).await?.in_flight > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn is_quiet(status: &Status, wish: u64) -> bool {
    status.is_paused && status.run.is_none() || status.is_idle && status.read_up_to >= wish && status.in_flight == 0
}
