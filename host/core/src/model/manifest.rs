//! The manifest: what a vendor asks for and explains, `plugin.toml`, embedded in the component.
//!
//! Reading it runs no plugin code. The binary decides, the manifest explains: admission compares the two. What a
//! manifest asks is never more than a wish; the connection narrows it (exact origins), the grant approves it.

mod verify;

use crate::model::{EndpointName, RouteName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The name of the custom section that holds the manifest's text.
pub const SECTION: &str = "tollgate:manifest";

/// A whole manifest, verified by [`Manifest::parse`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Who it is.
    pub plugin: About,
    /// Origins that it wants to reach.
    #[serde(default, rename = "endpoint")]
    pub endpoints: Vec<Endpoint>,
    /// Requests that it wants to make.
    #[serde(default, rename = "route")]
    pub routes: Vec<Route>,
    /// Credentials that the gate attaches.
    #[serde(default, rename = "credential")]
    pub credentials: Vec<Credential>,
    /// The vendor's limits.
    #[serde(default)]
    pub budget: Budget,
    /// Settings that a connection may have.
    #[serde(default, rename = "setting")]
    pub settings: Vec<Setting>,
}

/// Identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// `vendor/name`.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// The contract that it was built against: `0.1`.
    pub contract: String,
    /// Cursors stay valid across versions of the same format.
    pub cursor_format: u32,
    /// One sentence for people.
    pub about: String,
    /// Interfaces that it exports: `setup`, `source`, `target`, `lookup`, `transform`.
    pub exports: BTreeSet<String>,
    /// Capabilities that it imports: `http`, `files`, `clock`, `random`, `limits`, `config`, `log`.
    pub capabilities: BTreeSet<String>,
}

/// An origin that the plugin wants to reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Its name in routes and connections.
    pub name: EndpointName,
    /// Why, for the reviewer.
    pub purpose: String,
    /// A host, or `*.` and a domain: the connection names the exact one.
    pub host: String,
    /// The member of the token answer that names the origin (`instance_url`); pinned at first use.
    #[serde(default)]
    pub origin_from_token: Option<String>,
}

/// What a request does to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It reads.
    None,
    /// It writes, and sending it again changes nothing more (an upsert).
    Repeatable,
    /// It writes, and sending it again writes again.
    Once,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// Where it goes.
    pub endpoint: EndpointName,
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: String,
    /// `/sobjects/{object}/{id}`: each `{name}` is one percent-encoded segment (or a part of one, as in `eid:{id}`).
    pub path: String,
    /// What it does.
    pub effect: Effect,
    /// Calls that it costs the account.
    #[serde(default = "one")]
    pub calls: u32,
    /// The name of the windows that count it, beside those without a name.
    #[serde(default)]
    pub window: Option<String>,
    /// Answer headers that the plugin gets, lower-case; `content-type` always.
    #[serde(default)]
    pub keep_headers: BTreeSet<String>,
    /// The header that carries the idempotency key.
    #[serde(default)]
    pub idempotency_header: Option<String>,
    /// How the system says "too fast", beside 429.
    #[serde(default)]
    pub throttled_when: Option<Throttled>,
    /// Where the system says what is used.
    #[serde(default)]
    pub usage: Option<UsageSign>,
}

fn one() -> u32 {
    1
}

/// An answer that means "too fast".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttled {
    /// The status.
    pub status: u16,
    /// RFC 6901 pointer into the body.
    pub json_pointer: String,
    /// The text found there.
    pub equals: String,
}

/// Where an answer says how much of the account's limit is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageSign {
    /// The header.
    pub header: String,
    /// Text with `{used}` and `{limit}`: `api-usage={used}/{limit}`.
    pub pattern: String,
}

/// A credential: what the gate attaches, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// The endpoints that it is attached to.
    pub endpoints: BTreeSet<EndpointName>,
    /// How.
    pub attach: Attach,
}

