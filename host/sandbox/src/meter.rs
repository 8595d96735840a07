//! CPU time of one call, counted in ticks.
//!
//! A thread raises the engine's epoch every [`limits::GUEST_TICK_MS`]; a running guest notices at its next loop or
//! function, is charged the ticks that passed since it began to run, and gives way to others. Ticks that pass while
//! it waits (in a host call, or for its turn) are not charged.
//!
//! The grain: a guest ends between its CPU time and its CPU time plus two ticks. A piece of work between two waits is
//! charged for the ticks that fall into it, so a short piece costs nothing or a whole tick, right on average. Time
//! that the operating system takes from this process counts as the guest's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tollgate_core::model::limits;
use wasmtime::Engine;

/// The ticks of one engine, since it was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticks(Arc<AtomicU64>);

impl Ticks {
    /// Starts the thread that raises the epoch of `engine`; it ends with the engine.
    ///
    /// # Errors
    /// The operating system has no thread for it.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let ticks = Self::default();
        let (counter, engine) = (ticks.clone(), engine.weak());
        std::thread::Builder::new().name("guest-ticks".into()).spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(limits::GUEST_TICK_MS));
                let Some(engine) = engine.upgrade() else { return };
                // The counter first: a guest that sees the new epoch must see the tick that it stands for.
                counter.0.fetch_add(1, Ordering::SeqCst);
                engine.increment_epoch();
            }
        })?;
        Ok(ticks)
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// What one call has used. Written by the call's own task only: by the epoch callback and around host calls.
#[derive(Debug)]
pub(crate) struct Meter {
    ticks: Ticks,
    used: AtomicU64,
    /// When the guest last began to run.
    since: AtomicU64,
    most: u64,
}

impl Meter {
    /// A meter for a call of at most `cpu_ms`, running from now on.
    pub(crate) fn new(ticks: Ticks, cpu_ms: u64) -> Self {
        let since = AtomicU64::new(ticks.now());
        Self { ticks, used: AtomicU64::new(0), since, most: cpu_ms.div_ceil(limits::GUEST_TICK_MS) }
    }

    /// Charges what has passed since the guest began to run: it waits from now on.
    pub(crate) fn pause(&self) {
        let now = self.ticks.now();
        let since = self.since.swap(now, Ordering::SeqCst);
        self.used.fetch_add(now.saturating_sub(since), Ordering::SeqCst);
    }

    /// It runs again: what has passed meanwhile is not charged.
    pub(crate) fn resume(&self) {
        self.since.store(self.ticks.now(), Ordering::SeqCst);
    }

    /// Whether more is used than was given.
    pub(crate) fn is_spent(&self) -> bool {
        self.used.load(Ordering::SeqCst) > self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only ticks between a resume and the next pause are charged; the counter is moved by hand.
    #[test]
    fn waiting_is_free() {
        let ticks = Ticks::default();
        let pass = |count| ticks.0.fetch_add(count, Ordering::SeqCst);
        let meter = Meter::new(ticks.clone(), 30);
        pass(2);
        meter.pause();
        pass(1_000);
        meter.resume();
        pass(1);
        meter.pause();
        assert!(!meter.is_spent(), "2 + 1 ticks of 10 ms are 30 ms");
        meter.resume();
        pass(1);
        meter.pause();
        assert!(meter.is_spent());
    }
}
