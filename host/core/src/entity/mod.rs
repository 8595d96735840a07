//! Entity maps.

pub mod fault;
pub mod kind;
pub mod need;
mod node;
pub mod predicate;
pub(crate) mod quote;
pub mod table;
pub mod yaml;
