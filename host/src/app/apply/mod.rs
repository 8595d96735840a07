//! Changes of the configuration: first a plan that anybody may look at, then one commit that makes a revision, then the flows
//! that it concerns are opened anew.
//!
//! Decisions:
//! - *A revision is one applied change*, numbered per tenant, and the number is the lock: a commit makes the next number or
//!   none, so that what was planned on one revision is never written over another.
//! - *Flows are opened anew after the commit*, not before: a host that ends in between starts with what was committed. Until
//!   a flow's work under way is answered it is written as it was decided, under the earlier configuration.
//! - *Rows of translation tables are data*: stewards change them every day and each has a history of its own, so that no
//!   rollback touches them and a removed table document removes none.

mod plan;

pub use plan::{Act, DocumentChange, RowChange};
pub(super) use plan::{difference, known_kind};

use super::documents::{Document, KINDS};
use super::{App, Error};
use plan::{Plan, Removal, Stored, plan, summary};
use tollgate_core::entity::need;
use tollgate_core::model::{FlowName, limits};

/// What is to become of the configuration.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// Documents to take over.
    pub files: &'a [Document],
    /// Whether documents that are not among them are removed.
    pub is_pruning: bool,
    /// How it is done.
    pub how: How<'a>,
}

/// How a change is made, whatever it is.
#[derive(Clone, Debug)]
pub struct How<'a> {
    /// Whether only the plan is wanted.
    pub is_dry: bool,
    /// The revision that the configuration must have; none for any.
    pub expected: Option<i64>,
    /// What the revisions' list says of it; at most [`limits::REVISION_NOTE_BYTES_MAX`] bytes.
    pub note: &'a str,
    /// Who asks.
    pub actor: &'a str,
}

impl<'a> Wish<'a> {
    /// Takes these documents over now, whatever is there, and removes none.
    pub fn new(files: &'a [Document], actor: &'a str) -> Self {
        Self { files, is_pruning: false, how: How::now(actor) }
    }
}

impl<'a> How<'a> {
    /// Now, whatever is there.
    pub fn now(actor: &'a str) -> Self {
        Self { is_dry: false, expected: None, note: "", actor }
    }
}

/// What became, or would become, of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its revision now.
    pub revision: i64,
    /// Whether this made it: not if nothing changes, and not if only the plan was wanted.
    pub is_applied: bool,
    /// The documents that change, by kind and name.
    pub changes: Vec<DocumentChange>,
    /// The rows of tables that change.
    pub rows: Vec<RowChange>,
    /// The flows that are opened anew because of it.
    pub reopened: Vec<FlowName>,
}

impl App {
    /// Takes over configuration documents as one change. Records that failed under an earlier map are decided again. Rows of
    /// table documents are set; none is removed.
    ///
    /// # Errors
    /// [`Error::Configuration`] lists every fault, [`Error::Moved`] says that somebody else was faster; nothing was changed
    /// then.
    pub async fn apply(&self, wish: Wish<'_>) -> Result<Applied, Error> {
        let _turn = self.changing.lock().await;
        let removal = if wish.is_pruning { Removal::NotGiven } else { Removal::None };
        self.change("configuration.apply", (wish.files, removal), wish.how).await
    }

    /// Removes one document.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is none; otherwise as [`App::apply`]: what still refers to it is a fault.
    pub async fn remove_document(&self, kind: &str, name: &str, how: How<'_>) -> Result<Applied, Error> {
        let _turn = self.changing.lock().await;
        self.document(kind, name).await?;
        self.change("configuration.remove", (&[], Removal::One(kind, name)), how).await
    }

