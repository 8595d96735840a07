//! The loop of one flow: holds the lease, reads ahead, keeps pages in order, waits.
//!
//! One task per flow decides and commits; reading and writing run beside it as tasks of their own, so that a page is
//! read and another is written while a third is decided. The loop does what can be done without waiting, then waits
//! for the first thing that changes that.

use crate::engine::conclude::{self, Concluded};
use crate::engine::control::{Control, End};
use crate::engine::deliver::{Delivered, deliver};
use crate::engine::evaluate::{Decided, evaluate};
use crate::engine::flow::OpenFlow;
use crate::engine::intend::{self, Batch, Intended, Origin, Step};
use crate::engine::lease::Lease;
use crate::engine::pages::Pages;
use crate::engine::reader::{Read, ReadPage, Reader};
use crate::engine::run::{self, Run};
use crate::engine::slices::{Slice, Slices};
use crate::engine::transform::{self, Incoming};
use crate::engine::{Error, describe};
use crate::store::{self, Checkpoint};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tollgate_core::entity::{Table, Tables};
use tollgate_core::model::{At, BatchId, Change, RunId, TableName, limits};

/// What one stretch works on.
pub(super) struct Running<'a> {
    flow: Arc<OpenFlow>,
    control: &'a mut Control,
    lease: Lease,
    /// None between two runs.
    run: Option<Run>,
    reader: Reader,
    /// A page that was read and is not yet decided to its end.
    page: Option<Slices>,
    /// Its next slice, which is decided beside the loop while the one before it is committed.
    ahead: Option<JoinHandle<Result<Decision, Error>>>,
    pages: Pages,
    /// Batches that wait for their turn or for their time.
    queue: VecDeque<Batch>,
    deliveries: JoinSet<Result<Delivered, store::Error>>,
    /// Keys of records that are in flight.
    keys: HashMap<BatchId, Vec<String>>,
    is_ready_checked: bool,
    /// Whether the stretch got somewhere: only then earlier trouble is over.
    has_worked: bool,
    /// Why the last read or write got nowhere.
    read_trouble: Option<String>,
    write_trouble: Option<String>,
}

impl<'a> Running<'a> {
    /// Starts a run and takes up what an earlier one left open.
    pub(super) async fn open(flow: Arc<OpenFlow>, lease: Lease, control: &'a mut Control) -> Result<Self, Error> {
        let checkpoints = flow.store.checkpoints(&flow.tenant, &flow.name).await?;
        run::end_interrupted(&flow, lease.fence).await?;
        let reader = Reader::new(flow.clone(), checkpoints);
        let mut running = Self {
            flow,
            control,
            lease,
            run: None,
            reader,
            page: None,
            ahead: None,
            pages: Pages::default(),
            queue: VecDeque::new(),
            deliveries: JoinSet::new(),
            keys: HashMap::new(),
            is_ready_checked: false,
            has_worked: false,
            read_trouble: None,
            write_trouble: None,
        };
        for row in running.flow.store.batches(&running.flow.tenant, &running.flow.name).await? {
            let corrupt = |source| Error::Corrupt { flow: running.flow.name.clone(), what: "batch", source };
            let batch = Batch::from_row(&row).map_err(corrupt)?;
            running.enqueue(batch);
        }
        Ok(running)
    }

    pub(super) async fn run(&mut self) -> Result<End, Error> {
        let mut end = None;
        loop {
            if self.control.is_look_due(self.flow.clock.now()) {
                end = self.control.look().await?.or(end);
                if end.is_none() && std::mem::take(&mut self.control.is_start_wished) {
                    self.reader.hurry();
                }
            }
            if self.control.is_stopping() {
                end = Some(End::Stopped);
            }
            while end.is_none() && self.advance().await? {}
            self.report();
            self.end_at_rest().await?;
            if let (Some(end), true) = (end, self.deliveries.is_empty()) {
                self.end(end.of_run()).await?;
                self.lease.release(&self.flow).await;
                return Ok(end);
            }
            self.wait().await?;
        }
    }

    /// Ends after trouble. What is under way is waited for, so that the next stretch finds its answers stored and nothing
    /// of this one still leaves.
    pub(super) async fn abandon(&mut self, error: &Error) {
        self.lease.close();
        while self.deliveries.join_next().await.is_some() {}
        self.run_id();
        if let Err(error) = self.end((run::FAILED, &describe(error))).await {
            tracing::warn!(flow = %self.flow.name, error = describe(&error), "the run's end could not be stored");
        }
    }

    /// The run under way; one begins where there is none.
    fn run_id(&mut self) -> RunId {
        self.run.get_or_insert_with(|| Run::new(&self.flow)).row.id.clone()
    }

    async fn end(&mut self, how: (&str, &str)) -> Result<(), Error> {
        let Some(run) = self.run.take() else { return Ok(()) };
        self.control.report.send_modify(|status| status.run = None);
        run.end(&self.flow, self.lease.fence, how).await
    }

