//! Translation tables: what a value of one system is called in another. Stewards change single rows; every change is kept.

use super::rows::Bind;
use super::{Commit, Error, Store};
use std::collections::BTreeMap;
use tollgate_core::model::{At, TableName, Tenant};

/// One row of a table as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// What is translated.
    pub from: String,
    /// What it becomes.
    pub to: String,
    /// Counts its changes.
    pub version: i64,
}

/// One value that a row had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowVersion {
    /// Counts the row's changes.
    pub version: i64,
    /// What it became; none where the row was removed.
    pub to: Option<String>,
    /// Who changed it.
    pub actor: String,
    /// When.
    pub at: At,
}

impl Commit {
    /// Sets what `from` becomes. Setting what is there already changes nothing.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn set_translation(&mut self, table: &TableName, from: &str, to: &str) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(table.as_str()).text(from).text(to);
        let version = self
            .session
            .fetch_one(
                "INSERT INTO translation (tenant, table_name, from_value, to_value, version, is_removed)
                 VALUES ($1, $2, $3, $4, 1, 0)
                 ON CONFLICT (tenant, table_name, from_value) DO UPDATE
                 SET to_value = excluded.to_value, version = translation.version + 1, is_removed = 0
                 WHERE translation.to_value <> excluded.to_value OR translation.is_removed = 1 RETURNING version",
                bind,
                |row| row.int(0),
            )
            .await?;
        match version {
            Some(version) => self.keep_translation(table, from, (version, Some(to))).await,
            None => Ok(()),
        }
    }

    /// Removes what `from` becomes; its history stays. A row that does not exist is fine.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn remove_translation(&mut self, table: &TableName, from: &str) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(table.as_str()).text(from);
        let version = self
            .session
            .fetch_one(
                "UPDATE translation SET to_value = '', version = version + 1, is_removed = 1
                 WHERE tenant = $1 AND table_name = $2 AND from_value = $3 AND is_removed = 0 RETURNING version",
                bind,
                |row| row.int(0),
            )
            .await?;
        match version {
            Some(version) => self.keep_translation(table, from, (version, None)).await,
            None => Ok(()),
        }
    }

    async fn keep_translation(
        &mut self,
        table: &TableName,
        from: &str,
        kept: (i64, Option<&str>),
    ) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(table.as_str()).text(from).int(kept.0).maybe(kept.1);
        self.session
            .execute(
                "INSERT INTO translation_history (tenant, table_name, from_value, version, to_value, actor, at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                bind.text(&self.audit.actor).int(self.at.0),
            )
            .await
            .map(drop)
    }
}

impl Store {
    /// All translation tables of a tenant, as they are now.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn translations(&self, tenant: &Tenant) -> Result<BTreeMap<TableName, BTreeMap<String, String>>, Error> {
        let rows = self
            .reader()
            .await?
            .fetch(
                "SELECT table_name, from_value, to_value FROM translation WHERE tenant = $1 AND is_removed = 0",
                Bind::new().text(tenant.as_str()),
                |row| Ok((row.text(0)?, row.text(1)?, row.text(2)?)),
            )
            .await?;
        let mut tables: BTreeMap<TableName, BTreeMap<String, String>> = BTreeMap::new();
        for (table, from, to) in rows {
            tables.entry(table.into()).or_default().insert(from, to);
        }
        Ok(tables)
    }

    /// At most `most` rows of a table whose value comes after `after`, in the database's order of values.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn table_rows(
        &self,
        tenant: &Tenant,
        table: &TableName,
        after: &str,
        most: u32,
    ) -> Result<Vec<TableRow>, Error> {
        self.reader()
            .await?
            .fetch(
                "SELECT from_value, to_value, version FROM translation
                 WHERE tenant = $1 AND table_name = $2 AND from_value > $3 AND is_removed = 0
                 ORDER BY from_value LIMIT $4",
                Bind::new().text(tenant.as_str()).text(table.as_str()).text(after).int(most.into()),
                |row| Ok(TableRow { from: row.text(0)?, to: row.text(1)?, version: row.int(2)? }),
            )
            .await
    }

    /// At most `most` values that a row had before this version, newest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn row_versions(
        &self,
        tenant: &Tenant,
        (table, from): (&TableName, &str),
        before: i64,
        most: u32,
    ) -> Result<Vec<RowVersion>, Error> {
        self.reader()
            .await?
            .fetch(
                "SELECT version, to_value, actor, at FROM translation_history
                 WHERE tenant = $1 AND table_name = $2 AND from_value = $3 AND version < $4
                 ORDER BY version DESC LIMIT $5",
                Bind::new().text(tenant.as_str()).text(table.as_str()).text(from).int(before).int(most.into()),
                |row| {
                    Ok(RowVersion { version: row.int(0)?, to: row.maybe(1)?, actor: row.text(2)?, at: At(row.int(3)?) })
                },
            )
            .await
    }

    /// Every table that has or had a row, with the number of rows that it has.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn table_counts(&self, tenant: &Tenant) -> Result<BTreeMap<TableName, u64>, Error> {
        let mut session = self.reader().await?;
        let rows = session.fetch(
            "SELECT table_name, COUNT(CASE WHEN is_removed = 0 THEN 1 END) FROM translation
             WHERE tenant = $1 GROUP BY table_name",
            Bind::new().text(tenant.as_str()),
            |row| Ok((TableName::from(row.text(0)?), row.number(1)?)),
        );
        Ok(rows.await?.into_iter().collect())
    }
}
