//! Whether a plugin may send a request: the manifest's route, the connection's origin, the call's purpose.

use crate::egress::{Denial, Origin, header, path};
use crate::model::manifest::{Effect, Route};
use crate::model::{EndpointName, Manifest, RouteName, http, limits};
use std::collections::BTreeMap;

/// The exact origin of each endpoint, as the connection names it or a token answer pinned it.
pub type Endpoints = BTreeMap<EndpointName, Origin>;

/// What a call is for: decides whether its requests may have an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `setup.check`.
    Check,
    /// `setup.discover`.
    Discover,
    /// `source.read`.
    Read,
    /// `lookup.fetch` and `lookup.search`.
    Lookup,
    /// `target.write` and `target.settle` of a batch with this many intents, numbered from 0.
    Write {
        /// How many.
        intents: u32,
    },
}

/// A request that was checked. Made only in this room and never changed, so what is checked is what is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRequest {
    route: RouteName,
    endpoint: EndpointName,
    effect: Effect,
    method: String,
    origin: Origin,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    intents: Vec<u32>,
}

/// What a checked request is made of.
pub(super) struct Parts<'a> {
    pub(super) route: &'a Route,
    pub(super) method: &'a str,
    pub(super) origin: Origin,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) intents: Vec<u32>,
}

impl CheckedRequest {
    pub(super) fn new(parts: Parts<'_>) -> Self {
        Self {
            route: parts.route.name.clone(),
            endpoint: parts.route.endpoint.clone(),
            effect: parts.route.effect,
            method: parts.method.to_owned(),
            origin: parts.origin,
            target: parts.target,
            headers: parts.headers,
            body: parts.body,
            intents: parts.intents,
        }
    }

    /// The route that it goes by.
    pub fn route(&self) -> &RouteName {
        &self.route
    }

    /// The endpoint that it goes to.
    pub fn endpoint(&self) -> &EndpointName {
        &self.endpoint
    }

    /// What it does to the system.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Where it goes.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Path and query, percent-encoded.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The plugin's headers, names in lower case.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The intents that it serves; empty without an effect.
    pub fn intents(&self) -> &[u32] {
        &self.intents
    }

    /// Takes the body out, to hand it on without a copy.
    pub fn take_body(&mut self) -> Option<Vec<u8>> {
        self.body.take()
    }
}

/// Checks a request against the manifest, the connection's origins and the purpose of the call.
///
/// # Errors
/// The first rule that refuses it: `route`, `effect`, `intents`, `endpoint`, `path-param`, `token-route`,
/// `query-forbidden`, `target-length`, `header`, `header-forbidden`, `header-duplicate`, `body`.
pub fn decide(
    manifest: &Manifest,
    endpoints: &Endpoints,
    purpose: Purpose,
    request: http::Request,
) -> Result<CheckedRequest, Denial> {
    let route = route(manifest, &request.route)?;
    permit_effect(route, purpose, &request.intents)?;
    let origin = endpoint(manifest, endpoints, route)?.clone();
    let mut target = path::fill(&route.path, &request.params)?;
    refuse_token_route(manifest, endpoints, route, &target)?;
    append_query(&mut target, &request.query)?;
    if target.len() > limits::REQUEST_TARGET_BYTES_MAX {
        let most = limits::REQUEST_TARGET_BYTES_MAX;
        return Err(Denial::new(
            "target-length",
            format!("path and query have {} bytes, {most} are allowed", target.len()),
        ));
    }
    let headers = header::filter(request.headers, route)?;
    if let Some(name) = &route.idempotency_header {
        header::permit_idempotency(name)?;
    }
    permit_body(route, request.body.as_deref())?;
    Ok(CheckedRequest::new(Parts {
        route,
        method: &route.method,
        origin,
        target,
        headers,
        body: request.body,
        intents: request.intents,
    }))
}

pub(super) fn route<'m>(manifest: &'m Manifest, name: &str) -> Result<&'m Route, Denial> {
    manifest.route(name).ok_or_else(|| {
        let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        Denial::new("route", format!("the manifest has no route `{shown}`"))
    })
}

