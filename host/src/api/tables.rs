//! Single rows of translation tables, as stewards mend them.

use super::Shared;
use super::error::{Code, Error};
use super::take::{Body, Named, is_known, required_version, tag};
use crate::app::access::Who;
use crate::app::look::{RowSet, RowWish};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tollgate_core::model::TableName;
use utoipa::ToSchema;

/// What a value becomes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RowValue {
    /// 1 to 1,000 bytes.
    to: String,
}

/// One row.
#[derive(Serialize, ToSchema)]
pub(super) struct RowView {
    /// What the value becomes.
    to: String,
    /// Counts the row's changes; the same as in `ETag`.
    version: i64,
}

/// One row that was set.
#[derive(Serialize, ToSchema)]
pub(super) struct RowSetView {
    /// What the value becomes.
    to: String,
    /// Counts the row's changes; the same as in `ETag`.
    version: i64,
    /// How many set-aside changes are taken up again.
    released: u64,
}

/// One row of a translation table.
#[utoipa::path(get, path = "/v1/tables/{table}/rows/{from}", tag = "tables",
    params(("table" = String, Path, description = "The table"),
           ("from" = String, Path, description = "The value that is translated"),
           ("If-None-Match" = Option<String>, Header, description = "A version that the caller has")),
    responses((status = 200, description = "The row", body = RowView, headers(("ETag" = String, description = "Its version"))),
              (status = 304, description = "The caller has it already")))]
pub(super) async fn show_row(
    service: Shared,
    Named((table, from)): Named<(TableName, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let row = service.app.table_row(&table, &from).await?;
    let tag = [tag(row.version)];
    if is_known(&headers, row.version) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, Json(RowView { to: row.to, version: row.version })).into_response())
}

/// Sets one row of a translation table; records that wait for it are decided again at once.
#[utoipa::path(put, path = "/v1/tables/{table}/rows/{from}", tag = "tables",
    params(("table" = String, Path, description = "The table"),
           ("from" = String, Path, description = "The value that is translated"),
           ("If-Match" = Option<String>, Header, description = "The version that the row must have")),
    request_body = RowValue,
    responses((status = 200, description = "The row is set", body = RowSetView, headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn set_row(
    service: Shared,
    Named((table, from)): Named<(TableName, String)>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Body(RowValue { to }): Body<RowValue>,
) -> Result<Response, Error> {
    let version = required_version(&headers)?;
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        let actor = who.actor();
        let wish = RowWish { table: &table, from: &from, to: &to, version, actor: &actor };
        Ok(app.set_table_row(wish).await?)
    };
    match service.act(act).await? {
        RowSet::Set { row, released } => {
            let view = RowSetView { to: row.to, version: row.version, released };
            Ok(([tag(row.version)], Json(view)).into_response())
        }
        RowSet::Moved { version } => {
            let now = version.map_or("it is not there".into(), |version| format!("it has version {version} now"));
            let message = format!("somebody else changed the row: {now}; read it again");
            Err(Error::new(Code::VersionMoved, message).at("header if-match"))
        }
    }
}
