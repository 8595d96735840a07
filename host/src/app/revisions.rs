//! What the configuration was: revisions with what each changed, and the versions of one document.

use super::apply::{Act, DocumentChange, difference, known_kind};
use super::{App, Error};
use crate::store::{DocumentVersion, RevisionRow};

impl From<DocumentVersion> for DocumentChange {
    fn from(version: DocumentVersion) -> Self {
        let (before, after) = (version.before.as_deref(), version.body.as_deref());
        let (act, difference) = (Act::of(before, after), difference(before, after));
        Self { kind: version.kind, name: version.name, act, difference }
    }
}

impl App {
    /// At most `most` revisions before the one of this number (none for the newest), newest first.
    ///
    /// # Errors
    /// The store.
    pub async fn revisions(&self, before: Option<i64>, most: u32) -> Result<Vec<RevisionRow>, Error> {
        Ok(self.store.revisions(&self.tenant, before.unwrap_or(i64::MAX), most).await?)
    }

    /// One revision.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn revision(&self, number: i64) -> Result<RevisionRow, Error> {
        let found = self.store.revision(&self.tenant, number).await?;
        found.ok_or_else(|| Error::Absent { what: "revision", name: number.to_string() })
    }

    /// What a revision changed, by kind and name.
    ///
    /// # Errors
    /// The store.
    pub async fn revision_changes(&self, number: i64) -> Result<Vec<DocumentChange>, Error> {
        let versions = self.store.revision_changes(&self.tenant, number).await?;
        Ok(versions.into_iter().map(DocumentChange::from).collect())
    }

    /// At most `most` versions of a document before this one (none for the newest), newest first; also of one that was
    /// removed.
    ///
    /// # Errors
    /// [`Error::Absent`] if there never was such a document; the store.
    pub async fn document_versions(
        &self,
        (kind, name): (&str, &str),
        before: Option<i64>,
        most: u32,
    ) -> Result<Vec<DocumentVersion>, Error> {
        let absent = || Error::Absent { what: "document", name: format!("{kind}/{name}") };
        let kind = known_kind(kind).ok_or_else(absent)?;
        let versions =
            self.store.document_versions(&self.tenant, (kind, name), before.unwrap_or(i64::MAX), most).await?;
        if versions.is_empty() && before.is_none() { Err(absent()) } else { Ok(versions) }
    }
}
