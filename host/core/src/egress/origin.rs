//! Origins, and the one function that reads a URL.
//!
//! Everything that is not already in canonical form is refused. The order of the checks matters: an address must be
//! recognised before names are compared, and a name must be plain before it is looked up in a list.

use crate::egress::Denial;
use std::fmt;
use std::sync::Arc;
use url::{Host, Url};

/// Scheme, host and port: all that identifies whom a request reaches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    host: Arc<str>,
    port: u16,
    is_tls: bool,
}

/// Top-level names that never leave a private network.
const LOCAL_NAMES: &[&str] = &["local", "localhost", "internal", "arpa", "svc", "lan", "corp", "home", "onion"];
/// RFC 1035 section 2.3.4.
const LABEL_BYTES_MAX: usize = 63;

impl Origin {
    /// Reads an origin as an admin writes it: `https://acme.example`, a port if it is not the usual one, at most a `/`.
    ///
    /// # Errors
    /// See [`read`]; also `path` where more than an origin is given, and `scheme` for `http:`.
    pub fn parse(text: &str) -> Result<Self, Denial> {
        let (origin, url) = read(text)?;
        if !origin.is_tls {
            return Err(Denial::new("scheme", format!("`{}`: write `https://`", shown(text))));
        }
        if url.path() != "/" || text.contains(['?', '#']) {
            return Err(Denial::new("path", format!("`{}`: write the origin only, without a path", shown(text))));
        }
        Ok(origin)
    }

    /// The host, lower-case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the host meets a manifest's pattern. `*.x` stands for one or more labels before `x`, never for `x` itself.
    pub fn matches(&self, pattern: &str) -> bool {
        match pattern.strip_prefix("*.") {
            None => *self.host == *pattern,
            Some(domain) => self
                .host
                .strip_suffix(domain)
                .and_then(|before| before.strip_suffix('.'))
                .is_some_and(|labels| !labels.is_empty()),
        }
    }

