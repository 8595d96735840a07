//! Why a plugin's call did not succeed, named by what the host does about it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The plugin's classification; the host alone decides what follows ([`crate::retry`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Time-out, lock, 5xx: back off.
    Transient(String),
    /// Throttled; milliseconds to wait if the system said so.
    RateLimited(Option<u64>),
    /// The credential was refused although it was renewed.
    Unauthorized(String),
    /// A person must change the connection.
    Misconfigured(String),
    /// Start the stream anew.
    CursorExpired(String),
    /// The plugin does not do this.
    Unsupported(String),
    /// The plugin or the system broke its own rules.
    Fault(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Transient(text) => write!(f, "transient: {text}"),
            Failure::RateLimited(Some(ms)) => write!(f, "rate limited for {ms} ms"),
            Failure::RateLimited(None) => f.write_str("rate limited"),
            Failure::Unauthorized(text) => write!(f, "unauthorized: {text}"),
            Failure::Misconfigured(text) => write!(f, "misconfigured: {text}"),
            Failure::CursorExpired(text) => write!(f, "cursor expired: {text}"),
            Failure::Unsupported(text) => write!(f, "unsupported: {text}"),
            Failure::Fault(text) => write!(f, "fault: {text}"),
        }
    }
}
