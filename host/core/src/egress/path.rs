//! Path templates of routes: `/sobjects/{object}/{id}`, and the values that fill them.
//!
//! A value can never leave its segment: everything outside RFC 3986's unreserved set is percent-encoded, `/` included.
//! Some servers decode before they split, so that a part that would mean "here" or "up" to them is refused as well.

use crate::egress::Denial;
use std::fmt::Write;

/// One piece of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    Name(&'a str),
}

/// Whether `path` is a usable template: starts with `/`, segments that are neither empty nor dots, `{names}` of lower-case
/// letters, digits and `_`, each once and never two in a row.
///
/// # Errors
/// Says what is wrong with it.
pub fn verify_template(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("must start with `/`".into());
    }
    let pieces = pieces(path)?;
    let mut names: Vec<&str> = Vec::new();
    for pair in pieces.windows(2) {
        if let [Piece::Name(first), Piece::Name(second)] = pair {
            return Err(format!("`{{{first}}}` and `{{{second}}}` need text between them"));
        }
    }
    for piece in &pieces {
        match piece {
            Piece::Literal(text) => verify_literal(text)?,
            Piece::Name(name) if names.contains(name) => return Err(format!("`{{{name}}}` stands twice")),
            Piece::Name(name) => names.push(name),
        }
    }
    verify_segments(path)
}

/// The path of a request: each `{name}` of the template replaced by its percent-encoded value.
///
/// # Errors
/// Rule `path-param`: a name is unknown, missing or given twice; a value is empty or holds a control character; or the
/// filled path has a part `.` or `..` between `/` or `\`, also before it is encoded.
pub fn fill(template: &str, params: &[(String, String)]) -> Result<String, Denial> {
    let pieces = pieces(template).map_err(|reason| denial(format!("template `{template}`: {reason}")))?;
    let (mut path, mut plain) =
        (String::with_capacity(template.len() + 32), String::with_capacity(template.len() + 32));
    let mut filled = 0;
    for piece in pieces {
        match piece {
            Piece::Literal(text) => {
                path.push_str(text);
                plain.push_str(text);
            }
            Piece::Name(name) => {
                let value = path_value(name, params)?;
                encode(value, &mut path);
                plain.push_str(value);
                filled += 1;
            }
        }
    }
    if filled != params.len() {
        let unknown = params.iter().find(|(name, _)| !template.contains(&format!("{{{name}}}")));
        let name = unknown.map_or("", |(name, _)| name);
        return Err(denial(format!("`{template}` has no `{{{}}}`", printable(name))));
    }
    if plain.split(['/', '\\']).any(|part| matches!(part, "." | "..")) {
        return Err(denial(format!("`{template}` would get a part `.` or `..`: a value must name something")));
    }
    Ok(path)
}

/// Whether `path`, as it stands in a URL, is what the template makes or lies beneath it, segment by segment.
pub fn lies_beneath(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    template.split('/').all(|wanted| segments.next().is_some_and(|segment| segment_matches(wanted, segment)))
}

/// Appends `value` percent-encoded: only letters, digits and `-._~` stand as they are (RFC 3986 section 2.3).
pub fn encode(value: &str, text: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

fn path_value<'p>(name: &str, params: &'p [(String, String)]) -> Result<&'p str, Denial> {
    let mut values = params.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let value = values.next().ok_or_else(|| denial(format!("`{name}` is missing")))?;
    if values.next().is_some() {
        return Err(denial(format!("`{name}` is given twice")));
    }
    if value.is_empty() {
        return Err(denial(format!("`{name}` is empty: a value must name something")));
    }
    if value.chars().any(char::is_control) {
        return Err(denial(format!("`{name}` holds a control character")));
    }
    Ok(value)
}

fn segment_matches(wanted: &str, segment: &str) -> bool {
    let Ok(pieces) = pieces(wanted) else { return false };
    let mut rest = segment;
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(text) => match rest.strip_prefix(text) {
                Some(after) => rest = after,
                None => return false,
            },
            Piece::Name(_) => {
                let length = match pieces.get(index + 1) {
                    Some(Piece::Literal(text)) => rest.find(text),
                    _ => Some(rest.len()),
                };
                match length {
                    Some(length) if length > 0 => rest = &rest[length..],
                    _ => return false,
                }
            }
        }
    }
    rest.is_empty()
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find(['{', '}']) {
        if rest.as_bytes()[open] == b'}' {
            return Err("`}` without `{`".into());
        }
        let close = rest[open..].find('}').ok_or("`{` without `}`")? + open;
        let name = &rest[open + 1..close];
        if !is_name(name) {
            return Err(format!("`{{{name}}}`: write a name of lower-case letters, digits and `_`"));
        }
        if open > 0 {
            pieces.push(Piece::Literal(&rest[..open]));
        }
        pieces.push(Piece::Name(name));
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The characters of a path segment that need no encoding (RFC 3986 section 3.3), without `;`, which some servers read as
/// the start of a parameter.
fn verify_literal(text: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,=:@".contains(c);
    match text.chars().find(|c| !is_plain(*c)) {
        Some(c) => Err(format!("{c:?} may not stand in a path")),
        None => Ok(()),
    }
}

fn verify_segments(path: &str) -> Result<(), String> {
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if matches!(segment, "." | "..") || segment.is_empty() && !is_last {
            return Err(format!("segment `{segment}` is not allowed"));
        }
    }
    Ok(())
}