pub(super) fn endpoint<'e>(manifest: &Manifest, endpoints: &'e Endpoints, route: &Route) -> Result<&'e Origin, Denial> {
    let name = &route.endpoint;
    let origin = endpoints
        .get(name)
        .ok_or_else(|| Denial::new("endpoint", format!("the connection names no origin for endpoint `{name}`")))?;
    let pattern = manifest.endpoint(name).map_or("", |endpoint| endpoint.host.as_str());
    if !origin.matches(pattern) {
        return Err(Denial::new(
            "endpoint",
            format!("`{origin}` is not within `{pattern}`, which endpoint `{name}` asks for"),
        ));
    }
    Ok(origin)
}

/// Token requests are the gate's own: a plugin that could make them would get to see tokens. Two endpoints may lead to one
/// origin, so origins are compared.
pub(super) fn refuse_token_route(
    manifest: &Manifest,
    endpoints: &Endpoints,
    route: &Route,
    path: &str,
) -> Result<(), Denial> {
    let plain = |path: &str| path.trim_end_matches('/').to_ascii_lowercase();
    let is_same = |token: &EndpointName| {
        *token == route.endpoint || endpoints.get(token).is_some_and(|it| endpoints.get(&route.endpoint) == Some(it))
    };
    for credential in &manifest.credentials {
        let mut own = credential.attach.own_requests().into_iter();
        if own.any(|(endpoint, own_path)| is_same(endpoint) && plain(own_path) == plain(path)) {
            return Err(Denial::new("token-route", format!("`{path}` gives tokens: only the gate asks there")));
        }
    }
    Ok(())
}

/// Parameters that prove an identity (RFC 6750 section 2.3 and common habits): beside the gate's credential, a plugin's own
/// would be a way out for data.
pub(super) fn is_owned_parameter(name: &str) -> bool {
    const OWNED: &[&str] = &["access_token", "api_key", "apikey", "oauth_token", "oauth_signature", "client_secret"];
    OWNED.iter().any(|owned| name.eq_ignore_ascii_case(owned))
}

fn permit_effect(route: &Route, purpose: Purpose, intents: &[u32]) -> Result<(), Denial> {
    if route.effect == Effect::None {
        return match intents {
            [] => Ok(()),
            _ => Err(Denial::new("intents", format!("route `{}` has no effect: it serves no intents", route.name))),
        };
    }
    let Purpose::Write { intents: held } = purpose else {
        return Err(Denial::new(
            "effect",
            format!("route `{}` has an effect: only `write` and `settle` may use it", route.name),
        ));
    };
    if intents.is_empty() {
        return Err(Denial::new(
            "intents",
            format!("route `{}` has an effect: name the intents it serves", route.name),
        ));
    }
    if intents.len() > limits::WRITE_INTENTS_MAX as usize {
        return Err(Denial::new("intents", format!("{} intents named, {held} are held", intents.len())));
    }
    match intents.iter().find(|intent| **intent >= held) {
        Some(intent) => {
            Err(Denial::new("intents", format!("intent {intent} is not held by this call, which has {held}")))
        }
        None => Ok(()),
    }
}

fn append_query(target: &mut String, query: &[(String, String)]) -> Result<(), Denial> {
    for (index, (name, value)) in query.iter().enumerate() {
        if is_owned_parameter(name) {
            return Err(Denial::new("query-forbidden", format!("`{name}` would carry a credential")));
        }
        target.push(if index == 0 { '?' } else { '&' });
        path::encode(name, target);
        target.push('=');
        path::encode(value, target);
    }
    Ok(())
}

