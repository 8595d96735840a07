//! What the suites, the demo and the benchmarks share. Never shipped.

pub mod data;
pub mod net;
pub mod sims;
pub mod tls;
