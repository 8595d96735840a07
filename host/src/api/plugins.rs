//! The plugins that are installed, what each may do, and which version is used.

use super::error::{Code, Error};
use super::rules::{Right, may};
use super::take::{Asked, Body, Named, Raw, limit};
use super::{List, Shared};
use crate::app::access::Who;
use crate::app::plugins::PluginUse;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tollgate_core::model::manifest::{Attach, Client, Credential, Effect, Endpoint, Route, Setting};
use tollgate_core::model::{Digest, limits};
use tollgate_sandbox::Admitted;
use utoipa::{IntoParams, ToSchema};

/// One installed plugin.
#[derive(Serialize, ToSchema)]
pub(super) struct Plugin {
    /// `vendor/name`.
    name: String,
    /// Its own version.
    version: String,
    /// What it is named by: `sha256:` and 64 hexadecimal digits.
    digest: String,
    /// Whether it is the one of its name that connections use.
    is_active: bool,
    /// When it was installed: RFC 3339, UTC.
    installed: String,
    /// The connections that use it; absent for those who may not see connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<Vec<String>>,
}

impl Plugin {
    fn shown_to(who: &Who, PluginUse { plugin, connections }: PluginUse) -> Self {
        Self {
            name: plugin.row.name,
            version: plugin.row.version,
            digest: plugin.row.digest.to_string(),
            is_active: plugin.is_active,
            installed: plugin.at.to_string(),
            connections: may(who.role, Right::ReadConfiguration).then_some(connections),
        }
    }
}

/// What a plugin may do: all that its binary and its manifest show, which admission compared.
#[derive(Serialize, ToSchema)]
pub(super) struct PluginPage {
    /// The plugin.
    plugin: Plugin,
    /// One sentence of its vendor.
    about: String,
    /// The contract that it was built against.
    contract: String,
    /// The format of its cursors: versions with the same one go on where the other was.
    cursor_format: u32,
    /// All that it imports, as the binary names it.
    imports: Vec<String>,
    /// All that it exports, as the binary names it.
    exports: Vec<String>,
    /// Origins that it reaches.
    endpoints: Vec<EndpointView>,
    /// Requests that it makes.
    routes: Vec<RouteView>,
    /// Credentials that the gate attaches; the plugin sees none.
    credentials: Vec<CredentialView>,
    /// Settings that a connection may have.
    settings: Vec<SettingView>,
    /// The vendor's limits.
    limits: LimitsView,
}

/// An origin that a plugin reaches.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointView {
    /// Its name in routes and connections.
    name: String,
    /// A host, or `*.` and a domain: the connection names the exact one.
    host: String,
    /// Why.
    purpose: String,
    /// The member of the token answer that names the origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_from_token: Option<String>,
}

/// One kind of request.
#[derive(Serialize, ToSchema)]
pub(super) struct RouteView {
    /// Its name.
    name: String,
    /// Where it goes.
    endpoint: String,
    /// The method.
    method: String,
    /// The path, with a name in braces for each variable part.
    path: String,
    /// `none`: it reads; `repeatable`: it writes, and may be sent again; `once`: it is never sent again blindly.
    effect: &'static str,
    /// Calls that it costs the account.
    calls: u32,
}

/// A credential that the gate attaches.
#[derive(Serialize, ToSchema)]
pub(super) struct CredentialView {
    /// Its name.
    name: String,
    /// The endpoints that it is attached to.
    endpoints: Vec<String>,
    /// `bearer`, `client-credentials-secret` or `client-credentials-jwt`.
    attach: &'static str,
}

/// A setting that a connection may have.
#[derive(Serialize, ToSchema)]
pub(super) struct SettingView {
    /// Its name.
    name: String,
    /// What it does.
    about: String,
    /// Whether it must be given.
    is_required: bool,
}

/// A vendor's limits.
#[derive(Serialize, ToSchema)]
pub(super) struct LimitsView {
    /// Requests at the same time; absent if the vendor states none.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    /// Calls in 24 hours; absent if the vendor states none.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_per_day: Option<u64>,
}

