//! x
pub mod broker;
pub use broker::{Allowance, Broker, Level};
mod bindings;
mod line;
mod meter;
pub mod profile;
