//! Single rows and pages, as people look at them: what the API shows and no flow needs.

use super::document::Document;
use super::rows::Bind;
use super::set_aside::Kind;
use super::{Commit, Error, Store};
use sqlx::AssertSqlSafe;
use tollgate_core::model::{At, FlowName, TableName, Tenant};

/// One row of a translation table as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranslationRow {
    /// What it becomes.
    pub to: String,
    /// Counts its changes from 1, removals too.
    pub version: i64,
}

/// One set-aside change, without its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAsideLine {
    /// The record's key in the source.
    pub key: String,
    /// The rule that decided so.
    pub rule: String,
    /// What is wrong and how to mend it.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when.
    pub since: At,
}

const TRANSLATION: &str = "SELECT to_value, version FROM translation
     WHERE tenant = $1 AND table_name = $2 AND from_value = $3 AND is_removed = 0";

impl Store {
    /// The document of this kind and name.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn document(&self, tenant: &Tenant, kind: &str, name: &str) -> Result<Option<Document>, Error> {
        self.reader()
            .await?
            .fetch_one(
                "SELECT name, version, body FROM document
                 WHERE tenant = $1 AND kind = $2 AND name = $3 AND is_removed = 0",
                Bind::new().text(tenant.as_str()).text(kind).text(name),
                |row| Ok(Document { name: row.text(0)?, version: row.int(1)?, body: row.text(2)? }),
            )
            .await
    }

    /// One row of a translation table.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn translation(
        &self,
        tenant: &Tenant,
        table: &TableName,
        from: &str,
    ) -> Result<Option<TranslationRow>, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(table.as_str()).text(from);
        self.reader()
            .await?
            .fetch_one(TRANSLATION, bind, |row| Ok(TranslationRow { to: row.text(0)?, version: row.int(1)? }))
            .await
    }

    /// At most `most` of a flow's changes of one kind whose key comes after `after`, in the database's order of keys; the
    /// last key leads to the next page.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn set_aside_after(
        &self,
        tenant: &Tenant,
        (flow, kind): (&FlowName, Kind),
        after: &str,
        most: u32,
    ) -> Result<Vec<SetAsideLine>, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(flow.as_str()).text(kind.as_str()).text(after);
        self.reader()
            .await?
            .fetch(
                "SELECT key, rule, reason, attempts, since FROM set_aside
                 WHERE tenant = $1 AND flow = $2 AND kind = $3 AND key > $4 ORDER BY key LIMIT $5",
                bind.int(most.into()),
                |row| {
                    Ok(SetAsideLine {
                        key: row.text(0)?,
                        rule: row.text(1)?,
                        reason: row.text(2)?,
                        attempts: row.number(3)?,
                        since: At(row.int(4)?),
                    })
                },
            )
            .await
    }
}

impl Commit {
    /// One row of a translation table; nobody else changes it until this commit ends.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn translation(&mut self, table: &TableName, from: &str) -> Result<Option<TranslationRow>, Error> {
        let sql = format!("{TRANSLATION}{}", self.session.place.dialect.lock("translation"));
        let bind = Bind::new().text(self.tenant.as_str()).text(table.as_str()).text(from);
        let read = |row: &super::rows::Fields<'_>| Ok(TranslationRow { to: row.text(0)?, version: row.int(1)? });
        self.session.fetch_one(AssertSqlSafe(sql), bind, read).await
    }
}
