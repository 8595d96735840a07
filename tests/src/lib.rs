//! What the suites, the demo and the benchmarks share. Never shipped.

pub mod net;
pub mod sims;
pub mod tls;
