//! The manifest: what a vendor asks for and explains, `plugin.toml`, embedded in the component.
//!
//! Reading it runs no plugin code. The binary decides, the manifest explains: admission compares the two. What a
//! manifest asks is never more than a wish; the connection narrows it (exact origins), the grant approves it.

use crate::model::text::is_deceptive;
use crate::model::{EndpointName, Json, RouteName};
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
    /// Capabilities that it imports: `http`, `clock`, `random`, `limits`, `config`, `log`.
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

impl Manifest {
    /// Reads and verifies a manifest: names are unique and refer to each other, paths and hosts are well formed, and no text
    /// can look like something else on the reviewer's page.
    ///
    /// # Errors
    /// The first thing that is wrong, with line and column where the text itself is at fault.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let manifest: Self = toml::from_str(text).map_err(|error| Error(shown(error.to_string().trim_end())))?;
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

    fn verify(&self) -> Result<(), Error> {
        self.verify_texts()?;
        self.verify_identity()?;
        names("endpoint", self.endpoints.iter().map(|endpoint| endpoint.name.as_str()))?;
        names("route", self.routes.iter().map(|route| route.name.as_str()))?;
        names("credential", self.credentials.iter().map(|credential| credential.name.as_str()))?;
        names("setting", self.settings.iter().map(|setting| setting.name.as_str()))?;
        for endpoint in &self.endpoints {
            verify_host(endpoint)?;
        }
        for route in &self.routes {
            self.verify_route(route)?;
        }
        let mut claimed = BTreeSet::new();
        for credential in &self.credentials {
            self.verify_credential(credential)?;
            if let Some(endpoint) = credential.endpoints.iter().find(|endpoint| !claimed.insert(*endpoint)) {
                let name = &credential.name;
                return Err(Error(format!(
                    "credential `{name}`: endpoint `{endpoint}` has another credential already"
                )));
            }
        }
        Ok(())
    }

    /// A reviewer decides by what the texts look like, so none may hold what looks like something else. All of them are
    /// walked, those too that are printed nowhere today.
    fn verify_texts(&self) -> Result<(), Error> {
        let manifest = serde_json::to_value(self).map_err(|error| Error(error.to_string()))?;
        match deceptive(&manifest) {
            Some(text) => Err(Error(format!(
                "\"{}\" holds a control character or one that turns the direction of writing: take it out",
                shown(text)
            ))),
            None => Ok(()),
        }
    }

    fn verify_identity(&self) -> Result<(), Error> {
        let about = &self.plugin;
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        match about.name.split_once('/') {
            Some((vendor, name)) if part(vendor) && part(name) => {}
            _ => {
                return Err(Error(format!(
                    "plugin.name `{}`: write `vendor/name` in lower case, digits and `-`",
                    about.name
                )));
            }
        }
        let is_version = |b: u8| b.is_ascii_alphanumeric() || b".+-".contains(&b);
        if !(1..=NAME_BYTES_MAX).contains(&about.version.len()) || !about.version.bytes().all(is_version) {
            return Err(Error(format!("plugin.version `{}`: write a version like `1.2.3`", about.version)));
        }
        if about.contract != "0.1" {
            return Err(Error(format!("plugin.contract `{}`: this host speaks `0.1`", about.contract)));
        }
        known("plugin.exports", &about.exports, EXPORTS)?;
        known("plugin.capabilities", &about.capabilities, CAPABILITIES)
    }

    fn verify_route(&self, route: &Route) -> Result<(), Error> {
        let at = format!("route `{}`", route.name);
        if self.endpoint(&route.endpoint).is_none() {
            return Err(Error(format!("{at}: there is no endpoint `{}`", route.endpoint)));
        }
        if !METHODS.contains(&route.method.as_str()) {
            return Err(Error(format!("{at}: method `{}` is not one of {}", route.method, METHODS.join(", "))));
        }
        if matches!(route.method.as_str(), "GET" | "HEAD") != (route.effect == Effect::None) && route.method != "POST" {
            return Err(Error(format!(
                "{at}: {} with effect `{:?}`: GET and HEAD read, the others write",
                route.method, route.effect
            )));
        }
        if route.calls == 0 {
            return Err(Error(format!("{at}: `calls = 0`: a request costs its account at least one call")));
        }
        crate::egress::path::verify_template(&route.path)
            .map_err(|reason| Error(format!("{at}: path `{}`: {reason}", route.path)))
    }

