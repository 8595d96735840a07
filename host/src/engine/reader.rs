//! Reads the source, one page ahead of the loop.

use crate::engine::Error;
use crate::engine::describe;
use crate::engine::flow::OpenFlow;
use crate::engine::transform::{self, Incoming};
use crate::gate::{CallContext, Purpose};
use crate::store::Checkpoint;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tollgate_core::model::{At, Failure, Next, Page, ReadRequest, RunId, limits};
use tollgate_sandbox::{CallError, CallLimits};

/// A page that went through the flow's transforms.
pub struct ReadPage {
    /// In the order of the cursor.
    pub changes: Vec<Incoming>,
    /// Where to go on.
    pub next: Next,
}

/// What a read ended with.
pub enum Read {
    /// A page.
    Page(ReadPage),
    /// No page for now, and why; the reader tries again by itself.
    Trouble(String),
}

/// Where the flow stands in its source.
pub struct Reader {
    flow: Arc<OpenFlow>,
    cursor: Option<String>,
    /// The cursor that is stored.
    stored: Option<String>,
    /// What is stored or on its way to be.
    passed: Option<Checkpoint>,
    under_way: Option<(u64, JoinHandle<Result<ReadPage, Error>>)>,
    /// Whether the last page, the one that said "caught up", is with the loop and has not passed.
    is_last_page_out: bool,
    is_caught_up: bool,
    /// The wish that the reading since the last "caught up" serves, and the newest one that was fulfilled.
    serving: u64,
    fulfilled: Option<u64>,
    not_before: At,
    failures: u32,
}

impl Reader {
    /// Starts at the checkpoint of this source and of the plugin's format; from the beginning if there is none.
    pub fn new(flow: Arc<OpenFlow>, checkpoints: Vec<Checkpoint>) -> Self {
        let (source, format) = (flow.source(), flow.from.plugin.manifest().plugin.cursor_format);
        let is_anew = !checkpoints.is_empty();
        let is_ours = |found: &Checkpoint| found.source == source && found.cursor_format == format;
        let checkpoint = checkpoints.into_iter().find(is_ours);
        if is_anew && checkpoint.is_none() {
            tracing::warn!(flow = %flow.name, source, format, "no cursor is of this source and format: reading anew");
        }
        Self {
            cursor: checkpoint.as_ref().map(|checkpoint| checkpoint.cursor.clone()),
            stored: checkpoint.as_ref().map(|checkpoint| checkpoint.cursor.clone()),
            passed: checkpoint,
            flow,
            under_way: None,
            is_last_page_out: false,
            is_caught_up: false,
            serving: 0,
            fulfilled: None,
            not_before: At(0),
            failures: 0,
        }
    }

    /// Whether a read is due. `wanted` is the newest wish.
    pub fn is_due(&self, wanted: u64) -> bool {
        if self.under_way.is_some() || self.is_last_page_out {
            return false;
        }
        let is_wished = self.is_caught_up && wanted > self.fulfilled.unwrap_or(0) && self.failures == 0;
        is_wished || self.flow.clock.now() >= self.not_before
    }

    /// Tries again at once after trouble: somebody believes that it is mended.
    pub fn hurry(&mut self) {
        if self.failures > 0 {
            self.not_before = self.flow.clock.now();
        }
    }

    /// Starts a read, as part of a run.
    pub fn start(&mut self, wanted: u64, run: RunId) {
        if self.is_caught_up || self.serving == 0 {
            self.serving = wanted;
        }
        let (flow, cursor) = (self.flow.clone(), self.cursor.clone());
        let purpose =
            if cursor.is_some() && cursor == self.stored { Purpose::ReadFromCheckpoint } else { Purpose::Read };
        self.under_way = Some((self.serving, tokio::spawn(read(flow, (run, purpose), cursor))));
    }

    /// Waits for the read that is under way; for ever if there is none. Cancel-safe.
    ///
    /// # Errors
    /// The plugin broke the contract in a way that trying again cannot mend.
    pub async fn next(&mut self) -> Result<Read, Error> {
        let Some((_, task)) = &mut self.under_way else { return std::future::pending().await };
        let result = task.await.unwrap_or_else(|bug| std::panic::resume_unwind(bug.into_panic()));
        self.under_way = None;
        match result.and_then(|page| self.accept(page)) {
            Ok(page) => {
                self.follow(&page.next);
                Ok(Read::Page(page))
            }
            Err(error) => self.fail(error),
        }
    }

    /// Goes on behind a page while the loop still decides it. What is stored is another matter: that waits its turn.
    fn follow(&mut self, next: &Next) {
        self.failures = 0;
        let checkpoint = self.checkpoint(next);
        self.is_last_page_out = checkpoint.is_caught_up;
        self.is_caught_up = checkpoint.is_caught_up;
        self.cursor = Some(checkpoint.cursor);
        if let Next::Wait(later) = next {
            let after_ms = u64::from(later.after_ms).clamp(limits::RETRY_AFTER_MS_MIN, limits::RETRY_AFTER_MS_MAX);
            self.not_before = self.flow.clock.now().plus_ms(after_ms);
        }
    }

