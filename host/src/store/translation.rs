//! Translation tables: what a value of one system is called in another. Stewards change single rows; every change is kept.

use super::rows::Bind;
use super::{Commit, Error, Store};
use std::collections::BTreeMap;
use tollgate_core::model::{TableName, Tenant};

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
}
