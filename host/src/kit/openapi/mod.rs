//! From an OpenAPI 3 document to the beginning of a plugin: routes, endpoint and tables of fields. What cannot be taken
//! over is said in notes, never left out in silence.

mod fields;
mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{manifest, notes, streams};

use tollgate_core::model::manifest::Effect;
use tollgate_core::model::schema::FieldType;

/// What a document says, as far as a plugin can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Api {
    /// The vendor's name for it.
    pub(super) title: String,
    /// The host, or `*.` and a domain.
    pub(super) host: String,
    pub(super) routes: Vec<Route>,
    pub(super) streams: Vec<Stream>,
    /// What was not taken over, or must be confirmed.
    pub(super) notes: Vec<String>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) effect: Effect,
}

/// An operation that lists records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) route: String,
    /// JSON pointer to the list in the answer.
    pub(super) items: String,
    pub(super) key: String,
    pub(super) fields: Vec<Field>,
    pub(super) paged_by: Vec<String>,
    /// Headers that each request needs, and the settings that hold them.
    pub(super) headers: Vec<(String, String)>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) path: String,
    pub(super) of: FieldType,
    pub(super) required: bool,
}
