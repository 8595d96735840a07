//! Entities: what would become of one record, and whether a map fits the systems that it names.

use super::Shared;
use super::error::Error;
use super::take::{Body, Named};
use super::tried::TriedView;
use axum::Json;
use serde::Deserialize;
use tollgate_core::model::FlowName;
use utoipa::ToSchema;

/// Which record to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Try {
    /// Its key in the flow's source.
    key: String,
}

/// Fetches a record from the flow's source and says what the flow would do with it, and why. Nothing is written, and nothing
/// is sent that has an effect.
#[utoipa::path(post, path = "/v1/flows/{flow}/try", tag = "entities",
    params(("flow" = String, Path, description = "The flow")),
    request_body = Try, responses((status = 200, description = "What would become of it", body = TriedView)))]
pub(super) async fn try_record(
    service: Shared,
    Named(flow): Named<FlowName>,
    Body(Try { key }): Body<Try>,
) -> Result<Json<TriedView>, Error> {
    let attempt = service.act(async move |app| Ok(app.attempt(&flow, &key).await?)).await?;
    Ok(Json(attempt.into()))
}