fn permit_body(route: &Route, body: Option<&[u8]>) -> Result<(), Denial> {
    let Some(body) = body else { return Ok(()) };
    if matches!(route.method.as_str(), "GET" | "HEAD") {
        return Err(Denial::new("body", format!("route `{}`: {} carries no body", route.name, route.method)));
    }
    if body.len() > limits::REQUEST_BODY_BYTES_MAX {
        let most = limits::REQUEST_BODY_BYTES_MAX;
        return Err(Denial::new("body", format!("a body of {} bytes, {most} are allowed", body.len())));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A manifest with reading, repeatable and once routes and an OAuth credential.
    pub(in crate::egress) fn manifest() -> Manifest {
        Manifest::parse(
            r#"
            [plugin]
            name = "vendor/api"
            version = "1.0.0"
            contract = "0.1"
            cursor_format = 1
            about = "For tests."
            exports = ["setup", "source", "target"]
            capabilities = ["http"]
            [[endpoint]]
            name = "api"
            purpose = "records"
            host = "*.vendor.example"
            [[endpoint]]
            name = "login"
            purpose = "tokens"
            host = "login.vendor.example"
            [[route]]
            name = "query"
            endpoint = "api"
            method = "GET"
            path = "/v1/query"
            effect = "none"
            [[route]]
            name = "get"
            endpoint = "api"
            method = "GET"
            path = "/v1/record/{type}/{id}"
            effect = "none"
            [[route]]
            name = "search"
            endpoint = "api"
            method = "POST"
            path = "/v1/search"
            effect = "none"
            [[route]]
            name = "upsert"
            endpoint = "api"
            method = "PATCH"
            path = "/v1/record/{type}/eid:{id}"
            effect = "repeatable"
            [[route]]
            name = "insert"
            endpoint = "api"
            method = "POST"
            path = "/v1/orders"
            effect = "once"
            idempotency_header = "Idempotency-Key"
            keep_headers = ["location", "set-cookie"]
            [[route]]
            name = "login"
            endpoint = "login"
            method = "GET"
            path = "/oauth2/{what}"
            effect = "none"
            [[credential]]
            name = "main"
            endpoints = ["api"]
            [credential.attach.client-credentials]
            token_endpoint = "login"
            token_path = "/oauth2/token"
            client = { secret = {} }
            "#,
        )
        .unwrap()
    }

    /// Origins for [`manifest`].
    pub(in crate::egress) fn endpoints() -> Endpoints {
        [("api", "https://api.vendor.example"), ("login", "https://login.vendor.example")]
            .into_iter()
            .map(|(name, origin)| (name.into(), Origin::parse(origin).unwrap()))
            .collect()
    }

    fn request(route: &str) -> http::Request {
        http::Request {
            route: route.into(),
            params: vec![],
            query: vec![],
            headers: vec![],
            body: None,
            intents: vec![],
        }
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A granted request becomes exactly one method, origin and target, with every value encoded, keys too.
    #[test]
    fn granted() {
        let asked = http::Request {
            params: pairs(&[("type", "customer"), ("id", "A/1 ?")]),
            query: pairs(&[("q", "SELECT Id, x FROM y WHERE z >= '1&2'"), ("a&b=", ""), ("n", "ü")]),
            headers: pairs(&[("Prefer", "x")]),
            ..request("get")
        };
        let checked = decide(&manifest(), &endpoints(), Purpose::Read, asked).unwrap();
        assert_eq!(checked.method(), "GET");
        assert_eq!(checked.origin().to_string(), "https://api.vendor.example");
        assert_eq!(
            checked.target(),
            "/v1/record/customer/A%2F1%20%3F?q=SELECT%20Id%2C%20x%20FROM%20y%20WHERE%20z%20%3E%3D%20%271%262%27&a%26b%3D=&n=%C3%BC"
        );
        assert_eq!(checked.headers(), pairs(&[("prefer", "x")]));
    }

    /// A request with an effect leaves only from a write, and only for intents that the call holds.
    #[test]
    fn effects() {
        let held = Purpose::Write { intents: 3 };
        for (route, purpose, intents, rule) in [
            ("insert", held, &[0][..], None),
            ("insert", held, &[0, 1, 2], None),
            ("insert", held, &[], Some("intents")),
            ("insert", held, &[3], Some("intents")),
            ("insert", Purpose::Read, &[0], Some("effect")),
            ("insert", Purpose::Check, &[], Some("effect")),
            ("insert", Purpose::Discover, &[0], Some("effect")),
            ("insert", Purpose::Lookup, &[0], Some("effect")),
            ("insert", Purpose::Write { intents: 0 }, &[0], Some("intents")),
            ("search", held, &[], None),
            ("search", held, &[0], Some("intents")),
            ("search", Purpose::Lookup, &[], None),
        ] {
            let asked = http::Request { intents: intents.to_vec(), ..request(route) };
            let decided = decide(&manifest(), &endpoints(), purpose, asked);
            assert_eq!(decided.err().map(|denial| denial.rule), rule, "{route} {purpose:?} {intents:?}");
        }
        let many = http::Request { intents: vec![0; 201], ..request("insert") };
        assert_eq!(decide(&manifest(), &endpoints(), held, many).unwrap_err().rule, "intents");
    }

    /// Everything that the manifest, the connection or the credential does not leave to the plugin is refused by name.
    #[test]
    fn refused() {
        let login = |what: &str| http::Request { params: pairs(&[("what", what)]), ..request("login") };
        for (asked, rule) in [
            (request("nothing"), "route"),
            (request("get"), "path-param"),
            (login("token"), "token-route"),
            (login("TOKEN"), "token-route"),
            (http::Request { query: pairs(&[("Access_Token", "x")]), ..request("query") }, "query-forbidden"),
            (http::Request { query: pairs(&[("api_key", "x")]), ..request("query") }, "query-forbidden"),
            (http::Request { headers: pairs(&[("authorization", "x")]), ..request("query") }, "header-forbidden"),
            (http::Request { body: Some(vec![]), ..request("query") }, "body"),
            (http::Request { body: Some(vec![0; limits::REQUEST_BODY_BYTES_MAX + 1]), ..request("search") }, "body"),
            (
                http::Request {
                    query: pairs(&[("q", &"x".repeat(limits::REQUEST_TARGET_BYTES_MAX))]),
                    ..request("query")
                },
                "target-length",
            ),
        ] {
            let shown = format!("{} {:?}", asked.route, asked.params);
            assert_eq!(decide(&manifest(), &endpoints(), Purpose::Read, asked).unwrap_err().rule, rule, "{shown}");
        }
        assert!(decide(&manifest(), &endpoints(), Purpose::Read, login("userinfo")).is_ok());
    }

    /// A token is asked for at an origin, whatever the endpoint is called: where two endpoints are one origin, the plugin's
    /// route on the other one is refused too, as request and as link; where they are two, it is no token route.
    #[test]
    fn token_routes_go_by_origin() {
        let mut manifest = manifest();
        let login = manifest.route("login").unwrap().clone();
        manifest.routes.push(Route { name: "any".into(), endpoint: "api".into(), ..login });
        let decided = |endpoints: &Endpoints| {
            let token = http::Request { params: pairs(&[("what", "token")]), ..request("any") };
            decide(&manifest, endpoints, Purpose::Read, token).map_err(|denial| denial.rule)
        };
        let mut one = endpoints();
        one.insert("api".into(), Origin::parse("https://login.vendor.example").unwrap());
        assert_eq!(decided(&one).unwrap_err(), "token-route");
        assert_eq!(crate::egress::follow(&manifest, &one, "any", "/oauth2/token/").unwrap_err().rule, "token-route");
        assert!(decided(&endpoints()).is_ok());
        one.remove("login");
        assert!(decided(&one).is_ok(), "no origin is known that gives tokens");
    }

    /// Without an origin, or with one outside the manifest's pattern, nothing is sent: a connection only narrows.
    #[test]
    fn origins_only_shrink() {
        let origin = |text| Origin::parse(text).unwrap();
        for (endpoints, message) in [
            (Endpoints::new(), "names no origin"),
            ([("api".into(), origin("https://evil.example"))].into(), "not within"),
            ([("api".into(), origin("https://vendor.example"))].into(), "not within"),
        ] {
            let denial = decide(&manifest(), &endpoints, Purpose::Read, request("query")).unwrap_err();
            assert_eq!(denial.rule, "endpoint");
            assert!(denial.message.contains(message), "{denial}");
        }
    }
}
