//! The store on both databases: every operation, and what must hold whatever happens in between.

mod answers;
mod batches;
mod commits;
mod configuration;
mod leases;
mod opening;
mod records;
mod set_aside;
mod tokens;
