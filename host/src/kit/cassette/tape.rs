//! The lines of a cassette.

use crate::kit::watch::{Answer, Ask, Exchange};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tollgate_core::model::{Json, http};

/// The version of this form.
pub(super) const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// [`FORMAT`].
    pub(super) cassette: u32,
    /// The plugin, `vendor/name`.
    pub(super) plugin: String,
    /// The time that the plugin saw.
    pub(super) now_ms: u64,
    /// The connection's settings.
    pub(super) settings: Json,
}

/// One exchange. Texts are kept as texts, so that a person can read and mend them; other bytes as base64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) call: String,
    pub(super) route: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    params: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    query: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Body>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    intents: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    answer: Said,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Body {
    Text(String),
    Base64(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Said {
    Response { status: u16, headers: Vec<(String, String)>, body: Body },
    Denied(String),
    Budget(u64),
    NotSent(String),
    SentNoAnswer(String),
    TooLarge(u64),
    Deadline(()),
    Other(String),
}

impl Body {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Base64(text) => STANDARD.decode(text).map_err(|error| format!("a body is no base64: {error}")),
        }
    }
}

impl Line {
    pub(super) fn of(call: &str, exchange: &Exchange) -> Self {
        let answer = said(&exchange.answer);
        match &exchange.ask {
            Ask::Request(request) => Self {
                call: call.to_owned(),
                route: request.route.clone(),
                params: request.params.clone(),
                query: request.query.clone(),
                headers: request.headers.clone(),
                body: request.body.as_deref().map(Body::of),
                intents: request.intents.clone(),
                link: None,
                answer,
            },
            Ask::Follow { route, link } => Self {
                call: call.to_owned(),
                route: route.clone(),
                params: Vec::new(),
                query: Vec::new(),
                headers: Vec::new(),
                body: None,
                intents: Vec::new(),
                link: Some(link.clone()),
                answer,
            },
        }
    }

    pub(super) fn exchange(self) -> Result<Exchange, String> {
        let answer = match self.answer {
            Said::Response { status, headers, body } => Ok(http::Response { status, headers, body: body.bytes()? }),
            Said::Denied(text) => Err(http::Error::Denied(text)),
            Said::Budget(ms) => Err(http::Error::Budget(ms)),
            Said::NotSent(text) => Err(http::Error::NotSent(text)),
            Said::SentNoAnswer(text) => Err(http::Error::SentNoAnswer(text)),
            Said::TooLarge(bytes) => Err(http::Error::TooLarge(bytes)),
            Said::Deadline(()) => Err(http::Error::Deadline),
            Said::Other(text) => Err(http::Error::Other(text)),
        };
        let ask = match self.link {
            Some(link) => Ask::Follow { route: self.route, link },
            None => Ask::Request(http::Request {
                route: self.route,
                params: self.params,
                query: self.query,
                headers: self.headers,
                body: self.body.map(|body| body.bytes()).transpose()?,
                intents: self.intents,
            }),
        };
        Ok(Exchange { ask, answer })
    }
}

fn said(answer: &Answer) -> Said {
    match answer {
        Ok(response) => Said::Response {
            status: response.status,
            headers: response.headers.clone(),
            body: Body::of(&response.body),
        },
        Err(http::Error::Denied(text)) => Said::Denied(text.clone()),
        Err(http::Error::Budget(ms)) => Said::Budget(*ms),
        Err(http::Error::NotSent(text)) => Said::NotSent(text.clone()),
        Err(http::Error::SentNoAnswer(text)) => Said::SentNoAnswer(text.clone()),
        Err(http::Error::TooLarge(bytes)) => Said::TooLarge(*bytes),
        Err(http::Error::Deadline) => Said::Deadline(()),
        Err(http::Error::Other(text)) => Said::Other(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind of request and answer comes back from its line as it was: bytes that are no text, links, each error.
    #[test]
    fn lines() {
        let request = |body: Option<&[u8]>| {
            Ask::Request(http::Request {
                route: "get".into(),
                params: vec![("id".into(), "7".into())],
                query: vec![("q".into(), "a b".into())],
                headers: vec![("prefer".into(), "x".into())],
                body: body.map(<[u8]>::to_vec),
                intents: vec![0, 3],
            })
        };
        let response = |body: &[u8]| {
            Ok(http::Response { status: 200, headers: vec![("location".into(), "/7".into())], body: body.to_vec() })
        };
        let follow = Ask::Follow { route: "next".into(), link: "/next?x=1".into() };
        let mut exchanges = vec![
            Exchange { ask: request(None), answer: response(b"{\"rate\": 1.50}") },
            Exchange { ask: request(Some(&[0xff, 0, 1])), answer: response(&[0xfe, 2]) },
            Exchange { ask: follow.clone(), answer: response(b"") },
        ];
        let errors = [
            http::Error::Denied("route: no".into()),
            http::Error::Budget(7),
            http::Error::NotSent("x".into()),
            http::Error::SentNoAnswer("y".into()),
            http::Error::TooLarge(9),
            http::Error::Deadline,
            http::Error::Other("z".into()),
        ];
        exchanges.extend(errors.map(|error| Exchange { ask: follow.clone(), answer: Err(error) }));
        for exchange in exchanges {
            let text = serde_json::to_string(&Line::of("read", &exchange)).unwrap();
            let line: Line = serde_json::from_str(&text).unwrap();
            assert_eq!(line.exchange().unwrap(), exchange, "{text}");
        }
    }
}
