//! What can go wrong in this room, named by what the caller does next.

use super::dialect::Dialect;
use std::fmt;
use std::sync::Arc;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why the store did not do what it was asked. Cheap to clone: one failed group commit answers many callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No connection. Nothing was committed; try later.
    #[error("cannot reach the database {database}: {hint}")]
    Unreachable {
        /// Which one, without its password.
        database: Arc<str>,
        /// How to mend it.
        hint: &'static str,
        /// What the driver said.
        #[source]
        source: Source,
    },
    /// Another writer was in the way for too long. Nothing was committed; do the whole commit again.
    #[error("another writer was in the way at the database {database}: do the commit again")]
    Contended {
        /// Which one.
        database: Arc<str>,
        /// What the driver said.
        #[source]
        source: Source,
    },
    /// The lease is in other hands: stop this work and forget what it decided.
    #[error("{what} is no longer ours: stop this work, its new holder goes on with it")]
    Fenced {
        /// The lease, or the batch that is gone.
        what: String,
    },
    /// What is stored cannot be read as what it must be.
    #[error("{what} in the database {database} is damaged: restore it from a backup")]
    Corrupt {
        /// Which part.
        what: String,
        /// Which database.
        database: Arc<str>,
    },
    /// No room left on the disk.
    #[error("there is no room left for the database {database}: free some space, then go on")]
    Full {
        /// Which one.
        database: Arc<str>,
    },
    /// The caller handed over text with a NUL character, which PostgreSQL cannot hold: refuse the record.
    #[error("text with a NUL character cannot be stored; it begins with `{beginning}`")]
    Unstorable {
        /// What stands before the NUL, cut short.
        beginning: String,
    },
    /// The address or the version is wrong: a person must change it.
    #[error("{0}")]
    Unusable(String),
    /// The store was closed; nothing is queued any more.
    #[error("the store is closed")]
    Closed,
    /// A statement was refused for another reason: a bug, or a schema that was changed by hand.
    #[error("the database {database} refused `{statement}`")]
    Database {
        /// Which one.
        database: Arc<str>,
        /// How the statement begins; values are never part of it.
        statement: String,
        /// What the driver said.
        #[source]
        source: Source,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Unreachable { .. } | Error::Contended { .. })
    }

    pub(super) fn fenced(what: impl fmt::Display) -> Self {
        Error::Fenced { what: what.to_string() }
    }
}

/// What a database's own code means to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Unreachable,
    Contended,
    Full,
    Corrupt,
    Other,
}

/// SQLSTATE has five characters; SQLite's extended result codes are numbers of which the low byte is the kind.
fn meaning(code: &str) -> Meaning {
    if code.len() == 5 {
        return match code {
            "40001" | "40P01" | "55P03" => Meaning::Contended,
            "53100" => Meaning::Full,
            "XX001" | "XX002" => Meaning::Corrupt,
            _ if ["08", "28", "3D", "57P0"].iter().any(|class| code.starts_with(class)) => Meaning::Unreachable,
            "53300" => Meaning::Unreachable,
            _ => Meaning::Other,
        };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6) => Meaning::Contended,
        Ok(13) => Meaning::Full,
        Ok(11 | 26) => Meaning::Corrupt,
        Ok(3 | 8 | 10 | 14) => Meaning::Unreachable,
        _ => Meaning::Other,
    }
}

/// Which database: the part of an error that a connection knows.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its address without the password.
    pub(super) database: Arc<str>,
    /// How it is spoken to.
    pub(super) dialect: Dialect,
}

impl Place {
    /// Names a driver's error by what the caller does next.
    pub(super) fn error(&self, statement: &str, source: sqlx::Error) -> Error {
        let database = Arc::clone(&self.database);
        match classify(&source) {
            Meaning::Unreachable => {
                Error::Unreachable { database, hint: self.dialect.hint(), source: Arc::new(source) }
            }
            Meaning::Contended => Error::Contended { database, source: Arc::new(source) },
            Meaning::Full => Error::Full { database },
            Meaning::Corrupt => self.corrupt("a page of the file"),
            Meaning::Other => Error::Database { database, statement: beginning(statement), source: Arc::new(source) },
        }
    }

    /// A stored value that is not what it must be.
    pub(super) fn corrupt(&self, what: impl fmt::Display) -> Error {
        Error::Corrupt { what: what.to_string(), database: Arc::clone(&self.database) }
    }
}

fn classify(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Database(refusal) => refusal.code().map_or(Meaning::Other, |code| meaning(&code)),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => Meaning::Unreachable,
        // The pool hands out connections in turn: a wait that ends without one means writers ahead of us.
        sqlx::Error::PoolTimedOut => Meaning::Contended,
        _ => Meaning::Other,
    }
}

/// The first characters of a text, on one line: enough to find a statement or a value again.
pub(super) fn beginning(text: &str) -> String {
    const CHARACTERS: usize = 60;
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = words.char_indices().nth(CHARACTERS) {
        words.truncate(cut);
        words.push_str("..");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of both databases lead to the same few reactions: each documented code is classified.
    #[test]
    fn codes_of_both_databases_mean_the_same() {
        let cases = [
            ("5", Meaning::Contended),
            ("517", Meaning::Contended),
            ("40P01", Meaning::Contended),
            ("40001", Meaning::Contended),
            ("13", Meaning::Full),
            ("53100", Meaning::Full),
            ("26", Meaning::Corrupt),
            ("267", Meaning::Corrupt),
            ("XX001", Meaning::Corrupt),
            ("14", Meaning::Unreachable),
            ("1032", Meaning::Unreachable),
            ("57P01", Meaning::Unreachable),
            ("28P01", Meaning::Unreachable),
            ("2067", Meaning::Other),
            ("23505", Meaning::Other),
            ("nonsense", Meaning::Other),
        ];
        for (code, expected) in cases {
            assert_eq!(meaning(code), expected, "code {code}");
        }
    }

    /// A statement is shown on one line and cut at a character, not inside one.
    #[test]
    fn a_beginning_is_short_and_on_one_line() {
        assert_eq!(beginning("SELECT a\n   FROM b"), "SELECT a FROM b");
        let long = "ä".repeat(100);
        assert_eq!(beginning(&long), format!("{}..", "ä".repeat(60)));
    }
}
