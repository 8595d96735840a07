//! The suites: the rooms of the host together, over real databases, real guests and simulated vendors.

mod api;
mod bad_input;
mod canary;
mod configuration;
mod contract;
mod first_light;
mod kill;
mod node;
mod parked;
mod sandbox;
mod sims;
mod steward;
mod store;
mod tidy;
