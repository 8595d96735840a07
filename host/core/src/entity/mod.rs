//! Entity maps.

pub mod draft;
pub mod fault;
pub mod kind;
pub mod map;
pub mod need;
mod node;
pub mod plan;
pub mod predicate;
pub(crate) mod quote;
mod read;
pub mod rule;
pub mod table;
pub mod verdict;
pub mod yaml;

pub use draft::Draft;
pub use fault::Fault;
pub use map::EntityMap;
pub use plan::{MatchField, Plan};
pub use table::{Table, Tables};
pub use verdict::{By, Counterpart, Known, Projection, Reference, Skip, Stop, Verdict};

#[cfg(test)]
mod tests;
