//! The configuration as a whole: what a change would do, doing it, what was done, and going back.

use super::error::Error;
use super::take::{Asked, Body, Named, is_known, limit, number, required_version, tag};
use super::{List, Shared};
use crate::app::access::Who;
use crate::app::apply::{Applied, DocumentChange, How, RowChange, Wish};
use crate::app::documents::Document;
use crate::store::RevisionRow;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tollgate_core::model::limits;
use utoipa::{IntoParams, ToSchema};

/// The configuration as a whole.
#[derive(Serialize, ToSchema)]
pub(super) struct ConfigurationView {
    /// Counts its changes, from 1; 0 before the first. The same as in `ETag`.
    revision: i64,
}

/// One file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileView {
    /// What faults name it by.
    file: String,
    /// YAML: one connection, entity map, flow or translation table.
    text: String,
}

/// Documents to take over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplyAsked {
    /// The files.
    files: Vec<FileView>,
    /// Whether documents that are not among the files are removed; not if absent.
    #[serde(default)]
    prune: bool,
    /// Whether only the plan is wanted; not if absent.
    #[serde(default)]
    dry_run: bool,
    /// What the list of revisions says of it, up to 1,000 bytes.
    #[serde(default)]
    note: String,
}

/// A revision to go back to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RollbackAsked {
    /// The revision.
    to: i64,
    /// Whether only the plan is wanted; not if absent.
    #[serde(default)]
    dry_run: bool,
    /// What the list of revisions says of it, up to 1,000 bytes.
    #[serde(default)]
    note: String,
}

/// One document that changes.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangeView {
    /// `connection`, `entity` or `flow`.
    kind: String,
    /// Its name, unique in its kind.
    name: String,
    /// `create`, `change` or `remove`.
    change: &'static str,
    /// The changed lines with three around them, in the unified format.
    difference: String,
}

impl From<DocumentChange> for ChangeView {
    fn from(change: DocumentChange) -> Self {
        let DocumentChange { kind, name, act, difference } = change;
        Self { kind, name, change: act.as_str(), difference }
    }
}

/// One row of a translation table that changes.
#[derive(Serialize, ToSchema)]
pub(super) struct RowChangeView {
    /// The table.
    table: String,
    /// What is translated.
    from: String,
    /// What it became before; absent if there was no row.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// What it becomes.
    after: String,
}

impl From<RowChange> for RowChangeView {
    fn from(row: RowChange) -> Self {
        Self { table: row.table.to_string(), from: row.from, before: row.before, after: row.after }
    }
}

/// What became, or would become, of the configuration.
#[derive(Serialize, ToSchema)]
pub(super) struct AppliedView {
    /// Its revision now; the same as in `ETag`.
    revision: i64,
    /// Whether this made it: not if nothing changes, and not if only the plan was wanted.
    is_applied: bool,
    /// The documents that change, by kind and name.
    changes: Vec<ChangeView>,
    /// The rows of translation tables that change.
    rows: Vec<RowChangeView>,
    /// The flows that are opened anew because of it.
    reopened: Vec<String>,
}

impl IntoResponse for AppliedView {
    fn into_response(self) -> Response {
        ([tag(self.revision)], Json(self)).into_response()
    }
}

impl From<Applied> for AppliedView {
    fn from(applied: Applied) -> Self {
        Self {
            revision: applied.revision,
            is_applied: applied.is_applied,
            changes: applied.changes.into_iter().map(ChangeView::from).collect(),
            rows: applied.rows.into_iter().map(RowChangeView::from).collect(),
            reopened: applied.reopened.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One applied change of configuration.
#[derive(Serialize, ToSchema)]
pub(super) struct RevisionView {
    /// Counts them, from 1.
    revision: i64,
    /// When: RFC 3339, UTC.
    at: String,
    /// Who.
    actor: String,
    /// What they said of it.
    note: String,
    /// The documents that it changed, by kind and name.
    changes: Vec<ChangeLine>,
}

/// One document that a revision changed.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangeLine {
    /// `connection`, `entity` or `flow`.
    kind: String,
    /// Its name, unique in its kind.
    name: String,
    /// `create`, `change` or `remove`.
    change: &'static str,
}

/// One applied change of configuration, with all that it changed.
#[derive(Serialize, ToSchema)]
pub(super) struct WholeRevisionView {
    /// Counts them, from 1.
    revision: i64,
    /// When: RFC 3339, UTC.
    at: String,
    /// Who.
    actor: String,
    /// What they said of it.
    note: String,
    /// The documents that it changed, by kind and name.
    changes: Vec<ChangeView>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// What the page before gave as `next`.
    after: Option<String>,
}

/// The revision of the configuration: what a change names in `If-Match`.
#[utoipa::path(get, path = "/v1/configuration", tag = "configuration",
    params(("If-None-Match" = Option<String>, Header, description = "A revision that the caller has")),
    responses((status = 200, description = "Its revision", body = ConfigurationView, headers(("ETag" = String, description = "Its revision"))),
              (status = 304, description = "The caller has it already")))]
