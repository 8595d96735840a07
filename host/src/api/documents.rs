//! Configuration documents: connections, entity maps and flows, as an admin wrote them.

use super::configuration::AppliedView;
use super::error::Error;
use super::take::{Asked, Named, is_known, limit, number, required_version, tag};
use super::{List, Shared};
use crate::app::access::Who;
use crate::app::apply::How;
use crate::store::DocumentVersion;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One document, without its text.
#[derive(Serialize, ToSchema)]
pub(super) struct DocumentLine {
    /// `connection`, `entity` or `flow`.
    kind: &'static str,
    /// Its name, unique in its kind.
    name: String,
    /// Counts its changes.
    version: i64,
}

/// One document.
#[derive(Serialize, ToSchema)]
pub(super) struct DocumentView {
    /// `connection`, `entity` or `flow`.
    kind: String,
    /// Its name, unique in its kind.
    name: String,
    /// Counts its changes; the same as in `ETag`.
    version: i64,
    /// YAML, as it was written.
    text: String,
}

/// The documents, by kind and name.
#[utoipa::path(get, path = "/v1/documents", tag = "documents",
    responses((status = 200, description = "The documents", body = List<DocumentLine>)))]
pub(super) async fn list_documents(service: Shared) -> Result<Json<List<DocumentLine>>, Error> {
    let rows = service.app.document_list().await?.into_iter();
    let line = |(kind, row): (_, crate::store::Document)| DocumentLine { kind, name: row.name, version: row.version };
    Ok(Json(List::whole(rows.map(line).collect())))
}

/// One document with its text.
#[utoipa::path(get, path = "/v1/documents/{kind}/{name}", tag = "documents",
    params(("kind" = String, Path, description = "`connection`, `entity` or `flow`"),
           ("name" = String, Path, description = "Its name"),
           ("If-None-Match" = Option<String>, Header, description = "A version that the caller has")),
    responses((status = 200, description = "The document", body = DocumentView, headers(("ETag" = String, description = "Its version"))),
              (status = 304, description = "The caller has it already")))]
pub(super) async fn show_text(
    service: Shared,
    Named((kind, name)): Named<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let row = service.app.document(&kind, &name).await?;
    let tag = [tag(row.version)];
    if is_known(&headers, row.version) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, Json(DocumentView { kind, name: row.name, version: row.version, text: row.body })).into_response())
}

/// One version that a document had.
#[derive(Serialize, ToSchema)]
pub(super) struct DocumentVersionView {
    /// Counts its changes.
    version: i64,
    /// The revision of the configuration that made it.
    revision: i64,
    /// When: RFC 3339, UTC.
    at: String,
    /// Who.
    actor: String,
    /// YAML, as it was written; absent where the document was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionsAsked {
    /// 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// What the page before gave as `next`.
    after: Option<String>,
}

/// The versions of one document, newest first; also of one that was removed.
#[utoipa::path(get, path = "/v1/documents/{kind}/{name}/history", tag = "documents",
    params(("kind" = String, Path, description = "`connection`, `entity` or `flow`"),
           ("name" = String, Path, description = "Its name"), VersionsAsked),
    responses((status = 200, description = "The versions", body = List<DocumentVersionView>)))]
pub(super) async fn list_versions(
    service: Shared,
    Named((kind, name)): Named<(String, String)>,
    Asked(asked): Asked<VersionsAsked>,
) -> Result<Json<List<DocumentVersionView>>, Error> {
    let (limit, after) = (limit(asked.limit)?, number(asked.after.as_deref())?);
    let versions = service.app.document_versions((&kind, &name), after, limit + 1).await?;
    let show = |row: DocumentVersion| DocumentVersionView {
        version: row.version,
        revision: row.revision,
        at: row.at.to_string(),
        actor: row.actor,
        text: row.body,
    };
    Ok(Json(List::page(versions, limit, |row| row.version.to_string()).map(show)))
}

/// Removes one document as a revision of its own; its versions stay. What something else refers to is not removed.
#[utoipa::path(delete, path = "/v1/documents/{kind}/{name}", tag = "documents",
    params(("kind" = String, Path, description = "`connection`, `entity` or `flow`"),
           ("name" = String, Path, description = "Its name"),
           ("If-Match" = Option<String>, Header, description = "The revision that the configuration must have")),
    responses((status = 200, description = "What changes", body = AppliedView, headers(("ETag" = String, description = "The revision now"))),
              (status = 422, description = "It is refused, `faults` says why; nothing was changed", body = Error)))]
pub(super) async fn remove_document(
    service: Shared,
    Named((kind, name)): Named<(String, String)>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
) -> Result<AppliedView, Error> {
    let expected = required_version(&headers)?;
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        let how = How { is_dry: false, expected, note: "", actor: &who.actor() };
        Ok(app.remove_document(&kind, &name, how).await?)
    };
    Ok(service.act(act).await?.into())
}
