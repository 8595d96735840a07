//! Connections: what they are, whether they work and where they lead, what they offer, and their secrets, which only ever
//! go in.

use super::error::Error;
use super::take::{Asked, Body, Named, PageAsked, limit};
use super::{List, Shared};
use crate::app::ConnectionState;
use crate::app::access::Who;
use crate::store::AccountRow;
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
    /// Where it leads; absent before its first check.
    #[serde(skip_serializing_if = "Option::is_none")]
    leads_to: Option<LeadsTo>,
}

/// The remote account that a connection leads to, as the system names it.
#[derive(Serialize, ToSchema)]
pub(super) struct LeadsTo {
    /// Whether the account that was seen last is the confirmed one.
    is_confirmed: bool,
    /// The confirmed account's id in the system.
    id: String,
    /// Its name, for people.
    name: String,
    /// Who confirmed it: whoever checked first, or an admin.
    by: String,
    /// When: RFC 3339, UTC.
    since: String,
    /// The id of the account that was seen last.
    seen_id: String,
    /// Its name.
    seen_name: String,
    /// When it was seen.
    seen: String,
}

impl From<AccountRow> for LeadsTo {
    fn from(row: AccountRow) -> Self {
        Self {
            is_confirmed: row.is_confirmed(),
            id: row.id,
            name: row.name,
            by: row.actor,
            since: row.at.to_string(),
            seen_id: row.seen_id,
            seen_name: row.seen_name,
            seen: row.seen.to_string(),
        }
    }
}

impl From<ConnectionState> for ConnectionView {
    fn from(state: ConnectionState) -> Self {
        let ConnectionState { connection, secrets, account } = state;
        Self {
            name: connection.connection.to_string(),
            plugin: connection.plugin,
            account: connection.account.to_string(),
            endpoints: connection.endpoints.into_iter().map(|(name, origin)| (name.to_string(), origin)).collect(),
            secrets,
            leads_to: account.map(LeadsTo::from),
        }
    }
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

/// The account that an admin means.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountMeant {
    /// The system's id of it: the one that the last check saw.
    account: String,
}

/// A secret's value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretValue {
    /// Never given back.
    #[schema(value_type = String, write_only)]
    value: String,
}

/// What became of a secret.
#[derive(Serialize, ToSchema)]
pub(super) struct SecretSet {
    /// Whether it took the place of an earlier one.
    is_replaced: bool,
}

/// The connections, by name.
#[utoipa::path(get, path = "/v1/connections", tag = "connections",
    params(PageAsked), responses((status = 200, description = "One page", body = List<ConnectionView>)))]
pub(super) async fn list_connections(
    service: Shared,
    Asked(asked): Asked<PageAsked>,
) -> Result<Json<List<ConnectionView>>, Error> {
    let limit = limit(asked.limit)?;
    let all = service.app.connections().await?.into_iter().map(|(connection, _)| connection).collect();
    let page = List::of_all(all, (&asked.after, limit), |connection| connection.connection.to_string());
    let mut views = Vec::new();
    for connection in page.items {
        views.push(service.app.connection_state(connection).await?.into());
    }
    Ok(Json(List { items: views, next: page.next }))
}

/// One connection.
#[utoipa::path(get, path = "/v1/connections/{name}", tag = "connections",
    params(("name" = String, Path, description = "The connection")),
    responses((status = 200, description = "The connection", body = ConnectionView)))]
pub(super) async fn show_connection(
    service: Shared,
    Named(name): Named<ConnectionName>,
) -> Result<Json<ConnectionView>, Error> {
    Ok(Json(service.app.connection(&name).await?.into()))
}

/// Has the plugin try endpoint and credential now. The account that it leads to the first time is taken for the right one;
/// another one later is refused, and the connection's flows are paused.
#[utoipa::path(post, path = "/v1/connections/{name}/check", tag = "connections",
    params(("name" = String, Path, description = "The connection")),
    responses((status = 200, description = "It works, and leads to this account", body = AccountView)))]
pub(super) async fn check_connection(
    service: Shared,
    Named(name): Named<ConnectionName>,
    Extension(who): Extension<Who>,
) -> Result<Json<AccountView>, Error> {
    service.app.require_connection(&name).await?;
    let account = service.act(async move |app| Ok(app.check_as(&name, &who.actor()).await?)).await?;
    Ok(Json(AccountView { id: account.id, name: account.name, edition: account.edition }))
}

/// Confirms that the connection is to lead to the account that the last check saw. Its flows stay paused until somebody
/// resumes them.
#[utoipa::path(post, path = "/v1/connections/{name}/confirm", tag = "connections",
    params(("name" = String, Path, description = "The connection")), request_body = AccountMeant,
    responses((status = 200, description = "It is confirmed", body = LeadsTo)))]
pub(super) async fn confirm_account(
    service: Shared,
    Named(name): Named<ConnectionName>,
    Extension(who): Extension<Who>,
    Body(AccountMeant { account }): Body<AccountMeant>,
) -> Result<Json<LeadsTo>, Error> {
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        Ok(app.confirm_account(&name, &account, &who.actor()).await?)
    };
    Ok(Json(service.act(act).await?.into()))
}

/// Stores a secret, sealed, in place of the one with this name.
#[utoipa::path(put, path = "/v1/connections/{name}/secrets/{secret}", tag = "connections",
    params(("name" = String, Path, description = "The connection"),
           ("secret" = String, Path, description = "Its name, as the plugin's manifest asks for it")),
    request_body = SecretValue, responses((status = 200, description = "It is stored", body = SecretSet)))]
pub(super) async fn set_secret(
    service: Shared,
    Named((name, secret)): Named<(ConnectionName, String)>,
    Extension(who): Extension<Who>,
    Body(SecretValue { value }): Body<SecretValue>,
) -> Result<Json<SecretSet>, Error> {
    service.app.require_connection(&name).await?;
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        Ok(app.set_secret(&name, &secret, &value, &who.actor()).await?)
    };
    Ok(Json(SecretSet { is_replaced: service.act(act).await? }))
}

/// Removes a secret. What was got with it, such as a token that the system gave, lives until the system ends it.
#[utoipa::path(delete, path = "/v1/connections/{name}/secrets/{secret}", tag = "connections",
    params(("name" = String, Path, description = "The connection"), ("secret" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn remove_secret(
    service: Shared,
    Named((name, secret)): Named<(ConnectionName, String)>,
    Extension(who): Extension<Who>,
) -> Result<StatusCode, Error> {
    service.act(async move |app| Ok(app.remove_secret(&name, &secret, &who.actor()).await?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
