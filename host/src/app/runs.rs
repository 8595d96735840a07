//! Runs: what a flow did, when, and what it called for it.

use super::{App, Error};
use crate::engine::run::STATES;
use crate::store::{CallTotals, JournalEntry, RunRow};
use tollgate_core::model::{FlowName, RunId};

impl App {
    /// A flow's runs behind the one with the id `after` (empty: from the newest on), newest first; only those in this
    /// state, if one is given. A look at the source that found nothing is no run.
    ///
    /// # Errors
    /// There is no such flow; [`Error::Unfit`] if there is no such state; the store.
    pub async fn runs(
        &self,
        flow: &FlowName,
        state: Option<&str>,
        after: &str,
        most: u32,
    ) -> Result<Vec<RunRow>, Error> {
        self.flow(flow).await?;
        if state.is_some_and(|state| !STATES.contains(&state)) {
            return Err(Error::Unfit { what: "state", reason: format!("one of {}", STATES.join(", ")) });
        }
        Ok(self.store.runs(&self.tenant, (flow, state), after, most).await?)
    }

    /// One run.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn run(&self, id: &RunId) -> Result<RunRow, Error> {
        let found = self.store.run(&self.tenant, id).await?;
        found.ok_or_else(|| Error::Absent { what: "run", name: id.to_string() })
    }

    /// What a run called, by connection, route and decision.
    ///
    /// # Errors
    /// The store.
    pub async fn run_calls(&self, id: &RunId) -> Result<Vec<CallTotals>, Error> {
        Ok(self.store.run_calls(&self.tenant, id).await?)
    }

    /// The calls of a run before the one with number `before`, newest first, each with its number.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn run_journal(&self, id: &RunId, before: i64, most: u32) -> Result<Vec<(i64, JournalEntry)>, Error> {
        self.run(id).await?;
        Ok(self.store.run_journal(&self.tenant, id, before, most).await?)
    }
}
