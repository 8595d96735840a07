//! What an answer says about limits: throttled, and how much is used.

use crate::model::manifest::{Throttled, UsageSign};
use crate::model::{Json, json, limits};

/// Whether an answer means "too fast": 429 always (RFC 6585 section 4), otherwise as the route says.
pub fn is_throttled(sign: Option<&Throttled>, status: u16, body: &[u8]) -> bool {
    let Some(sign) = sign else { return status == 429 };
    status == 429 || status == sign.status && found(body, &sign.json_pointer).is_some_and(|text| text == sign.equals)
}

/// Reads `{used}` and `{limit}` of a header's value: `api-usage=18/5000` by the pattern `api-usage={used}/{limit}`. The
/// pattern may match anywhere in the value; a pattern without `{limit}` gives only what is used.
pub fn usage(sign: &UsageSign, value: &str) -> Option<(u64, Option<u64>)> {
    let (before, rest) = sign.pattern.split_once("{used}")?;
    let start = value.find(before)? + before.len();
    let (used, after) = digits(&value[start..])?;
    let Some((between, _)) = rest.split_once("{limit}") else { return Some((used, None)) };
    let (limit, _) = digits(after.strip_prefix(between)?)?;
    Some((used, Some(limit)))
}

fn found(body: &[u8], pointer: &str) -> Option<String> {
    if body.len() > limits::THROTTLE_SIGN_BYTES_MAX {
        return None;
    }
    match json::parse(std::str::from_utf8(body).ok()?).ok()?.pointer(pointer)? {
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A throttle sign is found where the vendor puts it, and nowhere else; a body made to be expensive is not read.
    #[test]
    fn throttled() {
        let sign =
            Throttled { status: 403, json_pointer: "/0/errorCode".into(), equals: "REQUEST_LIMIT_EXCEEDED".into() };
        let body = br#"[{"message":"x","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        for (sign, status, body, expected) in [
            (Some(&sign), 403, &body[..], true),
            (Some(&sign), 400, body, false),
            (Some(&sign), 403, br#"[{"errorCode":"INSUFFICIENT_ACCESS"}]"#, false),
            (Some(&sign), 403, b"not json", false),
            (Some(&sign), 429, b"", true),
            (None, 429, b"", true),
            (None, 403, body, false),
        ] {
            assert_eq!(is_throttled(sign, status, body), expected, "{status}");
        }
        let deep = format!(
            r#"[{{"errorCode":"REQUEST_LIMIT_EXCEEDED","x":{}{}}}]"#,
            "[".repeat(limits::JSON_DEPTH_MAX - 1),
            "]".repeat(limits::JSON_DEPTH_MAX - 1)
        );
        assert!(!is_throttled(Some(&sign), 403, deep.as_bytes()), "nested deeper than is read");
        let padded = format!(
            r#"[{{"errorCode":"REQUEST_LIMIT_EXCEEDED","x":"{}"}}]"#,
            " ".repeat(limits::THROTTLE_SIGN_BYTES_MAX)
        );
        assert!(!is_throttled(Some(&sign), 403, padded.as_bytes()), "larger than is read");
        let brackets = format!(r#"[{{"errorCode":"REQUEST_LIMIT_EXCEEDED","x":"{}\"{{"}}]"#, "[".repeat(99));
        assert!(is_throttled(Some(&sign), 403, brackets.as_bytes()), "brackets in text are no nesting");
    }

    /// The vendor's own count is read from the header it uses; garbage is no count.
    #[test]
    fn used() {
        let sign = |pattern: &str| UsageSign { header: "sforce-limit-info".into(), pattern: pattern.into() };
        for (pattern, value, expected) in [
            ("api-usage={used}/{limit}", "api-usage=18/5000", Some((18, Some(5000)))),
            ("api-usage={used}/{limit}", "api-bursts=1/750; api-usage=18/5000; x", Some((18, Some(5000)))),
            ("{used}/{limit}", "32/40", Some((32, Some(40)))),
            ("{used}", "7", Some((7, None))),
            ("api-usage={used}/{limit}", "api-usage=/5000", None),
            ("api-usage={used}/{limit}", "api-usage=18", None),
            ("api-usage={used}/{limit}", "api-usage=99999999999999999999/1", None),
            ("api-usage={used}/{limit}", "", None),
            ("no names", "18/5000", None),
        ] {
            assert_eq!(usage(&sign(pattern), value), expected, "{pattern} {value}");
        }
    }
}
