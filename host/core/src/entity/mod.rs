//! Entity maps: one owner per field, direction derived.
//!
//! The way through the room: [`yaml`] reads files, with [`fault`] for what is wrong in them; [`map`] is what a file says
//! of an entity, made of [`kind`] (types), [`rule`] (cleaning) and [`predicate`]; [`plan`] is what a flow from one system
//! to another does with it. A change then goes two steps: [`Plan::read`] makes a [`draft`] and lists what must be looked
//! up, so that the look-ups of a page can be one query; [`Draft::finish`] makes a [`verdict`]. [`table`] translates
//! words; [`need`] names what could release a record that was set aside; [`explain`] says of one change how a draft came to be.
//!
//! Invariants: a field travels from its owner only, or once at birth (SOR-01 to SOR-03); nothing is guessed and no
//! digit is rounded; whatever a source sends, a verdict comes back.
//!
//! Decisions:
//! - The map is read from a tree of nodes and not by a derived type: all faults come in one go, and two owners, which
//!   YAML calls a repeated key, get a fault that says so.
//! - A record's state is what the source wrote at the mapped places, not what types and tables made of it: editing a
//!   table or a map then changes no state.
//! - Our own write that comes back is told by the hash of what would be written, which the counterpart's row holds: a hash
//!   of the source's state would be computed for every record and read by nobody.
//! - The hash of a write is that of what an update would carry. A birth may carry more (first values) or less (nothing
//!   to clear); with a hash of its own, the next change that changes nothing would be written once too often (IDE-08).

pub mod draft;
pub mod explain;
pub mod fault;
pub mod kind;
pub mod map;
pub mod need;
mod node;
pub mod place;
pub mod plan;
pub mod predicate;
pub(crate) mod quote;
mod read;
pub mod rule;
pub mod table;
pub mod verdict;
pub mod yaml;

pub use draft::Draft;
pub use explain::Explanation;
pub use fault::Fault;
pub use map::EntityMap;
pub use plan::{MatchField, Plan};
pub use table::{Table, Tables};
pub use verdict::{By, Counterpart, Known, Projection, Reference, Skip, Stop, Verdict};

#[cfg(test)]
pub(crate) mod tests;
