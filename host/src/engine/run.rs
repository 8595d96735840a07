//! One execution of a flow: it begins with a trigger (a look at the source, something to take up again) and ends when
//! nothing is left to do.
//!
//! Its row comes with its first commit that counts something, so that it costs the write path one statement and a look
//! that finds nothing leaves no row. Only its end, and trouble, have commits of their own.

use crate::engine::Error;
use crate::engine::control::End;
use crate::engine::flow::OpenFlow;
use crate::engine::intend::guard;
use crate::store::{Commit, RunCounts, RunRow};
use std::sync::atomic::{AtomicBool, Ordering};
use tollgate_core::model::{Fence, audit};

/// Under way.
pub const RUNNING: &str = "running";
/// The source was read to its end and nothing was left to do.
pub const DONE: &str = "done";
/// It met an error; the flow tries again in another run.
pub const FAILED: &str = "failed";
/// The flow was paused.
pub const PAUSED: &str = "paused";
/// A person ended it.
pub const CANCELLED: &str = "cancelled";
/// The host was stopped.
pub const STOPPED: &str = "stopped";
/// Its process ended without a word.
pub const INTERRUPTED: &str = "interrupted";
/// Every state that a run can have.
pub const STATES: [&str; 7] = [RUNNING, DONE, FAILED, PAUSED, CANCELLED, STOPPED, INTERRUPTED];

impl End {
    /// The state of a run that ended so, and why.
    pub(super) fn of_run(self) -> (&'static str, &'static str) {
        match self {
            End::Stopped => (STOPPED, ""),
            End::Paused => (PAUSED, ""),
            End::Cancelled => (CANCELLED, ""),
            End::Anew => (CANCELLED, "the source is read anew"),
        }
    }
}

/// A run under way.
pub struct Run {
    /// What is stored of it, as far as this process says it; the counts are added up in the store.
    pub row: RunRow,
    /// Whether a commit may have made its row.
    is_stored: AtomicBool,
}

impl Run {
    /// A run that begins now and has no row yet.
    pub fn new(flow: &OpenFlow) -> Self {
        let row = RunRow {
            id: flow.new_run(),
            flow: flow.name.clone(),
            started: flow.clock.now(),
            ended: None,
            state: RUNNING.into(),
            detail: String::new(),
            trouble: String::new(),
            counts: RunCounts::default(),
        };
        Self { row, is_stored: AtomicBool::new(false) }
    }

    /// Adds to what the run moved, in a commit that happens anyway.
    ///
    /// # Errors
    /// The store.
    pub async fn add(&self, commit: &mut Commit, counts: RunCounts, fence: Fence) -> Result<(), Error> {
        if counts == RunCounts::default() {
            return Ok(());
        }
        self.is_stored.store(true, Ordering::Relaxed);
        Ok(commit.add_run(&self.row, &counts, fence).await?)
    }

    /// Writes down trouble that the run has met, once.
    pub(super) async fn meet(&mut self, flow: &OpenFlow, fence: Fence, trouble: &str) -> Result<(), Error> {
        if self.row.trouble == trouble {
            return Ok(());
        }
        trouble.clone_into(&mut self.row.trouble);
        self.store(flow, fence, "run.trouble").await
    }

    /// Ends the run; one that moved nothing, met no trouble and ended by itself leaves no row.
    pub(super) async fn end(
        mut self,
        flow: &OpenFlow,
        fence: Fence,
        (state, detail): (&str, &str),
    ) -> Result<(), Error> {
        let has_row = self.is_stored.load(Ordering::Relaxed);
        if !has_row && state != FAILED {
            return Ok(());
        }
        self.row.ended = Some(flow.clock.now());
        state.clone_into(&mut self.row.state);
        detail.clone_into(&mut self.row.detail);
        self.store(flow, fence, "run.end").await
    }

    async fn store(&self, flow: &OpenFlow, fence: Fence, action: &str) -> Result<(), Error> {
        self.is_stored.store(true, Ordering::Relaxed);
        let detail = format!("run {} {}", self.row.id, self.row.state);
        let record = audit::Record::new("engine", action, format!("flow:{}", flow.name), detail);
        let mut commit = flow.store.begin(&flow.tenant, record, flow.clock.now()).await?;
        guard(&mut commit, flow, fence).await?;
        commit.put_run(&self.row, fence).await?;
        Ok(commit.finish().await?)
    }
}

/// Ends what a process left behind that ended without a word.
pub(super) async fn end_interrupted(flow: &OpenFlow, fence: Fence) -> Result<(), Error> {
    if !flow.store.has_open_runs(&flow.tenant, &flow.name).await? {
        return Ok(());
    }
    let record = audit::Record::new("engine", "run.end", format!("flow:{}", flow.name), INTERRUPTED);
    let mut commit = flow.store.begin(&flow.tenant, record, flow.clock.now()).await?;
    guard(&mut commit, flow, fence).await?;
    commit.end_open_runs(&flow.name, INTERRUPTED, fence).await?;
    Ok(commit.finish().await?)
}
