//! One request to a token endpoint and what its answer says (RFC 6749 section 5), whatever the grant.
//!
//! A refresh token in an answer is handed on even where the rest of it is unusable: the one before it may be spent, so that
//! it must be stored whatever else is wrong.

use crate::clock::SharedClock;
use crate::gate::Error;
use crate::gate::body::Bounds;
use crate::gate::client::{Answer, Client, Failed};
use crate::gate::credential::{Place, Token};
use crate::gate::journal::Journal;
use crate::gate::origins::Origins;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use tollgate_core::egress::Origin;
use tollgate_core::model::manifest;
use tollgate_core::model::{EndpointName, Json, json, limits};
use url::form_urlencoded::Serializer;
use zeroize::Zeroize;

/// Where tokens of one credential come from.
pub(super) struct TokenEndpoint {
    pub(super) place: Place,
    pub(super) client: Client,
    pub(super) clock: SharedClock,
    pub(super) origins: Arc<Origins>,
    pub(super) origin: Origin,
    pub(super) path: String,
    /// Life of a token where the answer does not say.
    pub(super) lifetime_s: u64,
    /// Endpoints of this credential whose origin the answer names.
    pub(super) named: Vec<manifest::Endpoint>,
}

/// The form of a token request, and the secrets that are in it.
pub(super) struct Form {
    text: String,
    secrets: Vec<SecretString>,
}

impl Form {
    pub(super) fn new(grant_type: &str) -> Self {
        Self { text: String::new(), secrets: Vec::new() }.plain("grant_type", grant_type)
    }

    pub(super) fn plain(self, name: &str, value: &str) -> Self {
        let text = Serializer::for_suffix(self.text, 0).append_pair(name, value).finish();
        Self { text, ..self }
    }

    pub(super) fn secret(self, name: &str, value: SecretString) -> Self {
        self.plain(name, value.expose_secret()).hide(value)
    }

    /// Keeps a secret that the form is made of out of messages.
    pub(super) fn hide(mut self, value: SecretString) -> Self {
        self.secrets.push(value);
        self
    }
}

/// What an answer gives.
pub(super) struct Granted {
    /// The next refresh token.
    pub(super) refresh: Option<SecretString>,
    /// All else.
    pub(super) rest: Result<Fresh, Error>,
}

/// A token that was just got, with the origins that came with it.
pub(super) struct Fresh {
    token: Token,
    named: Vec<(EndpointName, Origin)>,
}

impl TokenEndpoint {
    /// Asks once.
    ///
    /// # Errors
    /// [`Error::CredentialRefused`], [`Error::TokenUnavailable`], [`Error::CredentialUnusable`]: nothing was granted.
    pub(super) async fn ask(&self, form: Form, journal: &Journal) -> Result<Granted, Error> {
        let text = Bytes::from(form.text);
        let mut entry = journal.entry(&format!("token:{}", self.place.credential));
        entry.method = "POST".into();
        entry.origin = self.origin.to_string();
        entry.path.clone_from(&self.path);
        entry.decision = "sent".into();
        entry.request_bytes = text.len() as u64;
        let bounds = Bounds { bytes_max: limits::TOKEN_RESPONSE_BYTES_MAX as u64, left: None, reserve: 0 };
        let mut answered = self.client.send(self.request(text)?, bounds).await;
        let granted = match &answered {
            Ok(answer) => {
                entry.status = answer.status;
                entry.response_bytes = answer.body.len() as u64;
                self.read(answer, &form.secrets)
            }
            Err(failed) => Err(self.unavailable(failed)),
        };
        if let Ok(answer) = &mut answered {
            answer.body.zeroize();
        }
        if let Some(error) = granted.as_ref().map_or_else(Some, |granted| granted.rest.as_ref().err()) {
            entry.error = error.to_string();
        }
        journal.ended(&mut entry);
        // A token that cannot be written down is still not sent anywhere before its request is.
        let _ = journal.put(entry).await;
        granted
    }

    /// Takes over the origins that came with a token, and gives it out.
    ///
    /// # Errors
    /// [`Error::OriginRefused`].
    pub(super) fn accept(&self, fresh: Fresh) -> Result<Token, Error> {
        for (endpoint, origin) in fresh.named {
            self.origins.pin(&endpoint, origin)?;
        }
        Ok(fresh.token)
    }

    /// No token for now: it may pass.
    pub(super) fn passing(&self, reason: impl Into<String>) -> Error {
        let (connection, credential) = (self.place.connection.clone(), self.place.credential.clone());
        Error::TokenUnavailable { connection, credential, reason: reason.into() }
    }

