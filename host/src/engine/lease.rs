//! The right to run a flow: a lease in the store, renewed by a task of its own while the flow runs, so that a slow step
//! of the flow does not lose it.
//!
//! Three guards, each for another danger: the store refuses commits of an older fence; the gate asks
//! [`Lease::check`] right before an effectful request leaves; the loop stops by itself when the lease is lost.

use crate::engine::Error;
use crate::engine::flow::OpenFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::task::JoinHandle;
use tollgate_core::model::{At, Fence, limits};

/// A lease that this node holds. Dropped, it is no longer renewed.
pub struct Lease {
    /// What every write of the flow carries.
    pub fence: Fence,
    /// Until when this node may believe that it holds the lease, by its own clock.
    held_until_ms: Arc<AtomicI64>,
    renewing: JoinHandle<()>,
}

/// As [`Lease::held_until_ms`]: another node has it.
const LOST: i64 = 0;

impl Lease {
    /// Claims the flow's lease; none if another node holds it.
    ///
    /// # Errors
    /// The store.
    pub async fn claim(flow: &Arc<OpenFlow>, holder: &str) -> Result<Option<Self>, Error> {
        // Read before the store does its part, so that our belief ends before the store's.
        let now = flow.clock.now();
        let fence = flow.store.claim(&flow.tenant, &flow.lease_name(), holder, now, limits::LEASE_MS).await?;
        let Some(fence) = fence else { return Ok(None) };
        let held_until_ms = Arc::new(AtomicI64::new(until(now)));
        let renewing = tokio::spawn(renew(flow.clone(), fence, held_until_ms.clone()));
        Ok(Some(Self { fence, held_until_ms, renewing }))
    }

    /// Whether the flow may go on.
    ///
    /// # Errors
    /// [`Error::Fenced`] if another node has the lease now.
    pub fn verify(&self, flow: &OpenFlow) -> Result<(), Error> {
        match self.held_until_ms.load(Ordering::Acquire) {
            LOST => Err(Error::Fenced(flow.name.clone())),
            _ => Ok(()),
        }
    }

    /// Whether this node still holds the lease: asked by the gate before each effectful request.
    pub fn check(&self, flow: &OpenFlow) -> Arc<dyn Fn() -> bool + Send + Sync> {
        let (clock, held_until_ms) = (flow.clock.clone(), self.held_until_ms.clone());
        Arc::new(move || clock.now().0 < held_until_ms.load(Ordering::Acquire))
    }

    /// Lets no further effectful request leave under it.
    pub fn close(&self) {
        self.renewing.abort();
        self.held_until_ms.store(LOST, Ordering::Release);
    }

    /// Gives the lease back, so that another node need not wait for its end.
    pub async fn release(&self, flow: &OpenFlow) {
        self.close();
        if let Err(error) = flow.store.release(&flow.tenant, &flow.lease_name(), self.fence).await {
            tracing::warn!(flow = %flow.name, %error, "the lease could not be given back; it ends by itself");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// Renews until another node has the lease. A database that is away for a moment is asked again; meanwhile our belief
/// ends by itself.
async fn renew(flow: Arc<OpenFlow>, fence: Fence, held_until_ms: Arc<AtomicI64>) {
    loop {
        flow.clock.sleep_ms(limits::LEASE_RENEW_MS).await;
        let now = flow.clock.now();
        match flow.store.renew(&flow.tenant, &flow.lease_name(), fence, now, limits::LEASE_MS).await {
            Ok(true) => {
                // What was closed meanwhile stays closed.
                let longer = |held| (held != LOST).then(|| until(now));
                let _ = held_until_ms.fetch_update(Ordering::AcqRel, Ordering::Acquire, longer);
            }
            Ok(false) => return held_until_ms.store(LOST, Ordering::Release),
            Err(error) => tracing::warn!(flow = %flow.name, %error, "the lease could not be renewed yet"),
        }
    }
}

/// A margin of one renewal: a request that leaves at the last moment is on its way before the lease ends.
fn until(now: At) -> i64 {
    now.plus_ms(limits::LEASE_MS - limits::LEASE_RENEW_MS).0
}
