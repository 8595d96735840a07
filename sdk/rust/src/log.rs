//! Lines to the host's log: at most 4 KiB each and 1,000 a call; the host cuts what is longer. Name records by key and
//! never print their data.

use crate::{bindings::tollgate::plugin::log::Level, host};
use std::fmt::Display;

/// Something is broken.
pub fn error(text: impl Display) {
    host::log(Level::Error, &text.to_string());
}

/// Something is odd.
pub fn warn(text: impl Display) {
    host::log(Level::Warn, &text.to_string());
}

/// Something happened.
pub fn info(text: impl Display) {
    host::log(Level::Info, &text.to_string());
}

/// For the author.
pub fn debug(text: impl Display) {
    host::log(Level::Debug, &text.to_string());
}
