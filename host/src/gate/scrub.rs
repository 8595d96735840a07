//! A tripwire: finds the credential in an answer, in the forms that an echo gives it, and takes it out.
//!
//! Not the defence: that is that a credential goes to one origin only. But a system that echoes its requests would hand
//! the token to the plugin, and from there to wherever the plugin writes.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use std::collections::BTreeSet;
use tollgate_core::egress::path;
use tollgate_core::model::limits;

/// What stands where a secret stood; the same for all, so that its length tells nothing.
pub(super) const REMOVED: &str = "[removed]";

/// Finds one secret.
pub(super) struct Scrubber {
    finders: Vec<Finder<'static>>,
}

impl Scrubber {
    /// Finds `secret` as it is, percent-encoded, JSON-escaped, in hexadecimal and, at each of the three places where it may
    /// begin, within base64. Shorter than [`limits::SCRUB_BYTES_MIN`]: finds nothing.
    pub(super) fn new(secret: &str) -> Self {
        if secret.len() < limits::SCRUB_BYTES_MIN {
            return Self { finders: Vec::new() };
        }
        let mut forms = BTreeSet::new();
        forms.insert(secret.to_owned());
        let mut percent = String::new();
        path::encode(secret, &mut percent);
        forms.insert(percent.replace('%', "%25"));
        forms.insert(lower_escapes(&percent));
        forms.insert(percent);
        let json = serde_json::Value::from(secret).to_string();
        let escaped = json[1..json.len() - 1].to_owned();
        forms.insert(escaped.replace('/', "\\/"));
        forms.insert(escaped);
        let hexadecimal = hex::encode(secret);
        forms.insert(hexadecimal.to_ascii_uppercase());
        forms.insert(hexadecimal);
        for shift in 0..3 {
            forms.insert(within_base64(&STANDARD_NO_PAD, secret, shift));
            forms.insert(within_base64(&URL_SAFE_NO_PAD, secret, shift));
        }
        Self { finders: forms.iter().map(|form| Finder::new(form).into_owned()).collect() }
    }

    /// Whether the text holds the secret in any form.
    pub(super) fn finds(&self, bytes: &[u8]) -> bool {
        self.finders.iter().any(|finder| finder.find(bytes).is_some())
    }

    /// Takes the secret out. Says whether it was there.
    pub(super) fn scrub(&self, bytes: &mut Vec<u8>) -> bool {
        let mut is_found = false;
        for finder in &self.finders {
            if finder.find(bytes).is_some() {
                is_found = true;
                *bytes = replaced(finder, bytes);
            }
        }
        is_found
    }

    /// [`Scrubber::scrub`] for text; what is no longer UTF-8 after it cannot happen, as all forms are ASCII or whole text.
    pub(super) fn scrub_text(&self, text: &mut String) -> bool {
        if !self.finds(text.as_bytes()) {
            return false;
        }
        let mut bytes = std::mem::take(text).into_bytes();
        self.scrub(&mut bytes);
        *text = String::from_utf8_lossy(&bytes).into_owned();
        true
    }
}

fn replaced(finder: &Finder<'_>, bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in finder.find_iter(bytes) {
        kept.extend_from_slice(&bytes[from..at]);
        kept.extend_from_slice(REMOVED.as_bytes());
        from = at + finder.needle().len();
    }
    kept.extend_from_slice(&bytes[from..]);
    kept
}

/// The characters that the secret alone decides when it stands `shift` bytes into a base64 group.
fn within_base64(engine: &impl Engine, secret: &str, shift: usize) -> String {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(secret.as_bytes());
    let text = engine.encode(&bytes);
    let first = (shift * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    text[first..last].to_owned()
}

/// `%2F` as `%2f`.
fn lower_escapes(percent: &str) -> String {
    let mut left = 0;
    let lower = |c: char| {
        if c == '%' {
            left = 2;
        } else if left > 0 {
            left -= 1;
            return c.to_ascii_lowercase();
        }
        c
    };
    percent.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "00D!AQ/canary+\"token\"~7";

    /// Whatever an echo does to the credential, it is found: each form stands in the middle of other text.
    #[test]
    fn forms() {
        let scrubber = Scrubber::new(SECRET);
        let mut percent = String::new();
        path::encode(SECRET, &mut percent);
        let mut texts = vec![
            format!("Bearer {SECRET}."),
            format!("a={percent}&b"),
            format!("a={}&b", percent.to_ascii_lowercase().replace("00d", "00D").replace("aq", "AQ")),
            format!("{}", serde_json::json!({ "auth": SECRET })),
            hex::encode(SECRET),
            hex::encode_upper(SECRET),
        ];
        for prefix in ["", "u", "us", "user:"] {
            texts.push(STANDARD_NO_PAD.encode(format!("{prefix}{SECRET}")));
            texts.push(URL_SAFE_NO_PAD.encode(format!("{prefix}{SECRET} and more")));
        }
        for text in texts {
            let mut bytes = text.clone().into_bytes();
            assert!(scrubber.scrub(&mut bytes), "{text}");
            assert!(String::from_utf8(bytes.clone()).unwrap().contains(REMOVED), "{text}");
            assert!(!scrubber.finds(&bytes), "{text}");
        }
    }

    /// What is not the secret stays as it is, and a secret too short to mean anything is not looked for.
    #[test]
    fn untouched() {
        let scrubber = Scrubber::new(SECRET);
        let mut bytes = b"{\"token\":\"another\"}".to_vec();
        assert!(!scrubber.scrub(&mut bytes));
        assert_eq!(bytes, b"{\"token\":\"another\"}");
        assert!(!Scrubber::new("short").scrub(&mut b"short".to_vec()));
        let mut text = format!("x{SECRET}y{SECRET}");
        assert!(scrubber.scrub_text(&mut text));
        assert_eq!(text, "x[removed]y[removed]");
    }
}
