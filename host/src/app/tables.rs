//! Translation tables: rows that a steward looks up, sets and removes, one at a time, each with its history. Records that wait
//! for a row are decided again as soon as it is set.

use super::{App, Error};
use crate::store::{RowVersion, TableRow, TranslationRow};
use std::collections::BTreeMap;
use tollgate_core::entity::need;
use tollgate_core::entity::yaml::unknown;
use tollgate_core::model::{TableName, limits};

/// A row of a translation table that is to be set.
#[derive(Clone, Debug)]
pub struct RowWish<'a> {
    /// The table.
    pub table: &'a TableName,
    /// What is translated.
    pub from: &'a str,
    /// What it becomes.
    pub to: &'a str,
    /// The version that the row must have; none for any, and for a row that is not there.
    pub version: Option<i64>,
    /// Who asks, for the audit log.
    pub actor: &'a str,
}

/// A row of a translation table that is to go.
#[derive(Clone, Debug)]
pub struct RowRemoval<'a> {
    /// The table.
    pub table: &'a TableName,
    /// What is translated.
    pub from: &'a str,
    /// The version that the row must have; none for any.
    pub version: Option<i64>,
    /// Who asks, for the audit log.
    pub actor: &'a str,
}

/// What became of a [`RowWish`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowSet {
    /// The row is as wished.
    Set {
        /// The row now.
        row: TranslationRow,
        /// How many set-aside changes are taken up again.
        released: u64,
    },
    /// The row has another version; nothing was changed.
    Moved {
        /// Its version now; none if it is not there.
        version: Option<i64>,
    },
}

impl App {
    /// One row of a translation table.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn table_row(&self, table: &TableName, from: &str) -> Result<TranslationRow, Error> {
        let found = self.store.translation(&self.tenant, table, from).await?;
        found.ok_or_else(|| Error::Absent { what: "row", name: format!("{table}/{from}") })
    }

    /// Sets one row of a translation table if it has the version that the caller saw; records that wait for it are decided
    /// again at once.
    ///
    /// # Errors
    /// [`Error::Unfit`] for a value that is empty or too long, and for a table that nothing names; the store.
    pub async fn set_table_row(&self, wish: RowWish<'_>) -> Result<RowSet, Error> {
        let RowWish { table, from, to, version, actor } = wish;
        for (what, value) in [("table", table.as_str()), ("from", from), ("to", to)] {
            if value.is_empty() || value.len() > limits::TABLE_VALUE_BYTES_MAX {
                return Err(Error::Unfit { what, reason: format!("1 to {} bytes", limits::TABLE_VALUE_BYTES_MAX) });
            }
        }
        self.require_table(table).await?;
        let (subject, detail) = (format!("table:{table}"), format!("`{from}` is `{to}`"));
        let mut commit = self.begin_as(actor, "table.row.set", subject, detail).await?;
        let before = commit.translation(table, from).await?.map(|row| row.version);
        if version.is_some() && version != before {
            return Ok(RowSet::Moved { version: before });
        }
        commit.set_translation(table, from, to).await?;
        let released = commit.release(&[&need::by_table(table, from), &need::by_table(table, to)]).await?;
        let row = commit.translation(table, from).await?;
        commit.finish().await?;
        self.wake();
        let row = row.ok_or_else(|| Error::Absent { what: "row", name: format!("{table}/{from}") })?;
        Ok(RowSet::Set { row, released })
    }

    /// Removes one row of a translation table; its history stays. Gives back the version that it has instead of the wished one,
    /// if so: nothing was changed then.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn remove_table_row(&self, wish: RowRemoval<'_>) -> Result<Option<i64>, Error> {
        let RowRemoval { table, from, version, actor } = wish;
        let absent = || Error::Absent { what: "row", name: format!("{table}/{from}") };
        let (subject, detail) = (format!("table:{table}"), format!("`{from}`"));
        let mut commit = self.begin_as(actor, "table.row.remove", subject, detail).await?;
        let now = commit.translation(table, from).await?.ok_or_else(absent)?.version;
        if version.is_some_and(|version| version != now) {
            return Ok(Some(now));
        }
        commit.remove_translation(table, from).await?;
        commit.finish().await?;
        self.wake();
        Ok(None)
    }

    /// The tables, by name, with the number of their rows: those that an entity map names, and those that have rows.
    ///
    /// # Errors
    /// The store.
    pub async fn tables(&self) -> Result<BTreeMap<TableName, u64>, Error> {
        let mut tables = self.store.table_counts(&self.tenant).await?;
        for named in self.documents().await?.tables() {
            tables.entry(named.clone()).or_default();
        }
        Ok(tables)
    }

    /// At most `most` rows of a table whose value comes after `after`, in the database's order of values.
    ///
    /// # Errors
    /// [`Error::Absent`] if nothing names such a table; the store.
    pub async fn table_rows(&self, table: &TableName, after: &str, most: u32) -> Result<Vec<TableRow>, Error> {
        let rows = self.store.table_rows(&self.tenant, table, after, most).await?;
        if rows.is_empty() && !self.tables().await?.contains_key(table) {
            return Err(Error::Absent { what: "table", name: table.to_string() });
        }
        Ok(rows)
    }

    /// At most `most` values that a row had before this version (none for the newest), newest first; also of one that was
    /// removed.
    ///
    /// # Errors
    /// [`Error::Absent`] if there never was such a row; the store.
    pub async fn row_versions(
        &self,
        (table, from): (&TableName, &str),
        before: Option<i64>,
        most: u32,
    ) -> Result<Vec<RowVersion>, Error> {
        let versions = self.store.row_versions(&self.tenant, (table, from), before.unwrap_or(i64::MAX), most).await?;
        if versions.is_empty() && before.is_none() {
            return Err(Error::Absent { what: "row", name: format!("{table}/{from}") });
        }
        Ok(versions)
    }

    /// A row of a table that nothing looks at would never be found again.
    async fn require_table(&self, table: &TableName) -> Result<(), Error> {
        let tables = self.tables().await?;
        if tables.contains_key(table) {
            return Ok(());
        }
        let known: Vec<&str> = tables.keys().map(|name| name.as_str()).collect();
        let reason =
            format!("one that an entity map or a table document names: {}", unknown("table", table.as_str(), &known));
        Err(Error::Unfit { what: "table", reason })
    }
}