    /// Whether this is exactly the granted origin.
    ///
    /// # Errors
    /// Rules `host`, `scheme`, `port`: the first that differs.
    pub fn permit(&self, granted: &Origin) -> Result<(), Denial> {
        let rule = if self.host != granted.host {
            "host"
        } else if self.is_tls != granted.is_tls {
            "scheme"
        } else if self.port != granted.port {
            "port"
        } else {
            return Ok(());
        };
        Err(Denial::new(rule, format!("`{self}` is not the granted `{granted}`")))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.is_tls { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a URL without repairing it. Only the parsed value may be used afterwards.
///
/// # Errors
/// In this order: `ambiguous` (a byte that parsers disagree about), `parse`, `scheme`, `ip-literal`, `ambiguous` (the
/// authority is not in canonical form), `userinfo`, `local-name`.
pub fn read(text: &str) -> Result<(Origin, Url), Denial> {
    let deny = |rule, why: &str| Denial::new(rule, format!("`{}`: {why}", shown(text)));
    if text.bytes().any(|byte| !(0x21..=0x7e).contains(&byte) || byte == b'\\') {
        return Err(deny("ambiguous", "only visible ASCII without `\\` is read"));
    }
    let url = Url::parse(text).map_err(|error| deny("parse", &error.to_string()))?;
    let is_tls = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(deny("scheme", "only https is spoken")),
    };
    let host = match url.host() {
        Some(Host::Domain(host)) => host,
        Some(_) => return Err(deny("ip-literal", "write a name, not an address")),
        None => return Err(deny("parse", "there is no host")),
    };
    if !is_authority_canonical(text, &url) || !host.split('.').all(is_label) {
        return Err(deny("ambiguous", "the host is not in its canonical form"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(deny("userinfo", "a URL carries no user"));
    }
    let top = host.rsplit('.').next().unwrap_or(host);
    if top.len() == host.len() || LOCAL_NAMES.contains(&top) {
        return Err(deny("local-name", "the name belongs to a private network"));
    }
    let port = url.port_or_known_default().unwrap_or(0);
    Ok((Origin { host: host.into(), port, is_tls }, url))
}

/// The text between `scheme://` and the path, as it was given.
fn authority(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

/// The path as it was given; empty where the URL ends after the authority.
pub(super) fn path_given(text: &str) -> &str {
    let Some((_, rest)) = text.split_once("://") else { return "" };
    let path = rest.find(['/', '?', '#']).map_or("", |start| &rest[start..]);
    path.split(['?', '#']).next().unwrap_or("")
}

/// Whether the parser changed nothing but the case of scheme and host, and left out the usual port at most.
fn is_authority_canonical(text: &str, url: &Url) -> bool {
    let Some(given) = authority(text) else { return false };
    let is_scheme_plain =
        text.get(..url.scheme().len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(url.scheme()))
            && text[url.scheme().len()..].starts_with("://");
    let mut parsed = url.username().to_owned();
    if let Some(password) = url.password() {
        parsed.push(':');
        parsed.push_str(password);
    }
    if !parsed.is_empty() {
        parsed.push('@');
    }
    parsed.push_str(url.host_str().unwrap_or(""));
    let usual = url.port_or_known_default().unwrap_or(0);
    let with_port = format!("{parsed}:{usual}");
    let is_same = match url.port() {
        Some(_) => given.eq_ignore_ascii_case(&with_port),
        None => given.eq_ignore_ascii_case(&parsed) || given.eq_ignore_ascii_case(&with_port),
    };
    is_scheme_plain && is_same
}

/// Letters, digits, `-` and `_`, 1 to 63 bytes, no `-` at an edge: `url` and `http` accept far more.
fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// A hostile text for a sentence: cut, escaped, without query, fragment and user, which may be secrets. A text that is no
/// URL to us may be one to somebody else, so nothing before the last `@` is shown.
fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (&text[..scheme.len() + 3], rest));
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{}[removed]@{}", escaped(scheme), escaped(rest)),
        None => escaped(text),
    }
}

fn escaped(text: &str) -> String {
    text.chars().take(120).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An admin's origin is taken as it is meant, or refused with the rule that decided.
    #[test]
    fn origins() {
        for (text, shown) in [
            ("https://acme.example", "https://acme.example"),
            ("https://acme.example/", "https://acme.example"),
            ("https://ACME.Example:443", "https://acme.example"),
            ("https://acme.example:8443", "https://acme.example:8443"),
            ("https://a_b.acme.example", "https://a_b.acme.example"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for (text, rule) in [
            ("http://acme.example", "scheme"),
            ("https://acme.example/v1", "path"),
            ("https://acme.example?x", "path"),
            ("https://acme.example/#x", "path"),
            ("https://acme.example.", "ambiguous"),
            ("https://-a.example", "ambiguous"),
            ("acme.example", "parse"),
            ("https://localhost", "local-name"),
            ("https://10.0.0.1", "ip-literal"),
            ("https://u@acme.example", "userinfo"),
        ] {
            assert_eq!(Origin::parse(text).unwrap_err().rule, rule, "{text}");
        }
    }

    /// What a sentence shows of a refused URL is what it leads to, not what it carries: each carries a secret somewhere.
    #[test]
    fn shown_without_secrets() {
        for (text, shown) in [
            ("ftp://evil.example/x?token=secret", "`ftp://evil.example/x`"),
            ("ftp://evil.example/x#secret", "`ftp://evil.example/x`"),
            ("https://secret@evil.example/x", "`https://[removed]@evil.example/x`"),
            ("https://user:se/cret@evil.example/", "`https://[removed]@evil.example/`"),
            ("a\nb://secret@evil.example", "`a\\nb://[removed]@evil.example`"),
            ("https:secret@evil.example", "`[removed]@evil.example`"),
            ("//a:secret@evil.example/\nx", "`[removed]@evil.example/\\nx`"),
        ] {
            let denial = read(text).unwrap_err();
            assert!(denial.message.starts_with(&format!("{shown}: ")), "{text}: {denial}");
        }
    }

    /// `*.x` stands for names beneath `x`, at a dot, and never for `x`.
    #[test]
    fn patterns() {
        for (host, pattern, expected) in [
            ("api.vendor.example", "api.vendor.example", true),
            ("acme.my.vendor.example", "*.vendor.example", true),
            ("acme.vendor.example", "*.vendor.example", true),
            ("vendor.example", "*.vendor.example", false),
            ("evilvendor.example", "*.vendor.example", false),
            ("evil-vendor.example", "*.vendor.example", false),
            ("api.vendor.example.evil.example", "*.vendor.example", false),
            ("xapi.vendor.example", "api.vendor.example", false),
        ] {
            let origin = Origin::parse(&format!("https://{host}")).unwrap();
            assert_eq!(origin.matches(pattern), expected, "{host} {pattern}");
        }
    }
}
