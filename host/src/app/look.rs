//! What the API shows and does beyond the verbs of the command line: reads, and acts that name who asked.

use super::documents::KINDS;
use super::{App, Error};
use crate::clock::SharedClock;
use crate::store::{self, AuditFilter, AuditRow, RecordRow};
use tollgate_core::model::connection::Connection;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{ConnectionName, FlowName, audit};

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
}
