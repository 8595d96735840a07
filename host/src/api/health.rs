//! Whether the host lives, whether it can work, and what it can be asked.

use super::Shared;
use super::error::Error;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

/// Answers as long as the process does.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 204, description = "The process lives")))]
pub(super) async fn is_alive() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Answers when the database does.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 204, description = "The database answers")))]
pub(super) async fn is_ready(service: Shared) -> Result<StatusCode, Error> {
    service.app.ping().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1")))]
pub(super) async fn show_document(service: Shared) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], service.document.clone())
}