/// How a credential is made and attached. Secrets are named, never given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Attach {
    /// `Authorization: Bearer` with the secret `token`.
    Bearer {},
    /// OAuth 2.0 client credentials (RFC 6749 section 4.4).
    ClientCredentials {
        /// The endpoint that answers token requests.
        token_endpoint: EndpointName,
        /// Its path.
        token_path: String,
        /// How the client proves itself.
        client: Client,
        /// The scope asked, if any.
        #[serde(default)]
        scope: Option<String>,
        /// Life of a token in seconds where the answer does not say.
        #[serde(default = "two_hours")]
        lifetime_s: u64,
    },
    /// OAuth 2.0 authorization code with PKCE (RFC 6749 section 4.1, RFC 7636): a person consents in a browser, and the
    /// gate keeps the refresh token that comes of it as the secret `refresh_token`. A plugin has at most one of this kind.
    AuthorizationCode {
        /// The endpoint that shows the page of consent.
        authorize_endpoint: EndpointName,
        /// Its path.
        authorize_path: String,
        /// The endpoint that answers token requests.
        token_endpoint: EndpointName,
        /// Its path.
        token_path: String,
        /// How the client proves itself.
        client: ConsentClient,
        /// The scope asked, if any.
        #[serde(default)]
        scope: Option<String>,
        /// Life of a token in seconds where the answer does not say.
        #[serde(default = "two_hours")]
        lifetime_s: u64,
        /// Each refresh token is good for one use: nodes take turns with it.
        #[serde(default)]
        rotates: bool,
    },
}

impl Attach {
    /// The requests that only the gate, or a person in a browser, makes for this credential: endpoint and path.
    pub fn own_requests(&self) -> Vec<(&EndpointName, &str)> {
        match self {
            Attach::Bearer {} => Vec::new(),
            Attach::ClientCredentials { token_endpoint, token_path, .. } => vec![(token_endpoint, token_path)],
            Attach::AuthorizationCode { authorize_endpoint, authorize_path, token_endpoint, token_path, .. } => {
                vec![(token_endpoint, token_path), (authorize_endpoint, authorize_path)]
            }
        }
    }
}

fn two_hours() -> u64 {
    7_200
}

/// How an OAuth client proves itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Client {
    /// `client_id` and `client_secret` in the form; secrets of these names.
    Secret {},
    /// A JWT assertion (RFC 7523 section 2.2) signed with ES256 or PS256; secrets `client_id`, `key_id`, `private_key` (PKCS#8 PEM).
    Jwt {
        /// `ES256` or `PS256`.
        algorithm: String,
    },
}

/// How an OAuth client that acts by a person's consent proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ConsentClient {
    /// `client_id` and `client_secret` in the form; secrets of these names.
    Secret {},
    /// A public client: the secret `client_id` alone, and PKCE.
    None {},
}

/// The vendor's limits: a preset that an admin may lower.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Requests at the same time, account-wide.
    #[serde(default)]
    pub concurrency: Option<u32>,
    /// Calls in 24 hours.
    #[serde(default)]
    pub calls_per_day: Option<u64>,
    /// Calls in short spans; all of them hold.
    #[serde(default)]
    pub windows: Vec<Window>,
}

/// At most so many calls in any span of so many seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// It counts the routes that name it; without a name, all routes.
    #[serde(default)]
    pub name: Option<String>,
    /// Calls.
    pub calls: u32,
    /// Length of the span.
    pub seconds: u32,
}

/// One setting of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What it does, for people.
    pub about: String,
    /// `text`, `integer`, `boolean`, `object`.
    #[serde(rename = "type")]
    pub of: SettingType,
    /// Must be given.
    #[serde(default)]
    pub required: bool,
}

/// The kind of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A JSON object.
    Object,
}

/// What is wrong with a manifest: where and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("manifest: {0}")]
pub struct Error(pub String);

impl Budget {
    /// What cannot be in windows over these routes, in a sentence: a span or a count that is none, a name that no route
    /// has, a request that alone costs more than its window.
    pub fn window_fault(&self, routes: &[Route]) -> Option<String> {
        verify::window_fault(&self.windows, routes)
    }
}

impl Manifest {
    /// Reads and verifies a manifest: names are unique and refer to each other, paths and hosts are well formed, and no text
    /// can look like something else on the reviewer's page.
    ///
    /// # Errors
    /// The first thing that is wrong, with line and column where the text itself is at fault.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let manifest: Self =
            toml::from_str(text).map_err(|error| Error(verify::shown(error.to_string().trim_end())))?;
        manifest.verify()?;
        Ok(manifest)
    }

    /// The route of this name.
    pub fn route(&self, name: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.name.as_str() == name)
    }

    /// The endpoint of this name.
    pub fn endpoint(&self, name: &EndpointName) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == *name)
    }

    /// The credential that is attached to this endpoint.
    pub fn credential_for(&self, endpoint: &EndpointName) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.endpoints.contains(endpoint))
    }
}

/// Interfaces that a plugin may export.
pub const EXPORTS: &[&str] = &["setup", "source", "target", "lookup", "transform"];
/// Capabilities that a plugin may import.
pub const CAPABILITIES: &[&str] = &["http", "files", "clock", "random", "limits", "config", "log"];
