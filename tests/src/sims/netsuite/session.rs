//! Tokens for machines: a signed assertion is checked in every part, then a token is handed out.

use super::Options;
use super::errors::Error;
use crate::sims::Json;
use crate::sims::server::{Answer, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::json;
use std::collections::HashMap;

/// The path of token requests.
pub const TOKEN_PATH: &str = "/services/rest/auth/oauth2/v1/token";
/// The only kind of assertion.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The scope that an integration for the REST services needs.
const SCOPE: &str = "rest_webservices";
/// An assertion may be good for one hour at most.
const ASSERTION_LIFE_S_MAX: i64 = 60 * 60;
/// Clocks may differ by a minute.
const SKEW_S: i64 = 60;

/// The tokens that are good.
#[derive(Default)]
pub struct Sessions {
    tokens: HashMap<String, i64>,
    issued: u64,
}

impl Sessions {
    /// Answers a token request.
    pub fn token(&mut self, options: &Options, request: &Request) -> Answer {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let refuse = |status, error: &str| Answer::json(status, &json!({ "error": error }));
        if field("grant_type") != "client_credentials" {
            return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        if field("client_assertion_type") != ASSERTION_TYPE || field("client_assertion").is_empty() {
            return refuse(StatusCode::BAD_REQUEST, "invalid_request");
        }
        let now_ms = options.clock.now_ms();
        match check(options, field("client_assertion"), now_ms / 1_000) {
            Err(Wrong::Client) => refuse(StatusCode::UNAUTHORIZED, "invalid_client"),
            Err(Wrong::Scope) => refuse(StatusCode::BAD_REQUEST, "invalid_scope"),
            Err(Wrong::Time) => refuse(StatusCode::BAD_REQUEST, "invalid_grant"),
            Ok(()) => {
                let token =
                    format!("eyJraWQiOiJjLlNJTSJ9.{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
                let life_ms = i64::try_from(options.token_life.as_millis()).unwrap_or(i64::MAX / 4);
                self.tokens.insert(token.clone(), now_ms.saturating_add(life_ms));
                self.issued += 1;
                // The vendor sends the seconds as text.
                let life_s = options.token_life.as_secs().to_string();
                Answer::json(
                    StatusCode::OK,
                    &json!({ "access_token": token, "expires_in": life_s, "token_type": "bearer" }),
                )
            }
        }
    }

    /// Checks the token of a call.
    ///
    /// # Errors
    /// `INVALID_LOGIN` when there is none, or it is unknown or too old.
    pub fn check(&self, options: &Options, request: &Request) -> Result<(), Error> {
        let expires_ms = request.bearer().and_then(|token| self.tokens.get(token));
        if expires_ms.is_some_and(|expires_ms| options.clock.now_ms() < *expires_ms) {
            return Ok(());
        }
        let detail = "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > \
                      Users/Roles > User Management > View Login Audit Trail.";
        Err(Error::new(StatusCode::UNAUTHORIZED, "INVALID_LOGIN", detail))
    }

    /// The tokens that are good.
    pub fn tokens(&self) -> Vec<String> {
        self.tokens.keys().cloned().collect()
    }

    /// Makes every token invalid.
    pub fn expire(&mut self) {
        self.tokens.clear();
    }

    /// Tokens handed out so far.
    #[must_use]
    pub fn issued(&self) -> u64 {
        self.issued
    }
}

/// What is wrong with an assertion.
enum Wrong {
    /// It is not by the client that was set up.
    Client,
    /// It does not ask for the REST services.
    Scope,
    /// It is not good now.
    Time,
}

fn check(options: &Options, assertion: &str, now_s: i64) -> Result<(), Wrong> {
    let mut parts = assertion.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Wrong::Client);
    };
    let (head, claims) = (decode(header)?, decode(payload)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Wrong::Client)?;
    let algorithm = head.get("alg").and_then(Json::as_str).unwrap_or_default();
    let signed = &assertion[..header.len() + 1 + payload.len()];
    let is_ours = head.get("kid").and_then(Json::as_str) == Some(options.key_id.as_str())
        && head.get("typ").and_then(Json::as_str).is_none_or(|kind| kind.eq_ignore_ascii_case("jwt"))
        && options.key.verifies(algorithm, signed.as_bytes(), &signature)
        && claims.get("iss").and_then(Json::as_str) == Some(options.client_id.as_str())
        && is_for(&claims, &format!("https://{}{TOKEN_PATH}", options.host));
    if !is_ours {
        return Err(Wrong::Client);
    }
    if !scopes(&claims).iter().any(|scope| scope == SCOPE) {
        return Err(Wrong::Scope);
    }
    let seconds = |name: &str| claims.get(name).and_then(Json::as_i64).ok_or(Wrong::Time);
    let (made_s, ends_s) = (seconds("iat")?, seconds("exp")?);
    let is_good = made_s <= now_s + SKEW_S && now_s < ends_s && ends_s - made_s <= ASSERTION_LIFE_S_MAX;
    if is_good { Ok(()) } else { Err(Wrong::Time) }
}

fn decode(part: &str) -> Result<Json, Wrong> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Wrong::Client)?;
    serde_json::from_slice(&bytes).map_err(|_| Wrong::Client)
}

fn is_for(claims: &Json, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Json::String(one)) => one == audience,
        Some(Json::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

fn scopes(claims: &Json) -> Vec<String> {
    match claims.get("scope") {
        Some(Json::String(text)) => text.split([' ', ',']).map(str::to_owned).collect(),
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
