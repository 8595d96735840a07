//! Conservation: what came in and what became of it, counted in (change, target).
//!
//! At every commit `in = written + unchanged + skipped + held + exceptions + dead letters + in flight`; at rest nothing is
//! in flight. `written`, `unchanged`, `skipped` are counters; `held`, `exceptions`, `dead letters`, `in flight` are counted
//! from the rows that exist, so the equation can fail and is worth checking.

use std::fmt;

/// One flow's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Changes read.
    pub read: u64,
    /// Stored by the target.
    pub written: u64,
    /// The target already held it.
    pub unchanged: u64,
    /// Needed no write: predicate.
    pub skipped_predicate: u64,
    /// Needed no write: a transform of the flow dropped it.
    pub skipped_transform: u64,
    /// Needed no write: our own write came back.
    pub skipped_echo: u64,
    /// Needed no write: a newer change of the same record took its place.
    pub skipped_superseded: u64,
    /// Needed no write: a person discarded it, with a reason.
    pub skipped_discarded: u64,
    /// Wait for something known.
    pub held: u64,
    /// Failed validation.
    pub exceptions: u64,
    /// Parked after the last attempt.
    pub dead_letters: u64,
    /// Decided, not yet answered.
    pub in_flight: u64,
}

impl Tally {
    /// All that needed no write.
    pub fn skipped(&self) -> u64 {
        self.skipped_predicate
            + self.skipped_transform
            + self.skipped_echo
            + self.skipped_superseded
            + self.skipped_discarded
    }

    /// What the changes became.
    pub fn accounted(&self) -> u64 {
        self.written
            + self.unchanged
            + self.skipped()
            + self.held
            + self.exceptions
            + self.dead_letters
            + self.in_flight
    }

    /// Whether nothing vanished and nothing was counted twice.
    pub fn is_conserved(&self) -> bool {
        self.read == self.accounted()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "in {} = written {} + unchanged {} + skipped {} (predicate {}, transform {}, echo {}, superseded {}, discarded {}) + held {} + exceptions {} + dead letters {} + in flight {}",
            self.read,
            self.written,
            self.unchanged,
            self.skipped(),
            self.skipped_predicate,
            self.skipped_transform,
            self.skipped_echo,
            self.skipped_superseded,
            self.skipped_discarded,
            self.held,
            self.exceptions,
            self.dead_letters,
            self.in_flight
        )
    }
}
