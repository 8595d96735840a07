//! Writes: what the host decided (intent) and what became of it (outcome). Mirrors `target` in `wit/exports.wit`.

use crate::model::{Change, Failure, Later};
use serde::{Deserialize, Serialize};

/// What to do with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Make a new one.
    Create,
    /// Change the one with `key`.
    Update,
    /// Change the one with `external_id`, or make it.
    Upsert,
    /// Remove the one with `key`.
    Delete,
}

/// The field of the stream that holds our link, and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalId {
    /// The field's path.
    pub field: String,
    /// Our value.
    pub value: String,
}

/// A write that the host has durably decided, before it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number within its batch.
    pub id: u32,
    /// What to do.
    pub action: Action,
    /// The target's key, for update and delete.
    pub key: Option<String>,
    /// For upsert.
    pub external_id: Option<ExternalId>,
    /// A stale intent is refused by the target where it can.
    pub expected_version: Option<String>,
    /// JSON text; `null` clears a field, an absent one is left alone.
    pub data: String,
}

/// One reason why a record was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The field, in the words of the side that refused it.
    pub field: Option<String>,
    /// A short stable word: `required`, `country`, `length`.
    pub rule: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// What the target stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The target's key.
    pub key: String,
    /// Its version, if it has one.
    pub version: Option<String>,
    /// Whether the record is new.
    pub created: bool,
    /// JSON text: fields that came back in the answer, `{}` if none.
    pub returned: String,
}

/// What became of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Written(Written),
    /// The target already held exactly this.
    Unchanged(Written),
    /// The target refused the record.
    Rejected(Vec<Violation>),
    /// Somebody else was first; what is there now.
    Conflict(Option<Change>),
    /// The record to update no longer exists; the key that replaced it.
    Gone(Option<String>),
    /// Accepted, not done.
    Pending(Later),
    /// Not done, for a reason outside the record.
    Failed(Failure),
    /// Sent, and no usable answer came.
    Unknown(String),
}
