//! The loop of one flow: holds the lease, reads ahead, keeps pages in order, waits.
//!
//! One task per flow decides and commits; reading and writing run beside it as tasks of their own, so that a page is
//! read and another is written while a third is decided. The loop does what can be done without waiting, then waits
//! for the first thing that changes that.

use crate::engine::Error;
use crate::engine::conclude::{self, Concluded};
use crate::engine::deliver::{Delivered, deliver};
use crate::engine::evaluate::evaluate;
use crate::engine::flow::OpenFlow;
use crate::engine::intend::{self, Batch, Origin, Step};
use crate::engine::lease::Lease;
use crate::engine::pages::Pages;
use crate::engine::reader::{Read, Reader};
use crate::store::{self, Checkpoint, RunRow};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tollgate_core::entity::{Table, Tables};
use tollgate_core::model::{BatchId, Change, Page, TableName, audit, limits};

/// What a flow is doing, for people and for tests that wait on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Nothing is open, nothing is ready, and the source said that this was all.
    pub is_idle: bool,
    /// The newest wish to read ([`Handle::read_now`]) that was fulfilled up to the end of the source.
    pub read_up_to: u64,
    /// Commits that changed something; stands still at rest.
    pub commits: u64,
    /// Intents that are decided and not yet answered.
    pub in_flight: usize,
    /// Why the flow cannot go on for now.
    pub trouble: Option<String>,
}

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

/// What the loop listens to and reports to.
struct Control {
    wanted: watch::Receiver<u64>,
    report: watch::Sender<Status>,
    stopping: watch::Receiver<bool>,
    woken: watch::Receiver<u64>,
    wake: watch::Sender<u64>,
}