    fn request(&self, form: Bytes) -> Result<Request<Full<Bytes>>, Error> {
        let request = Request::post(format!("{}{}", self.origin, self.path))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .body(Full::new(form));
        request.map_err(|_| self.place.unusable("its token path is not usable"))
    }

    fn read(&self, answer: &Answer, secrets: &[SecretString]) -> Result<Granted, Error> {
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        let body = json::parse(text).unwrap_or(Json::Null);
        if answer.status != 200 {
            return Err(self.refused(answer.status, &body, secrets));
        }
        let refresh = body["refresh_token"].as_str().filter(|token| !token.is_empty()).map(SecretString::from);
        Ok(Granted { refresh, rest: self.fresh(&body) })
    }

    fn fresh(&self, body: &Json) -> Result<Fresh, Error> {
        if body["token_type"].as_str().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(self.place.unusable("the token endpoint gave a token that is no bearer token"));
        }
        let token = body["access_token"].as_str().ok_or_else(|| {
            self.place.unusable(format!("the token endpoint {} answered 200 without `access_token`", self.origin))
        })?;
        let mut named = Vec::new();
        for endpoint in &self.named {
            let member = endpoint.origin_from_token.as_deref().unwrap_or_default();
            let origin = self.origins.judge(endpoint, body[member].as_str().unwrap_or_default())?;
            named.push((endpoint.name.clone(), origin));
        }
        let life_s = seconds(&body["expires_in"]).unwrap_or(self.lifetime_s).min(limits::TOKEN_LIFE_S_MAX);
        // A token that lives shorter than the margin is still used for half its life.
        let used_s = life_s.saturating_sub(limits::TOKEN_EARLY_S).max(life_s / 2);
        let renew_at = self.clock.now().plus_ms(used_s * 1_000);
        let token = Token::bearer(token, Some(renew_at))
            .map_err(|reason| self.place.unusable(format!("the access token: {reason}")))?;
        Ok(Fresh { token, named })
    }

    /// Only what the endpoint says about the client is a refusal; all else may pass (RFC 6749 section 5.2).
    fn refused(&self, status: u16, body: &Json, secrets: &[SecretString]) -> Error {
        let code = body["error"].as_str().map_or_else(|| "no error code".to_owned(), |code| plain(code, secrets));
        let is_passing = matches!(status, 408 | 425 | 429 | 500..)
            || matches!(code.as_str(), "temporarily_unavailable" | "server_error");
        if is_passing {
            return self.passing(format!("the token endpoint {} answered {status} ({code})", self.origin));
        }
        let (connection, credential) = (self.place.connection.clone(), self.place.credential.clone());
        Error::CredentialRefused { connection, credential, status, code }
    }

    fn unavailable(&self, failed: &Failed) -> Error {
        match failed {
            Failed::Denied(denial) => self.place.unusable(format!("its token endpoint: {denial}")),
            Failed::NotSent(reason) | Failed::SentNoAnswer(reason) => self.passing(reason.clone()),
            Failed::TooLarge(bytes) => self.passing(format!("the answer is larger than {bytes} bytes")),
        }
    }
}

/// Seconds, as a number or as text: vendors write both.
fn seconds(value: &Json) -> Option<u64> {
    let text = match value {
        Json::String(text) => text.as_str(),
        Json::Number(number) => number.as_str(),
        _ => return None,
    };
    text.split('.').next()?.parse().ok()
}

/// An error code as the standard spells them; anything else, and anything that holds or is part of a secret, is left out.
pub(super) fn plain(code: &str, secrets: &[SecretString]) -> String {
    let is_code =
        !code.is_empty() && code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    let is_secret =
        secrets.iter().map(ExposeSecret::expose_secret).any(|secret| secret.contains(code) || code.contains(secret));
    if is_code && !is_secret { code.to_owned() } else { "an error code that is not shown".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vendors give a life as a number, as text or not at all; nonsense counts as not given.
    #[test]
    fn lives() {
        for (text, expected) in [
            ("3600", Some(3600)),
            ("\"3600\"", Some(3600)),
            ("3600.0", Some(3600)),
            ("null", None),
            ("-5", None),
            ("\"soon\"", None),
            ("99999999999999999999", None),
            ("{}", None),
        ] {
            assert_eq!(seconds(&serde_json::from_str(text).unwrap()), expected, "{text}");
        }
    }

    /// A token endpoint that echoes the secret as its error code does not get it into a message.
    #[test]
    fn codes() {
        let secrets = ["the-client".into(), "canary_secret".into()];
        for (code, shown) in [
            ("invalid_client", true),
            ("canary_secret", false),
            ("x.canary_secret.y", false),
            ("canary", false),
            ("a b", false),
            ("", false),
        ] {
            assert_eq!(plain(code, &secrets) == code, shown, "{code}");
        }
    }
}
