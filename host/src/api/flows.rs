//! Flows: what they are doing, what became of everything they read, and what waits for somebody.

use super::error::Error;
use super::take::{Asked, Named, PageAsked, limit};
use super::{List, Shared};
use crate::app::status::Doing;
use crate::app::{App, Status};
use crate::store::FlowState;
use axum::Json;
use serde::Serialize;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{Flag, FlowName};
use utoipa::ToSchema;

/// One flow.
#[derive(Serialize, ToSchema)]
pub(super) struct FlowView {
    /// Its name.
    name: String,
    /// The entity that it moves.
    entity: String,
    /// The system that it reads.
    from: String,
    /// The system that it writes.
    to: String,
    /// What it does, in one word: `working`, `idle`, `paused`, `trouble`, or `stopped` where this node does not run it.
    doing: &'static str,
    /// Whether it is to run.
    state: StateView,
    /// What it is doing; absent while this node does not run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusView>,
    /// What became of its changes.
    tally: TallyView,
}

/// Whether a flow is to run, and who wanted that.
#[derive(Serialize, ToSchema)]
pub(super) struct StateView {
    /// It stands still until somebody resumes it.
    is_paused: bool,
    /// Since when it is so: RFC 3339, UTC; absent if nobody ever paused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Who wanted it so.
    #[serde(skip_serializing_if = "String::is_empty")]
    by: String,
    /// Why it is paused.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
}

impl From<FlowState> for StateView {
    fn from(state: FlowState) -> Self {
        Self {
            is_paused: state.is_paused,
            since: state.since.map(|at| at.to_string()),
            by: state.actor,
            reason: state.reason,
        }
    }
}

/// What a flow is doing.
#[derive(Serialize, ToSchema)]
pub(super) struct StatusView {
    /// The run under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// When the source is looked at next: RFC 3339, UTC; absent while it is looked at, and while nothing is to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_read: Option<String>,
    /// Whether the source is read to its end and nothing moves.
    is_idle: bool,
    /// Intents that are decided and not yet answered.
    in_flight: usize,
    /// Why the flow cannot go on for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// Since when it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble_since: Option<String>,
}

impl From<Status> for StatusView {
    fn from(status: Status) -> Self {
        Self {
            run: status.run.map(|run| run.to_string()),
            next_read: status.next_read.map(|at| at.to_string()),
            is_idle: status.is_idle,
            in_flight: status.in_flight,
            trouble: status.trouble,
            trouble_since: status.trouble_since.map(|at| at.to_string()),
        }
    }
}

/// A flow's counts. `read` is the sum of all others, or something is wrong: then `is_conserved` is false.
#[derive(Serialize, ToSchema)]
pub(super) struct TallyView {
    read: u64,
    written: u64,
    unchanged: u64,
    skipped_predicate: u64,
    skipped_transform: u64,
    skipped_echo: u64,
    skipped_superseded: u64,
    skipped_discarded: u64,
    held: u64,
    exceptions: u64,
    dead_letters: u64,
    in_flight: u64,
    is_conserved: bool,
}

impl From<Tally> for TallyView {
    fn from(tally: Tally) -> Self {
        Self {
            read: tally.read,
            written: tally.written,
            unchanged: tally.unchanged,
            skipped_predicate: tally.skipped_predicate,
            skipped_transform: tally.skipped_transform,
            skipped_echo: tally.skipped_echo,
            skipped_superseded: tally.skipped_superseded,
            skipped_discarded: tally.skipped_discarded,
            held: tally.held,
            exceptions: tally.exceptions,
            dead_letters: tally.dead_letters,
            in_flight: tally.in_flight,
            is_conserved: tally.is_conserved(),
        }
    }
}

/// One record that was written and that a person should look at.
#[derive(Serialize, ToSchema)]
pub(super) struct FlaggedView {
    /// Its key in the system that was written.
    key: String,
    /// The host's own id of the thing.
    entity_id: String,
    /// What to look at.
    flags: Vec<FlagView>,
}

/// What to look at in a record.
#[derive(Serialize, ToSchema)]
pub(super) struct FlagView {
    /// `defaulted:FIELD`.
    flag: String,
    /// Who is to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    whom: Option<String>,
}

/// The flows, by name.
#[utoipa::path(get, path = "/v1/flows", tag = "flows",
    params(PageAsked), responses((status = 200, description = "One page", body = List<FlowView>)))]
pub(super) async fn list_flows(service: Shared, Asked(asked): Asked<PageAsked>) -> Result<Json<List<FlowView>>, Error> {
    let limit = limit(asked.limit)?;
    let page = List::of_all(service.app.flows().await?, (&asked.after, limit), |flow| flow.flow.to_string());
    let mut views = Vec::new();
    for flow in &page.items {
        views.push(view(&service.app, flow).await?);
    }
    Ok(Json(List { items: views, next: page.next }))
}

/// One flow.
#[utoipa::path(get, path = "/v1/flows/{flow}", tag = "flows",
    params(("flow" = String, Path, description = "The flow")),
    responses((status = 200, description = "The flow", body = FlowView)))]
pub(super) async fn show_flow(service: Shared, Named(flow): Named<FlowName>) -> Result<Json<FlowView>, Error> {
    Ok(Json(view(&service.app, &service.app.flow(&flow).await?).await?))
}

async fn view(app: &App, flow: &Flow) -> Result<FlowView, Error> {
    let (state, status) = (app.flow_state(&flow.flow).await?, app.status(&flow.flow).await);
    Ok(FlowView {
        doing: Doing::of(status.as_ref(), state.is_paused).as_str(),
        name: flow.flow.to_string(),
        entity: flow.entity.to_string(),
        from: flow.from.to_string(),
        to: flow.to.to_string(),
        state: state.into(),
        status: status.map(StatusView::from),
        tally: app.tally(&flow.flow).await?.into(),
    })
}

/// The records that a flow wrote and that a person should look at, by key.
#[utoipa::path(get, path = "/v1/flows/{flow}/flagged", tag = "flows",
    params(("flow" = String, Path, description = "The flow"), PageAsked),
    responses((status = 200, description = "One page", body = List<FlaggedView>)))]
pub(super) async fn list_flagged(
    service: Shared,
    Named(flow): Named<FlowName>,
    Asked(asked): Asked<PageAsked>,
) -> Result<Json<List<FlaggedView>>, Error> {
    let limit = limit(asked.limit)?;
    let rows = service.app.flagged_after(&flow, &asked.after, limit + 1).await?;
    let flag = |flag: Flag| FlagView { flag: flag.flag, whom: flag.whom };
    let view = |row: crate::store::RecordRow| FlaggedView {
        key: row.key,
        entity_id: row.entity_id.to_string(),
        flags: row.flags.into_iter().map(flag).collect(),
    };
    Ok(Json(List::page(rows, limit, |row| row.key.clone()).map(view)))
}
