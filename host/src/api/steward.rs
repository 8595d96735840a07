//! What a person decides about set-aside changes, one or many: try again, correct, give up.

use super::Shared;
use super::error::{Code, Error};
use super::set_aside::kind;
use super::take::{Body, Named};
use crate::app::access::Who;
use crate::app::{App, KeyPage};
use crate::store::SetAsideFilter;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tollgate_core::model::{FlowName, limits};
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

/// Which set-aside changes a decision concerns: either `keys`, or all of a `kind` (and `rule`) page by page.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Many {
    /// The records' keys in the source, at most 1,000.
    keys: Option<Vec<String>>,
    /// `hold`, `exception` or `dead-letter`. Without a `rule`, holds that may have been written already are left out.
    kind: Option<String>,
    /// Only those of this rule.
    rule: Option<String>,
    /// The `next` of the answer before.
    #[serde(default)]
    after: String,
}

/// Which set-aside changes are given up, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ManyGivenUp {
    /// The records' keys in the source, at most 1,000.
    keys: Option<Vec<String>>,
    /// `hold`, `exception` or `dead-letter`. Without a `rule`, holds that may have been written already are left out.
    kind: Option<String>,
    /// Only those of this rule.
    rule: Option<String>,
    /// The `next` of the answer before.
    #[serde(default)]
    after: String,
    /// Kept in the audit log.
    reason: String,
}

/// How many changes a decision about many concerned.
#[derive(Serialize, ToSchema)]
pub(super) struct ManyConcerned {
    /// How many there were in this step.
    count: u64,
    /// What to give as `after` for the next step; absent when that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The keys that a decision about many concerns in this step.
async fn keys(app: &App, flow: &FlowName, many: Many) -> Result<KeyPage, Error> {
    let refused = |message: String| Error::new(Code::Refused, message).at("body");
    match many {
        Many { keys: Some(keys), kind: None, rule: None, .. } => {
            app.flow(flow).await?;
            let most = limits::API_ROWS_MAX as usize;
            if keys.is_empty() || keys.len() > most {
                return Err(refused(format!("`keys` must be 1 to {most} keys; decide about more in steps")));
            }
            Ok(KeyPage { keys, next: None })
        }
        Many { keys: None, kind: Some(name), rule, after } => {
            let filter = SetAsideFilter { kind: Some(kind(&name, "body")?), rule, since: None };
            Ok(app.set_aside_keys((flow, &filter), &after, limits::API_ROWS_MAX).await?)
        }
        _ => Err(refused("give either `keys`, or `kind` and perhaps `rule`".into())),
    }
}

/// Has many set-aside changes decided again, at most 1,000 in one step: these keys, or all of a kind and rule.
#[utoipa::path(post, path = "/v1/flows/{flow}/set-aside/release", tag = "set-aside",
    params(("flow" = String, Path, description = "The flow")), request_body = Many,
    responses((status = 200, description = "They are taken up again", body = ManyConcerned)))]
pub(super) async fn release_many(
    service: Shared,
    Named(flow): Named<FlowName>,
    Extension(who): Extension<Who>,
    Body(many): Body<Many>,
) -> Result<Json<ManyConcerned>, Error> {
    let act = async move |app: Arc<App>| {
        let KeyPage { keys, next } = keys(&app, &flow, many).await?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let count = if keys.is_empty() { 0 } else { app.release(&flow, &keys, &who.actor()).await? };
        Ok(ManyConcerned { count, next })
    };
    Ok(Json(service.act(act).await?))
}

/// Gives many set-aside changes up with one reason, at most 1,000 in one step: these keys, or all of a kind and rule.
#[utoipa::path(post, path = "/v1/flows/{flow}/set-aside/discard", tag = "set-aside",
    params(("flow" = String, Path, description = "The flow")), request_body = ManyGivenUp,
    responses((status = 200, description = "They are counted as skipped", body = ManyConcerned)))]
pub(super) async fn discard_many(
    service: Shared,
    Named(flow): Named<FlowName>,
    Extension(who): Extension<Who>,
    Body(ManyGivenUp { keys: asked, kind, rule, after, reason }): Body<ManyGivenUp>,
) -> Result<Json<ManyConcerned>, Error> {
    let act = async move |app: Arc<App>| {
        let KeyPage { keys, next } = keys(&app, &flow, Many { keys: asked, kind, rule, after }).await?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let count = match keys.len() {
            0 => 0,
            _ => app.discard(&flow, &keys, &reason, &who.actor()).await?.len() as u64,
        };
        Ok(ManyConcerned { count, next })
    };
    Ok(Json(service.act(act).await?))
}

/// Has a set-aside change decided again, whatever it waits for: also one that is parked, which may then be written twice.
#[utoipa::path(post, path = "/v1/flows/{flow}/set-aside/{key}/release", tag = "set-aside",
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
#[utoipa::path(post, path = "/v1/flows/{flow}/set-aside/{key}/discard", tag = "set-aside",
    params(("flow" = String, Path, description = "The flow"), ("key" = String, Path, description = "The record's key in the source")),
    request_body = Reason,
    responses((status = 200, description = "It is counted as skipped", body = Concerned)))]
pub(super) async fn discard(
    service: Shared,
    Named((flow, key)): Named<(FlowName, String)>,
    Extension(who): Extension<Who>,
    Body(Reason { reason }): Body<Reason>,
) -> Result<Json<Concerned>, Error> {
    let act = async move |app: Arc<App>| Ok(app.discard(&flow, &[&key], &reason, &who.actor()).await?.len() as u64);
    Ok(Json(Concerned { count: service.act(act).await? }))
}

/// Puts corrected data in place of a set-aside change's and has it decided again.
#[utoipa::path(put, path = "/v1/flows/{flow}/set-aside/{key}", tag = "set-aside",
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
