//! Takes out of answers what looks like a credential. The gate has already taken out the connection's own; this is for
//! what a system hands out beside it: links with keys, sessions, tokens of others.

use crate::kit::watch::Answer;
use tollgate_core::model::{Json, json};

/// What stands in place of it.
const REMOVED: &str = "[removed]";
/// Shorter texts are found everywhere.
const SECRET_BYTES_MIN: usize = 8;
/// Names of members, parameters and headers that hold credentials, in lower case and without signs.
const NAMES: &[&str] = &[
    "accesstoken",
    "apikey",
    "authorization",
    "clientsecret",
    "cookie",
    "idtoken",
    "password",
    "privatekey",
    "refreshtoken",
    "secret",
    "sessionid",
    "sessiontoken",
    "setcookie",
    "sig",
    "signature",
    "token",
];

/// Knows the secrets that must not be recorded.
pub(super) struct Cleaner {
    secrets: Vec<String>,
}

impl Cleaner {
    pub(super) fn new(secrets: &[String]) -> Self {
        Self { secrets: secrets.iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN).cloned().collect() }
    }

    /// An answer without credentials. What is no text is left as it is, unless it holds a known secret.
    pub(super) fn answer(&self, answer: Answer) -> Answer {
        let mut response = answer?;
        for (name, value) in &mut response.headers {
            *value = if is_credential(name) { REMOVED.into() } else { self.text(value) };
        }
        response.body = match String::from_utf8(response.body) {
            Ok(text) => self.body(text).into_bytes(),
            Err(error) => error.into_bytes(),
        };
        Ok(response)
    }

    /// A JSON body is looked at member by member, and kept to the letter where nothing is found.
    fn body(&self, text: String) -> String {
        let Ok(mut value) = serde_json::from_str::<Json>(&text) else { return self.text(&text) };
        if self.value(&mut value) { json::text(&value) } else { text }
    }

    fn value(&self, value: &mut Json) -> bool {
        match value {
            Json::Object(members) => members.iter_mut().fold(false, |found, (name, value)| {
                if is_credential(name) && value.as_str().is_some_and(|text| !text.is_empty()) {
                    *value = REMOVED.into();
                    return true;
                }
                self.value(value) || found
            }),
            Json::Array(items) => items.iter_mut().filter_map(|item| self.value(item).then_some(())).count() > 0,
            Json::String(text) => {
                let cleaned = self.text(text);
                let found = cleaned != *text;
                *text = cleaned;
                found
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => false,
        }
    }

    fn text(&self, text: &str) -> String {
        let mut text = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, REMOVED));
        for (mark, length_min) in [("Bearer ", 12), ("eyJ", 20)] {
            text = without(&text, mark, length_min);
        }
        without_parameters(&text)
    }
}

fn is_credential(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    NAMES.contains(&plain.as_str())
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=!".contains(c)
}

/// Takes out what follows a mark and is long enough to be a token; a mark that is itself the start of one goes too.
fn without(text: &str, mark: &str, length_min: usize) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let (before, found) = rest.split_at(at);
        let tail = &found[mark.len()..];
        let end = tail.find(|c| !is_token(c)).unwrap_or(tail.len());
        let is_long = end >= length_min && (mark != "eyJ" || tail[..end].contains('.'));
        kept.push_str(before);
        kept.push_str(match (is_long, mark.ends_with(' ')) {
            (true, false) => REMOVED,
            (true, true) => mark,
            (false, _) => &found[..mark.len() + end],
        });
        if is_long && mark.ends_with(' ') {
            kept.push_str(REMOVED);
        }
        rest = &tail[end..];
    }
    kept + rest
}

/// Takes the values of such parameters out of links: `?sig=..&token=..`.
fn without_parameters(text: &str) -> String {
    let is_joint = |c: char| c == '?' || c == '&';
    let cleaned = text.split_inclusive(is_joint).map(|part| match part.split_once('=') {
        Some((name, value)) if is_credential(name) && !name.contains(char::is_whitespace) => {
            let end = value.find(|c: char| !is_token(c) && c != '%').unwrap_or(value.len());
            format!("{name}={REMOVED}{}", &value[end..])
        }
        _ => part.to_owned(),
    });
    cleaned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_core::model::http;

    fn cleaned(body: &str) -> String {
        let response = http::Response { status: 200, headers: vec![], body: body.as_bytes().to_vec() };
        String::from_utf8(Cleaner::new(&["canary-5f2e91".into()]).answer(Ok(response)).unwrap().body).unwrap()
    }

    /// Each shape in which a credential comes is taken out, wherever it stands; what only resembles one stays, and the
    /// digits and spaces of an answer that holds none stay to the letter.
    #[test]
    fn credentials_are_taken_out() {
        const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhY21lIn0.c2lnbmF0dXJl";
        for (body, kept) in [
            (r#"{"rate": 1.50,  "name": "x"}"#.to_owned(), r#"{"rate": 1.50,  "name": "x"}"#.to_owned()),
            (r#"{"access_token":"abc","rate":1.50}"#.into(), r#"{"access_token":"[removed]","rate":1.50}"#.into()),
            (r#"[{"a":{"Session-Id":"abc"}}]"#.into(), r#"[{"a":{"Session-Id":"[removed]"}}]"#.into()),
            (r#"{"tokens": 7, "token": 7}"#.into(), r#"{"tokens": 7, "token": 7}"#.into()),
            (
                format!(r#"{{"next":"/x?cursor=1&sig=ab%2Fc&n=2","jwt":"{JWT}"}}"#),
                r#"{"jwt":"[removed]","next":"/x?cursor=1&sig=[removed]&n=2"}"#.into(),
            ),
            ("you sent Bearer abcdefghijklmnop here".into(), "you sent Bearer [removed] here".into()),
            ("Bearer of news; eyJ is no token".into(), "Bearer of news; eyJ is no token".into()),
            (r#"{"echo":"x canary-5f2e91 y"}"#.into(), r#"{"echo":"x [removed] y"}"#.into()),
            ("what? a=b & token is a word".into(), "what? a=b & token is a word".into()),
        ] {
            assert_eq!(cleaned(&body), kept);
        }
        let headers = vec![("set-cookie".to_owned(), "abc".to_owned()), ("location".into(), "/7".into())];
        let response = http::Response { status: 200, headers, body: vec![0xff] };
        let response = Cleaner::new(&[]).answer(Ok(response)).unwrap();
        assert_eq!(response.headers[0].1, REMOVED);
        assert_eq!((response.headers[1].1.as_str(), &response.body[..]), ("/7", &[0xff][..]));
    }
}