    /// Ends the run when nothing is left of it to do; writes down trouble that it has met.
    async fn end_at_rest(&mut self) -> Result<(), Error> {
        let Some(run) = &mut self.run else { return Ok(()) };
        if let Some(trouble) = self.read_trouble.as_ref().or(self.write_trouble.as_ref()) {
            return run.meet(&self.flow, self.lease.fence, trouble).await;
        }
        if self.is_quiet() && self.reader.is_at_rest() { self.end((run::DONE, "")).await } else { Ok(()) }
    }

    /// Whether nothing that was read or taken up is left to do.
    fn is_quiet(&self) -> bool {
        self.page.is_none() && self.keys.is_empty() && self.is_ready_checked
    }

    /// Does one thing that needs no waiting; says whether there was one.
    async fn advance(&mut self) -> Result<bool, Error> {
        self.lease.verify(&self.flow)?;
        if self.control.is_stopping() || self.control.is_poked() {
            return Ok(false);
        }
        if let Some(delivered) = self.deliveries.try_join_next() {
            self.conclude(delivered).await?;
            return Ok(true);
        }
        let wanted = *self.control.wanted.borrow();
        if self.deliver_next() {
            return Ok(true);
        }
        if self.reader.is_due(wanted) {
            let run = self.run_id();
            self.reader.start(wanted, run);
            return Ok(true);
        }
        if self.queue.len() < limits::WRITE_QUEUE_MAX {
            // Not between a decision and its commit: what is taken up could be of the same record.
            if self.ahead.is_none() && !self.is_ready_checked && self.take_up_released().await? {
                return Ok(true);
            }
            if self.decide_slice().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Starts the next delivery whose time has come, if there is room.
    fn deliver_next(&mut self) -> bool {
        if self.deliveries.len() >= limits::WRITE_CALLS_MAX {
            return false;
        }
        let now = self.flow.clock.now();
        let Some(place) = self.queue.iter().position(|batch| batch.due <= now) else { return false };
        let batch = self.queue.remove(place).expect("the place was just found");
        let run = self.run_id();
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
        let run = self.run_id();
        let changes = transform::read_again(&self.flow, &run, changes).await;
        let decision = Decision::of(&self.flow, &run, Slice { changes, superseded: 0 }).await?;
        let intended = intend::commit(self.step(origin, decision.seen_seq, None), decision.changes).await?;
        self.intended(intended);
        Ok(true)
    }

    /// Takes over a page that was read. One that says nothing new is done already.
    fn turn(&mut self, page: ReadPage) {
        let checkpoint = self.reader.checkpoint(&page.next);
        if page.changes.is_empty() && self.pages.is_empty() && !self.reader.is_new(&checkpoint) {
            self.reader.passed(&checkpoint);
            return;
        }
        self.pages.begin(checkpoint.clone());
        self.page = Some(Slices::new(page.changes, checkpoint));
    }

    /// Decides and commits the next slice of the page; says whether there was one.
    async fn decide_slice(&mut self) -> Result<bool, Error> {
        if self.page.is_none() {
            return Ok(false);
        }
        let run = self.run_id();
        let Some(page) = &mut self.page else { return Ok(false) };
        let decision = match self.ahead.take() {
            Some(ahead) => ahead.await.unwrap_or_else(|bug| std::panic::resume_unwind(bug.into_panic()))?,
            None if page.touches(self.keys.values().flatten()) => return Ok(false),
            None => Decision::of(&self.flow, &run, page.take()).await?,
        };
        let decision = if self.flow.clock.now().since_ms(decision.at) < limits::DECISION_AGE_MS_MAX {
            decision
        } else {
            Decision::of(&self.flow, &run, decision.into_slice()).await?
        };
        let is_last = page.is_empty();
        // Only the last slice may store the checkpoint, and only if nothing before it is open.
        let checkpoint = (is_last && self.pages.is_last_free()).then(|| page.checkpoint.clone());
        let keys = self.keys.values().flatten().chain(decision.changes.iter().map(|decided| &decided.change.key));
        // What a search finds depends on what was adopted before.
        if !is_last && self.flow.plan.match_fields().is_empty() && !page.touches(keys) {
            let (flow, slice) = (self.flow.clone(), page.take());
            self.ahead = Some(tokio::spawn(async move { Decision::of(&flow, &run, slice).await }));
        }
        let origin = Origin::Page { superseded: decision.superseded };
        let step = self.step(origin, decision.seen_seq, checkpoint.clone());
        let intended = intend::commit(step, decision.changes).await?;
        if let (Some(checkpoint), true) = (&checkpoint, intended.batches.is_empty()) {
            self.reader.stored(checkpoint);
        }
        let batches = self.intended(intended);
        self.pages.add(batches, is_last);
        if is_last && let Some(page) = self.page.take() {
            self.reader.passed(&page.checkpoint);
        }
        Ok(true)
    }

    /// What a commit of decisions needs to know.
    fn step(&mut self, origin: Origin, seen_seq: i64, checkpoint: Option<Checkpoint>) -> Step<'_> {
        let run = self.run.get_or_insert_with(|| Run::new(&self.flow));
        Step { flow: &self.flow, fence: self.lease.fence, run, origin, seen_seq, checkpoint }
    }

    /// Lines up what is to be written; gives back the batches' ids.
    fn intended(&mut self, intended: Intended) -> Vec<BatchId> {
        self.note_commit(intended.released);
        let ids = intended.batches.iter().map(|batch| batch.id.clone()).collect();
        intended.batches.into_iter().for_each(|batch| self.enqueue(batch));
        ids
    }

    fn enqueue(&mut self, batch: Batch) {
        self.keys.insert(batch.id.clone(), batch.sources.iter().map(|source| source.change.key.clone()).collect());
        self.queue.push_back(batch);
    }

    /// Commits what became of a batch.
    async fn conclude(&mut self, delivered: Finished) -> Result<(), Error> {
        let delivered = delivered.unwrap_or_else(|bug| std::panic::resume_unwind(bug.into_panic()))?;
        let id = delivered.batch.id.clone();
        let checkpoint = self.pages.checkpoint_after(&id).cloned();
        let run = self.run.get_or_insert_with(|| Run::new(&self.flow));
        let Concluded { again, released, trouble } =
            conclude::commit(&self.flow, self.lease.fence, run, delivered, checkpoint.clone()).await?;
        if let (Some(checkpoint), None) = (&checkpoint, &again) {
            self.reader.stored(checkpoint);
        }
        self.note_commit(released);
        self.pages.close(&id, again.as_ref().map(|batch| &batch.id));
        self.keys.remove(&id);
        if let Some(batch) = again {
            self.enqueue(batch);
        }
        self.write_trouble = trouble;
        Ok(())
    }

    /// Waits for the first thing that lets the loop go on.
    async fn wait(&mut self) -> Result<(), Error> {
        let pause_ms = self.pause_ms();
        tokio::select! {
            Some(delivered) = self.deliveries.join_next() => self.conclude(delivered).await?,
            read = self.reader.next(), if self.page.is_none() => match read? {
                Read::Page(page) => {
                    self.read_trouble = None;
                    self.turn(page);
                }
                Read::Trouble(trouble) => self.read_trouble = Some(trouble),
            },
            Ok(()) = self.control.woken.changed() => self.is_ready_checked = false,
            Ok(()) = self.control.wanted.changed() => {}
            Ok(()) = self.control.stopping.changed() => {}
            Ok(()) = self.control.poked.changed() => self.control.poked.mark_changed(),
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
        self.has_worked = true;
        self.control.report.send_modify(|status| status.commits += 1);
        if released > 0 {
            self.is_ready_checked = false;
            self.control.wake.send_modify(|count| *count += 1);
        }
    }

    fn report(&mut self) {
        let in_flight = self.keys.values().map(Vec::len).sum();
        let is_quiet = self.is_quiet();
        self.has_worked |= is_quiet && self.reader.is_at_rest();
        let read_up_to = self.reader.caught_up_to();
        let trouble = self.read_trouble.as_ref().or(self.write_trouble.as_ref());
        let now = self.flow.clock.now();
        self.control.report.send_if_modified(|status| {
            let before = status.clone();
            status.in_flight = in_flight;
            if trouble.is_some() || self.has_worked {
                status.set_trouble(trouble.cloned(), now);
            }
            status.run = self.run.as_ref().map(|run| run.row.id.clone());
            status.next_read = self.reader.due();
            status.is_idle = is_quiet && self.reader.is_at_rest();
            if let (true, Some(wish)) = (is_quiet, read_up_to) {
                status.read_up_to = wish;
            }
            *status != before
        });
    }
}

/// What a task that writes a batch ended with.
type Finished = Result<Result<Delivered, store::Error>, JoinError>;

/// Changes that were decided, to be committed.
struct Decision {
    changes: Vec<Decided>,
    superseded: usize,
    /// The number of the last release before the look-ups.
    seen_seq: i64,
    /// When that was.
    at: At,
}

impl Decision {
    async fn of(flow: &OpenFlow, run: &RunId, slice: Slice) -> Result<Self, Error> {
        let at = flow.clock.now();
        let seen_seq = flow.store.need_seq(&flow.tenant).await?;
        let tables = tables(flow.store.translations(&flow.tenant).await?);
        let changes = evaluate(flow, run, slice.changes, &tables).await?;
        Ok(Self { changes, superseded: slice.superseded, seen_seq, at })
    }

    /// Back to what was to be decided.
    fn into_slice(self) -> Slice {
        let again = |decided: Decided| Incoming { change: decided.change, fate: decided.fate };
        let changes = self.changes.into_iter().map(again).collect();
        Slice { changes, superseded: self.superseded }
    }
}

pub(crate) fn tables(rows: BTreeMap<TableName, BTreeMap<String, String>>) -> Tables {
    rows.into_iter().map(|(name, rows)| (name, Table::from_iter(rows))).collect()
}
