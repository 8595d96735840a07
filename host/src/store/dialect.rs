//! All that differs between SQLite and PostgreSQL. Every statement that is not here is the same text for both.

/// Which of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// One file, one writer.
    Sqlite,
    /// A server, many writers.
    Postgres,
}

impl Dialect {
    /// Opens a transaction. SQLite takes the write lock at once: a transaction that reads first and writes later could
    /// find the lock taken in between, and would have to start over.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        }
    }

    /// Holds the selected rows of the table or alias until the transaction ends. SQLite's one writer holds everything.
    pub(super) fn lock(self, table: &str) -> String {
        match self {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres => format!(" FOR UPDATE OF {table}"),
        }
    }

    /// Now, in milliseconds: the caller's on SQLite, where there is one node; the database's on PostgreSQL, because the
    /// clocks of nodes differ and leases must not.
    pub(super) fn now(self, given: &str) -> String {
        match self {
            Dialect::Sqlite => given.to_owned(),
            // The argument is named so that both databases bind the same ones.
            Dialect::Postgres => {
                format!("COALESCE(CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT), {given})")
            }
        }
    }

    /// Runs on each new connection that writes. `FULL`: a commit that returned survives a power cut. The log grows to
    /// 32 MiB before it is copied into the file: batches come and go in the same pages, which are then copied once. Another
    /// process that holds the file is waited for by sqlx, for 5 s.
    pub(super) fn prepare_writer(self) -> &'static str {
        match self {
            Dialect::Sqlite => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -16384"
            }
            Dialect::Postgres => "SET synchronous_commit = on",
        }
    }

    /// Runs on each new connection that only reads.
    pub(super) fn prepare_reader(self) -> &'static str {
        match self {
            Dialect::Sqlite => "PRAGMA query_only = ON",
            Dialect::Postgres => self.prepare_writer(),
        }
    }

    /// Runs first in the transaction that changes the schema: of two nodes that start together, one waits.
    pub(super) fn lock_schema(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SELECT 1",
            Dialect::Postgres => "SELECT pg_advisory_xact_lock(7310296001)",
        }
    }

    /// Makes the one column type that the two do not share.
    pub(super) fn prepare_schema(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SELECT 1",
            Dialect::Postgres => "CREATE DOMAIN blob AS bytea",
        }
    }

    /// Counts the tables that are searched by lists of keys. Until then PostgreSQL believes a new table to be small and
    /// reads all of it for each list (measured: ten times slower at 10,000 rows); by itself it counts once a minute.
    pub(super) fn analyze(self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some("ANALYZE record, set_aside, set_aside_need"),
        }
    }

    /// Asks for the library's or server's version.
    pub(super) fn version(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SELECT sqlite_version()",
            Dialect::Postgres => "SELECT current_setting('server_version')",
        }
    }

    /// What to look at when the database cannot be reached.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Dialect::Sqlite => "its folder must exist, have room, and let this process write",
            Dialect::Postgres => "the server must run, and address, database, user and password must be right",
        }
    }
}
