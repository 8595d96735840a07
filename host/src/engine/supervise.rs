//! A flow that is kept running: what it is doing, how it is told to read, to look or to stop, and another try after
//! trouble.

use crate::engine::control::{Control, End, Status};
use crate::engine::flow::OpenFlow;
use crate::engine::lease::Lease;
use crate::engine::runner::Running;
use crate::engine::{Error, describe};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_core::model::{audit, limits};

/// A running flow, from outside.
pub struct Handle {
    wanted: watch::Sender<u64>,
    poke: watch::Sender<u64>,
    status: watch::Receiver<Status>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Handle {
    /// Wishes a look at the source now; gives back the wish's number.
    pub fn read_now(&self) -> u64 {
        next(&self.wanted)
    }

    /// Has the flow look at what is wanted of it; gives back the poke's number.
    pub fn poke(&self) -> u64 {
        next(&self.poke)
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

fn next(numbers: &watch::Sender<u64>) -> u64 {
    let mut number = 0;
    numbers.send_modify(|last| {
        *last += 1;
        number = *last;
    });
    number
}

/// Starts a flow. `wake` is shared by all flows of the host: it changes when a commit released records somewhere.
pub fn start(flow: Arc<OpenFlow>, holder: String, wake: watch::Sender<u64>) -> Handle {
    let (wanted, wanted_seen) = watch::channel(1);
    let (poke, poked) = watch::channel(0);
    let (report, status) = watch::channel(Status::default());
    let (stop, stopping) = watch::channel(false);
    let woken = wake.subscribe();
    let wish = wanted.clone();
    let control =
        Control { wanted: wanted_seen, wish, report, stopping, poked, woken, wake, seen: None, is_start_wished: false };
    let task = tokio::spawn(supervise(flow, holder, control));
    Handle { wanted, poke, status, stop, task }
}

/// Runs the loop again after trouble, slower each time up to a minute, until a stretch gets somewhere; a lease that is
/// held elsewhere is waited for. A paused flow is looked at now and then: whoever resumes it may be at another node.
async fn supervise(flow: Arc<OpenFlow>, holder: String, mut control: Control) {
    let mut failures: u32 = 0;
    while !control.is_stopping() {
        let commits = control.report.borrow().commits;
        let delay_ms = match stretch(&flow, &holder, &mut control).await {
            Ok(End::Stopped) => return,
            Ok(End::Anew) => continue,
            Ok(End::Paused) => limits::LEASE_RENEW_MS,
            Ok(End::Cancelled) => flow.every_ms,
            Err(error) => {
                if control.report.borrow().commits > commits {
                    failures = 0;
                }
                tell(&flow, &control, &error);
                failures = failures.saturating_add(1);
                delay_ms(failures)
            }
        };
        let now = flow.clock.now();
        control.report.send_modify(|status| {
            status.is_idle = false;
            status.next_read = (!status.is_paused).then(|| now.plus_ms(delay_ms));
        });
        control.rest(&flow, delay_ms).await;
    }
}

fn delay_ms(failures: u32) -> u64 {
    let place = failures.saturating_sub(1) as usize;
    limits::RETRY_DELAYS_MS.get(place).copied().unwrap_or(limits::FLOW_PAUSE_MS)
}

fn tell(flow: &OpenFlow, control: &Control, error: &Error) {
    let trouble = describe(error);
    tracing::warn!(flow = %flow.name, trouble, "the flow cannot go on for now");
    let now = flow.clock.now();
    control.report.send_modify(|status| status.set_trouble(Some(trouble), now));
}

/// Runs from a claim of the lease until the flow is to end or cannot go on. A flow that is not to run claims nothing.
async fn stretch(flow: &Arc<OpenFlow>, holder: &str, control: &mut Control) -> Result<End, Error> {
    if let Some(end @ (End::Paused | End::Cancelled)) = control.look(flow).await? {
        return Ok(end);
    }
    let lease = Lease::claim(flow, holder).await?.ok_or_else(|| Error::Fenced(flow.name.clone()))?;
    start_over(flow, &lease, control).await?;
    let mut running = Running::open(flow.clone(), lease, control).await?;
    let result = running.run().await;
    if let Err(error) = &result {
        running.abandon(error).await;
    }
    result
}

/// Forgets how far the flow has read, if somebody wanted that since it was last done: under the lease, so that nobody
/// stores how far an older reading came afterwards.
async fn start_over(flow: &OpenFlow, lease: &Lease, control: &Control) -> Result<(), Error> {
    let Some((state, _)) = control.seen.as_ref().filter(|(state, _)| state.anews > state.anews_done) else {
        return Ok(());
    };
    let record = audit::Record::new("engine", "flow.start-over", format!("flow:{}", flow.name), "");
    let mut commit = flow.store.begin(&flow.tenant, record, flow.clock.now()).await?;
    crate::engine::intend::guard(&mut commit, flow, lease.fence).await?;
    commit.start_over(&flow.name, state.anews, lease.fence).await?;
    Ok(commit.finish().await?)
}
