//! x
pub mod guests;
