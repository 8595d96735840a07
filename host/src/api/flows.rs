//! Flows: what they are doing, what became of everything they read, and what waits for somebody.

use super::error::{Code, Error};
use super::take::{Asked, Named, limit};
use super::{List, Shared};
use crate::app::App;
use crate::app::access::Who;
use crate::store::Kind;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tollgate_core::model::flow::Flow;
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{Flag, FlowName};
use utoipa::{IntoParams, ToSchema};

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
    /// What it is doing; absent while this node does not run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusView>,
    /// What became of its changes.
    tally: TallyView,
}

/// What a flow is doing.
#[derive(Serialize, ToSchema)]
pub(super) struct StatusView {
    /// Whether the source is read to its end and nothing moves.
    is_idle: bool,
    /// Intents that are decided and not yet answered.
    in_flight: usize,
    /// Why the flow cannot go on for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

/// A flow's counts. `read` is the sum of all others, or something is wrong: then `is_conserved` is false.
#[derive(Serialize, ToSchema)]
pub(super) struct TallyView {
    read: u64,
    written: u64,
    unchanged: u64,
    skipped_predicate: u64,
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

/// One set-aside change.
#[derive(Serialize, ToSchema)]
pub(super) struct SetAsideView {
    /// The record's key in the source.
    key: String,
    /// The rule that decided so, a short stable word.
    rule: String,
    /// What is wrong and how to mend it.
    reason: String,
    /// How often it was tried.
    attempts: u32,
    /// Since when: RFC 3339, UTC.
    since: String,
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

/// One execution of a flow.
#[derive(Serialize, ToSchema)]
pub(super) struct RunView {
    /// Its id.
    id: String,
    /// When it began: RFC 3339, UTC.
    started: String,
    /// When it ended; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// How it goes, a short stable word.
    state: String,
    /// The same for people.
    detail: String,
}

/// Which set-aside changes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SetAsideAsked {
    /// `hold`, `exception` or `dead-letter`.
    kind: String,
    /// Rows of one answer, 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    after: String,
}

/// How many rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitAsked {
    /// Rows of the answer, 1 to 1,000; 100 if absent.
    limit: Option<u32>,
}

/// The flows, by name.
#[utoipa::path(get, path = "/v1/flows", tag = "flows",
    responses((status = 200, description = "The flows", body = List<FlowView>)))]
pub(super) async fn list_flows(service: Shared) -> Result<Json<List<FlowView>>, Error> {
    let mut views = Vec::new();
    for flow in service.app.flows().await? {
        views.push(view(&service.app, &flow).await?);
    }
    Ok(Json(List::whole(views)))
}

/// One flow.
#[utoipa::path(get, path = "/v1/flows/{flow}", tag = "flows",
    params(("flow" = String, Path, description = "The flow")),
    responses((status = 200, description = "The flow", body = FlowView)))]
pub(super) async fn show_flow(service: Shared, Named(flow): Named<FlowName>) -> Result<Json<FlowView>, Error> {
    Ok(Json(view(&service.app, &service.app.flow(&flow).await?).await?))
}

async fn view(app: &App, flow: &Flow) -> Result<FlowView, Error> {
    let status = app.status(&flow.flow).await.map(|status| StatusView {
        is_idle: status.is_idle,
        in_flight: status.in_flight,
        trouble: status.trouble,
    });
    Ok(FlowView {
        name: flow.flow.to_string(),
        entity: flow.entity.to_string(),
        from: flow.from.to_string(),
        to: flow.to.to_string(),
        status,
        tally: app.tally(&flow.flow).await?.into(),
    })
}

/// Forgets how far a running flow has come and reads its source anew; what is unchanged causes no write.
#[utoipa::path(post, path = "/v1/flows/{flow}/read-anew", tag = "flows",
    params(("flow" = String, Path, description = "The flow")),
    responses((status = 202, description = "It has started over")))]
pub(super) async fn read_anew(
    service: Shared,
    Named(flow): Named<FlowName>,
    Extension(who): Extension<Who>,
) -> Result<StatusCode, Error> {
    service.act(async move |app| Ok(app.read_anew(&flow, &who.actor()).await?)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What is set aside of a flow, by key.
#[utoipa::path(get, path = "/v1/flows/{flow}/set-aside", tag = "flows",
    params(("flow" = String, Path, description = "The flow"), SetAsideAsked),
    responses((status = 200, description = "One page", body = List<SetAsideView>)))]
pub(super) async fn list_set_aside(
    service: Shared,
    Named(flow): Named<FlowName>,
    Asked(asked): Asked<SetAsideAsked>,
) -> Result<Json<List<SetAsideView>>, Error> {
    let kinds = [Kind::Hold, Kind::Exception, Kind::DeadLetter];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == asked.kind);
    let unknown = || Error::new(Code::Malformed, "`kind` must be `hold`, `exception` or `dead-letter`").at("query");
    let kind = kind.ok_or_else(unknown)?;
    let limit = limit(asked.limit)?;
    // One more than asked for tells whether there is a next page.
    let mut rows = service.app.set_aside_after((&flow, kind), &asked.after, limit + 1).await?;
    let is_last = rows.len() <= limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| !is_last).map(|row| row.key.clone());
    let view = |row: crate::store::SetAsideLine| SetAsideView {
        key: row.key,
        rule: row.rule,
        reason: row.reason,
        attempts: row.attempts,
        since: row.since.to_string(),
    };
    Ok(Json(List { items: rows.into_iter().map(view).collect(), next }))
}

/// The records that a flow wrote and that a person should look at, by key.
#[utoipa::path(get, path = "/v1/flows/{flow}/flagged", tag = "flows",
    params(("flow" = String, Path, description = "The flow"), LimitAsked),
    responses((status = 200, description = "The records", body = List<FlaggedView>)))]
pub(super) async fn list_flagged(
    service: Shared,
    Named(flow): Named<FlowName>,
    Asked(asked): Asked<LimitAsked>,
) -> Result<Json<List<FlaggedView>>, Error> {
    let rows = service.app.flagged(&flow, limit(asked.limit)?).await?;
    let flag = |flag: Flag| FlagView { flag: flag.flag, whom: flag.whom };
    let view = |row: crate::store::RecordRow| FlaggedView {
        key: row.key,
        entity_id: row.entity_id.to_string(),
        flags: row.flags.into_iter().map(flag).collect(),
    };
    Ok(Json(List::whole(rows.into_iter().map(view).collect())))
}

/// The newest runs of a flow, newest first.
#[utoipa::path(get, path = "/v1/flows/{flow}/runs", tag = "flows",
    params(("flow" = String, Path, description = "The flow"), LimitAsked),
    responses((status = 200, description = "The runs", body = List<RunView>)))]
pub(super) async fn list_runs(
    service: Shared,
    Named(flow): Named<FlowName>,
    Asked(asked): Asked<LimitAsked>,
) -> Result<Json<List<RunView>>, Error> {
    let rows = service.app.runs(&flow, limit(asked.limit)?).await?;
    let view = |row: crate::store::RunRow| RunView {
        id: row.id.to_string(),
        started: row.started.to_string(),
        ended: row.ended.map(|at| at.to_string()),
        state: row.state,
        detail: row.detail,
    };
    Ok(Json(List::whole(rows.into_iter().map(view).collect())))
}