fn printable(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

fn denial(message: String) -> Denial {
    Denial::new("path-param", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A template that could leave its own path, or that is ambiguous, is refused when the plugin is admitted.
    #[test]
    fn templates() {
        for good in ["/", "/a", "/a/{b}", "/record/v1/{type}/eid:{id}", "/a/{b}.json", "/a/", "/x/{a}-{b}"] {
            assert_eq!(verify_template(good), Ok(()), "{good}");
        }
        for bad in [
            "", "a", "//a", "/a//b", "/a/../b", "/./a", "/a?b=c", "/a#b", "/%2e%2e", "/a b", "/a\\b", "/ä", "/{", "/}",
            "/{a", "/a}", "/{}", "/{A}", "/{1a}", "/{a b}", "/{a}{b}", "/{a}/{a}", "/a;b", "/a\n",
        ] {
            assert!(verify_template(bad).is_err(), "{bad:?}");
        }
    }

    /// Values stay inside their segment, whatever they hold; each name is filled exactly once.
    #[test]
    fn values() {
        for (template, given, path) in [
            ("/a/{b}", &[("b", "x")][..], "/a/x"),
            ("/a/{b}", &[("b", "x/y\\z")], "/a/x%2Fy%5Cz"),
            ("/a/{b}", &[("b", "x/..y/.z")], "/a/x%2F..y%2F.z"),
            ("/a/{b}", &[("b", "x?y#z&=%")], "/a/x%3Fy%23z%26%3D%25"),
            ("/a/{b}", &[("b", "%2e%2e")], "/a/%252e%252e"),
            ("/a/eid:{b}", &[("b", "006A-~_.")], "/a/eid:006A-~_."),
            ("/a/{b}", &[("b", "ä €")], "/a/%C3%A4%20%E2%82%AC"),
            ("/a/{b}", &[("b", "...")], "/a/..."),
            ("/{a}/{b}", &[("b", "2"), ("a", "1")], "/1/2"),
            ("/plain", &[], "/plain"),
        ] {
            assert_eq!(fill(template, &params(given)).as_deref(), Ok(path), "{given:?}");
        }
        for (template, given) in [
            ("/a/{b}", &[][..]),
            ("/a/{b}", &[("b", "")]),
            ("/a/{b}", &[("b", ".")]),
            ("/a/{b}", &[("b", "..")]),
            ("/a/{b}", &[("b", "a\nb")]),
            ("/a/{b}", &[("b", "a\0")]),
            ("/a/{b}", &[("b", "1"), ("b", "2")]),
            ("/a/{b}", &[("b", "1"), ("c", "2")]),
            ("/a", &[("b", "1")]),
            ("/a/.{b}", &[("b", ".")]),
            ("/a/{b}", &[("b", "x/../y")]),
            ("/a/{b}", &[("b", "../x")]),
            ("/a/{b}", &[("b", "x/.")]),
            ("/a/{b}", &[("b", "\\..\\")]),
            ("/a/{b}", &[("b", "x\\../y")]),
            ("/a/.{b}", &[("b", "/x")]),
            ("/a/eid.{b}/.{c}", &[("b", "x"), ("c", ".\\y")]),
            ("/a/{b}.", &[("b", "\u{7f}")]),
        ] {
            assert_eq!(fill(template, &params(given)).unwrap_err().rule, "path-param", "{template} {given:?}");
        }
    }

    /// A link lies beneath a route only at segment boundaries, and a name stands for exactly one segment or part of one.
    #[test]
    fn beneath() {
        for (template, path, expected) in [
            ("/services/data/v1/query", "/services/data/v1/query", true),
            ("/services/data/v1/query", "/services/data/v1/query/01g-2000", true),
            ("/services/data/v1/query", "/services/data/v1/queryAll", false),
            ("/services/data/v1/query", "/services/data/v1", false),
            ("/services/data/{version}/query", "/services/data/v67.0/query/x", true),
            ("/services/data/{version}/query", "/services/data//query/x", false),
            ("/record/{type}/eid:{id}", "/record/customer/eid:9", true),
            ("/record/{type}/eid:{id}", "/record/customer/9", false),
            ("/a/{x}.json", "/a/b.json", true),
            ("/a/{x}.json", "/a/b.xml", false),
            ("/", "/anything", false),
        ] {
            assert_eq!(lies_beneath(template, path), expected, "{template} {path}");
        }
    }
}
