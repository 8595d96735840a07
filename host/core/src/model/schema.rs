//! What a connector says of its system: the account and its streams. Mirrors `setup` in `wit/exports.wit`.

use serde::{Deserialize, Serialize};

/// The remote account that the credentials lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The system's id of it.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Edition or plan.
    pub edition: Option<String>,
    /// Anything else, as JSON text.
    pub facts: String,
}

/// The kinds of value a field can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// Text.
    Text,
    /// An exact decimal.
    Decimal,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// One of `choices`.
    Choice,
    /// A key of another stream.
    Reference,
    /// Lines.
    List,
    /// Members.
    Object,
}

/// One field of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Dotted path, `item.items[].rate` for a field of a line.
    pub path: String,
    /// For people.
    pub label: String,
    /// Its kind.
    pub of: FieldType,
    /// The system refuses a record without it.
    pub required: bool,
    /// May be set when a record is made.
    pub creatable: bool,
    /// May be changed later.
    pub updatable: bool,
    /// Made by the customer.
    pub custom: bool,
    /// Characters.
    pub length_max: Option<u32>,
    /// Digits after the point.
    pub scale: Option<u8>,
    /// Allowed values.
    pub choices: Vec<String>,
    /// Streams that a reference may point to.
    pub refers_to: Vec<String>,
}

/// What reading a stream can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Only what changed since the cursor.
    pub incremental: bool,
    /// Deletions are reported.
    pub deletes: bool,
    /// Merges are reported.
    pub merges: bool,
    /// Conditions are pushed down.
    pub filters: bool,
    /// A read without a cursor returns everything.
    pub backfill: bool,
}

/// What writing to a stream can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writing {
    /// Make new records.
    pub create: bool,
    /// Change records by key.
    pub update: bool,
    /// Change or make records by external id.
    pub upsert: bool,
    /// Remove records.
    pub delete: bool,
    /// Absent fields are left alone.
    pub partial: bool,
    /// Stale writes are refused.
    pub expected_version: bool,
}

/// What makes it harmless to send the same write again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SafeRepeat {
    /// Nothing.
    None,
    /// An idempotency key, honoured for this many seconds.
    Key(u64),
    /// An upsert by an external id.
    ExternalId,
    /// The record can be found again.
    ReadBack,
}

/// A stream, as the connector describes it for this account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name in the system.
    pub name: String,
    /// For people.
    pub label: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// What reading can do.
    pub reading: Reading,
    /// What writing can do.
    pub writing: Writing,
    /// Fields that conditions of a read may name.
    pub filterable: Vec<String>,
    /// Fields that a search may name.
    pub matchable: Vec<String>,
    /// Whether a write may be repeated.
    pub repeat: SafeRepeat,
    /// Most intents in one write.
    pub write_max: u32,
}
