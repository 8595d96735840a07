//! Headers: what a plugin may say, and what it gets to hear.
//!
//! The gate owns everything that frames a message, names a destination, proves an identity or changes what a proxy or
//! server believes about the request. A plugin's own credential on a granted host would be a way out for data, so it is
//! refused like the gate's.

use crate::egress::{Denial, Origin};
use crate::model::limits;
use crate::model::manifest::Route;
use std::collections::BTreeSet;

/// Names that the gate owns, canonical: lower-case, `_` read as `-`, because servers behind CGI-like interfaces do.
const OWNED: &[&str] = &[
    "accept-encoding",
    "alt-svc",
    "alt-used",
    "api-key",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "from",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-access-token",
    "x-api-key",
    "x-auth-token",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];
/// Beginnings of names that the gate owns.
const OWNED_PREFIXES: &[&str] = &["proxy-", "sec-", "x-forwarded-"];

/// The plugin's headers, lower-case, each name once.
///
/// # Errors
/// Rule `header-forbidden`: the gate or the route owns the name; `header`: a name or value is malformed, too long, or there
/// are too many; `header-duplicate`: two names differ at most in case or in `_` and `-`.
pub fn filter(headers: Vec<(String, String)>, route: &Route) -> Result<Vec<(String, String)>, Denial> {
    if headers.len() > limits::REQUEST_HEADERS_MAX {
        let most = limits::REQUEST_HEADERS_MAX;
        return Err(Denial::new("header", format!("{} headers, {most} are allowed", headers.len())));
    }
    let idempotency = route.idempotency_header.as_deref().map(canonical);
    let mut seen = BTreeSet::new();
    let mut kept = Vec::with_capacity(headers.len());
    for (mut name, value) in headers {
        verify_name(&name)?;
        let plain = canonical(&name);
        if is_owned(&plain) || idempotency.as_deref() == Some(plain.as_str()) {
            return Err(Denial::new("header-forbidden", format!("`{plain}` is the gate's")));
        }
        verify_value(&plain, &value)?;
        if !seen.insert(plain) {
            return Err(Denial::new("header-duplicate", format!("`{name}` stands twice")));
        }
        name.make_ascii_lowercase();
        kept.push((name, value));
    }
    Ok(kept)
}

/// Whether a route may put its idempotency key into this header.
///
/// # Errors
/// Rules `header`, `header-forbidden`.
pub fn permit_idempotency(name: &str) -> Result<(), Denial> {
    verify_name(name)?;
    if is_owned(&canonical(name)) {
        return Err(Denial::new("header-forbidden", format!("`{name}` cannot carry an idempotency key")));
    }
    Ok(())
}

/// Whether the plugin gets this answer header: those that the route keeps and `content-type`; never a cookie.
pub fn is_kept(route: &Route, name: &str) -> bool {
    name != "set-cookie" && name != "set-cookie2" && (name == "content-type" || route.keep_headers.contains(name))
}

/// What the plugin sees of a `location` header: all of it within the endpoint's origin, otherwise the origin alone, because
/// a redirect to somebody else may carry codes and tokens in its query.
pub fn redacted_location(location: &str, endpoint: &Origin) -> String {
    if location.starts_with('/') && !location.starts_with("//") {
        return location.to_owned();
    }
    match crate::egress::origin::read(location) {
        Ok((origin, _)) if origin == *endpoint => location.to_owned(),
        Ok((origin, _)) => origin.to_string(),
        Err(_) => "[removed]".to_owned(),
    }
}

fn canonical(name: &str) -> String {
    name.bytes().map(|byte| if byte == b'_' { '-' } else { char::from(byte.to_ascii_lowercase()) }).collect()
}

fn is_owned(canonical: &str) -> bool {
    OWNED.binary_search(&canonical).is_ok() || OWNED_PREFIXES.iter().any(|prefix| canonical.starts_with(prefix))
}

/// A token of RFC 9110 section 5.6.2.
fn verify_name(name: &str) -> Result<(), Denial> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > limits::REQUEST_HEADER_NAME_BYTES_MAX || !name.bytes().all(is_token) {
        let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        return Err(Denial::new("header", format!("`{shown}` is no header name")));
    }
    Ok(())
}

