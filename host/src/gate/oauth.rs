//! OAuth 2.0 client credentials (RFC 6749 section 4.4): gets tokens, keeps them, renews them.
//!
//! Of all who need a token at the same time one asks for it and the others wait for what comes of it, also when it is a
//! refusal: a hundred requests with a wrong password lock an account.

use crate::clock::SharedClock;
use crate::gate::Error;
use crate::gate::body::Bounds;
use crate::gate::client::{Answer, Client, Failed};
use crate::gate::credential::{Place, Token};
use crate::gate::journal::Journal;
use crate::gate::jwt;
use crate::gate::origins::Origins;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;
use tollgate_core::egress::Origin;
use tollgate_core::model::manifest::{self, Client as Proof};
use tollgate_core::model::{At, Json, json, limits};
use url::form_urlencoded::Serializer;
use zeroize::Zeroize;

/// What the manifest and the connection say of this credential.
pub(super) struct Settings {
    pub(super) origin: Origin,
    pub(super) path: String,
    pub(super) proof: Proof,
    pub(super) scope: Option<String>,
    pub(super) lifetime_s: u64,
    /// Endpoints of this credential whose origin the token answer names.
    pub(super) named: Vec<manifest::Endpoint>,
}

/// One OAuth credential of one connection.
pub(super) struct OAuth {
    pub(super) place: Place,
    pub(super) client: Client,
    pub(super) clock: SharedClock,
    pub(super) settings: Settings,
    pub(super) origins: Arc<Origins>,
    pub(super) state: State,
}

/// What is known of the token.
#[derive(Default)]
pub(super) struct State {
    /// The token and when it was got.
    current: RwLock<Option<(Arc<Token>, At)>>,
    /// Requests to the token endpoint that have ended.
    ended: AtomicU64,
    /// Held while one is under way; what the last one failed with.
    flight: Mutex<Option<Error>>,
}

impl OAuth {
    pub(super) async fn token(&self, journal: &Journal) -> Result<Arc<Token>, Error> {
        match self.fresh() {
            Some(token) => Ok(token),
            None => self.fetch_once(None, journal).await,
        }
    }

    /// None where the refused token has just been got: it is not for its age that it was refused, and each request that
    /// is refused would get one more.
    pub(super) async fn another(&self, refused: &Arc<Token>, journal: &Journal) -> Result<Option<Arc<Token>>, Error> {
        if self.age_ms(refused).is_some_and(|age_ms| age_ms < limits::TOKEN_AGE_MS_MIN) {
            return Ok(None);
        }
        self.fetch_once(Some(refused), journal).await.map(Some)
    }

    fn fresh(&self) -> Option<Arc<Token>> {
        let current = self.state.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(|(token, _)| token).filter(|token| token.is_fresh(self.clock.now())).cloned()
    }

    /// How long ago this token was got; none if another one is in its place.
    fn age_ms(&self, token: &Arc<Token>) -> Option<u64> {
        let current = self.state.current.read().unwrap_or_else(PoisonError::into_inner);
        let (_, got_at) = current.as_ref().filter(|(current, _)| Arc::ptr_eq(current, token))?;
        Some(self.clock.now().since_ms(*got_at))
    }

    /// A token other than the refused one: from the request of somebody who was faster, or from an own one.
    async fn fetch_once(&self, refused: Option<&Arc<Token>>, journal: &Journal) -> Result<Arc<Token>, Error> {
        let ended = self.state.ended.load(Ordering::Acquire);
        let mut failure = self.state.flight.lock().await;
        let is_other = |token: &Arc<Token>| refused.is_none_or(|refused| !Arc::ptr_eq(refused, token));
        if let Some(token) = self.fresh().filter(is_other) {
            return Ok(token);
        }
        if let Some(error) = failure.as_ref()
            && self.state.ended.load(Ordering::Acquire) > ended
        {
            return Err(error.clone());
        }
        let fetched = self.fetch(journal).await;
        *failure = fetched.as_ref().err().cloned();
        if let Ok(token) = &fetched {
            *self.state.current.write().unwrap_or_else(PoisonError::into_inner) =
                Some((token.clone(), self.clock.now()));
        }
        self.state.ended.fetch_add(1, Ordering::Release);
        fetched
    }

    async fn fetch(&self, journal: &Journal) -> Result<Arc<Token>, Error> {
        let (form, secrets) = self.form().await?;
        let mut entry = journal.entry(&format!("token:{}", self.place.credential));
        entry.method = "POST".into();
        entry.origin = self.settings.origin.to_string();
        entry.path.clone_from(&self.settings.path);
        entry.decision = "sent".into();
        entry.request_bytes = form.len() as u64;
        let bounds = Bounds { bytes_max: limits::TOKEN_RESPONSE_BYTES_MAX as u64, left: None, reserve: 0 };
        let mut answered = self.client.send(self.request(form)?, bounds).await;
        let token = match &answered {
            Ok(answer) => {
                entry.status = answer.status;
                entry.response_bytes = answer.body.len() as u64;
                self.read(answer, &secrets)
            }
            Err(failed) => Err(self.unavailable(failed)),
        };
        if let Ok(answer) = &mut answered {
            answer.body.zeroize();
        }
        if let Err(error) = &token {
            entry.error = error.to_string();
        }
        journal.ended(&mut entry);
        // A token that cannot be written down is still not sent anywhere before its request is.
        let _ = journal.put(entry).await;
        token.map(Arc::new)
    }

