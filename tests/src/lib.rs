//! Simulators and harness: what tests, the demo and benchmarks share. Never shipped.

pub mod database;
pub mod guests;
pub mod postgres;
pub mod process;
