//! Configuration as text: connections, entity maps, flows, each with its versions.

use super::rows::Bind;
use super::{Commit, Error, Store};
use tollgate_core::model::Tenant;

/// One file of configuration as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name, unique in its kind.
    pub name: String,
    /// Counts its changes from 1, removals too.
    pub version: i64,
    /// The text as the admin wrote it.
    pub body: String,
}

impl Commit {
    /// Stores a document as the newest version of its name; says whether that changed anything. Needs
    /// [`Commit::add_revision`] before it, in the same commit.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn put_document(&mut self, kind: &str, name: &str, body: &str) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(kind).text(name).text(body);
        let version = self
            .session
            .fetch_one(
                "INSERT INTO document (tenant, kind, name, version, body, is_removed) VALUES ($1, $2, $3, 1, $4, 0)
                 ON CONFLICT (tenant, kind, name) DO UPDATE
                 SET version = document.version + 1, body = excluded.body, is_removed = 0
                 WHERE document.body <> excluded.body OR document.is_removed = 1 RETURNING version",
                bind,
                |row| row.int(0),
            )
            .await?;
        match version {
            Some(version) => self.keep_document(kind, name, (version, Some(body))).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Removes a document; its versions stay. One that does not exist is fine. Needs [`Commit::add_revision`] before it.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn remove_document(&mut self, kind: &str, name: &str) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(kind).text(name);
        let version = self
            .session
            .fetch_one(
                "UPDATE document SET version = version + 1, body = '', is_removed = 1
                 WHERE tenant = $1 AND kind = $2 AND name = $3 AND is_removed = 0 RETURNING version",
                bind,
                |row| row.int(0),
            )
            .await?;
        match version {
            Some(version) => self.keep_document(kind, name, (version, None)).await,
            None => Ok(()),
        }
    }

    async fn keep_document(&mut self, kind: &str, name: &str, kept: (i64, Option<&str>)) -> Result<(), Error> {
        let revision = self.revision.expect("a document changes in a revision: `Commit::add_revision` comes first");
        let bind = Bind::new().text(self.tenant.as_str()).text(kind).text(name).int(kept.0).int(revision).maybe(kept.1);
        self.session
            .execute(
                "INSERT INTO document_history (tenant, kind, name, version, revision, body, actor, at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                bind.text(&self.audit.actor).int(self.at.0),
            )
            .await
            .map(drop)
    }
}

impl Store {
    /// All documents of a kind, by name.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn documents(&self, tenant: &Tenant, kind: &str) -> Result<Vec<Document>, Error> {
        let mut documents = self
            .reader()
            .await?
            .fetch(
                "SELECT name, version, body FROM document WHERE tenant = $1 AND kind = $2 AND is_removed = 0",
                Bind::new().text(tenant.as_str()).text(kind),
                |row| Ok(Document { name: row.text(0)?, version: row.int(1)?, body: row.text(2)? }),
            )
            .await?;
        // Sorted here: a server's own order of text depends on its locale.
        documents.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(documents)
    }
}
