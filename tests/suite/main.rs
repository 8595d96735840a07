//! All suites that run in one process.

mod sims;
