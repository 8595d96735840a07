//! Revisions: what was applied to the configuration, one after the other, and every version that a document had.

use super::rows::{Bind, Fields};
use super::{Commit, Error, Store};
use tollgate_core::model::{At, Tenant};

/// One applied change of configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionRow {
    /// Counts them, from 1.
    pub number: i64,
    /// When.
    pub at: At,
    /// Who.
    pub actor: String,
    /// What they said of it.
    pub note: String,
}

/// One version that a document had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentVersion {
    /// `connection`, `entity` or `flow`.
    pub kind: String,
    /// Its name, unique in its kind.
    pub name: String,
    /// Counts its changes.
    pub version: i64,
    /// The revision that made it.
    pub revision: i64,
    /// The text; none where it was removed.
    pub body: Option<String>,
    /// The text before; none where there was none.
    pub before: Option<String>,
    /// Who.
    pub actor: String,
    /// When.
    pub at: At,
}

const VERSION: &str = "SELECT h.kind, h.name, h.version, h.revision, h.body, p.body, h.actor, h.at
     FROM document_history h LEFT JOIN document_history p
     ON p.tenant = h.tenant AND p.kind = h.kind AND p.name = h.name AND p.version = h.version - 1";

fn version(row: &Fields<'_>) -> Result<DocumentVersion, Error> {
    Ok(DocumentVersion {
        kind: row.text(0)?,
        name: row.text(1)?,
        version: row.int(2)?,
        revision: row.int(3)?,
        body: row.maybe(4)?,
        before: row.maybe(5)?,
        actor: row.text(6)?,
        at: At(row.int(7)?),
    })
}

fn revision(row: &Fields<'_>) -> Result<RevisionRow, Error> {
    Ok(RevisionRow { number: row.int(0)?, at: At(row.int(1)?), actor: row.text(2)?, note: row.text(3)? })
}

impl Commit {
    /// Makes the revision of this number, which what is put and removed from now on belongs to. False if somebody else made
    /// it first: the commit is built on what is no longer so, and must be dropped.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn add_revision(&mut self, number: i64, note: &str) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).int(number).int(self.at.0).text(&self.audit.actor).text(note);
        let added = self
            .session
            .fetch_one(
                "INSERT INTO revision (tenant, number, at, actor, note) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (tenant, number) DO NOTHING RETURNING number",
                bind,
                |row| row.int(0),
            )
            .await?;
        self.revision = added;
        Ok(added.is_some())
    }
}

impl Store {
    /// The number of the newest revision; 0 before the first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn newest_revision(&self, tenant: &Tenant) -> Result<i64, Error> {
        let mut session = self.reader().await?;
        let newest = session.fetch_one(
            "SELECT number FROM revision WHERE tenant = $1 ORDER BY number DESC LIMIT 1",
            Bind::new().text(tenant.as_str()),
            |row| row.int(0),
        );
        Ok(newest.await?.unwrap_or(0))
    }

    /// At most `most` revisions before the one of this number, newest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn revisions(&self, tenant: &Tenant, before: i64, most: u32) -> Result<Vec<RevisionRow>, Error> {
        self.reader()
            .await?
            .fetch(
                "SELECT number, at, actor, note FROM revision
                 WHERE tenant = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
                Bind::new().text(tenant.as_str()).int(before).int(most.into()),
                revision,
            )
            .await
    }

    /// The revision of this number.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn revision(&self, tenant: &Tenant, number: i64) -> Result<Option<RevisionRow>, Error> {
        self.reader()
            .await?
            .fetch_one(
                "SELECT number, at, actor, note FROM revision WHERE tenant = $1 AND number = $2",
                Bind::new().text(tenant.as_str()).int(number),
                revision,
            )
            .await
    }

    /// What a revision changed, by kind and name.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn revision_changes(&self, tenant: &Tenant, number: i64) -> Result<Vec<DocumentVersion>, Error> {
        let sql = format!("{VERSION} WHERE h.tenant = $1 AND h.revision = $2");
        let bind = Bind::new().text(tenant.as_str()).int(number);
        let mut changes = self.reader().await?.fetch(sqlx::AssertSqlSafe(sql), bind, version).await?;
        changes.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        Ok(changes)
    }

    /// At most `most` versions of one document before this one, newest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn document_versions(
        &self,
        tenant: &Tenant,
        (kind, name): (&str, &str),
        before: i64,
        most: u32,
    ) -> Result<Vec<DocumentVersion>, Error> {
        let sql = format!(
            "{VERSION} WHERE h.tenant = $1 AND h.kind = $2 AND h.name = $3 AND h.version < $4
             ORDER BY h.version DESC LIMIT $5"
        );
        let bind = Bind::new().text(tenant.as_str()).text(kind).text(name).int(before).int(most.into());
        self.reader().await?.fetch(sqlx::AssertSqlSafe(sql), bind, version).await
    }

    /// All documents as they were after this revision, with kind, name and text.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn documents_at(&self, tenant: &Tenant, number: i64) -> Result<Vec<(String, String, String)>, Error> {
        let mut session = self.reader().await?;
        let rows = session.fetch(
            "SELECT h.kind, h.name, h.body FROM document_history h
             WHERE h.tenant = $1 AND h.revision <= $2 AND h.body IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM document_history later
                 WHERE later.tenant = h.tenant AND later.kind = h.kind AND later.name = h.name
                 AND later.version > h.version AND later.revision <= $2)",
            Bind::new().text(tenant.as_str()).int(number),
            |row| Ok((row.text(0)?, row.text(1)?, row.text(2)?)),
        );
        let mut documents = rows.await?;
        documents.sort();
        Ok(documents)
    }
}
