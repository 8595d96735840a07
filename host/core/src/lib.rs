//! The words of Tollgate as plain data, and every decision that needs no I/O.
//!
//! - [`model`]: the words of the product, one meaning each;
//! - [`entity`]: entity maps: one owner per field, direction derived;
//! - [`egress`]: which request a plugin may send, and to which addresses;
//! - [`retry`]: what happens after a failure.
//!
//! Nothing here reads a clock, a file, a socket or a random number: time and randomness are arguments.

pub mod egress;
pub mod entity;
pub mod model;
pub mod retry;
