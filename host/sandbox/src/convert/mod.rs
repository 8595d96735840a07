//! Between the contract's types and the model's: [`outward`] to a guest, [`inward`] from it.
//!
//! Invariant: nothing comes inward without a bound. What breaks one is named by its place (`changes[3].key`), so that a
//! vendor finds it.

pub(crate) mod inward;
pub(crate) mod outward;
mod schema;
