//! Entity maps.

pub mod fault;
pub mod kind;
pub mod map;
pub mod need;
mod node;
pub mod predicate;
pub(crate) mod quote;
pub mod rule;
pub mod table;
pub mod yaml;

pub use fault::Fault;
pub use map::EntityMap;
pub use table::{Table, Tables};
