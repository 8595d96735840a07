//! HubSpot: one account with companies, contacts, deals and products, over the CRM API v3.
//!
//! What it enforces, because the vendor does: 100 calls in ten seconds, 5 searches in one, the calls of a day; pages of
//! 100 records in lists and 200 in searches; 10,000 results a search, one sort, few filters; a search index that is
//! late; batches of 100 whose good records are done only where each input has a trace id; texts for all values; closed
//! lists and unique properties. Where the vendor promises no order (equal sort values, results of a batch) there is a
//! bad one.
//!
//! - [`schema`], [`store`], [`values`]: the data;
//! - [`objects`], [`search`], [`batch`]: the API; [`limits`]: its limits; [`errors`]: its words;
//! - [`edit`], [`report`]: the test's door.

pub mod batch;
pub mod edit;
pub mod errors;
pub mod limits;
pub mod objects;
pub mod report;
pub mod schema;
pub mod search;
pub mod store;
pub mod values;

use super::Json;
use super::faults::FaultKind;
use super::server::{Answer, Class, Request, Sim, Vendor};
use super::time::{Clock, Stamps};
use super::writes::Writes;
use crate::tls::TestCa;
use errors::Error;
use http::{Method, StatusCode};
use limits::{Limits, Policy};
use schema::{ObjectType, Property};
use serde_json::json;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Record, Store};

/// How the simulated account is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The number of the account.
    pub portal_id: u64,
    /// The token of the private app.
    pub token: String,
    /// Whether the app has the scopes to read only.
    pub read_only: bool,
    /// Calls in any ten seconds.
    pub calls_per_ten_seconds: usize,
    /// Searches in any second.
    pub searches_per_second: usize,
    /// Calls of a day.
    pub calls_per_day: u64,
    /// How much later search knows of a change.
    pub search_lag: Duration,
    /// How long each answer takes.
    pub latency: Duration,
    /// The time.
    pub clock: Clock,
    /// How fine the modification stamps are.
    pub stamps: Stamps,
    /// Properties that the account's people made.
    pub custom: Vec<(ObjectType, Property)>,
}

impl Default for Options {
    fn default() -> Self {
        let erp_id = schema::unique("erp_id", "ERP id");
        Self {
            portal_id: 44_556_677,
            token: "pat-na1-00000000-aaaa-4bbb-8ccc-tollgate0001".to_owned(),
            read_only: false,
            calls_per_ten_seconds: 100,
            searches_per_second: 5,
            calls_per_day: 250_000,
            search_lag: Duration::from_secs(2),
            latency: Duration::ZERO,
            clock: Clock::System,
            stamps: Stamps::Strict,
            custom: ObjectType::ALL.map(|kind| (kind, erp_id)).into(),
        }
    }
}

/// The account.
pub struct HubSpot {
    options: Options,
    state: Mutex<State>,
}

/// What a request may change.
pub(crate) struct State {
    pub(crate) store: Store,
    limits: Limits,
    /// The token that is good; none after it was revoked.
    token: Option<String>,
    rotations: u32,
}

impl HubSpot {
    /// The API's one host.
    pub const HOST: &str = "api.hubapi.com";

