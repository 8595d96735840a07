//! Records as a system holds them now: looked up through a connection, for who or what waits for the answer.

use super::error::{Code, Error};
use super::take::{Body, Named};
use super::{List, Shared};
use crate::app;
use crate::app::find::FindWish;
use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tollgate_core::model::{Change, Comparison, Condition, ConnectionName, Failure, StreamName, json, limits};
use tollgate_sandbox::CallError;
use utoipa::ToSchema;

/// What is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindAsked {
    /// The stream.
    stream: String,
    /// The value that each of these fields must have, as JSON. At least one.
    #[schema(value_type = BTreeMap<String, Object>)]
    equal: BTreeMap<String, serde_json::Value>,
    /// Records of the answer, 1 to 100; 10 if absent.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// One record.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordView {
    /// Its key in the system.
    key: String,
    /// What the system calls this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// When the system says that it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_at: Option<String>,
    /// Its data, in the stream's own words; numbers keep their digits.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

/// The records of a stream whose fields have these values, as the system holds them now.
#[utoipa::path(post, path = "/v1/connections/{name}/find", tag = "connections",
    params(("name" = String, Path, description = "The connection")),
    request_body = FindAsked,
    responses((status = 200, description = "The records", body = List<RecordView>)))]
pub(super) async fn find_records(
    service: Shared,
    Named(name): Named<ConnectionName>,
    Body(asked): Body<FindAsked>,
) -> Result<Json<List<RecordView>>, Error> {
    let is_value = |value: &serde_json::Value| !value.is_object() && !value.is_array();
    if let Some((field, _)) = asked.equal.iter().find(|(_, value)| !is_value(value)) {
        return Err(Error::new(Code::Refused, "a field is compared with one plain value").at(format!("equal.{field}")));
    }
    let condition = |(field, value): (String, serde_json::Value)| Condition {
        field,
        is: Comparison::Equal(json::canonical(&value)),
    };
    let only: Vec<Condition> = asked.equal.into_iter().map(condition).collect();
    let stream = StreamName::from(asked.stream);
    let most = asked.limit.unwrap_or(limits::FIND_RECORDS_DEFAULT);
    let found = service.app.find(FindWish { connection: &name, stream: &stream, only: &only, most }).await;
    let found = found.map_err(refused)?;
    Ok(Json(List::whole(found.into_iter().map(view).collect::<Result<_, _>>()?)))
}

/// A plugin that does not know the stream, or a system that does not know the field, refuses the question: nothing failed.
fn refused(error: app::Error) -> Error {
    match &error {
        app::Error::Call {
            source: CallError::Failure(Failure::Unsupported(why) | Failure::Misconfigured(why) | Failure::Fault(why)),
            ..
        } => Error::new(Code::Refused, format!("the question is refused: {why}")).at("body"),
        _ => error.into(),
    }
}

fn view(change: Change) -> Result<RecordView, Error> {
    // The sandbox has seen that it is JSON; RawValue wants to see it again.
    let data = RawValue::from_string(change.data).map_err(|_| Error::inside())?;
    Ok(RecordView { key: change.key, version: change.version, modified_at: change.modified_at, data })
}