    fn verify_credential(&self, credential: &Credential) -> Result<(), Error> {
        let at = format!("credential `{}`", credential.name);
        let token_endpoint = match &credential.attach {
            Attach::Bearer {} => None,
            Attach::ClientCredentials { token_endpoint, client, .. } => {
                if let Client::Jwt { algorithm } = client
                    && !matches!(algorithm.as_str(), "ES256" | "PS256")
                {
                    return Err(Error(format!("{at}: algorithm `{algorithm}` is not one of ES256, PS256")));
                }
                Some(token_endpoint)
            }
        };
        for endpoint in credential.endpoints.iter().chain(token_endpoint) {
            if self.endpoint(endpoint).is_none() {
                return Err(Error(format!("{at}: there is no endpoint `{endpoint}`")));
            }
        }
        Ok(())
    }
}

/// Interfaces that a plugin may export.
pub const EXPORTS: &[&str] = &["setup", "source", "target", "lookup", "transform"];
/// Capabilities that a plugin may import.
pub const CAPABILITIES: &[&str] = &["http", "clock", "random", "limits", "config", "log"];
/// Bytes of a name in a manifest: it stands in keys of the store and in columns of the reviewer's page.
const NAME_BYTES_MAX: usize = 64;
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The text with what could deceive spelled out; its line ends stay, because a fault shows the line that it is in.
fn shown(text: &str) -> String {
    let is_kept = |c: char| c == '\n' || !is_deceptive(c);
    text.chars().map(|c| if is_kept(c) { c.to_string() } else { c.escape_default().to_string() }).collect()
}

/// The first text that holds what could deceive, keys included.
fn deceptive(value: &Json) -> Option<&str> {
    match value {
        Json::String(text) => text.contains(is_deceptive).then_some(text.as_str()),
        Json::Array(items) => items.iter().find_map(deceptive),
        Json::Object(members) => members.iter().find_map(|(name, member)| {
            name.contains(is_deceptive).then_some(name.as_str()).or_else(|| deceptive(member))
        }),
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    }
}

/// Names are small, plain and unique.
fn names<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    let mut seen = BTreeSet::new();
    for name in names {
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(is_part) {
            return Err(Error(format!(
                "{what} `{name}`: a name has 1 to {NAME_BYTES_MAX} lower-case letters, digits, `_` and `-`"
            )));
        }
        if !seen.insert(name) {
            return Err(Error(format!("{what} `{name}` stands twice")));
        }
    }
    Ok(())
}

fn known(at: &str, names: &BTreeSet<String>, allowed: &[&str]) -> Result<(), Error> {
    match names.iter().find(|name| !allowed.contains(&name.as_str())) {
        Some(name) => Err(Error(format!("{at}: `{name}` is not one of {}", allowed.join(", ")))),
        None => Ok(()),
    }
}

