//! Tokens, the calls of a day, and the links to next pages: all that lives for a time.

use super::Options;
use super::consent::{Consents, Form, Refusal};
use super::errors::ApiError;
use super::ids;
use super::soql::bind::Plan;
use crate::sims::server::{Answer, Request};
use crate::sims::time::Clock;
use base64::Engine;
use http::StatusCode;
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The window of the call allowance.
const WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;
/// Calls are counted by the minute.
const BUCKET_MS: i64 = 60_000;
/// Query cursors that one user may hold; the oldest one goes.
const LOCATORS_MAX: usize = 10;

/// The rest of a query's answer.
#[derive(Clone)]
pub struct Locator {
    /// What is printed.
    pub plan: Arc<Plan>,
    /// All records of the answer.
    pub places: Arc<Vec<u32>>,
    /// Records of one page.
    pub page: usize,
    expires_ms: i64,
}

/// All that lives for a time.
pub struct Sessions {
    clock: Clock,
    client: (String, String),
    instance_url: String,
    token_life_ms: i64,
    locator_life_ms: i64,
    calls_per_day: u64,
    pub(super) consents: Consents,
    tokens: HashMap<String, i64>,
    tokens_issued: u64,
    calls: VecDeque<(i64, u64)>,
    used: u64,
    locators: VecDeque<(String, Locator)>,
}

impl Sessions {
    /// Nothing is issued, nothing is used.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let ms = |life: std::time::Duration| i64::try_from(life.as_millis()).unwrap_or(i64::MAX / 4);
        Self {
            clock: options.clock.clone(),
            client: (options.client_id.clone(), options.client_secret.clone()),
            instance_url: format!("https://{}", options.host),
            token_life_ms: ms(options.token_life),
            locator_life_ms: ms(options.locator_life),
            calls_per_day: options.calls_per_day,
            consents: Consents::new(options),
            tokens: HashMap::new(),
            tokens_issued: 0,
            calls: VecDeque::new(),
            used: 0,
            locators: VecDeque::new(),
        }
    }

    /// Answers a token request.
    pub fn token(&mut self, request: &Request) -> Answer {
        let form: Form = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let refuse = |error: &str, why: &str| {
            Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": error, "error_description": why }))
        };
        let granted = match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => self.by_client(request, &form),
            Some("authorization_code") => self.consents.exchange(&form).map(Some),
            Some("refresh_token") => self.consents.refresh(&form),
            _ => Err(("unsupported_grant_type", "grant type not supported")),
        };
        let refresh_token = match granted {
            Ok(refresh_token) => refresh_token,
            Err((error, why)) => return refuse(error, why),
        };
        let now_ms = self.clock.now_ms();
        let token = ids::opaque("00DgK0000000001!AQEAQ", rand::random());
        self.tokens.insert(token.clone(), now_ms.saturating_add(self.token_life_ms));
        self.tokens_issued += 1;
        let mut body = json!({
            "access_token": token, "signature": ids::opaque("", rand::random()), "scope": "api",
            "instance_url": self.instance_url, "token_type": "Bearer", "issued_at": now_ms.to_string(),
            "id": format!("{}/id/00DgK0000000001EAA/{}", self.instance_url, super::store::USER_ID),
        });
        if let Some(token) = refresh_token {
            body["refresh_token"] = token.into();
        }
        Answer::json(StatusCode::OK, &body)
    }

    fn by_client(&self, request: &Request, form: &Form) -> Result<Option<String>, Refusal> {
        let named =
            basic(request).or_else(|| Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone())));
        if named.as_ref() == Some(&self.client) {
            Ok(None)
        } else {
            Err(("invalid_client", "invalid client credentials"))
        }
    }

    /// Checks the token of a call.
    ///
    /// # Errors
    /// `INVALID_SESSION_ID` when there is none, or it is unknown or too old.
    pub fn check(&self, request: &Request) -> Result<(), ApiError> {
        let expires_ms = request.bearer().and_then(|token| self.tokens.get(token));
        if expires_ms.is_some_and(|expires_ms| self.clock.now_ms() < *expires_ms) {
            return Ok(());
        }
        Err(ApiError::new("INVALID_SESSION_ID", "Session expired or invalid"))
    }

    /// Counts a call and says whether the day still allows it.
    pub fn count_call(&mut self) -> bool {
        let now_ms = self.clock.now_ms();
        while let Some((at_ms, count)) = self.calls.front().copied() {
            if at_ms > now_ms - WINDOW_MS {
                break;
            }
            self.used -= count;
            self.calls.pop_front();
        }
        if self.used >= self.calls_per_day {
            return false;
        }
        let bucket_ms = now_ms - now_ms.rem_euclid(BUCKET_MS);
        match self.calls.back_mut() {
            Some((at_ms, count)) if *at_ms == bucket_ms => *count += 1,
            _ => self.calls.push_back((bucket_ms, 1)),
        }
        self.used += 1;
        true
    }

    /// Counts calls of others in the same organisation.
    pub fn use_calls(&mut self, count: u64) {
        self.calls.push_back((self.clock.now_ms(), count));
        self.used += count;
    }

    /// Calls used in the last 24 hours, and allowed.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        (self.used, self.calls_per_day)
    }

    /// The header that stands on every answer.
    #[must_use]
    pub fn limit_info(&self) -> String {
        format!("api-usage={}/{}", self.used, self.calls_per_day)
    }

    /// Tokens handed out so far.
    #[must_use]
    pub fn tokens_issued(&self) -> u64 {
        self.tokens_issued
    }

    /// The tokens that are good.
    pub fn tokens(&self) -> Vec<String> {
        self.tokens.keys().cloned().collect()
    }

    /// Makes every token invalid.
    pub fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Makes every link to a next page invalid.
    pub fn expire_locators(&mut self) {
        self.locators.clear();
    }

    /// Keeps the rest of an answer and names it.
    pub fn keep(&mut self, plan: Plan, places: Vec<u32>, page: usize) -> (String, Locator) {
        let name = format!("01g{:015}", rand::random::<u64>() % 1_000_000_000_000_000);
        let expires_ms = self.clock.now_ms().saturating_add(self.locator_life_ms);
        let locator = Locator { plan: Arc::new(plan), places: Arc::new(places), page, expires_ms };
        self.locators.push_back((name.clone(), locator.clone()));
        if self.locators.len() > LOCATORS_MAX {
            self.locators.pop_front();
        }
        (name, locator)
    }

    /// The rest of an answer and where its next page starts, by the name in a link (`01g..-2000`).
    ///
    /// # Errors
    /// `INVALID_QUERY_LOCATOR` when it is unknown, too old or pushed out by newer ones.
    pub fn locator(&self, text: &str) -> Result<(&str, Locator, usize), ApiError> {
        let invalid = || ApiError::new("INVALID_QUERY_LOCATOR", "invalid query locator");
        let (name, start) = text.rsplit_once('-').ok_or_else(invalid)?;
        let start: usize = start.parse().map_err(|_| invalid())?;
        let (name, locator) = self.locators.iter().find(|(known, _)| known == name).ok_or_else(invalid)?;
        if self.clock.now_ms() >= locator.expires_ms || start >= locator.places.len() {
            return Err(invalid());
        }
        Ok((name, locator.clone(), start))
    }
}

/// The answer when the day's calls are used up.
#[must_use]
pub fn limit_exceeded() -> ApiError {
    ApiError::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
}

fn basic(request: &Request) -> Option<(String, String)> {
    let (scheme, text) = request.header("authorization").split_once(' ')?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), secret.to_owned()))
}
