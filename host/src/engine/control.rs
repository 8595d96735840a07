//! What a running flow listens to, and what it reports.
//!
//! What people want of a flow stands in the store, so that it survives the process and reaches whichever node runs the
//! flow. The flow looks at it when it is poked and every few seconds; a poke says nothing but "look".

use crate::engine::Error;
use crate::engine::supervise::Subject;
use crate::store::FlowState;
use tokio::sync::watch;
use tollgate_core::model::{At, RunId, limits};

/// What a flow is doing, for people and for tests that wait on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Nothing is open, nothing is ready, and the source said that this was all.
    pub is_idle: bool,
    /// It stands still until somebody resumes it.
    pub is_paused: bool,
    /// How often it was opened by this process: once, and once more whenever it is configured anew.
    pub openings: u64,
    /// The run under way.
    pub run: Option<RunId>,
    /// The newest wish to read ([`super::Handle::read_now`]) that was fulfilled up to the end of the source.
    pub read_up_to: u64,
    /// The newest poke ([`super::Handle::poke`]) that was heeded.
    pub looked: u64,
    /// Commits that changed something; stands still at rest.
    pub commits: u64,
    /// Intents that are decided and not yet answered.
    pub in_flight: usize,
    /// When the source is looked at next; none while a look is under way.
    pub next_read: Option<At>,
    /// Why the flow cannot go on for now.
    pub trouble: Option<String>,
    /// Since when it could not, however often it has tried since.
    pub trouble_since: Option<At>,
}

impl Status {
    /// Takes over why the flow cannot go on; trouble that follows trouble is still the same one.
    pub(super) fn set_trouble(&mut self, trouble: Option<String>, now: At) {
        self.trouble_since = trouble.as_ref().map(|_| self.trouble_since.unwrap_or(now));
        self.trouble = trouble;
    }
}

/// Why a flow stops working for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The host stops, or the flow is opened anew.
    Stopped,
    /// Somebody paused the flow.
    Paused,
    /// Somebody ended the run under way.
    Cancelled,
    /// Somebody wants the source read anew.
    Anew,
}

/// What the loop listens to and reports to.
pub(super) struct Control {
    /// The flow.
    pub(super) subject: Subject,
    /// The newest wish to read.
    pub(super) wanted: watch::Receiver<u64>,
    /// The same from the other side: a wish that came by the store is one like any other.
    pub(super) wish: watch::Sender<u64>,
    pub(super) report: watch::Sender<Status>,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) poked: watch::Receiver<u64>,
    pub(super) woken: watch::Receiver<u64>,
    pub(super) wake: watch::Sender<u64>,
    /// What was wanted at the last look, and when that was; none before the first one.
    pub(super) seen: Option<(FlowState, At)>,
    /// Somebody wanted a start since the work under way was ended, or since that was last acted upon.
    pub(super) is_start_wished: bool,
}

impl Control {
    /// Whether the stretch is to end, or nobody is left who could say so.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow() || self.stopping.has_changed().is_err()
    }

    /// Whether somebody asked for a look that was not taken yet.
    pub(super) fn is_poked(&self) -> bool {
        self.poked.has_changed().unwrap_or(false)
    }

    /// Whether it is time to look at what is wanted.
    pub(super) fn is_look_due(&self, now: At) -> bool {
        self.is_poked() || self.seen.as_ref().is_none_or(|(_, at)| now.since_ms(*at) >= limits::LEASE_RENEW_MS)
    }

    /// Looks at what is wanted; says whether it ends the work under way.
    pub(super) async fn look(&mut self) -> Result<Option<End>, Error> {
        let poke = *self.poked.borrow_and_update();
        let Subject { tenant, name, store, clock, .. } = &self.subject;
        let now = clock.now();
        let state = store.flow_state(tenant, name).await?;
        let before = self.seen.replace((state.clone(), now)).map(|(before, _)| before);
        // What was wished before this process began was done, or is no longer of use.
        let has_grown = |of: fn(&FlowState) -> i64| before.as_ref().is_some_and(|before| of(&state) > of(before));
        let is_started = has_grown(|state| state.starts);
        let end = match () {
            () if state.is_paused => Some(End::Paused),
            () if has_grown(|state| state.cancels) => Some(End::Cancelled),
            () if has_grown(|state| state.anews) => Some(End::Anew),
            () => None,
        };
        if end == Some(End::Cancelled) {
            // An earlier start is cancelled with it; one of the same moment begins the next run.
            self.is_start_wished = false;
        }
        self.is_start_wished |= is_started;
        if is_started {
            self.wish.send_modify(|wanted| *wanted += 1);
        }
        self.report.send_modify(|status| {
            status.looked = poke;
            status.is_paused = state.is_paused;
        });
        Ok(end)
    }

    /// Waits until there is something to do again: a wish, a poke, or this much time. Cancel-safe.
    pub(super) async fn rest(&mut self, delay_ms: u64) {
        // A wish from before is not what is waited for.
        let _ = self.wanted.borrow_and_update();
        if std::mem::take(&mut self.is_start_wished) || self.is_poked() {
            return;
        }
        tokio::select! {
            () = self.subject.clock.sleep_ms(delay_ms) => {}
            _ = self.wanted.changed() => {}
            _ = self.poked.changed() => self.poked.mark_changed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trouble keeps its first instant while it lasts, whatever its text says, and a later one begins anew.
    #[test]
    fn trouble_has_a_beginning() {
        let mut status = Status::default();
        let steps = [(Some("a"), 5, Some(5)), (Some("b"), 9, Some(5)), (None, 10, None), (Some("a"), 11, Some(11))];
        for (trouble, now, since) in steps {
            status.set_trouble(trouble.map(str::to_owned), At(now));
            assert_eq!((status.trouble.as_deref(), status.trouble_since), (trouble, since.map(At)));
        }
    }
}