fn verify_host(endpoint: &Endpoint) -> Result<(), Error> {
    let is_member = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if let Some(member) = &endpoint.origin_from_token
        && (!(1..=NAME_BYTES_MAX).contains(&member.len()) || !member.bytes().all(is_member))
    {
        return Err(Error(format!(
            "endpoint `{}`: origin_from_token `{member}`: write the name of one member of the token answer",
            endpoint.name
        )));
    }
    let host = endpoint.host.strip_prefix("*.").unwrap_or(&endpoint.host);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if host.contains('.')
        && host.split('.').all(label)
        && !host.split('.').all(|l| l.bytes().all(|b| b.is_ascii_digit()))
    {
        return Ok(());
    }
    Err(Error(format!(
        "endpoint `{}`: host `{}`: write a lower-case domain name, or `*.` and one",
        endpoint.name, endpoint.host
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sound manifest; each test breaks one thing of it.
    const SOUND: &str = r#"
        [plugin]
        name = "vendor/api"
        version = "1.0.0-rc.1+5"
        contract = "0.1"
        cursor_format = 1
        about = "Größe 🚚"
        exports = ["setup"]
        capabilities = ["http"]
        [[endpoint]]
        name = "api"
        purpose = "records"
        host = "*.vendor.example"
        origin_from_token = "instance_url"
        [[route]]
        name = "get_1"
        endpoint = "api"
        method = "GET"
        path = "/get/{id}"
        effect = "none"
        calls = 1
        throttled_when = { status = 403, json_pointer = "/0/code", equals = "LIMIT" }
        [[credential]]
        name = "main"
        endpoints = ["api"]
        attach = { bearer = {} }
        [[setting]]
        name = "page-size"
        about = "Records of a page."
        type = "integer"
    "#;

    fn refused(from: &str, to: &str) -> String {
        assert!(SOUND.contains(from), "{from}");
        Manifest::parse(&SOUND.replace(from, to)).err().map(|error| error.0).unwrap_or_default()
    }

    /// What a reviewer reads cannot be made to look like something else: characters that break a line, repaint a terminal or
    /// turn the direction of writing are refused in every text, spelled out in the refusal, also where TOML itself is at
    /// fault.
    #[test]
    fn texts_do_not_deceive() {
        Manifest::parse(SOUND).unwrap();
        for text in [
            "Größe 🚚",
            "records",
            "instance_url",
            "/0/code",
            "LIMIT",
            "Records of a page.",
            "1.0.0-rc.1+5",
            "*.vendor",
        ] {
            for trick in ["\\n  imports  nothing", "\\u001b[2K", "\u{202e}x", "\\u2028", "\\u0000"] {
                let message = refused(text, &format!("{text}{trick}"));
                assert!(message.contains("holds a control character"), "{text}{trick}: {message}");
                assert!(!message.replace('\n', "").contains(is_deceptive), "{message:?}");
            }
        }
        let toml = refused("version = ", "\u{202e} = ");
        assert!(!toml.is_empty() && !toml.replace('\n', "").contains(is_deceptive), "{toml:?}");
    }

    /// Names, versions and members that stand in columns and sentences are plain; a request costs something; an endpoint has
    /// one credential, or nobody could tell which is sent.
    #[test]
    fn what_is_named_is_plain() {
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        for (from, to, words) in [
            ("name = \"get_1\"", "name = \"get 1\"", "route `get 1`: a name has"),
            ("name = \"get_1\"", "name = \"Get\"", "route `Get`: a name has"),
            ("name = \"get_1\"", "name = \"\"", "route ``: a name has"),
            ("name = \"get_1\"", &format!("name = \"{long}\""), "a name has 1 to 64"),
            ("name = \"main\"", "name = \"main, never\"", "credential `main, never`: a name has"),
            ("name = \"page-size\"", "name = \"page.size\"", "setting `page.size`: a name has"),
            ("name = \"api\"", "name = \"api https://x\"", "endpoint `api https://x`: a name has"),
            ("1.0.0-rc.1+5", "1.0 sha256:00", "plugin.version `1.0 sha256:00`"),
            ("instance_url", "instance_url`, x `", "origin_from_token"),
            ("calls = 1", "calls = 0", "route `get_1`: `calls = 0`"),
            (
                "[[setting]]",
                "[[credential]]\nname = \"other\"\nendpoints = [\"api\"]\nattach = { bearer = {} }\n[[setting]]",
                "credential `other`: endpoint `api` has another credential already",
            ),
        ] {
            let message = refused(from, to);
            assert!(message.contains(words), "{to}: {message:?}");
        }
    }
}
