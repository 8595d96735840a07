//! The suites: the rooms of the host together, over real databases, real guests and simulated vendors.

mod sandbox;
mod sims;
mod store;
mod tidy;
