//! The right to run a flow: a lease in the store, renewed while the flow runs.
//!
//! Three guards, each for another danger: the store refuses commits of an older fence; the gate asks
//! [`Lease::check`] right before an effectful request leaves; the loop stops by itself when a renewal fails.

use crate::engine::Error;
use crate::engine::flow::OpenFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tollgate_core::model::{At, Fence, limits};

/// A lease that this node holds.
pub struct Lease {
    /// What every write of the flow carries.
    pub fence: Fence,
    /// Until when this node may believe that it holds the lease, by its own clock.
    held_until_ms: Arc<AtomicI64>,
    renewed: At,
}

impl Lease {
    /// Claims the flow's lease; none if another node holds it.
    ///
    /// # Errors
    /// The store.
    pub async fn claim(flow: &OpenFlow, holder: &str) -> Result<Option<Self>, Error> {
        // Read before the store does its part, so that our belief ends before the store's.
        let now = flow.clock.now();
        let fence = flow.store.claim(&flow.tenant, &flow.lease_name(), holder, now, limits::LEASE_MS).await?;
        Ok(fence.map(|fence| Self { fence, held_until_ms: Arc::new(AtomicI64::new(until(now))), renewed: now }))
    }

    /// Renews the lease when it is time.
    ///
    /// # Errors
    /// [`Error::Fenced`] if another node has it now.
    pub async fn keep(&mut self, flow: &OpenFlow) -> Result<(), Error> {
        let now = flow.clock.now();
        if now.since_ms(self.renewed) < limits::LEASE_RENEW_MS {
            return Ok(());
        }
        if !flow.store.renew(&flow.tenant, &flow.lease_name(), self.fence, now, limits::LEASE_MS).await? {
            self.held_until_ms.store(0, Ordering::Release);
            return Err(Error::Fenced(flow.name.clone()));
        }
        self.renewed = now;
        self.held_until_ms.store(until(now), Ordering::Release);
        Ok(())
    }

    /// Whether this node still holds the lease: asked by the gate before each effectful request.
    pub fn check(&self, flow: &OpenFlow) -> Arc<dyn Fn() -> bool + Send + Sync> {
        let (clock, held_until_ms) = (flow.clock.clone(), self.held_until_ms.clone());
        Arc::new(move || clock.now().0 < held_until_ms.load(Ordering::Acquire))
    }

    /// Gives the lease back, so that another node need not wait for its end.
    pub async fn release(&self, flow: &OpenFlow) {
        if let Err(error) = flow.store.release(&flow.tenant, &flow.lease_name(), self.fence).await {
            tracing::warn!(flow = %flow.name, %error, "the lease could not be given back; it ends by itself");
        }
    }
}

/// A margin of one renewal: a request that leaves at the last moment is on its way before the lease ends.
fn until(now: At) -> i64 {
    now.plus_ms(limits::LEASE_MS - limits::LEASE_RENEW_MS).0
}
