//! Consent in a browser: the page that asks a user, codes, and refresh tokens.
//!
//! The page has no buttons: it agrees at once, or refuses once [`Salesforce::deny_consent`] was called. A code is good once
//! and for fifteen minutes; with rotation a refresh token is good once too, and one that comes a second time takes all
//! that followed from the same consent with it.

use super::{Options, Salesforce, ids};
use crate::sims::server::{Answer, Request};
use crate::sims::time::Clock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use ring::digest::{SHA256, digest};
use std::collections::HashMap;

/// Life of an authorization code.
const CODE_LIFE_MS: i64 = 15 * 60 * 1_000;
/// Characters of an S256 challenge (RFC 7636 section 4.2).
const CHALLENGE_CHARS: usize = 43;

/// The form of a token request.
pub type Form = HashMap<String, String>;

/// Why a token request is refused: the error and its description.
pub type Refusal = (&'static str, &'static str);

struct Code {
    redirect_uri: String,
    challenge: String,
    expires_ms: i64,
}

struct Refresh {
    /// The consent that it follows from.
    consent: u64,
    is_spent: bool,
}

/// What users consented to.
pub struct Consents {
    clock: Clock,
    client: (String, String),
    callback_urls: Vec<String>,
    is_public: bool,
    rotates: bool,
    is_denying: bool,
    consents: u64,
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
}

impl Consents {
    /// Nobody has consented.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            clock: options.clock.clone(),
            client: (options.client_id.clone(), options.client_secret.clone()),
            callback_urls: options.callback_urls.clone(),
            is_public: options.is_public_client,
            rotates: options.rotates_refresh_tokens,
            is_denying: false,
            consents: 0,
            codes: HashMap::new(),
            refresh: HashMap::new(),
        }
    }

    /// Answers the request for the page. What is wrong with client or callback is shown and sent nowhere; everything else
    /// goes back to the callback.
    pub fn authorize(&mut self, request: &Request) -> Answer {
        let parameter = |name: &str| request.parameter(name).unwrap_or_default();
        let shown = |text: &'static str| Answer::with_body(StatusCode::BAD_REQUEST, "text/html", text);
        if parameter("client_id") != self.client.0 {
            return shown("<h1>error=invalid_client_id&amp;error_description=client identifier invalid</h1>");
        }
        let redirect_uri = parameter("redirect_uri");
        if !self.callback_urls.contains(&redirect_uri) {
            return shown(
                "<h1>error=redirect_uri_mismatch&amp;error_description=redirect_uri must match configuration</h1>",
            );
        }
        let state = parameter("state");
        let back = |pairs: &[(&str, &str)]| {
            let mut url = url::Url::parse(&redirect_uri).expect("a callback that was set up");
            url.query_pairs_mut().extend_pairs(pairs).append_pair("state", &state);
            Answer::empty(StatusCode::FOUND).header("location", url.as_str())
        };
        let refused = |error, why| back(&[("error", error), ("error_description", why)]);
        if parameter("response_type") != "code" {
            return refused("unsupported_response_type", "response type not supported");
        }
        let challenge = parameter("code_challenge");
        if challenge.len() != CHALLENGE_CHARS || parameter("code_challenge_method") != "S256" {
            return refused("invalid_request", "missing required code challenge");
        }
        if self.is_denying {
            return refused("access_denied", "end-user denied authorization");
        }
        let code = ids::opaque("aPrx", rand::random());
        let expires_ms = self.clock.now_ms().saturating_add(CODE_LIFE_MS);
        self.codes.insert(code.clone(), Code { redirect_uri: redirect_uri.clone(), challenge, expires_ms });
        back(&[("code", &code)])
    }

    /// Takes a code; gives a refresh token.
    ///
    /// # Errors
    /// The vendor's words for a client, code, callback or verifier that is not the right one.
    pub fn exchange(&mut self, form: &Form) -> Result<String, Refusal> {
        self.verify_client(form)?;
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let code = self.codes.remove(field("code")).ok_or(("invalid_grant", "invalid authorization code"))?;
        if self.clock.now_ms() >= code.expires_ms {
            return Err(("invalid_grant", "expired authorization code"));
        }
        if code.redirect_uri != field("redirect_uri") {
            return Err(("redirect_uri_mismatch", "redirect_uri must match configuration"));
        }
        let hash = digest(&SHA256, field("code_verifier").as_bytes());
        if URL_SAFE_NO_PAD.encode(hash) != code.challenge {
            return Err(("invalid_grant", "invalid code verifier"));
        }
        self.consents += 1;
        Ok(self.issue(self.consents))
    }

    /// Takes a refresh token; gives the next one where they rotate.
    ///
    /// # Errors
    /// The vendor's words for a client or refresh token that is not, or no longer, good.
    pub fn refresh(&mut self, form: &Form) -> Result<Option<String>, Refusal> {
        self.verify_client(form)?;
        let token = form.get("refresh_token").map(String::as_str).unwrap_or_default();
        let known = self.refresh.get_mut(token).ok_or(("invalid_grant", "expired access/refresh token"))?;
        let consent = known.consent;
        if known.is_spent {
            self.refresh.retain(|_, other| other.consent != consent);
            return Err(("invalid_grant", "expired access/refresh token"));
        }
        known.is_spent = self.rotates;
        Ok(self.rotates.then(|| self.issue(consent)))
    }

    fn verify_client(&self, form: &Form) -> Result<(), Refusal> {
        if form.get("client_id") != Some(&self.client.0) {
            return Err(("invalid_client_id", "client identifier invalid"));
        }
        match form.get("client_secret") {
            Some(secret) if *secret == self.client.1 => Ok(()),
            None if self.is_public => Ok(()),
            _ => Err(("invalid_client", "invalid client credentials")),
        }
    }

    fn issue(&mut self, consent: u64) -> String {
        let token = ids::opaque("5Aep861", rand::random());
        self.refresh.insert(token.clone(), Refresh { consent, is_spent: false });
        token
    }
}

impl Salesforce {
    /// Has the page of consent refuse, or agree again.
    pub fn deny_consent(&self, is_denying: bool) {
        self.state().sessions.consents.is_denying = is_denying;
    }

    /// Withdraws all consents, as a user does in the settings; access tokens stay good.
    pub fn withdraw_consents(&self) {
        self.state().sessions.consents.refresh.clear();
    }

    /// The refresh tokens that were given out and not withdrawn, spent ones too.
    #[must_use]
    pub fn refresh_tokens(&self) -> Vec<String> {
        self.state().sessions.consents.refresh.keys().cloned().collect()
    }
}
