//! The cursor: the file that is being read, and those that are read and not yet put away.

use serde::{Deserialize, Serialize};
use tollgate_sdk::files::Entry;
use tollgate_sdk::{Failure, Result, json};

/// Files that wait to be put away; with more, reading waits. Their names fill at most the 64 KiB of a cursor.
pub(crate) const DONE_MAX: usize = 100;

/// Where reading stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Read to their end.
    #[serde(default)]
    pub(crate) done: Vec<Done>,
    /// Begun.
    #[serde(default)]
    pub(crate) at: Option<At>,
}

/// One state of one file: another size or time is another file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) modified_at_ms: u64,
}

/// A file that is read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) file: Identity,
    /// It could not be read as a whole.
    #[serde(default)]
    pub(crate) is_rejected: bool,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct At {
    pub(crate) file: Identity,
    /// The byte at which the next row begins.
    pub(crate) offset: u64,
    /// Rows before it, the header included.
    pub(crate) row: u64,
}

impl From<&Entry> for Identity {
    fn from(entry: &Entry) -> Self {
        Self { name: entry.name.clone(), bytes: entry.bytes, modified_at_ms: entry.modified_at_ms }
    }
}

impl Place {
    /// Reads a cursor; none is the beginning.
    ///
    /// # Errors
    /// [`Failure::CursorExpired`] if it is none of this plugin's.
    pub(crate) fn read(cursor: Option<&str>) -> Result<Self> {
        let Some(cursor) = cursor else { return Ok(Self::default()) };
        json::read(cursor).map_err(|_| Failure::CursorExpired("the cursor is none of this plugin's".into()))
    }

    /// The cursor.
    pub(crate) fn print(&self) -> String {
        json::print(self)
    }
}