impl PluginPage {
    fn new(plugin: Plugin, admitted: &Admitted) -> Self {
        let manifest = admitted.manifest();
        let about = &manifest.plugin;
        Self {
            plugin,
            about: about.about.clone(),
            contract: about.contract.clone(),
            cursor_format: about.cursor_format,
            imports: admitted.imports().to_vec(),
            exports: admitted.exports().to_vec(),
            endpoints: manifest.endpoints.iter().map(EndpointView::from).collect(),
            routes: manifest.routes.iter().map(RouteView::from).collect(),
            credentials: manifest.credentials.iter().map(CredentialView::from).collect(),
            settings: manifest.settings.iter().map(SettingView::from).collect(),
            limits: LimitsView {
                concurrency: manifest.budget.concurrency,
                calls_per_day: manifest.budget.calls_per_day,
            },
        }
    }
}

impl From<&Endpoint> for EndpointView {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            name: endpoint.name.to_string(),
            host: endpoint.host.clone(),
            purpose: endpoint.purpose.clone(),
            origin_from_token: endpoint.origin_from_token.clone(),
        }
    }
}

impl From<&Route> for RouteView {
    fn from(route: &Route) -> Self {
        Self {
            name: route.name.to_string(),
            endpoint: route.endpoint.to_string(),
            method: route.method.clone(),
            path: route.path.clone(),
            effect: match route.effect {
                Effect::None => "none",
                Effect::Repeatable => "repeatable",
                Effect::Once => "once",
            },
            calls: route.calls,
        }
    }
}

impl From<&Credential> for CredentialView {
    fn from(credential: &Credential) -> Self {
        Self {
            name: credential.name.clone(),
            endpoints: credential.endpoints.iter().map(ToString::to_string).collect(),
            attach: match &credential.attach {
                Attach::Bearer {} => "bearer",
                Attach::ClientCredentials { client: Client::Secret {}, .. } => "client-credentials-secret",
                Attach::ClientCredentials { client: Client::Jwt { .. }, .. } => "client-credentials-jwt",
                Attach::AuthorizationCode { .. } => "authorization-code",
            },
        }
    }
}

impl From<&Setting> for SettingView {
    fn from(setting: &Setting) -> Self {
        Self { name: setting.name.clone(), about: setting.about.clone(), is_required: setting.required }
    }
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PluginsAsked {
    /// 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// What the page before gave as `next`.
    after: Option<String>,
}

/// How a plugin is installed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InstallAsked {
    /// Whether it becomes the one of its name that connections use, which needs an admin; not if absent. The first of its
    /// name does so anyway.
    #[serde(default)]
    activate: bool,
}

/// A plugin that was installed.
#[derive(Serialize, ToSchema)]
pub(super) struct InstalledView {
    /// `vendor/name`.
    name: String,
    /// Its own version.
    version: String,
    /// What it is named by.
    digest: String,
    /// Whether it is the one of its name that connections use.
    is_active: bool,
    /// The flows that are opened anew because of it; absent for those who may not see flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    reopened: Option<Vec<String>>,
}

/// A plugin that became active.
#[derive(Serialize, ToSchema)]
pub(super) struct ActivatedView {
    /// What it is named by.
    digest: String,
    /// The flows that are opened anew because of it.
    reopened: Vec<String>,
}

/// A plugin to take back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RollbackPlugin {
    /// `vendor/name`.
    name: String,
}

/// All installed plugins: by name, of each name the newest first.
#[utoipa::path(get, path = "/v1/plugins", tag = "plugins", params(PluginsAsked),
    responses((status = 200, description = "The plugins", body = List<Plugin>)))]
pub(super) async fn list_plugins(
    service: Shared,
    Extension(who): Extension<Who>,
    Asked(asked): Asked<PluginsAsked>,
) -> Result<Json<List<Plugin>>, Error> {
    let limit = limit(asked.limit)?;
    let all = service.app.installed_plugins().await?;
    let digest = |plugin: &PluginUse| plugin.plugin.row.digest.to_string();
    let start = match &asked.after {
        None => 0,
        Some(after) => all.iter().position(|plugin| digest(plugin) == *after).map_or(all.len(), |place| place + 1),
    };
    let rows = all.into_iter().skip(start).collect();
    Ok(Json(List::page(rows, limit, digest).map(|plugin| Plugin::shown_to(&who, plugin))))
}

/// Installs a plugin: the body is the component. Admission refuses what it must not do, and says all of it.
#[utoipa::path(post, path = "/v1/plugins", tag = "plugins", params(InstallAsked),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component"),
    responses((status = 201, description = "It is installed", body = InstalledView),
              (status = 422, description = "It is refused, or the configuration does not fit it", body = Error)))]
