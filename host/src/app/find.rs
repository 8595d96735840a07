//! Finding records in a system by what stands in them, now and through its connection: for a person who asks "is it
//! there?", and for a program that needs an answer while it waits. Nothing is stored of it but the journal of its calls.

use super::connections::one_call;
use super::{App, Error};
use crate::gate::Purpose;
use tollgate_core::model::{Change, Condition, ConnectionName, StreamName, limits};
use tollgate_sandbox::{CallLimits, Search};

/// What is looked for.
#[derive(Clone, Debug)]
pub struct FindWish<'a> {
    /// Through which connection.
    pub connection: &'a ConnectionName,
    /// In which stream.
    pub stream: &'a StreamName,
    /// What must hold of a record; at least one condition.
    pub only: &'a [Condition],
    /// At most so many records, 1 to [`limits::FIND_RECORDS_MAX`].
    pub most: u32,
}

impl App {
    /// The records that meet all conditions, as the system holds them now.
    ///
    /// # Errors
    /// [`Error::Absent`] for a connection that is not there or whose plugin looks nothing up; [`Error::Unfit`] for a wish
    /// without a condition or for too many records; what the plugin, the gate or the sandbox said.
    pub async fn find(&self, wish: FindWish<'_>) -> Result<Vec<Change>, Error> {
        let FindWish { connection, stream, only, most } = wish;
        if only.is_empty() || only.len() > limits::FIND_CONDITIONS_MAX {
            let reason = format!("1 to {} conditions: a whole stream is read by a flow", limits::FIND_CONDITIONS_MAX);
            return Err(Error::Unfit { what: "only", reason });
        }
        if !(1..=limits::FIND_RECORDS_MAX).contains(&most) {
            return Err(Error::Unfit { what: "limit", reason: format!("1 to {}", limits::FIND_RECORDS_MAX) });
        }
        let opened = self.open_connection(connection).await?;
        if opened.plugin.exports().iter().all(|export| !export.contains("/lookup@")) {
            return Err(Error::Absent { what: "look-up in the connector of connection", name: connection.to_string() });
        }
        let door = self.gate.door(opened.line, one_call("find", Purpose::Lookup));
        let found = opened.plugin.search(Search { stream, only, most }, door.clone(), CallLimits::default()).await;
        found.map_err(|error| Error::Call {
            connection: connection.clone(),
            call: "search",
            source: door.explain(error),
        })
    }
}
