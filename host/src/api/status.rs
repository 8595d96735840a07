//! What needs somebody.

use super::Shared;
use super::error::Error;
use super::flows::TallyView;
use super::rules::{Right, may};
use crate::app::access::Who;
use crate::app::status::{FlowFacts, Stuck};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

/// A host at one moment.
#[derive(Serialize, ToSchema)]
pub(super) struct OverviewView {
    /// `well`, or `needs somebody`.
    state: &'static str,
    /// The flows, by name.
    flows: Vec<FlowLine>,
    /// Everything that is stuck, what stops most first.
    stuck: Vec<StuckView>,
}

/// One flow.
#[derive(Serialize, ToSchema)]
struct FlowLine {
    /// Its name.
    name: String,
    /// `working`, `idle`, `paused`, `trouble`, or `stopped` where this node does not run it.
    doing: &'static str,
    /// Why it cannot go on, or why somebody paused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Since when: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// What became of its changes.
    tally: TallyView,
}

/// One thing that needs somebody.
#[derive(Serialize, ToSchema)]
struct StuckView {
    /// What it is.
    what: String,
    /// Why it is stuck.
    why: String,
    /// Since when: RFC 3339, UTC; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// How many records it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// The command that mends it; a word in capitals is for a person to choose.
    mend: String,
}

impl From<FlowFacts> for FlowLine {
    fn from(flow: FlowFacts) -> Self {
        let FlowFacts { name, doing, why, since, tally, .. } = flow;
        let (doing, since) = (doing.as_str(), since.map(|at| at.to_string()));
        Self { name: name.to_string(), doing, why, since, tally: tally.into() }
    }
}

impl From<Stuck> for StuckView {
    fn from(stuck: Stuck) -> Self {
        let Stuck { what, why, since, count, mend } = stuck;
        Self { what, why, since: since.map(|at| at.to_string()), count, mend }
    }
}

/// What is stuck, since when, and the command that mends it.
#[utoipa::path(get, path = "/v1/status", tag = "status",
    responses((status = 200, description = "The host at this moment", body = OverviewView)))]
pub(super) async fn show_status(service: Shared, Extension(who): Extension<Who>) -> Result<Json<OverviewView>, Error> {
    let overview = service.app.overview(may(who.role, Right::ReadTokens)).await?;
    Ok(Json(OverviewView {
        state: if overview.stuck.is_empty() { "well" } else { "needs somebody" },
        flows: overview.facts.flows.into_iter().map(FlowLine::from).collect(),
        stuck: overview.stuck.into_iter().map(StuckView::from).collect(),
    }))
}
