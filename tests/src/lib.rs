//! Simulators and harness: what tests, the demo and benchmarks share. Never shipped.

pub mod data;
pub mod database;
pub mod guests;
pub mod net;
pub mod postgres;
pub mod process;
pub mod sims;
pub mod tls;
pub mod world;
