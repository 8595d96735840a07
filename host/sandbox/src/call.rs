//! One call: its limits, what it has used, and how its end is told apart.
//!
//! Each call has a store and an instance of its own, made for it and dropped with it: nothing of a guest survives its
//! call, and a trap leaves nothing behind to be used again.

use crate::broker::{Broker, Level};
use crate::error::{CallError, Ending};
use crate::line;
use crate::meter::Meter;
use std::sync::Arc;
use tollgate_core::model::limits;
use wasmtime::{ResourceLimiter, Trap};

/// What one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// CPU time, waiting not counted; in steps of [`limits::GUEST_TICK_MS`].
    pub cpu_ms: u64,
    /// Wall time, waiting for the system included.
    pub wall_ms: u64,
    /// Linear memory; more than [`limits::GUEST_MEMORY_BYTES_MAX`] has no effect.
    pub memory_bytes: usize,
    /// Requests.
    pub requests: u32,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            cpu_ms: limits::GUEST_CPU_MS_MAX,
            wall_ms: limits::GUEST_WALL_MS_MAX,
            memory_bytes: limits::GUEST_MEMORY_BYTES_MAX,
            requests: limits::GUEST_REQUESTS_MAX,
        }
    }
}

/// Why the host stops a guest. Travels through wasmtime as the reason of a trap.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("its CPU time is spent")]
    Cpu,
    #[error("it wants more memory than it may have")]
    Memory,
    #[error("it makes more requests than it may")]
    Requests,
    #[error("{0}")]
    Broke(String),
}

/// What a store holds: all that the guest can reach, and what it has used. Lives as long as its call.
pub(crate) struct State {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) meter: Arc<Meter>,
    memory: Memory,
    requests_left: u32,
    lines: u32,
    last_error: Option<String>,
}

impl State {
    pub(crate) fn new(broker: Arc<dyn Broker>, meter: Arc<Meter>, limits: &CallLimits) -> Self {
        let memory = Memory { bytes_max: limits.memory_bytes };
        Self { broker, meter, memory, requests_left: limits.requests, lines: 0, last_error: None }
    }

    pub(crate) fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.memory
    }

    /// Takes `count` requests from what is left; the call ends when there are not so many.
    pub(crate) fn take_requests(&mut self, count: usize) -> wasmtime::Result<()> {
        let left = u32::try_from(count).ok().and_then(|count| self.requests_left.checked_sub(count));
        self.requests_left = left.ok_or(Stop::Requests)?;
        Ok(())
    }

    pub(crate) fn requests_left(&self) -> u32 {
        self.requests_left
    }

    /// Passes a line on, cut and plain; after [`limits::LOG_LINES_MAX`] lines only counts. Cut first: what is spelled out
    /// is longer, and a guest's line may have megabytes.
    pub(crate) fn log(&mut self, level: Level, text: String) {
        let is_dropped = self.lines >= limits::LOG_LINES_MAX;
        self.lines = self.lines.saturating_add(1);
        if is_dropped && level != Level::Error {
            return;
        }
        let text = line::cut(text, limits::LOG_LINE_BYTES_MAX);
        let text = line::cut(line::plain(&text).into_owned(), limits::LOG_LINE_BYTES_MAX);
        if !is_dropped {
            self.broker.log(level, &text);
        }
        // Kept even when lines are dropped: it explains the crash that may follow.
        if level == Level::Error {
            self.last_error = Some(text);
        }
    }

    /// Says how many lines were dropped, if any.
    pub(crate) fn close_log(&self) {
        let dropped = self.lines.saturating_sub(limits::LOG_LINES_MAX);
        if dropped > 0 {
            self.broker.log(Level::Warn, &format!("{dropped} further lines of this call were dropped"));
        }
    }

    /// What the end of a guest means.
    pub(crate) fn explain(&self, error: &wasmtime::Error) -> CallError {
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return match stop {
                Stop::Cpu => CallError::Ended(Ending::Cpu),
                Stop::Memory => CallError::Ended(Ending::Memory),
                Stop::Requests => CallError::Ended(Ending::Requests),
                Stop::Broke(what) => CallError::Broke(what.clone()),
            };
        }
        let Some(trap) = error.downcast_ref::<Trap>() else {
            // Neither ours nor a trap: the guest handed over something that is no value of the contract's types.
            return CallError::Broke(line::cut(error.root_cause().to_string(), limits::SENTENCE_BYTES_MAX));
        };
        CallError::Ended(Ending::Trap(match &self.last_error {
            Some(line) => format!("{line} ({trap})"),
            None => trap.to_string(),
        }))
    }
}

/// Bounds memory and tables. A growth that is refused ends the call: a guest that saw it fail would only abort without
/// saying why.
struct Memory {
    bytes_max: usize,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // The module's own maximum is its own business: such a growth fails in the guest, as it asked.
        match desired > self.bytes_max.min(limits::GUEST_MEMORY_BYTES_MAX) {
            true => Err(Stop::Memory.into()),
            false => Ok(maximum.is_none_or(|maximum| desired <= maximum)),
        }
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        match desired > limits::GUEST_TABLE_ELEMENTS_MAX {
            true => Err(Stop::Memory.into()),
            false => Ok(maximum.is_none_or(|maximum| desired <= maximum)),
        }
    }

    fn instances(&self) -> usize {
        limits::GUEST_CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        limits::GUEST_TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        1
    }
}
