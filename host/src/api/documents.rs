//! Configuration documents: connections, entity maps and flows, as an admin wrote them.

use super::error::Error;
use super::take::{Named, is_known, tag};
use super::{List, Shared};
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

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
