//! Translation tables as stewards mend them: lists, single rows, and what a row was.

use super::error::{Code, Error};
use super::take::{Asked, Body, Named, is_known, limit, number, required_version, tag};
use super::{List, Shared};
use crate::app::access::Who;
use crate::app::tables::{RowRemoval, RowSet, RowWish};
use crate::store::{RowVersion, TableRow};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tollgate_core::model::TableName;
use utoipa::{IntoParams, ToSchema};

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
        RowSet::Moved { version } => Err(moved(version)),
    }
}

fn moved(version: Option<i64>) -> Error {
    let now = version.map_or("it is not there".into(), |version| format!("it has version {version} now"));
    let message = format!("somebody else changed the row: {now}; read it again");
    Error::new(Code::VersionMoved, message).at("header if-match")
}

/// One table.
#[derive(Serialize, ToSchema)]
pub(super) struct TableView {
    /// Its name.
    name: String,
    /// How many rows it has.
    rows: u64,
}

/// One row in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct RowLine {
    /// The value that is translated.
    from: String,
    /// What it becomes.
    to: String,
    /// Counts the row's changes.
    version: i64,
}

/// One value that a row had.
#[derive(Serialize, ToSchema)]
pub(super) struct RowVersionView {
    /// Counts the row's changes.
    version: i64,
    /// What it became; absent where the row was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Who.
    actor: String,
    /// When: RFC 3339, UTC.
    at: String,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RowsAsked {
    /// 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// What the page before gave as `next`.
    after: Option<String>,
}

/// The translation tables, by name: those that an entity map names, and those that have rows.
#[utoipa::path(get, path = "/v1/tables", tag = "tables", params(RowsAsked),
    responses((status = 200, description = "The tables", body = List<TableView>)))]
pub(super) async fn list_tables(
    service: Shared,
    Asked(asked): Asked<RowsAsked>,
) -> Result<Json<List<TableView>>, Error> {
    let limit = limit(asked.limit)?;
    let after = asked.after.unwrap_or_default();
    let tables = service.app.tables().await?.into_iter().filter(|(name, _)| *name.as_str() > *after);
    let show = |(name, rows): (TableName, u64)| TableView { name: name.to_string(), rows };
    Ok(Json(List::page(tables.collect(), limit, |(name, _)| name.to_string()).map(show)))
}

/// The rows of a table, by value.
#[utoipa::path(get, path = "/v1/tables/{table}/rows", tag = "tables",
    params(("table" = String, Path, description = "The table"), RowsAsked),
    responses((status = 200, description = "The rows", body = List<RowLine>)))]
pub(super) async fn list_rows(
    service: Shared,
    Named(table): Named<TableName>,
    Asked(asked): Asked<RowsAsked>,
) -> Result<Json<List<RowLine>>, Error> {
    let limit = limit(asked.limit)?;
    let rows = service.app.table_rows(&table, asked.after.as_deref().unwrap_or_default(), limit + 1).await?;
    let show = |row: TableRow| RowLine { from: row.from, to: row.to, version: row.version };
    Ok(Json(List::page(rows, limit, |row| row.from.clone()).map(show)))
}

/// The values that a row had, newest first; also of one that was removed.
#[utoipa::path(get, path = "/v1/tables/{table}/rows/{from}/history", tag = "tables",
    params(("table" = String, Path, description = "The table"),
           ("from" = String, Path, description = "The value that is translated"), RowsAsked),
    responses((status = 200, description = "The values", body = List<RowVersionView>)))]
pub(super) async fn list_row_versions(
    service: Shared,
    Named((table, from)): Named<(TableName, String)>,
    Asked(asked): Asked<RowsAsked>,
) -> Result<Json<List<RowVersionView>>, Error> {
    let (limit, after) = (limit(asked.limit)?, number(asked.after.as_deref())?);
    let versions = service.app.row_versions((&table, &from), after, limit + 1).await?;
    let show =
        |row: RowVersion| RowVersionView { version: row.version, to: row.to, actor: row.actor, at: row.at.to_string() };
    Ok(Json(List::page(versions, limit, |row| row.version.to_string()).map(show)))
}

/// Removes one row of a translation table; its history stays.
#[utoipa::path(delete, path = "/v1/tables/{table}/rows/{from}", tag = "tables",
    params(("table" = String, Path, description = "The table"),
           ("from" = String, Path, description = "The value that is translated"),
           ("If-Match" = Option<String>, Header, description = "The version that the row must have")),
    responses((status = 204, description = "It is removed")))]
pub(super) async fn remove_row(
    service: Shared,
    Named((table, from)): Named<(TableName, String)>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    let version = required_version(&headers)?;
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        let wish = RowRemoval { table: &table, from: &from, version, actor: &who.actor() };
        Ok(app.remove_table_row(wish).await?)
    };
    match service.act(act).await? {
        None => Ok(StatusCode::NO_CONTENT),
        version => Err(moved(version)),
    }
}
