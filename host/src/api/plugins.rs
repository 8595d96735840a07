//! The plugins that are installed.

use super::error::Error;
use super::{List, Shared};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// One plugin.
#[derive(Serialize, ToSchema)]
pub(super) struct Plugin {
    /// `vendor/name`.
    name: String,
    /// Its own version.
    version: String,
    /// What it is named by: `sha256:` and 64 hexadecimal digits.
    digest: String,
}

/// The active plugins, by name.
#[utoipa::path(get, path = "/v1/plugins", tag = "plugins",
    responses((status = 200, description = "The plugins", body = List<Plugin>)))]
pub(super) async fn list_plugins(service: Shared) -> Result<Json<List<Plugin>>, Error> {
    let rows = service.app.plugins().await?.into_iter();
    let plugin =
        |row: crate::store::PluginRow| Plugin { name: row.name, version: row.version, digest: row.digest.to_string() };
    Ok(Json(List::whole(rows.map(plugin).collect())))
}