    /// The form that asks for a token, and the secrets that are in it.
    async fn form(&self) -> Result<(Bytes, Vec<SecretString>), Error> {
        let client_id = self.place.secret("client_id").await?;
        let secret = match &self.settings.proof {
            Proof::Secret {} => self.place.secret("client_secret").await?,
            Proof::Jwt { algorithm } => self.assertion(algorithm, &client_id).await?.into(),
        };
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        match &self.settings.proof {
            Proof::Secret {} => {
                form.append_pair("client_id", client_id.expose_secret());
                form.append_pair("client_secret", secret.expose_secret());
                if let Some(scope) = &self.settings.scope {
                    form.append_pair("scope", scope);
                }
            }
            Proof::Jwt { .. } => {
                form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                form.append_pair("client_assertion", secret.expose_secret());
            }
        }
        Ok((form.finish().into(), vec![client_id, secret]))
    }

    async fn assertion(&self, algorithm: &str, client_id: &SecretString) -> Result<String, Error> {
        let key_id = self.place.secret("key_id").await?;
        let private_key = self.place.secret("private_key").await?;
        let claims = jwt::Claims {
            issuer: client_id.expose_secret(),
            key_id: key_id.expose_secret(),
            scope: self.settings.scope.as_deref(),
            audience: &format!("{}{}", self.settings.origin, self.settings.path),
            issued_at_s: self.clock.now().0.div_euclid(1_000),
        };
        jwt::sign(algorithm, &private_key, &claims).map_err(|reason| self.place.unusable(reason))
    }

    fn request(&self, form: Bytes) -> Result<Request<Full<Bytes>>, Error> {
        let request = Request::post(format!("{}{}", self.settings.origin, self.settings.path))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .body(Full::new(form));
        request.map_err(|_| self.place.unusable("its token path is not usable"))
    }

    fn read(&self, answer: &Answer, secrets: &[SecretString]) -> Result<Token, Error> {
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        let body = json::parse(text).unwrap_or(Json::Null);
        if answer.status != 200 {
            return Err(self.refused(answer.status, &body, secrets));
        }
        if body["token_type"].as_str().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(self.place.unusable("the token endpoint gave a token that is no bearer token"));
        }
        let token = body["access_token"].as_str().ok_or_else(|| {
            self.place
                .unusable(format!("the token endpoint {} answered 200 without `access_token`", self.settings.origin))
        })?;
        for endpoint in &self.settings.named {
            let member = endpoint.origin_from_token.as_deref().unwrap_or_default();
            let named = body[member].as_str().unwrap_or_default();
            self.origins.pin(endpoint, named)?;
        }
        let life_s = seconds(&body["expires_in"]).unwrap_or(self.settings.lifetime_s).min(limits::TOKEN_LIFE_S_MAX);
        // A token that lives shorter than the margin is still used for half its life.
        let used_s = life_s.saturating_sub(limits::TOKEN_EARLY_S).max(life_s / 2);
        let renew_at = self.clock.now().plus_ms(used_s * 1_000);
        Token::bearer(token, Some(renew_at))
            .map_err(|reason| self.place.unusable(format!("the access token: {reason}")))
    }

    /// Only what the endpoint says about the client is a refusal; all else may pass (RFC 6749 section 5.2).
    fn refused(&self, status: u16, body: &Json, secrets: &[SecretString]) -> Error {
        let code = body["error"].as_str().map_or_else(|| "no error code".to_owned(), |code| plain(code, secrets));
        let is_passing = matches!(status, 408 | 425 | 429 | 500..)
            || matches!(code.as_str(), "temporarily_unavailable" | "server_error");
        let (connection, credential) = (self.place.connection.clone(), self.place.credential.clone());
        if is_passing {
            let reason = format!("the token endpoint {} answered {status} ({code})", self.settings.origin);
            return Error::TokenUnavailable { connection, credential, reason };
        }
        Error::CredentialRefused { connection, credential, status, code }
    }

    fn unavailable(&self, failed: &Failed) -> Error {
        let (connection, credential) = (self.place.connection.clone(), self.place.credential.clone());
        let reason = match failed {
            Failed::Denied(denial) => return self.place.unusable(format!("its token endpoint: {denial}")),
            Failed::NotSent(reason) | Failed::SentNoAnswer(reason) => reason.clone(),
            Failed::TooLarge(bytes) => format!("the answer is larger than {bytes} bytes"),
        };
        Error::TokenUnavailable { connection, credential, reason }
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
fn plain(code: &str, secrets: &[SecretString]) -> String {
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
