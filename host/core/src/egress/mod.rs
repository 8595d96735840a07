//! Which request a plugin may send, and to which addresses. Pure; the gate does what is decided here.
//!
//! The way through: [`decide()`] turns what a plugin asked into a [`CheckedRequest`], or refuses it with a [`Denial`];
//! [`path`] fills the route's template, [`header`] filters what a plugin may say, [`link`] checks a pagination link, the
//! one place where a plugin hands over a URL; [`origin`] reads URLs without ever repairing one; [`address`] judges what a
//! name resolved to; [`sign`] reads what an answer says about limits.
//!
//! Invariants: a [`CheckedRequest`] can only be made here and cannot be changed, so what is checked is what is sent. A
//! value that is not in its canonical form is refused, never mended: two parsers that disagree are two destinations.

pub mod address;
pub mod decide;
pub mod header;
pub mod link;
pub mod origin;
pub mod path;
pub mod sign;
#[cfg(test)]
mod vectors;

pub use address::Refusal;
pub use decide::{CheckedRequest, Purpose, decide};
pub use link::follow;
pub use origin::Origin;

/// Why a request is refused: the rule for machines, the sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {message}")]
pub struct Denial {
    /// A short stable word: `route`, `effect`, `header-forbidden`, `ip-literal`.
    pub rule: &'static str,
    /// What was asked and why it is refused.
    pub message: String,
}

impl Denial {
    /// A denial by `rule`.
    pub fn new(rule: &'static str, message: impl Into<String>) -> Self {
        Self { rule, message: message.into() }
    }
}
