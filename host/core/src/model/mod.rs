//! The words as plain data: what the rooms hand to each other.
//!
//! Reading order: [`ids`], [`json`], [`record`], [`schema`], [`intent`], [`failure`], [`http`], [`files`] mirror the contract in
//! `wit/`; [`manifest`], [`connection`], [`flow`] are what vendors and admins write; [`tally`], [`audit`] are what the
//! host writes down; [`limits`] bounds all of it.

pub mod audit;
pub mod connection;
pub mod failure;
pub mod files;
pub mod flow;
pub mod http;
pub mod ids;
pub mod intent;
pub mod json;
pub mod limits;
pub mod manifest;
pub mod record;
pub mod schema;
pub mod tally;
pub mod text;

pub use failure::Failure;
pub use ids::*;
pub use intent::{Action, ExternalId, Intent, Outcome, Violation, Written};
pub use json::Json;
pub use manifest::Manifest;
pub use record::{Change, Comparison, Condition, Flag, Later, Next, Operation, Page, ReadRequest};
