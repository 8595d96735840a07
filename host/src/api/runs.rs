//! Runs: when a flow worked, what it moved, how that ended, and every call that it made.

use super::error::Error;
use super::take::{Asked, Named, limit, number};
use super::{List, Shared};
use crate::store::{CallTotals, JournalEntry, RunRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use tollgate_core::model::{FlowName, RunId};
use utoipa::{IntoParams, ToSchema};

/// One execution of a flow, from a trigger until nothing was left to do.
#[derive(Serialize, ToSchema)]
pub(super) struct RunView {
    /// Its id.
    id: String,
    /// The flow.
    flow: String,
    /// When it began: RFC 3339, UTC.
    started: String,
    /// When it ended; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// `running`, `done`, `failed`, `paused`, `cancelled`, `stopped` or `interrupted`.
    state: String,
    /// Why it ended so, for people; empty where the state says it all.
    detail: String,
    /// The last trouble that it met, overcome or not.
    #[serde(skip_serializing_if = "String::is_empty")]
    trouble: String,
    /// Changes read.
    read: u64,
    /// Set-aside changes taken up again.
    taken_up: u64,
    /// Stored by the target.
    written: u64,
    /// The target already held it.
    unchanged: u64,
    /// Needed no write.
    skipped: u64,
    /// Set aside, for whatever reason.
    set_aside: u64,
}

impl From<RunRow> for RunView {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id.to_string(),
            flow: row.flow.to_string(),
            started: row.started.to_string(),
            ended: row.ended.map(|at| at.to_string()),
            state: row.state,
            detail: row.detail,
            trouble: row.trouble,
            read: row.counts.read,
            taken_up: row.counts.taken_up,
            written: row.counts.written,
            unchanged: row.counts.unchanged,
            skipped: row.counts.skipped,
            set_aside: row.counts.set_aside,
        }
    }
}

/// One run with what it called.
#[derive(Serialize, ToSchema)]
pub(super) struct RunWithCalls {
    /// The run.
    #[serde(flatten)]
    run: RunView,
    /// What it called, by connection, route and decision.
    calls: Vec<CallTotalsView>,
}

/// Calls of a run that went the same way.
#[derive(Serialize, ToSchema)]
pub(super) struct CallTotalsView {
    /// Through which connection.
    connection: String,
    /// By which route.
    route: String,
    /// `sent`, `stored` (answered from what was stored) or `denied:RULE`.
    decision: String,
    /// How many.
    count: u64,
    /// Milliseconds, all together.
    took_ms: u64,
    /// Milliseconds of the longest one.
    took_ms_max: u64,
}

impl From<CallTotals> for CallTotalsView {
    fn from(totals: CallTotals) -> Self {
        Self {
            connection: totals.connection.to_string(),
            route: totals.route,
            decision: totals.decision,
            count: totals.count,
            took_ms: totals.took_ms,
            took_ms_max: totals.took_ms_max,
        }
    }
}

/// One call of a plugin, allowed or not: names and sizes, no values.
#[derive(Serialize, ToSchema)]
pub(super) struct CallView {
    /// When it was decided: RFC 3339, UTC.
    at: String,
    /// Through which connection.
    connection: String,
    /// To which account.
    account: String,
    /// By which route.
    route: String,
    /// The HTTP method.
    method: String,
    /// The origin that was reached.
    origin: String,
    /// The route's path template, without the values.
    path: String,
    /// `sent`, `stored` (answered from what was stored) or `denied:RULE`.
    decision: String,
    /// The HTTP status, 0 if there was none.
    status: u16,
    /// Bytes of the request's body.
    request_bytes: u64,
    /// Bytes of the answer's body.
    response_bytes: u64,
    /// Milliseconds from the decision to the answer.
    took_ms: u64,
    /// What went wrong, empty if nothing.
    error: String,
}

impl From<JournalEntry> for CallView {
    fn from(entry: JournalEntry) -> Self {
        Self {
            at: entry.at.to_string(),
            connection: entry.connection.to_string(),
            account: entry.account.to_string(),
            route: entry.route,
            method: entry.method,
            origin: entry.origin,
            path: entry.path,
            decision: entry.decision,
            status: entry.status,
            request_bytes: entry.request_bytes,
            response_bytes: entry.response_bytes,
            took_ms: entry.took_ms,
            error: entry.error,
        }
    }
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RunsAsked {
    /// Only those in this state.
    state: Option<String>,
    /// Rows of one answer, 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    after: String,
}

/// Which calls.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct CallsAsked {
    /// Rows of one answer, 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// The runs of a flow, newest first. A look at the source that found nothing leaves none.
#[utoipa::path(get, path = "/v1/flows/{flow}/runs", tag = "runs",
    params(("flow" = String, Path, description = "The flow"), RunsAsked),
    responses((status = 200, description = "One page", body = List<RunView>)))]
pub(super) async fn list_runs(
    service: Shared,
    Named(flow): Named<FlowName>,
    Asked(asked): Asked<RunsAsked>,
) -> Result<Json<List<RunView>>, Error> {
    let limit = limit(asked.limit)?;
    let rows = service.app.runs(&flow, asked.state.as_deref(), &asked.after, limit + 1).await?;
    Ok(Json(List::page(rows, limit, |row| row.id.to_string()).map(RunView::from)))
}

/// One run, with what it moved and called; cheap enough to be asked every second while it goes on.
#[utoipa::path(get, path = "/v1/runs/{run}", tag = "runs",
    params(("run" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RunWithCalls)))]
pub(super) async fn show_run(service: Shared, Named(run): Named<RunId>) -> Result<Json<RunWithCalls>, Error> {
    let row = service.app.run(&run).await?;
    let calls = service.app.run_calls(&run).await?.into_iter().map(CallTotalsView::from).collect();
    Ok(Json(RunWithCalls { run: row.into(), calls }))
}

/// Every call of a run, newest first.
#[utoipa::path(get, path = "/v1/runs/{run}/calls", tag = "runs",
    params(("run" = String, Path, description = "The run's id"), CallsAsked),
    responses((status = 200, description = "One page", body = List<CallView>)))]
pub(super) async fn list_calls(
    service: Shared,
    Named(run): Named<RunId>,
    Asked(asked): Asked<CallsAsked>,
) -> Result<Json<List<CallView>>, Error> {
    let limit = limit(asked.limit)?;
    let before = number(asked.after.as_deref())?.unwrap_or(i64::MAX);
    let rows = service.app.run_journal(&run, before, limit + 1).await?;
    Ok(Json(List::page(rows, limit, |(seq, _)| seq.to_string()).map(|(_, entry)| entry.into())))
}
