//! The suites: the rooms of the host together, over real databases, real guests and simulated vendors.

mod api;
mod bad_input;
mod canary;
mod configuration;
mod consent;
mod contract;
mod control;
mod file_drop;
mod first_light;
mod hubspot;
mod kill;
mod kit;
mod node;
mod parked;
mod sandbox;
mod sims;
mod steward;
mod store;
mod tidy;
mod transforms;
mod walk;
