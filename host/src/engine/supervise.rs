//! A flow that is kept running: opened, told to read, to look, to be opened anew or to stop, and tried again after trouble.
//!
//! A flow that cannot be opened is in trouble like one whose source is away: it is tried again, and no other flow waits for
//! it (RET-16). One that somebody paused is not even opened.

use crate::clock::SharedClock;
use crate::engine::control::{Control, End, Status};
use crate::engine::flow::OpenFlow;
use crate::engine::lease::Lease;
use crate::engine::runner::Running;
use crate::engine::{Error, describe};
use crate::store::Store;
use futures_util::future::BoxFuture;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_core::model::{FlowName, Tenant, audit, limits};

/// Opens the flow as it is configured now; what stands in the way is told as one line.
pub type Open = Arc<dyn Fn() -> BoxFuture<'static, Result<OpenFlow, String>> + Send + Sync>;

/// What is to be kept running.
#[derive(Clone)]
pub struct Subject {
    /// Whose.
    pub tenant: Tenant,
    /// The flow's name.
    pub name: FlowName,
    /// How it is opened: at its start, when it is told to, and after trouble with that.
    pub open: Open,
    /// The node that claims its lease.
    pub holder: String,
    /// What people want of it is stored here.
    pub store: Store,
    /// Time, for the pauses between attempts.
    pub clock: SharedClock,
}

/// A running flow, from outside.
pub struct Handle {
    wanted: watch::Sender<u64>,
    poke: watch::Sender<u64>,
    status: watch::Receiver<Status>,
    orders: watch::Sender<Orders>,
    taken: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

/// What a flow is told from outside.
#[derive(Clone, Copy, Default)]
struct Orders {
    /// How often it was told to be opened anew.
    opening: u64,
    is_stopping: bool,
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

    /// Has the flow opened anew, as it is configured now. The wait that is given back ends when all that was under way has
    /// been answered and committed, and nothing is done any more as it was configured before.
    pub fn reopen(&self) -> impl Future<Output = ()> + Send + use<> {
        self.orders.send_modify(|orders| orders.opening += 1);
        let (opening, mut taken) = (self.orders.borrow().opening, self.taken.clone());
        async move {
            // A flow that ended does nothing any more either.
            let _ = taken.wait_for(|taken| *taken >= opening).await;
        }
    }

    /// Stops the flow after what is under way has been answered and committed.
    pub async fn stop(self) {
        self.orders.send_modify(|orders| orders.is_stopping = true);
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
pub fn start(subject: Subject, wake: watch::Sender<u64>) -> Handle {
    let (wanted, wanted_seen) = watch::channel(1);
    let (poke, poked) = watch::channel(0);
    let (report, status) = watch::channel(Status::default());
    let (orders, told) = watch::channel(Orders::default());
    let (take, taken) = watch::channel(0);
    let control = Control {
        subject: subject.clone(),
        wanted: wanted_seen,
        wish: wanted.clone(),
        report,
        // Replaced for each stretch.
        stopping: watch::channel(false).1,
        poked,
        woken: wake.subscribe(),
        wake,
        seen: None,
        is_start_wished: false,
    };
    let task = tokio::spawn(supervise(subject, control, told, take));
    Handle { wanted, poke, status, orders, taken, task }
}

/// Runs the loop again after trouble, slower each time up to a minute, until a stretch gets somewhere; a lease that is
/// held elsewhere is waited for. A paused flow is looked at now and then: whoever resumes it may be at another node.
async fn supervise(
    subject: Subject,
    mut control: Control,
    mut orders: watch::Receiver<Orders>,
    taken: watch::Sender<u64>,
) {
    let mut failures: u32 = 0;
    let mut opened: Option<Arc<OpenFlow>> = None;
    loop {
        let Orders { opening, is_stopping } = *orders.borrow_and_update();
        if *taken.borrow() < opening {
            opened = None;
            failures = 0;
            taken.send_replace(opening);
        }
        if is_stopping || orders.has_changed().is_err() {
            return;
        }
        let commits = control.report.borrow().commits;
        let delay_ms = match stretch(&subject, &mut opened, (&mut control, &mut orders)).await {
            Ok(End::Stopped | End::Anew) => continue,
            Ok(End::Paused) => limits::LEASE_RENEW_MS,
            Ok(End::Cancelled) => opened.as_ref().map_or(limits::FLOW_PAUSE_MS, |flow| flow.every_ms),
            Err(trouble) => {
                if control.report.borrow().commits > commits {
                    failures = 0;
                }
                tell(&subject, &control, trouble);
                failures = failures.saturating_add(1);
                delay_ms(failures)
            }
        };
        let now = subject.clock.now();
        control.report.send_modify(|status| {
            status.is_idle = false;
            status.next_read = (!status.is_paused).then(|| now.plus_ms(delay_ms));
        });
        tokio::select! {
            () = control.rest(delay_ms) => {}
            _ = orders.changed() => {}
        }
    }
}

fn delay_ms(failures: u32) -> u64 {
    let place = failures.saturating_sub(1) as usize;
    limits::RETRY_DELAYS_MS.get(place).copied().unwrap_or(limits::FLOW_PAUSE_MS)
}

fn tell(subject: &Subject, control: &Control, trouble: String) {
    tracing::warn!(flow = %subject.name, trouble, "the flow cannot go on for now");
    let now = subject.clock.now();
    control.report.send_modify(|status| status.set_trouble(Some(trouble), now));
}

/// Runs until there are new orders, until somebody wants the flow to end what it does, or until it cannot go on. What a
/// stretch began it also ends: orders only tell it to.
async fn stretch(
    subject: &Subject,
    opened: &mut Option<Arc<OpenFlow>>,
    (control, orders): (&mut Control, &mut watch::Receiver<Orders>),
) -> Result<End, String> {
    let (halt, stopping) = watch::channel(false);
    control.stopping = stopping;
    let attempt = attempt(subject, opened, control);
    tokio::pin!(attempt);
    loop {
        tokio::select! {
            biased;
            // Nobody is left who could give orders: that means the end as well.
            _ = orders.changed(), if !*halt.borrow() => drop(halt.send_replace(true)),
            result = &mut attempt => return result,
        }
    }
}

/// Opens the flow if it is not, and runs it from a claim of the lease on. A flow that is not to run does neither.
async fn attempt(subject: &Subject, opened: &mut Option<Arc<OpenFlow>>, control: &mut Control) -> Result<End, String> {
    let wanted = control.look().await.map_err(|error| describe(&error))?;
    if let Some(end @ (End::Paused | End::Cancelled)) = wanted {
        return Ok(end);
    }
    let flow = match opened {
        Some(flow) => flow.clone(),
        None => {
            let flow = tokio::select! {
                flow = (subject.open)() => Arc::new(flow?),
                _ = control.stopping.changed() => return Ok(End::Stopped),
            };
            control.report.send_modify(|status| status.openings += 1);
            opened.insert(flow).clone()
        }
    };
    run(&flow, &subject.holder, control).await.map_err(|error| describe(&error))
}

async fn run(flow: &Arc<OpenFlow>, holder: &str, control: &mut Control) -> Result<End, Error> {
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
