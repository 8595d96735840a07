//! What the vendor did with the records that were sent to it, counted where it is done.

use super::Json;
use serde_json::json;

/// What was done to one kind of record through the API.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writes {
    /// Records in write calls, refused ones included.
    pub received: u64,
    /// Records made.
    pub created: u64,
    /// Records changed, or written again with the same values.
    pub updated: u64,
    /// Records refused.
    pub rejected: u64,
}

impl Writes {
    /// The counters as JSON.
    #[must_use]
    pub fn report(&self) -> Json {
        let Self { received, created, updated, rejected } = self;
        json!({ "received": received, "created": created, "updated": updated, "rejected": rejected })
    }
}