pub(super) async fn install_plugin(
    service: Shared,
    Extension(who): Extension<Who>,
    Asked(asked): Asked<InstallAsked>,
    Raw(component): Raw<{ limits::COMPONENT_BYTES_MAX }>,
) -> Result<(StatusCode, Json<InstalledView>), Error> {
    if asked.activate && !may(who.role, Right::ActivatePlugin) {
        let message = format!("the role `{}` may install plugins, and not activate them", who.role);
        return Err(Error::new(Code::Forbidden, message).at("query"));
    }
    let is_flow_reader = may(who.role, Right::ReadFlows);
    let act = async move |app: std::sync::Arc<crate::app::App>| {
        Ok(app.install(&component, asked.activate, &who.actor()).await?)
    };
    let installed = service.act(act).await?;
    let about = &installed.admitted.manifest().plugin;
    let view = InstalledView {
        name: about.name.clone(),
        version: about.version.clone(),
        digest: installed.admitted.digest().to_string(),
        is_active: installed.is_active,
        reopened: is_flow_reader.then(|| installed.reopened.iter().map(ToString::to_string).collect()),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// What one plugin may do.
#[utoipa::path(get, path = "/v1/plugins/{digest}", tag = "plugins",
    params(("digest" = String, Path, description = "What it is named by")),
    responses((status = 200, description = "The plugin", body = PluginPage)))]
pub(super) async fn show_plugin(
    service: Shared,
    Extension(who): Extension<Who>,
    Named(digest): Named<String>,
) -> Result<Json<PluginPage>, Error> {
    let digest = named(&digest)?;
    let plugin = service.app.plugin(&digest).await?;
    let admitted = service.app.review(&digest).await?;
    Ok(Json(PluginPage::new(Plugin::shown_to(&who, plugin), &admitted)))
}

/// Makes a plugin the one of its name that connections use. Flows that it concerns finish what is under way and are opened anew.
#[utoipa::path(post, path = "/v1/plugins/{digest}/activate", tag = "plugins",
    params(("digest" = String, Path, description = "What it is named by")),
    responses((status = 200, description = "It is active", body = ActivatedView),
              (status = 422, description = "The configuration does not fit it, `faults` says why", body = Error)))]
pub(super) async fn activate_plugin(
    service: Shared,
    Extension(who): Extension<Who>,
    Named(digest): Named<String>,
) -> Result<Json<ActivatedView>, Error> {
    let digest = named(&digest)?;
    let act = async move |app: std::sync::Arc<crate::app::App>| Ok(app.activate(&digest, &who.actor()).await?);
    let reopened = service.act(act).await?.iter().map(ToString::to_string).collect();
    Ok(Json(ActivatedView { digest: digest.to_string(), reopened }))
}

/// Makes the plugin active that was so before the one that is.
#[utoipa::path(post, path = "/v1/plugins/rollback", tag = "plugins", request_body = RollbackPlugin,
    responses((status = 200, description = "It is active", body = ActivatedView),
              (status = 422, description = "The configuration does not fit it, `faults` says why", body = Error)))]
pub(super) async fn rollback_plugin(
    service: Shared,
    Extension(who): Extension<Who>,
    Body(RollbackPlugin { name }): Body<RollbackPlugin>,
) -> Result<Json<ActivatedView>, Error> {
    let act = async move |app: std::sync::Arc<crate::app::App>| Ok(app.rollback_plugin(&name, &who.actor()).await?);
    let (digest, reopened) = service.act(act).await?;
    let reopened = reopened.iter().map(ToString::to_string).collect();
    Ok(Json(ActivatedView { digest: digest.to_string(), reopened }))
}

/// Deletes a plugin with its bytes; not while connections use it.
#[utoipa::path(delete, path = "/v1/plugins/{digest}", tag = "plugins",
    params(("digest" = String, Path, description = "What it is named by")),
    responses((status = 204, description = "It is deleted")))]
pub(super) async fn delete_plugin(
    service: Shared,
    Extension(who): Extension<Who>,
    Named(digest): Named<String>,
) -> Result<StatusCode, Error> {
    let digest = named(&digest)?;
    service.act(async move |app| Ok(app.delete_plugin(&digest, &who.actor()).await?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be a digest names nothing that is there.
fn named(digest: &str) -> Result<Digest, Error> {
    let absent = || Error::new(Code::Absent, "there is no such plugin: name it by `sha256:` and 64 hexadecimal digits");
    Digest::parse(digest).ok_or_else(absent)
}
