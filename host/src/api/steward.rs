//! What a person decides about one set-aside change: try again, correct, give up.

use super::take::{Body, Named};
use super::{Error, Shared};
use crate::app::access::Who;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tollgate_core::model::FlowName;
use utoipa::ToSchema;

/// Corrected data.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Correction {
    /// The record's data as it is to be decided: JSON text, so that numbers keep their digits.
    data: String,
}

/// Why a change is given up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// Kept in the audit log.
    reason: String,
}

/// How many changes it concerned.
#[derive(Serialize, ToSchema)]
pub(super) struct Concerned {
    /// 1, or 0 if nothing is set aside under this key or it is being decided again at this moment.
    count: u64,
}

/// Has a set-aside change decided again, whatever it waits for: also one that is parked, which may then be written twice.
#[utoipa::path(post, path = "/v1/flows/{flow}/set-aside/{key}/release", tag = "flows",
    params(("flow" = String, Path, description = "The flow"), ("key" = String, Path, description = "The record's key in the source")),
    responses((status = 200, description = "It is taken up again", body = Concerned)))]
pub(super) async fn release(
    service: Shared,
    Named((flow, key)): Named<(FlowName, String)>,
    Extension(who): Extension<Who>,
) -> Result<Json<Concerned>, Error> {
    let count = service.act(async move |app| Ok(app.release(&flow, &[&key], &who.actor()).await?)).await?;
    Ok(Json(Concerned { count }))
}

/// Gives a set-aside change up, with a reason.
#[utoipa::path(post, path = "/v1/flows/{flow}/set-aside/{key}/discard", tag = "flows",
    params(("flow" = String, Path, description = "The flow"), ("key" = String, Path, description = "The record's key in the source")),
    request_body = Reason,
    responses((status = 200, description = "It is counted as skipped", body = Concerned)))]
pub(super) async fn discard(
    service: Shared,
    Named((flow, key)): Named<(FlowName, String)>,
    Extension(who): Extension<Who>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Json<Concerned>, Error> {
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        Ok(app.discard(&flow, &[&key], &reason, &who.actor()).await?.len() as u64)
    };
    Ok(Json(Concerned { count: service.act(act).await? }))
}

/// Puts corrected data in place of a set-aside change's and has it decided again.
#[utoipa::path(put, path = "/v1/flows/{flow}/set-aside/{key}", tag = "flows",
    params(("flow" = String, Path, description = "The flow"), ("key" = String, Path, description = "The record's key in the source")),
    request_body = Correction,
    responses((status = 204, description = "It is taken up again")))]
pub(super) async fn correct(
    service: Shared,
    Named((flow, key)): Named<(FlowName, String)>,
    Extension(who): Extension<Who>,
    Body(Correction { data }): Body<Correction>,
) -> Result<StatusCode, Error> {
    service.act(async move |app| Ok(app.edit(&flow, &key, &data, &who.actor()).await?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
