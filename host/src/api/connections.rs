//! Connections: what they are, whether they work, and their secrets, which only ever go in.

use super::error::Error;
use super::take::{Body, Named};
use super::{List, Shared};
use crate::app::access::Who;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tollgate_core::model::ConnectionName;
use utoipa::ToSchema;

/// One connection.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectionView {
    /// Its name.
    name: String,
    /// The plugin, `vendor/name`.
    plugin: String,
    /// The remote account; owns the budget.
    account: String,
    /// The origin of each endpoint.
    endpoints: BTreeMap<String, String>,
    /// The names of the secrets that are set.
    secrets: Vec<String>,
}

/// The account that a connection's credentials lead to.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountView {
    /// The system's id of it.
    id: String,
    /// Its name, for people.
    name: String,
    /// Edition or plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    edition: Option<String>,
}

/// A secret's value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretValue {
    /// Never given back.
    #[schema(value_type = String, write_only)]
    value: String,
}

/// The connections, by name.
#[utoipa::path(get, path = "/v1/connections", tag = "connections",
    responses((status = 200, description = "The connections", body = List<ConnectionView>)))]
pub(super) async fn list_connections(service: Shared) -> Result<Json<List<ConnectionView>>, Error> {
    let rows = service.app.connections().await?.into_iter().map(|(connection, secrets)| ConnectionView {
        name: connection.connection.to_string(),
        plugin: connection.plugin,
        account: connection.account.to_string(),
        endpoints: connection.endpoints.into_iter().map(|(name, origin)| (name.to_string(), origin)).collect(),
        secrets,
    });
    Ok(Json(List::whole(rows.collect())))
}

/// Has the plugin try endpoint and credential now.
#[utoipa::path(post, path = "/v1/connections/{name}/check", tag = "connections",
    params(("name" = String, Path, description = "The connection")),
    responses((status = 200, description = "It works, and leads to this account", body = AccountView)))]
pub(super) async fn check_connection(
    service: Shared,
    Named(name): Named<ConnectionName>,
) -> Result<Json<AccountView>, Error> {
    service.app.require_connection(&name).await?;
    let account = service.act(async move |app| Ok(app.check(&name).await?)).await?;
    Ok(Json(AccountView { id: account.id, name: account.name, edition: account.edition }))
}

/// Stores a secret, sealed, in place of the one with this name.
#[utoipa::path(put, path = "/v1/connections/{name}/secrets/{secret}", tag = "connections",
    params(("name" = String, Path, description = "The connection"),
           ("secret" = String, Path, description = "Its name, as the plugin's manifest asks for it")),
    request_body = SecretValue, responses((status = 204, description = "It is stored")))]
pub(super) async fn set_secret(
    service: Shared,
    Named((name, secret)): Named<(ConnectionName, String)>,
    Extension(who): Extension<Who>,
    Body(SecretValue { value }): Body<SecretValue>,
) -> Result<StatusCode, Error> {
    service.app.require_connection(&name).await?;
    service.act(async move |app| Ok(app.set_secret(&name, &secret, &value, &who.actor()).await?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
