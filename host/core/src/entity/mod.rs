//! Entity maps.

pub mod fault;
pub mod kind;
mod node;
pub(crate) mod quote;
pub mod yaml;