    /// Refuses a page that would make the flow read the same place for ever.
    fn accept(&self, page: ReadPage) -> Result<ReadPage, Error> {
        match &page.next {
            Next::More(cursor) if Some(cursor) == self.cursor.as_ref() => {
                let what = "`source.read` says that there is more, but its cursor did not move";
                Err(unread(&self.flow, CallError::Broke(what.into())))
            }
            _ => Ok(page),
        }
    }

    fn fail(&mut self, error: Error) -> Result<Read, Error> {
        // A transform has no cursor: only the source's word counts.
        if let Error::Read { source: CallError::Failure(Failure::CursorExpired(reason)), .. } = &error
            && self.cursor.is_some()
        {
            tracing::warn!(flow = %self.flow.name, reason, "the cursor is no longer valid: reading anew");
            self.cursor = None;
            return Ok(Read::Trouble(format!("reading anew: {reason}")));
        }
        let delay_ms = limits::RETRY_DELAYS_MS.get(self.failures as usize).copied().unwrap_or(limits::FLOW_PAUSE_MS);
        let asked_ms = match &error {
            Error::Read { source: CallError::Failure(Failure::RateLimited(Some(ms))), .. } => {
                (*ms).clamp(limits::RETRY_AFTER_MS_MIN, limits::RETRY_AFTER_MS_MAX)
            }
            _ => 0,
        };
        self.failures = self.failures.saturating_add(1);
        self.not_before = self.flow.clock.now().plus_ms(delay_ms.max(asked_ms));
        Ok(Read::Trouble(describe(&error)))
    }

    /// The checkpoint behind a page.
    pub fn checkpoint(&self, next: &Next) -> Checkpoint {
        let (cursor, is_caught_up) = match next {
            Next::More(cursor) => (cursor.clone(), false),
            Next::CaughtUp(cursor) => (cursor.clone(), true),
            Next::Wait(later) => (later.ticket.clone(), false),
        };
        let cursor_format = self.flow.from.plugin.manifest().plugin.cursor_format;
        Checkpoint { source: self.flow.source(), cursor_format, cursor, is_caught_up }
    }

    /// Whether this checkpoint says anything new.
    pub fn is_new(&self, checkpoint: &Checkpoint) -> bool {
        self.passed.as_ref() != Some(checkpoint)
    }

    /// The page before this checkpoint has been decided and committed.
    pub fn passed(&mut self, checkpoint: &Checkpoint) {
        if checkpoint.is_caught_up {
            self.is_last_page_out = false;
            self.fulfilled = Some(self.serving);
            self.not_before = self.flow.clock.now().plus_ms(self.flow.every_ms);
        }
        self.passed = Some(checkpoint.clone());
    }

    /// This checkpoint is durable.
    pub fn stored(&mut self, checkpoint: &Checkpoint) {
        self.stored = Some(checkpoint.cursor.clone());
    }

    /// When the next read is due, if none is under way.
    pub fn due(&self) -> Option<At> {
        (self.under_way.is_none() && !self.is_last_page_out).then_some(self.not_before)
    }

    /// The newest wish that was fulfilled up to the end of the source.
    pub fn caught_up_to(&self) -> Option<u64> {
        self.fulfilled
    }

    /// Whether the source had nothing more when it was last read to its end.
    pub fn is_at_rest(&self) -> bool {
        self.is_caught_up && !self.is_last_page_out && self.failures == 0
    }
}

async fn read(
    flow: Arc<OpenFlow>,
    (run, purpose): (RunId, Purpose),
    cursor: Option<String>,
) -> Result<ReadPage, Error> {
    let request = ReadRequest {
        stream: flow.from.stream.name.as_str().into(),
        cursor,
        fields: flow.source_paths(),
        only: Vec::new(),
        overlap_ms: flow.overlap_ms,
    };
    // Reading has no effect, so that it needs no lease: what it finds is only stored under the lease's fence.
    let call = CallContext { run: run.clone(), purpose, seed: flow.new_seed(), lease: Arc::new(|| true) };
    let door = flow.gate.door(flow.from.line.clone(), call);
    let page = flow.from.plugin.read(&request, door.clone(), CallLimits::default()).await;
    let Page { changes, next, .. } = page.map_err(|error| unread(&flow, door.explain(error)))?;
    Ok(ReadPage { changes: transform::apply(&flow, &run, changes).await?, next })
}

fn unread(flow: &OpenFlow, source: CallError) -> Error {
    Error::Read {
        flow: flow.name.clone(),
        connection: flow.from.connection.to_string(),
        stream: flow.from.stream.name.clone(),
        source,
    }
}