    /// Starts an account without records.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(options: Options, ca: &TestCa) -> io::Result<Sim<Self>> {
        let latency = options.latency;
        Sim::start(Self::new(options), vec![Self::HOST.to_owned()], latency, ca).await
    }

    /// An account behind no door yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (store, limits, token) = (Store::new(&options), Limits::new(&options), Some(options.token.clone()));
        Self { options, state: Mutex::new(State { store, limits, token, rotations: 0 }) }
    }

    /// How it is set up.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record into the account as if it had always been there, with this stamp, and says its id. It counts as no
    /// write, and search knows it.
    ///
    /// # Panics
    /// A property is unknown: a defect of the loader.
    pub fn load(&self, kind: ObjectType, values: &[(&str, &str)], stamp_ms: i64) -> u64 {
        let store = &mut self.state().store;
        let named = |name: &str| store.property(kind, name).expect("loaded properties are known").name;
        let values = values.iter().map(|(name, value)| (named(name), (*value).to_owned())).collect();
        let id = store.next_id(kind);
        store.stamper.floor(stamp_ms);
        store.put(kind, Record { id, values, created_ms: stamp_ms, modified_ms: stamp_ms, archived_ms: None });
        store.show_last(kind);
        id
    }

    /// Makes a new token, the only one that is good from now on.
    pub fn rotate(&self) -> String {
        let mut state = self.state();
        state.rotations += 1;
        let token = format!("{}-{}", self.options.token, state.rotations);
        state.token = Some(token.clone());
        token
    }

    fn route(&self, state: &mut State, request: &Request, is_locked: bool) -> Result<Answer, Error> {
        let segments = request.segments().ok_or_else(Error::no_path)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (is_get, is_post) = (request.method == Method::GET, request.method == Method::POST);
        let kind = |name: &str| ObjectType::named(name).ok_or_else(Error::no_path);
        let store = &mut state.store;
        match segments.as_slice() {
            ["account-info", "v3", "details"] if is_get => Ok(Answer::json(StatusCode::OK, &self.details())),
            ["crm", "v3", "properties", name] if is_get => objects::properties(store, kind(name)?, None),
            ["crm", "v3", "properties", name, property] if is_get => {
                objects::properties(store, kind(name)?, Some(property))
            }
            ["crm", "v3", "objects", name] if is_get => objects::list(store, kind(name)?, request),
            ["crm", "v3", "objects", name, "search"] if is_post => search::answer(store, kind(name)?, request),
            ["crm", "v3", "objects", name, "batch", verb] if is_post => {
                if self.options.read_only && *verb != "read" {
                    return Err(missing_scopes(kind(name)?));
                }
                batch::answer(store, kind(name)?, verb, request, is_locked)
            }
            ["crm", "v3", "objects", name, id] if is_get => objects::one(store, kind(name)?, id, request),
            _ => Err(Error::no_path()),
        }
    }

    fn details(&self) -> Json {
        json!({
            "portalId": self.options.portal_id, "accountType": "STANDARD", "timeZone": "US/Eastern",
            "companyCurrency": "USD", "additionalCurrencies": [], "utcOffset": "-05:00",
            "utcOffsetMilliseconds": -18_000_000, "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
        })
    }
}

fn missing_scopes(kind: ObjectType) -> Error {
    let scope = format!("crm.objects.{}.write", kind.name());
    let message = format!("This app hasn't been granted all required scopes to make this call: {scope}");
    Error::new(StatusCode::FORBIDDEN, "MISSING_SCOPES", message).about(json!({ "requiredGranularScopes": [scope] }))
}

/// The kind of request, from its path.
fn kind_of(request: &Request) -> &'static str {
    let path = request.path.as_str();
    match path.rsplit('/').next().unwrap_or_default() {
        "search" => "search",
        "read" if path.contains("/batch/") => "batch_read",
        "create" if path.contains("/batch/") => "batch_create",
        "update" if path.contains("/batch/") => "batch_update",
        "upsert" if path.contains("/batch/") => "batch_upsert",
        "archive" if path.contains("/batch/") => "batch_archive",
        _ if path.starts_with("/crm/v3/objects/") => "objects",
        _ if path.starts_with("/crm/v3/properties/") => "properties",
        _ => "account",
    }
}

impl Vendor for HubSpot {
    fn classify(&self, request: &Request) -> Class {
        let route = kind_of(request);
        let effectful = matches!(route, "batch_create" | "batch_update" | "batch_upsert" | "batch_archive");
        Class { route, effectful, is_call: true }
    }

    fn answer(&self, request: &Request, lock: Option<u64>) -> Answer {
        let state = &mut *self.state();
        let now_ms = self.options.clock.now_ms();
        if request.bearer().is_none() || request.bearer() != state.token.as_deref() {
            let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication.";
            return Error::new(StatusCode::UNAUTHORIZED, "INVALID_AUTHENTICATION", message).answer();
        }
        let is_search = kind_of(request) == "search";
        if let Err(policy) = state.limits.count(now_ms, is_search) {
            return policy.answer();
        }
        let answer = self.route(state, request, lock.is_some()).unwrap_or_else(|error| error.answer());
        if is_search { answer } else { state.limits.signed(now_ms, answer) }
    }

    fn refuse(&self, _: &Request, fault: FaultKind) -> Answer {
        match fault {
            FaultKind::TooManyRequests => Policy::TenSecondly.answer(),
            FaultKind::RequestLimit => Policy::Daily.answer(),
            FaultKind::Unavailable => {
                Error::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "The service is unavailable.").answer()
            }
            _ => Error::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "internal error").answer(),
        }
    }

    fn expire_tokens(&self) {
        self.state().token = None;
    }

    fn report(&self) -> Json {
        let state = self.state();
        let mut report = report::report(&state.store);
        report.insert("limits".to_owned(), state.limits.report());
        Json::Object(report)
    }

    fn reset_counts(&self) {
        for kind in ObjectType::ALL {
            self.state().store.table_mut(kind).writes = Writes::default();
        }
    }

    fn edit(&self, verb: &str, body: &Json) -> Result<Json, String> {
        edit::run(self, verb, body)
    }
}
