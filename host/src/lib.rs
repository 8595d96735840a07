//! x
pub mod pack;