pub(super) async fn show_configuration(service: Shared, headers: HeaderMap) -> Result<Response, Error> {
    let revision = service.app.newest_revision().await?;
    let tag = [tag(revision)];
    if is_known(&headers, revision) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, Json(ConfigurationView { revision })).into_response())
}

/// Takes over documents as one change, or says what that would do. Flows that it concerns finish what is under way and are
/// opened anew; the others run on.
#[utoipa::path(post, path = "/v1/configuration/apply", tag = "configuration",
    params(("If-Match" = Option<String>, Header, description = "The revision that the configuration must have")),
    request_body = ApplyAsked,
    responses((status = 200, description = "What changes", body = AppliedView, headers(("ETag" = String, description = "The revision now"))),
              (status = 422, description = "It is refused, `faults` says why; nothing was changed", body = Error)))]
pub(super) async fn apply(
    service: Shared,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Body(asked): Body<ApplyAsked, { limits::API_APPLY_BYTES_MAX }>,
) -> Result<AppliedView, Error> {
    let expected = required_version(&headers)?;
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        let files: Vec<Document> =
            asked.files.into_iter().map(|FileView { file, text }| Document { file, text }).collect();
        let how = How { is_dry: asked.dry_run, expected, note: &asked.note, actor: &who.actor() };
        Ok(app.apply(Wish { files: &files, is_pruning: asked.prune, how }).await?)
    };
    Ok(service.act(act).await?.into())
}

/// Makes the documents what they were at a revision, as a new revision, or says what that would do. Rows of translation tables
/// stay as they are: they are data, with a history of their own.
#[utoipa::path(post, path = "/v1/configuration/rollback", tag = "configuration",
    params(("If-Match" = Option<String>, Header, description = "The revision that the configuration must have")),
    request_body = RollbackAsked,
    responses((status = 200, description = "What changes", body = AppliedView, headers(("ETag" = String, description = "The revision now"))),
              (status = 422, description = "It is refused, `faults` says why; nothing was changed", body = Error)))]
pub(super) async fn rollback(
    service: Shared,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Body(asked): Body<RollbackAsked>,
) -> Result<AppliedView, Error> {
    let expected = required_version(&headers)?;
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        let how = How { is_dry: asked.dry_run, expected, note: &asked.note, actor: &who.actor() };
        Ok(app.rollback(asked.to, how).await?)
    };
    Ok(service.act(act).await?.into())
}

/// The revisions, newest first.
#[utoipa::path(get, path = "/v1/configuration/revisions", tag = "configuration", params(Page),
    responses((status = 200, description = "The revisions", body = List<RevisionView>)))]
pub(super) async fn list_revisions(
    service: Shared,
    Asked(asked): Asked<Page>,
) -> Result<Json<List<RevisionView>>, Error> {
    let (limit, after) = (limit(asked.limit)?, number(asked.after.as_deref())?);
    let rows = service.app.revisions(after, limit + 1).await?;
    let List { items: rows, next } = List::page(rows, limit, |row| row.number.to_string());
    let mut items = Vec::new();
    for RevisionRow { number, at, actor, note } in rows {
        let line =
            |change: DocumentChange| ChangeLine { kind: change.kind, name: change.name, change: change.act.as_str() };
        let changes = service.app.revision_changes(number).await?.into_iter().map(line).collect();
        items.push(RevisionView { revision: number, at: at.to_string(), actor, note, changes });
    }
    Ok(Json(List { items, next }))
}

/// One revision, with the difference that it made.
#[utoipa::path(get, path = "/v1/configuration/revisions/{revision}", tag = "configuration",
    params(("revision" = i64, Path, description = "Its number")),
    responses((status = 200, description = "The revision", body = WholeRevisionView)))]
pub(super) async fn show_revision(
    service: Shared,
    Named(number): Named<i64>,
) -> Result<Json<WholeRevisionView>, Error> {
    let RevisionRow { number, at, actor, note } = service.app.revision(number).await?;
    let changes = service.app.revision_changes(number).await?.into_iter().map(ChangeView::from).collect();
    Ok(Json(WholeRevisionView { revision: number, at: at.to_string(), actor, note, changes }))
}
