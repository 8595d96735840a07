//! A flow that is kept running: what it is doing, how it is told to read or stop, and another try after trouble.

use crate::engine::flow::OpenFlow;
use crate::engine::lease::Lease;
use crate::engine::runner::{Control, Running, Status};
use crate::engine::{Error, describe};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_core::model::limits;

/// A running flow, from outside.
pub struct Handle {
    wanted: watch::Sender<u64>,
    status: watch::Receiver<Status>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Handle {
    /// Wishes a look at the source now; gives back the wish's number.
    pub fn read_now(&self) -> u64 {
        self.wanted.send_modify(|wanted| *wanted += 1);
        *self.wanted.borrow()
    }

    /// What the flow is doing.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Stops the flow after what is under way has been answered and committed.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a flow ended badly");
        }
    }
}

/// Starts a flow. `wake` is shared by all flows of the host: it changes when a commit released records somewhere.
pub fn start(flow: Arc<OpenFlow>, holder: String, wake: watch::Sender<u64>) -> Handle {
    let (wanted, wanted_seen) = watch::channel(1);
    let (report, status) = watch::channel(Status::default());
    let (stop, stopping) = watch::channel(false);
    let control = Control { wanted: wanted_seen, report, stopping, woken: wake.subscribe(), wake };
    let task = tokio::spawn(supervise(flow, holder, control));
    Handle { wanted, status, stop, task }
}

/// Runs the loop again after trouble, slower each time up to a minute, until a stretch gets somewhere; a lease that is
/// held elsewhere is waited for.
async fn supervise(flow: Arc<OpenFlow>, holder: String, mut control: Control) {
    let mut failures: u32 = 0;
    while !control.is_stopping() {
        let commits = control.report.borrow().commits;
        let Err(error) = stretch(&flow, &holder, &mut control).await else { return };
        if control.report.borrow().commits > commits {
            failures = 0;
        }
        let trouble = describe(&error);
        tracing::warn!(flow = %flow.name, trouble, "the flow cannot go on for now");
        control.report.send_modify(|status| {
            status.is_idle = false;
            status.trouble = Some(trouble);
        });
        let delay_ms = limits::RETRY_DELAYS_MS.get(failures as usize).copied().unwrap_or(limits::FLOW_PAUSE_MS);
        failures = failures.saturating_add(1);
        tokio::select! {
            () = flow.clock.sleep_ms(delay_ms) => {}
            _ = control.stopping.changed() => {}
        }
    }
}

/// Runs from a claim of the lease until the flow is to stop or cannot go on.
async fn stretch(flow: &Arc<OpenFlow>, holder: &str, control: &mut Control) -> Result<(), Error> {
    let lease = Lease::claim(flow, holder).await?.ok_or_else(|| Error::Fenced(flow.name.clone()))?;
    let mut running = Running::open(flow.clone(), lease, control).await?;
    let result = running.run().await;
    if let Err(error) = &result {
        running.abandon(error).await;
    }
    result
}
