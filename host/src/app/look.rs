//! What the API shows and does beyond the verbs of the command line: reads, and acts that name who asked.

use super::documents::KINDS;
use super::{App, Error};
use crate::clock::SharedClock;
use crate::store::{self, AuditFilter, AuditRow, PluginRow, RecordRow, TranslationRow};
use tollgate_core::entity::need;
use tollgate_core::model::connection::Connection;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{ConnectionName, FlowName, TableName, audit, limits};

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
    /// Time and randomness, as this host was opened with.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Asks the database for something small.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.store.need_seq(&self.tenant).await.map(drop)?)
    }

    /// Writes down that somebody asked for an act, before it is done.
    ///
    /// # Errors
    /// The store; the act must not be done then.
    pub async fn note_request(&self, actor: &str, subject: &str) -> Result<(), Error> {
        let record = audit::Record::new(actor, "api.request", subject, "");
        Ok(self.store.begin(&self.tenant, record, self.clock.now()).await?.finish().await?)
    }

    /// At most `most` acts of the audit log before the one with this number, newest first, and where to go on.
    ///
    /// # Errors
    /// The store.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        most: u32,
    ) -> Result<(Vec<AuditRow>, Option<i64>), Error> {
        Ok(self.store.audit_before(&self.tenant, filter, before, most).await?)
    }

    /// The active plugins, by name.
    ///
    /// # Errors
    /// The store.
    pub async fn plugins(&self) -> Result<Vec<PluginRow>, Error> {
        Ok(self.store.plugins(&self.tenant).await?)
    }

    /// The connections, each with the names of its secrets.
    ///
    /// # Errors
    /// The store.
    pub async fn connections(&self) -> Result<Vec<(Connection, Vec<String>)>, Error> {
        let documents = self.documents().await?;
        let mut connections = Vec::new();
        for row in self.store.documents(&self.tenant, "connection").await? {
            if let Some(connection) = documents.connection(&row.name.into()) {
                let names = self.store.secret_names(&self.tenant, &connection.connection).await?;
                connections.push((connection.clone(), names));
            }
        }
        Ok(connections)
    }

    /// Fails if there is no such connection.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn require_connection(&self, name: &ConnectionName) -> Result<(), Error> {
        let found = self.store.document(&self.tenant, "connection", name.as_str()).await?;
        found.map(drop).ok_or_else(|| Error::Absent { what: "connection", name: name.to_string() })
    }

    /// The flows, by name.
    ///
    /// # Errors
    /// The store.
    pub async fn flows(&self) -> Result<Vec<Flow>, Error> {
        Ok(self.documents().await?.flows().cloned().collect())
    }

    /// One flow.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn flow(&self, name: &FlowName) -> Result<Flow, Error> {
        let found = self.flows().await?.into_iter().find(|flow| flow.flow == *name);
        found.ok_or_else(|| Error::Absent { what: "flow", name: name.to_string() })
    }

    /// The records that a flow wrote and that a person should look at, by key, behind this one.
    ///
    /// # Errors
    /// There is no such flow, or the store.
    pub async fn flagged_after(&self, flow: &FlowName, after: &str, most: u32) -> Result<Vec<RecordRow>, Error> {
        let flow = self.flow(flow).await?;
        Ok(self.store.flagged_records(&self.tenant, (&flow.entity, &flow.to), after, most).await?)
    }

    /// The documents, by kind, then name.
    ///
    /// # Errors
    /// The store.
    pub async fn document_list(&self) -> Result<Vec<(&'static str, store::Document)>, Error> {
        let mut all = Vec::new();
        for kind in KINDS {
            all.extend(self.store.documents(&self.tenant, kind).await?.into_iter().map(|document| (kind, document)));
        }
        Ok(all)
    }

    /// One document.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn document(&self, kind: &str, name: &str) -> Result<store::Document, Error> {
        let found = self.store.document(&self.tenant, kind, name).await?;
        found.ok_or_else(|| Error::Absent { what: "document", name: format!("{kind}/{name}") })
    }

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
    /// [`Error::Unfit`] for a value that is empty or too long; the store.
    pub async fn set_table_row(&self, wish: RowWish<'_>) -> Result<RowSet, Error> {
        let RowWish { table, from, to, version, actor } = wish;
        for (what, value) in [("table", table.as_str()), ("from", from), ("to", to)] {
            if value.is_empty() || value.len() > limits::TABLE_VALUE_BYTES_MAX {
                return Err(Error::Unfit { what, reason: format!("1 to {} bytes", limits::TABLE_VALUE_BYTES_MAX) });
            }
        }
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
}
