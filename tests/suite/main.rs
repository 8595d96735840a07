//! The host in one process: every room against its neighbours.

mod store;
