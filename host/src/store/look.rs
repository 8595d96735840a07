//! Single rows and pages, as people look at them: what the API shows and no flow needs.

use super::document::Document;
use super::rows::{Bind, Fields};
use super::set_aside::{Kind, kind};
use super::{Commit, Error, Store};
use sqlx::AssertSqlSafe;
use std::fmt::Write;
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
    /// Why.
    pub kind: Kind,
    /// The rule that decided so.
    pub rule: String,
    /// What is wrong and how to mend it.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when.
    pub since: At,
}

/// Which set-aside changes; what is absent lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetAsideFilter {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// By this rule.
    pub rule: Option<String>,
    /// At this instant or later.
    pub since: Option<At>,
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

    /// At most `most` of a flow's set-aside changes that the filter lets through and whose key comes after `after`, in the
    /// database's order of keys; the last key leads to the next page.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn set_aside_after(
        &self,
        tenant: &Tenant,
        (flow, filter): (&FlowName, &SetAsideFilter),
        after: &str,
        most: u32,
    ) -> Result<Vec<SetAsideLine>, Error> {
        let mut bind = Bind::new().text(tenant.as_str()).text(flow.as_str()).text(after).int(most.into());
        let mut wanted = String::new();
        let mut place = 4;
        let mut parameter = |condition: &str| {
            place += 1;
            let _ = write!(wanted, " AND {condition} ${place}");
        };
        if let Some(kind) = filter.kind {
            parameter("kind =");
            bind = bind.text(kind.as_str());
        }
        if let Some(rule) = &filter.rule {
            parameter("rule =");
            bind = bind.text(rule);
        }
        if let Some(since) = filter.since {
            parameter("since >=");
            bind = bind.int(since.0);
        }
        let sql = format!(
            "SELECT key, kind, rule, reason, attempts, since FROM set_aside
             WHERE tenant = $1 AND flow = $2 AND key > $3{wanted} ORDER BY key LIMIT $4"
        );
        let read = |row: &Fields<'_>| {
            Ok(SetAsideLine {
                key: row.text(0)?,
                kind: kind(row, 1)?,
                rule: row.text(2)?,
                reason: row.text(3)?,
                attempts: row.number(4)?,
                since: At(row.int(5)?),
            })
        };
        self.reader().await?.fetch(AssertSqlSafe(sql), bind, read).await
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
