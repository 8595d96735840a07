//! What must hold within a manifest, before anybody reads it or compares it with a binary.

use super::{Attach, CAPABILITIES, Client, Credential, EXPORTS, Effect, Endpoint, Error, Manifest, Route, Window};
use crate::model::text::is_deceptive;
use crate::model::{Json, limits};
use std::collections::BTreeSet;

/// Bytes of a name in a manifest: it stands in keys of the store and in columns of the reviewer's page.
const NAME_BYTES_MAX: usize = 64;
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

impl Manifest {
    pub(super) fn verify(&self) -> Result<(), Error> {
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
        for window in &self.budget.windows {
            names("window", window.name.as_deref().into_iter())?;
        }
        if let Some(fault) = self.budget.window_fault(&self.routes) {
            return Err(Error(format!("budget: {fault}")));
        }
        let mut claimed = BTreeSet::new();
        let by_consent = |it: &&Credential| matches!(it.attach, Attach::AuthorizationCode { .. });
        if let Some(second) = self.credentials.iter().filter(by_consent).nth(1) {
            let name = &second.name;
            return Err(Error(format!(
                "credential `{name}`: another one is by consent already: a connection has one consent and one secret \
                 `refresh_token`"
            )));
        }
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
        if let Some(name) = &route.window
            && !self.budget.windows.iter().any(|window| window.name.as_ref() == Some(name))
        {
            return Err(Error(format!("{at}: the budget has no window `{name}`")));
        }
        crate::egress::path::verify_template(&route.path)
            .map_err(|reason| Error(format!("{at}: path `{}`: {reason}", route.path)))
    }

    fn verify_credential(&self, credential: &Credential) -> Result<(), Error> {
        let at = format!("credential `{}`", credential.name);
        if let Attach::ClientCredentials { client: Client::Jwt { algorithm }, .. } = &credential.attach
            && !matches!(algorithm.as_str(), "ES256" | "PS256")
        {
            return Err(Error(format!("{at}: algorithm `{algorithm}` is not one of ES256, PS256")));
        }
        let own = credential.attach.own_requests();
        for endpoint in credential.endpoints.iter().chain(own.iter().map(|(endpoint, _)| *endpoint)) {
            if self.endpoint(endpoint).is_none() {
                return Err(Error(format!("{at}: there is no endpoint `{endpoint}`")));
            }
        }
        for (_, path) in own {
            crate::egress::path::verify_template(path)
                .map_err(|reason| Error(format!("{at}: path `{path}`: {reason}")))?;
            if path.contains('{') {
                return Err(Error(format!("{at}: path `{path}`: write the whole path, nothing is filled in here")));
            }
        }
        Ok(())
    }
}

/// See [`super::Budget::window_fault`].
pub(super) fn window_fault(windows: &[Window], routes: &[Route]) -> Option<String> {
    if windows.len() > limits::WINDOWS_MAX {
        return Some(format!("{} windows: at most {} are kept", windows.len(), limits::WINDOWS_MAX));
    }
    windows.iter().find_map(|window| {
        let Window { name, calls, seconds } = window;
        let at = format!("window of {calls} calls in {seconds} seconds");
        if !(1..=limits::WINDOW_CALLS_MAX).contains(calls) || !(1..=limits::WINDOW_SECONDS_MAX).contains(seconds) {
            let (calls_max, seconds_max) = (limits::WINDOW_CALLS_MAX, limits::WINDOW_SECONDS_MAX);
            return Some(format!("{at}: write 1 to {calls_max} calls and 1 to {seconds_max} seconds"));
        }
        let counted = || routes.iter().filter(|route| name.is_none() || route.window == *name);
        if let Some(name) = name
            && counted().next().is_none()
        {
            return Some(format!("{at}: no route names its window `{name}`"));
        }
        let route = counted().find(|route| route.calls > *calls)?;
        Some(format!("{at}: a request on route `{}` alone costs {}", route.name, route.calls))
    })
}

