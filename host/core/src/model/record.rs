//! Records as they are read: changes, pages, cursors, conditions. Mirrors `wit/types.wit` and `source`.

use crate::model::StreamName;
use serde::{Deserialize, Serialize};

/// "Ask me again": the plugin is called back with the ticket, not before `after_ms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// The plugin's own note of where it was.
    pub ticket: String,
    /// Milliseconds to wait at least.
    pub after_ms: u32,
    /// Why, for people.
    pub reason: String,
}

/// What happened to a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// `data` is the whole record.
    Whole,
    /// `data` holds only what changed; absent is unknown, `null` is empty.
    Partial,
    /// The record is gone.
    Deleted,
    /// The record was merged into the one with this key.
    MergedInto(String),
}

/// What a person should look at in a record that was written all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// What happened: `defaulted:FIELD`.
    pub flag: String,
    /// Who is to look, if the entity map says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whom: Option<String>,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The stream it belongs to.
    pub stream: StreamName,
    /// The system's own key.
    pub key: String,
    /// What happened.
    pub operation: Operation,
    /// The system's version, compared for equality only.
    pub version: Option<String>,
    /// When the system says that it changed: RFC 3339, UTC.
    pub modified_at: Option<String>,
    /// JSON text; parsed once, by the entity map.
    pub data: String,
}

/// What comes after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read again at once.
    More(String),
    /// Read again from here at the next trigger.
    CaughtUp(String),
    /// Ask again later.
    Wait(Later),
}

/// The changes of one read call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order of the cursor.
    pub changes: Vec<Change>,
    /// Where to go on.
    pub next: Next,
    /// All changes before this instant have been seen.
    pub seen_up_to: Option<String>,
}

/// A comparison with JSON text values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal to this value.
    Equal(String),
    /// Equal to one of these.
    OneOf(Vec<String>),
    /// Not less than this value.
    AtLeast(String),
    /// Less than this value.
    Less(String),
}

/// One condition on a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field's path in the stream's data.
    pub field: String,
    /// What must hold.
    pub is: Comparison,
}

/// What one `source.read` is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// The stream.
    pub stream: StreamName,
    /// Where to go on; none for the first read.
    pub cursor: Option<String>,
    /// Paths that are wanted; empty for all.
    pub fields: Vec<String>,
    /// Conditions to push down.
    pub only: Vec<Condition>,
    /// How far to look back behind the cursor.
    pub overlap_ms: u32,
}
