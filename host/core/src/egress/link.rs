//! Pagination links: the one place where a plugin hands over a URL.
//!
//! A link is followed only with GET, only within the exact origin of the route's endpoint, and only beneath a path that
//! some reading route of that endpoint was granted.

use crate::egress::decide::{CheckedRequest, Endpoints, Parts};
use crate::egress::origin::{self, Origin};
use crate::egress::{Denial, decide, path};
use crate::model::manifest::{Effect, Route};
use crate::model::{Manifest, limits};
use url::Url;

/// Checks a link that an answer of this route's endpoint gave; a path with its query, or a whole URL.
///
/// # Errors
/// The rules of [`origin::read`] and [`Origin::permit`]; `path`: not canonical, or beneath no reading route; `route`,
/// `effect`, `endpoint`, `token-route` as in [`decide::decide`].
pub fn follow(manifest: &Manifest, endpoints: &Endpoints, route: &str, link: &str) -> Result<CheckedRequest, Denial> {
    let route = decide::route(manifest, route)?;
    if route.effect != Effect::None {
        return Err(Denial::new("effect", format!("route `{}` has an effect: links are only read", route.name)));
    }
    let endpoint = decide::endpoint(manifest, endpoints, route)?;
    if link.len() > limits::REQUEST_TARGET_BYTES_MAX {
        return Err(Denial::new("target-length", format!("a link of {} bytes", link.len())));
    }
    let is_path = link.starts_with('/') && !link.starts_with("//");
    let text = if is_path { format!("{endpoint}{link}") } else { link.to_owned() };
    let url = permit(&text, endpoint, |path| {
        reading_routes(manifest, route).any(|granted| path::lies_beneath(&granted.path, path))
    })?;
    decide::refuse_token_route(manifest, endpoints, route, url.path())?;
    if let Some(name) = url.query_pairs().map(|(name, _)| name).find(|name| decide::is_owned_parameter(name)) {
        return Err(Denial::new("query-forbidden", format!("`{name}` would carry a credential")));
    }
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Ok(CheckedRequest::new(Parts {
        route,
        method: "GET",
        origin: endpoint.clone(),
        target,
        headers: Vec::new(),
        body: None,
        intents: Vec::new(),
    }))
}

/// Reads a URL and holds it against a granted origin and what is granted of its paths.
///
/// # Errors
/// The rules of [`origin::read`] and [`Origin::permit`], then `path`.
pub fn permit(text: &str, granted: &Origin, is_path_granted: impl Fn(&str) -> bool) -> Result<Url, Denial> {
    let (origin, url) = origin::read(text)?;
    origin.permit(granted)?;
    let given = origin::path_given(text);
    let is_canonical = given == url.path() || given.is_empty() && url.path() == "/";
    let lower = url.path().to_ascii_lowercase();
    let is_tricky = ["//", "%2f", "%5c", "%25", "%00", "..;"].iter().any(|trick| lower.contains(trick));
    if !is_canonical || is_tricky || encodes_needlessly(url.path()) {
        return Err(Denial::new("path", format!("the path of a link to `{granted}` is not in its canonical form")));
    }
    if !is_path_granted(url.path()) {
        return Err(Denial::new("path", format!("a link to `{granted}` lies beneath no granted route")));
    }
    Ok(url)
}

/// Whether an escape stands for a character that needs none, or for nothing (RFC 3986 section 2.3): `/%74oken` is
/// `/token` to a server, and another path to whoever compares texts.
fn encodes_needlessly(path: &str) -> bool {
    path.split('%').skip(1).any(|rest| {
        let mut byte = [0];
        let is_escape = rest.get(..2).is_some_and(|digits| hex::decode_to_slice(digits, &mut byte).is_ok());
        !is_escape || byte[0].is_ascii_alphanumeric() || b"-._~".contains(&byte[0])
    })
}

fn reading_routes<'a>(manifest: &'a Manifest, route: &'a Route) -> impl Iterator<Item = &'a Route> {
    manifest.routes.iter().filter(|other| other.endpoint == route.endpoint && other.effect == Effect::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::decide::tests::{endpoints, manifest};

    /// Links of the route's own endpoint are followed as they stand; the fragment stays here.
    #[test]
    fn followed() {
        let (manifest, endpoints) = (manifest(), endpoints());
        for (link, target) in [
            ("/v1/query/01g-2000", "/v1/query/01g-2000"),
            ("https://api.vendor.example/v1/query?after=5", "/v1/query?after=5"),
            ("https://API.vendor.example:443/v1/query/%20A%C3%A4#x", "/v1/query/%20A%C3%A4"),
            ("/v1/record/customer/1?expand=%2F", "/v1/record/customer/1?expand=%2F"),
        ] {
            let request = follow(&manifest, &endpoints, "query", link).unwrap();
            assert_eq!((request.method(), request.target()), ("GET", target), "{link}");
            assert_eq!(request.origin().host(), "api.vendor.example");
        }
    }

    /// A link elsewhere, in another form, beneath no reading route or with a credential is refused (B11, T-same).
    #[test]
    fn refused() {
        let (manifest, endpoints) = (manifest(), endpoints());
        for (route, link, rule) in [
            ("query", "https://evil.example/v1/query", "host"),
            ("query", "https://login.vendor.example/v1/query", "host"),
            ("query", "https://api.vendor.example:8443/v1/query", "port"),
            ("query", "http://api.vendor.example/v1/query", "scheme"),
            ("query", "//evil.example/v1/query", "parse"),
            ("query", "/\\evil.example/v1/query", "ambiguous"),
            ("query", "/v1/query/../../admin", "path"),
            ("query", "/v1/query/%2e%2e/admin", "path"),
            ("query", "/v1/query//x", "path"),
            ("query", "/v1/query/%41", "path"),
            ("query", "/v1/query/%7e", "path"),
            ("query", "/v1/query/%2Dx", "path"),
            ("query", "/v1/query/%+1", "path"),
            ("query", "/v1/query/%", "path"),
            ("query", "/v1/queryAll", "path"),
            ("query", "/admin", "path"),
            ("query", "/v1/orders", "path"),
            ("query", "/v1/query?access_token=x", "query-forbidden"),
            ("query", "/v1/query?ACCESS%5Ftoken=x", "query-forbidden"),
            ("query", "", "parse"),
            ("query", "v1/query", "parse"),
            ("insert", "/v1/query/1", "effect"),
            ("nothing", "/v1/query/1", "route"),
        ] {
            assert_eq!(follow(&manifest, &endpoints, route, link).unwrap_err().rule, rule, "{link}");
        }
        let long = format!("/v1/query/{}", "x".repeat(limits::REQUEST_TARGET_BYTES_MAX));
        assert_eq!(follow(&manifest, &endpoints, "query", &long).unwrap_err().rule, "target-length");
    }
}
