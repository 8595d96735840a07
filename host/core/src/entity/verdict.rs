//! What becomes of a change: the words between the entity map and the engine.

use crate::model::{Action, EntityName, ExternalId, Flag, Json, SystemName};

/// A record that a change names and that must be known in the target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Its entity.
    pub entity: EntityName,
    /// The system whose data names it.
    pub system: SystemName,
    /// How it is named.
    pub by: By,
}

/// How a record is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// By its key in the source system.
    Key(String),
    /// By its natural key: the canonical value of the first match field of its entity, after any table.
    Natural(String),
}

/// What was last known of this record in the source system.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// [`Projection::state`] of then.
    pub state: &'a str,
    /// [`Projection::is_matched`] of then.
    pub is_matched: bool,
}

/// The record in the target.
#[derive(Clone, Copy, Debug)]
pub struct Counterpart<'a> {
    /// Its key there.
    pub key: &'a str,
    /// The hash of the last [`Verdict::Write`] that was stored; empty if there was none.
    pub hash: &'a str,
    /// Its version there, if it has one.
    pub version: Option<&'a str>,
}

/// What a change says and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// Canonical JSON of all mapped fields of the source that have a value, by field name, as the source wrote them.
    pub state: String,
    /// The natural key, canonical.
    pub natural: Option<String>,
    /// Whether this direction may make the record in the target: it creates there, and the predicate holds.
    pub is_matched: bool,
    /// What becomes of the change.
    pub verdict: Verdict,
}

/// What becomes of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It needs no write.
    Skipped(Skip),
    /// The counterpart already holds exactly this.
    Unchanged,
    /// It waits; what it waits for stands in the needs.
    Held(Vec<Stop>),
    /// It failed validation: an exception. All reasons are listed, those to wait for too.
    Refused(Vec<Stop>),
    /// It is to be written.
    Write {
        /// What to do.
        action: Action,
        /// The target's key, for an update.
        key: Option<String>,
        /// The link, for an upsert.
        external_id: Option<ExternalId>,
        /// What to write, in the target's paths and formats.
        data: Json,
        /// The hash of what an update would carry: equal for a creation and the next change that changes nothing.
        hash: String,
        /// What a person should look at (MAP-06).
        flags: Vec<Flag>,
    },
}

/// Why a change needs no write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// It is not to be made in the target: the predicate does not hold, or this direction makes none.
    Predicate,
    /// A transform of the flow dropped it.
    Transform,
}

/// One reason why a change is not written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Stop {
    /// The field of the map, `items[0].rate` for a field of a line; empty if it is the whole record.
    pub field: String,
    /// A short stable word: `required`, `country`, `reference`.
    pub rule: String,
    /// What is wrong and how to mend it.
    pub message: String,
    /// What could mend or release it ([`crate::entity::need`]); empty if only the source can.
    pub needs: Vec<String>,
}
