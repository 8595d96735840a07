//! What people want of a flow: that it looks now, stands still, goes on, ends what it does, starts over.

use super::take::{Body, Named};
use super::{Error, Shared};
use crate::app::access::Who;
use axum::Extension;
use axum::http::StatusCode;
use serde::Deserialize;
use tollgate_core::model::FlowName;
use utoipa::ToSchema;

/// Why a flow is paused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseAsked {
    /// Shown with the flow; at most 2,000 bytes.
    #[serde(default)]
    reason: String,
}

/// Has a flow look at its source at once, also while it waits after trouble. Refused for one that is paused.
#[utoipa::path(post, path = "/v1/flows/{flow}/start", tag = "flows",
    params(("flow" = String, Path, description = "The flow")),
    responses((status = 202, description = "It looks at its source")))]
pub(super) async fn start_flow(
    service: Shared,
    Named(flow): Named<FlowName>,
    Extension(who): Extension<Who>,
) -> Result<StatusCode, Error> {
    service.act(async move |app| Ok(app.start_flow(&flow, &who.actor()).await?)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Has a flow stand still until it is resumed, also after a restart of the host. What has left is answered and committed,
/// what was decided and has not left waits and counts as in flight. One that is paused already keeps its first reason.
#[utoipa::path(post, path = "/v1/flows/{flow}/pause", tag = "flows",
    params(("flow" = String, Path, description = "The flow")), request_body = PauseAsked,
    responses((status = 202, description = "It stands still as soon as what has left is answered")))]
pub(super) async fn pause_flow(
    service: Shared,
    Named(flow): Named<FlowName>,
    Extension(who): Extension<Who>,
    Body(PauseAsked { reason }): Body<PauseAsked>,
) -> Result<StatusCode, Error> {
    service.act(async move |app| Ok(app.pause_flow(&flow, &reason, &who.actor()).await?)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lets a paused flow go on where it stood; one that runs runs on.
#[utoipa::path(post, path = "/v1/flows/{flow}/resume", tag = "flows",
    params(("flow" = String, Path, description = "The flow")),
    responses((status = 202, description = "It goes on")))]
pub(super) async fn resume_flow(
    service: Shared,
    Named(flow): Named<FlowName>,
    Extension(who): Extension<Who>,
) -> Result<StatusCode, Error> {
    service.act(async move |app| Ok(app.resume_flow(&flow, &who.actor()).await?)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Ends the run under way: nothing more is read or leaves, what has left is answered and committed. The flow then waits
/// for its next time, or for somebody to start it.
#[utoipa::path(post, path = "/v1/flows/{flow}/cancel", tag = "flows",
    params(("flow" = String, Path, description = "The flow")),
    responses((status = 202, description = "The run ends as soon as what has left is answered")))]
pub(super) async fn cancel_flow(
    service: Shared,
    Named(flow): Named<FlowName>,
    Extension(who): Extension<Who>,
) -> Result<StatusCode, Error> {
    service.act(async move |app| Ok(app.cancel_flow(&flow, &who.actor()).await?)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Forgets how far a flow has read and reads its source anew, a paused one as soon as it is resumed; what is unchanged
/// causes no write.
#[utoipa::path(post, path = "/v1/flows/{flow}/read-anew", tag = "flows",
    params(("flow" = String, Path, description = "The flow")),
    responses((status = 202, description = "It starts over")))]
pub(super) async fn read_anew(
    service: Shared,
    Named(flow): Named<FlowName>,
    Extension(who): Extension<Who>,
) -> Result<StatusCode, Error> {
    service.act(async move |app| Ok(app.read_anew(&flow, &who.actor()).await?)).await?;
    Ok(StatusCode::ACCEPTED)
}