/// The text with what could deceive spelled out; its line ends stay, because a fault shows the line that it is in.
pub(super) fn shown(text: &str) -> String {
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

    /// Windows name routes and routes name windows; their numbers are such that a request can ever be sent.
    #[test]
    fn windows() {
        for (windows, route, words) in [
            ("{ calls = 100, seconds = 10 }, { name = \"search\", calls = 5, seconds = 1 }", "window = \"search\"", ""),
            ("{ calls = 5, seconds = 1 }", "calls = 5", ""),
            ("{ calls = 5, seconds = 1 }", "calls = 6", "a request on route `get_1` alone costs 6"),
            ("{ calls = 5, seconds = 1 }", "window = \"search\"", "route `get_1`: the budget has no window `search`"),
            ("{ name = \"search\", calls = 5, seconds = 1 }", "", "no route names its window `search`"),
            ("{ name = \"a b\", calls = 5, seconds = 1 }", "window = \"a b\"", "window `a b`: a name has"),
            ("{ calls = 0, seconds = 1 }", "", "window of 0 calls in 1 seconds: write 1 to"),
            ("{ calls = 5, seconds = 0 }", "", "window of 5 calls in 0 seconds: write 1 to"),
            ("{ calls = 5, seconds = 86400 }", "", "1 to 3600 seconds"),
            ("{ calls = 200000, seconds = 1 }", "", "1 to 100000 calls"),
            (&"{ calls = 5, seconds = 1 },".repeat(9), "", "9 windows: at most 8"),
        ] {
            let budget = format!("[budget]\nwindows = [{windows}]\n[[endpoint]]");
            let text = SOUND.replacen("[[endpoint]]", &budget, 1).replace("calls = 1\n", &format!("{route}\n"));
            let message = Manifest::parse(&text).err().map(|error| error.0).unwrap_or_default();
            assert!(
                message.contains(words) && message.is_empty() == words.is_empty(),
                "{windows} {route}: {message:?}"
            );
        }
    }

    /// A credential by consent is sound only if both its endpoints are there, its paths are whole, its client is one of the
    /// two kinds, and no other one wants the same refresh token.
    #[test]
    fn consent_is_verified() {
        const CONSENT: &str = r#"attach = { authorization-code = { authorize_endpoint = "api",
            authorize_path = "/authorize", token_endpoint = "api", token_path = "/token", client = { none = {} } } }"#;
        let sound = SOUND.replace("attach = { bearer = {} }", &CONSENT.replace('\n', ""));
        let manifest = Manifest::parse(&sound).unwrap();
        let Attach::AuthorizationCode { rotates, lifetime_s, scope, .. } = &manifest.credentials[0].attach else {
            panic!("another kind")
        };
        assert_eq!((*rotates, *lifetime_s, scope), (false, 7_200, &None));
        let second = sound.split("[[credential]]").nth(1).unwrap().split("[[setting]]").next().unwrap();
        let second = second.replace("main", "other").replace("endpoints = [\"api\"]", "endpoints = []");
        for (from, to, words) in [
            ("authorize_endpoint = \"api\"", "authorize_endpoint = \"page\"", "there is no endpoint `page`"),
            ("token_endpoint = \"api\"", "token_endpoint = \"login\"", "there is no endpoint `login`"),
            ("\"/authorize\"", "\"/{org}/authorize\"", "path `/{org}/authorize`: write the whole path"),
            ("\"/authorize\"", "\"/a?prompt=none\"", "path `/a?prompt=none`"),
            ("\"/token\"", "\"token\"", "path `token`"),
            ("{ none = {} }", "{ jwt = {} }", "unknown variant `jwt`"),
            ("[[setting]]", &format!("[[credential]]{second}[[setting]]"), "another one is by consent already"),
        ] {
            assert!(sound.contains(from), "{from}");
            let message = Manifest::parse(&sound.replace(from, to)).err().map(|error| error.0).unwrap_or_default();
            assert!(message.contains(words), "{to}: {message:?}");
        }
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