/// Runs the loop again after trouble, slower each time up to a minute; a lease that is held elsewhere is waited for.
async fn supervise(flow: Arc<OpenFlow>, holder: String, mut control: Control) {
    let mut failures: u32 = 0;
    while !*control.stopping.borrow() {
        let error = match Lease::claim(&flow, &holder).await {
            Ok(Some(lease)) => match Running::open(flow.clone(), lease, &mut control).await {
                Ok(mut running) => {
                    failures = 0;
                    match running.run().await {
                        Ok(()) => return,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            },
            Ok(None) => Error::Fenced(flow.name.clone()),
            Err(error) => error,
        };
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

/// An error with its causes, on one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// One stretch of running, from a claimed lease to its end.
struct Running<'a> {
    flow: Arc<OpenFlow>,
    control: &'a mut Control,
    lease: Lease,
    run: RunRow,
    reader: Reader,
    /// A page that was read and not yet decided.
    page: Option<Page>,
    pages: Pages,
    /// Batches that wait for their turn or for their time.
    queue: VecDeque<Batch>,
    deliveries: JoinSet<Result<Delivered, store::Error>>,
    /// Keys of records that are in flight.
    keys: HashMap<BatchId, Vec<String>>,
    is_ready_checked: bool,
}

impl<'a> Running<'a> {
    /// Starts a run and takes up what an earlier one left open.
    async fn open(flow: Arc<OpenFlow>, lease: Lease, control: &'a mut Control) -> Result<Self, Error> {
        let checkpoint = flow.store.checkpoint(&flow.tenant, &flow.name).await?;
        let run = RunRow {
            id: flow.new_run(),
            flow: flow.name.clone(),
            started: flow.clock.now(),
            ended: None,
            state: "running".into(),
            detail: String::new(),
        };
        let reader = Reader::new(flow.clone(), run.id.clone(), checkpoint);
        let mut running = Self {
            flow,
            control,
            lease,
            run,
            reader,
            page: None,
            pages: Pages::default(),
            queue: VecDeque::new(),
            deliveries: JoinSet::new(),
            keys: HashMap::new(),
            is_ready_checked: false,
        };
        running.store_run("run.start").await?;
        for row in running.flow.store.batches(&running.flow.tenant, &running.flow.name).await? {
            let corrupt = |source| Error::Corrupt { flow: running.flow.name.clone(), what: "batch", source };
            let batch = Batch::from_row(&row).map_err(corrupt)?;
            running.enqueue(batch);
        }
        running.control.report.send_modify(|status| status.trouble = None);
        Ok(running)
    }

    async fn run(&mut self) -> Result<(), Error> {
        loop {
            while self.advance().await? {}
            self.report();
            if *self.control.stopping.borrow() && self.deliveries.is_empty() {
                self.run.ended = Some(self.flow.clock.now());
                self.run.state = "stopped".into();
                self.store_run("run.stop").await?;
                self.lease.release(&self.flow).await;
                return Ok(());
            }
            self.wait().await?;
        }
    }

    /// Does one thing that needs no waiting; says whether there was one.
    async fn advance(&mut self) -> Result<bool, Error> {
        self.lease.keep(&self.flow).await?;
        if *self.control.stopping.borrow() {
            return Ok(false);
        }
        if self.deliver_next() {
            return Ok(true);
        }
        if self.queue.len() < limits::WRITE_QUEUE_MAX {
            if !self.is_ready_checked && self.take_up_released().await? {
                return Ok(true);
            }
            if let Some(page) = self.page.take_if(|page| !touches(page, &self.keys)) {
                self.decide_page(page).await?;
                return Ok(true);
            }
        }
        let wanted = *self.control.wanted.borrow();
        Ok(self.reader.start(wanted))
    }

    /// Starts the next delivery whose time has come, if there is room.
    fn deliver_next(&mut self) -> bool {
        if self.deliveries.len() >= limits::WRITE_CALLS_MAX {
            return false;
        }
        let now = self.flow.clock.now();
        let Some(place) = self.queue.iter().position(|batch| batch.due <= now) else { return false };
        let batch = self.queue.remove(place).expect("the place was just found");
        let run = self.run.id.clone();
        self.deliveries.spawn(deliver(self.flow.clone(), run, batch, self.lease.check(&self.flow)));
        true
    }

    /// Takes up records whose need was satisfied; says whether there were any.
    async fn take_up_released(&mut self) -> Result<bool, Error> {
        self.control.woken.mark_unchanged();
        let rows = self.flow.store.ready(&self.flow.tenant, &self.flow.name, limits::RELEASE_MAX).await?;
        if rows.is_empty() {
            self.is_ready_checked = true;
            return Ok(false);
        }
        let corrupt = |source| Error::Corrupt { flow: self.flow.name.clone(), what: "set-aside change", source };
        let changes: Vec<Change> =
            rows.iter().map(|row| serde_json::from_str(&row.change)).collect::<Result<_, _>>().map_err(corrupt)?;
        let origin = Origin::Released(rows.into_iter().map(|row| (row.key.clone(), row)).collect());
        self.decide(changes, origin, None).await?;
        Ok(true)
    }

    /// Decides a page slice by slice: what one slice intends is on its way while the next one is decided.
    async fn decide_page(&mut self, page: Page) -> Result<(), Error> {
        let read = page.changes.len();
        let checkpoint = self.reader.checkpoint(&page.next);
        let mut changes = last_per_key(page.changes);
        if read == 0 && self.pages.is_empty() && !self.reader.is_new(&checkpoint) {
            self.reader.passed(&checkpoint);
            return Ok(());
        }
        let mut superseded = read - changes.len();
        let mut open = Vec::new();
        loop {
            let later = changes.split_off(changes.len().min(limits::DECIDE_SLICE_MAX));
            let origin = Origin::Page { superseded: std::mem::take(&mut superseded) };
            // Only the last slice may store the checkpoint, and only if nothing before it is open.
            let is_closed = later.is_empty() && open.is_empty() && self.pages.is_empty();
            open.extend(self.decide(changes, origin, is_closed.then(|| checkpoint.clone())).await?);
            if later.is_empty() {
                break;
            }
            changes = later;
            while self.deliver_next() {}
        }
        self.reader.passed(&checkpoint);
        if !(self.pages.is_empty() && open.is_empty()) {
            self.pages.push(checkpoint, open);
        }
        Ok(())
    }

    /// Decides changes, commits the decisions, and lines up what is to be written; gives back the batches' ids.
    async fn decide(
        &mut self,
        changes: Vec<Change>,
        origin: Origin,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Vec<BatchId>, Error> {
        let flow = self.flow.clone();
        let seen_seq = flow.store.need_seq(&flow.tenant).await?;
        let tables = tables(flow.store.translations(&flow.tenant).await?);
        let decided = evaluate(&flow, &self.run.id, changes, &tables).await?;
        let step = Step { flow: &flow, fence: self.lease.fence, run: &self.run.id, origin, seen_seq, checkpoint };
        let intended = intend::commit(step, decided).await?;
        self.note_commit(intended.released);
        let ids = intended.batches.iter().map(|batch| batch.id.clone()).collect();
        for batch in intended.batches {
            self.enqueue(batch);
        }
        Ok(ids)
    }

    fn enqueue(&mut self, batch: Batch) {
        self.keys.insert(batch.id.clone(), batch.sources.iter().map(|source| source.change.key.clone()).collect());
        self.queue.push_back(batch);
    }

    /// Commits what became of a batch.
    async fn conclude(&mut self, delivered: Delivered) -> Result<(), Error> {
        let id = delivered.batch.id.clone();
        let checkpoint = self.pages.checkpoint_after(&id).cloned();
        let Concluded { again, released, trouble } =
            conclude::commit(&self.flow, self.lease.fence, &self.run.id, delivered, checkpoint).await?;
        self.note_commit(released);
        self.pages.close(&id, again.as_ref().map(|batch| &batch.id));
        self.keys.remove(&id);
        if let Some(batch) = again {
            self.enqueue(batch);
        }
        self.control.report.send_modify(|status| status.trouble = trouble);
        Ok(())
    }

    /// Waits for the first thing that lets the loop go on.
    async fn wait(&mut self) -> Result<(), Error> {
        let pause_ms = self.pause_ms();
        tokio::select! {
            Some(delivered) = self.deliveries.join_next() => {
                let delivered = delivered.unwrap_or_else(|bug| std::panic::resume_unwind(bug.into_panic()))?;
                self.conclude(delivered).await?;
            }
            read = self.reader.next(), if self.page.is_none() => match read? {
                Read::Page(page) => self.page = Some(page),
                Read::Trouble(trouble) => self.control.report.send_modify(|status| status.trouble = Some(trouble)),
            },
            _ = self.control.woken.changed() => self.is_ready_checked = false,
            _ = self.control.wanted.changed() => {}
            _ = self.control.stopping.changed() => {}
            () = self.flow.clock.sleep_ms(pause_ms) => self.is_ready_checked = false,
        }
        Ok(())
    }

    /// Until the next retry, the next look at the source or the next renewal of the lease.
    fn pause_ms(&self) -> u64 {
        let now = self.flow.clock.now();
        let room = self.deliveries.len() < limits::WRITE_CALLS_MAX;
        let due = self.queue.iter().filter(|_| room).map(|batch| batch.due).min();
        let next = [due, self.reader.due()].into_iter().flatten().map(|at| at.since_ms(now)).min();
        next.unwrap_or(limits::LEASE_RENEW_MS).clamp(1, limits::LEASE_RENEW_MS)
    }

    fn note_commit(&mut self, released: u64) {
        self.control.report.send_modify(|status| status.commits += 1);
        if released > 0 {
            self.is_ready_checked = false;
            self.control.wake.send_modify(|count| *count += 1);
        }
    }

    fn report(&mut self) {
        let in_flight = self.keys.values().map(Vec::len).sum();
        let is_quiet = self.page.is_none() && self.keys.is_empty() && self.is_ready_checked;
        let read_up_to = self.reader.caught_up_to();
        self.control.report.send_if_modified(|status| {
            let before = status.clone();
            status.in_flight = in_flight;
            status.is_idle = is_quiet && self.reader.is_at_rest();
            if let (true, Some(wish)) = (is_quiet, read_up_to) {
                status.read_up_to = wish;
            }
            *status != before
        });
    }

    async fn store_run(&self, action: &str) -> Result<(), Error> {
        let record =
            audit::Record::new("engine", action, format!("flow:{}", self.flow.name), format!("run {}", self.run.id));
        let mut commit = self.flow.store.begin(&self.flow.tenant, record, self.flow.clock.now()).await?;
        intend::guard(&mut commit, &self.flow, self.lease.fence).await?;
        commit.put_run(&self.run, self.lease.fence).await?;
        Ok(commit.finish().await?)
    }
}

fn tables(rows: BTreeMap<TableName, BTreeMap<String, String>>) -> Tables {
    rows.into_iter().map(|(name, rows)| (name, Table::from_iter(rows))).collect()
}

/// Whether the page holds a key that is in flight: then it waits, so that the order per key is kept.
fn touches(page: &Page, in_flight: &HashMap<BatchId, Vec<String>>) -> bool {
    if in_flight.is_empty() {
        return false;
    }
    let keys: HashSet<&str> = in_flight.values().flatten().map(String::as_str).collect();
    page.changes.iter().any(|change| keys.contains(change.key.as_str()))
}

/// The last change of each key, in order of that change.
fn last_per_key(changes: Vec<Change>) -> Vec<Change> {
    let mut seen = HashSet::with_capacity(changes.len());
    let mut last: Vec<Change> = changes.into_iter().rev().filter(|change| seen.insert(change.key.clone())).collect();
    last.reverse();
    last
}