    /// Makes the documents what they were at a revision, as a new revision. Rows of translation tables stay as they are:
    /// they are data and have a history of their own.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is no such revision; otherwise as [`App::apply`]: what was right then may not fit the plugins
    /// of today.
    pub async fn rollback(&self, to: i64, how: How<'_>) -> Result<Applied, Error> {
        let _turn = self.changing.lock().await;
        self.revision(to).await?;
        let then = self.store.documents_at(&self.tenant, to).await?;
        let file = |(kind, name, text)| Document { file: format!("{kind}/{name}"), text };
        let files: Vec<Document> = then.into_iter().map(file).collect();
        let note = if how.note.is_empty() { format!("back to revision {to}") } else { how.note.to_owned() };
        self.change("configuration.rollback", (&files, Removal::NotGiven), How { note: &note, ..how }).await
    }

    /// The revision of the configuration; 0 before the first.
    ///
    /// # Errors
    /// The store.
    pub async fn newest_revision(&self) -> Result<i64, Error> {
        Ok(self.store.newest_revision(&self.tenant).await?)
    }

    /// Plans a change and, unless only that is wanted, makes it.
    async fn change(
        &self,
        action: &str,
        (files, removal): (&[Document], Removal<'_>),
        how: How<'_>,
    ) -> Result<Applied, Error> {
        if how.note.len() > limits::REVISION_NOTE_BYTES_MAX {
            let reason = format!("at most {} bytes", limits::REVISION_NOTE_BYTES_MAX);
            return Err(Error::Unfit { what: "note", reason });
        }
        let stored = self.stored().await?;
        let revision = stored.revision;
        if how.expected.is_some_and(|expected| expected != revision) {
            return Err(Error::Moved { revision });
        }
        let plan = plan(&stored, files, removal).map_err(Error::Configuration)?;
        let is_applied = !how.is_dry && !plan.is_empty();
        if is_applied {
            self.write(action, revision + 1, (&plan, &how)).await?;
            self.follow().await;
        }
        let Plan { changes, rows, reopened, .. } = plan;
        Ok(Applied { revision: revision + i64::from(is_applied), is_applied, changes, rows, reopened })
    }

    pub(super) async fn stored(&self) -> Result<Stored, Error> {
        // The revision first: what is read after it is at least as new, and a commit on a newer one is refused.
        let revision = self.newest_revision().await?;
        let mut documents = Vec::new();
        for kind in KINDS {
            let rows = self.store.documents(&self.tenant, kind).await?;
            documents.extend(rows.into_iter().map(|row| (kind.to_owned(), row.name, row.body)));
        }
        let tables = self.store.translations(&self.tenant).await?;
        let installed = self.store.installed_plugins(&self.tenant).await?;
        Ok(Stored { revision, documents, tables, installed })
    }

    async fn write(&self, action: &str, revision: i64, (plan, how): (&Plan, &How<'_>)) -> Result<(), Error> {
        let detail = format!("revision {revision}: {}", summary(plan));
        let mut commit = self.begin_as(how.actor, action, "configuration".into(), detail).await?;
        if !commit.add_revision(revision, how.note).await? {
            drop(commit);
            return Err(Error::Moved { revision: self.newest_revision().await? });
        }
        for (change, text) in plan.changes.iter().zip(&plan.texts) {
            match text {
                Some(text) => drop(commit.put_document(&change.kind, &change.name, text).await?),
                None => commit.remove_document(&change.kind, &change.name).await?,
            }
        }
        for flow in &plan.reopened {
            commit.release_flow(flow).await?;
        }
        for RowChange { table, from, after, .. } in &plan.rows {
            commit.set_translation(table, from, after).await?;
            commit.release(&[&need::by_table(table, from), &need::by_table(table, after)]).await?;
        }
        Ok(commit.finish().await?)
    }

    /// Has what runs follow what was committed. What fails here is done by the next look at the store.
    pub(super) async fn follow(&self) {
        self.wake();
        if let Err(error) = self.keeper.reconcile().await {
            tracing::warn!(error = crate::engine::describe(&error), "the flows follow a change later");
        }
    }
}

#[cfg(test)]
mod tests;