/// Visible ASCII and spaces within: neither a tab nor a byte that servers decode differently.
fn verify_value(name: &str, value: &str) -> Result<(), Denial> {
    if value.len() > limits::REQUEST_HEADER_VALUE_BYTES_MAX {
        let most = limits::REQUEST_HEADER_VALUE_BYTES_MAX;
        return Err(Denial::new("header", format!("`{name}` has {} bytes, {most} are allowed", value.len())));
    }
    if !value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) || value.starts_with(' ') || value.ends_with(' ') {
        return Err(Denial::new("header", format!("the value of `{name}` is not visible ASCII")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::decide::tests::manifest;

    fn list(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The list is searched by halves, so it must be sorted.
    #[test]
    fn owned_is_sorted() {
        assert!(OWNED.is_sorted());
    }

    /// What frames, routes or authenticates a request is refused in every spelling (H1-H6); the rest passes, lower-case.
    #[test]
    fn filtered() {
        let manifest = manifest();
        let route = manifest.route("insert").unwrap();
        for (headers, rule) in [
            (&[("Host", "evil.example")][..], "header-forbidden"),
            (&[("Connection", "close")], "header-forbidden"),
            (&[("keep-alive", "1")], "header-forbidden"),
            (&[("Proxy-Authorization", "x")], "header-forbidden"),
            (&[("proxy-anything", "x")], "header-forbidden"),
            (&[("TE", "trailers")], "header-forbidden"),
            (&[("trailer", "x")], "header-forbidden"),
            (&[("Transfer-Encoding", "chunked")], "header-forbidden"),
            (&[("transfer_encoding", "chunked")], "header-forbidden"),
            (&[("Upgrade", "h2c")], "header-forbidden"),
            (&[("HTTP2-Settings", "x")], "header-forbidden"),
            (&[("Content-Length", "0")], "header-forbidden"),
            (&[("expect", "100-continue")], "header-forbidden"),
            (&[(":authority", "evil.example")], "header"),
            (&[("AUTHORIZATION", "Bearer x")], "header-forbidden"),
            (&[("cookie", "a=b")], "header-forbidden"),
            (&[("X-Api-Key", "x")], "header-forbidden"),
            (&[("accept-encoding", "br")], "header-forbidden"),
            (&[("X-Forwarded-Host", "x")], "header-forbidden"),
            (&[("forwarded", "for=1")], "header-forbidden"),
            (&[("x-real-ip", "1")], "header-forbidden"),
            (&[("X-HTTP-Method-Override", "DELETE")], "header-forbidden"),
            (&[("x-original-url", "/admin")], "header-forbidden"),
            (&[("X-Rewrite-URL", "/admin")], "header-forbidden"),
            (&[("Idempotency-Key", "x")], "header-forbidden"),
            (&[("x-a", "b\r\nc: d")], "header"),
            (&[("x-a", "b\0")], "header"),
            (&[("x-a", "é")], "header"),
            (&[("x-a", "b\tc")], "header"),
            (&[("x-a", " b")], "header"),
            (&[("x a", "b")], "header"),
            (&[("x:a", "b")], "header"),
            (&[("", "b")], "header"),
            (&[("X-A", "1"), ("x-a", "2")], "header-duplicate"),
            (&[("x-a", "1"), ("x_a", "2")], "header-duplicate"),
        ] {
            assert_eq!(filter(list(headers), route).unwrap_err().rule, rule, "{headers:?}");
        }
        assert_eq!(filter(list(&[(&"x".repeat(257), "1")]), route).unwrap_err().rule, "header");
        assert_eq!(filter(list(&[("x", &"1".repeat(8193))]), route).unwrap_err().rule, "header");
        let many = (0..33).map(|n| (format!("x-{n}"), String::new())).collect();
        assert_eq!(filter(many, route).unwrap_err().rule, "header");

        let good = list(&[
            ("Content-Type", "application/json"),
            ("Prefer", "transient, x=\"1\""),
            ("if-match", "\"1\""),
            ("x-empty", ""),
        ]);
        let kept = filter(good, route).unwrap();
        assert_eq!(kept[0], ("content-type".to_owned(), "application/json".to_owned()));
        assert_eq!(kept.len(), 4);
        let read = manifest.route("query").unwrap();
        assert!(filter(list(&[("Idempotency-Key", "x")]), read).is_ok(), "only the route that names it owns it");
    }

    /// A plugin hears what its route keeps and the type of the body; never a cookie, even if the route asks (B8).
    #[test]
    fn kept() {
        let manifest = manifest();
        let route = manifest.route("insert").unwrap();
        for (name, expected) in [("content-type", true), ("location", true), ("set-cookie", false), ("server", false)] {
            assert_eq!(is_kept(route, name), expected, "{name}");
        }
    }

    /// A redirect elsewhere shows where it leads and nothing of its path or query (R16, R20).
    #[test]
    fn locations() {
        let endpoint = Origin::parse("https://api.vendor.example").unwrap();
        for (location, shown) in [
            ("https://api.vendor.example/record/1", "https://api.vendor.example/record/1"),
            ("/record/1?a=b", "/record/1?a=b"),
            ("https://evil.example/?token=secret", "https://evil.example"),
            ("//evil.example/?token=secret", "[removed]"),
            ("/\\evil.example", "/\\evil.example"),
            ("https:evil.example", "[removed]"),
            ("http://169.254.169.254/x", "[removed]"),
        ] {
            assert_eq!(redacted_location(location, &endpoint), shown, "{location}");
        }
    }
}
