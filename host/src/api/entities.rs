//! Entities: what would become of one record, and whether a map fits the systems that it names.

use super::error::Error;
use super::take::{Body, Named};
use super::tried::TriedView;
use super::{List, Shared};
use axum::Json;
use serde::{Deserialize, Serialize};
use tollgate_core::entity::map::fit::Finding;
use tollgate_core::model::{EntityName, FlowName};
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

/// One thing that does not fit.
#[derive(Serialize, ToSchema)]
pub(super) struct FindingView {
    /// `fault`, `warning` or `note`.
    severity: &'static str,
    /// The line of the entity map; absent if it is about no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The system.
    system: String,
    /// The field: of the map where a line says it, else of the stream.
    field: String,
    /// What is wrong and how to mend it.
    message: String,
    /// How many values of the sample it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let Finding { severity, line, system, field, message, count } = finding;
        let line = (line > 0).then_some(line);
        Self { severity: severity.as_str(), line, system: system.to_string(), field, message, count }
    }
}

/// Has the systems of an entity described and one page of them read, and says what does not fit its map, the worst first.
#[utoipa::path(post, path = "/v1/entities/{entity}/check", tag = "entities",
    params(("entity" = String, Path, description = "The entity")),
    responses((status = 200, description = "What does not fit; nothing if all does", body = List<FindingView>)))]
pub(super) async fn check_entity(
    service: Shared,
    Named(entity): Named<EntityName>,
) -> Result<Json<List<FindingView>>, Error> {
    let findings = service.act(async move |app| Ok(app.check_entity(&entity).await?)).await?;
    Ok(Json(List::whole(findings.into_iter().map(FindingView::from).collect())))
}
