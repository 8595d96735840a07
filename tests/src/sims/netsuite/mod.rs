//! NetSuite: one account with customers, inventory items and sales orders, over SuiteTalk REST and SuiteQL.
//!
//! What it enforces, because the vendor does: signed assertions; five calls at once in the whole account; one record a
//! call; closed lists, country codes and references that must exist, with the place of the fault; lines that are added
//! unless `replace=item` says otherwise; pages of 1,000 and no more than 100,000 rows; `Prefer: transient`; instants in
//! whole seconds. Instants are in UTC: the integration's user has its time zone preference set to GMT.
//!
//! - [`schema`], [`store`]: the data;
//! - [`session`], [`keys`]: tokens;
//! - [`records`], [`values`], [`catalog`]: the record API;
//! - queries: [`suiteql`];
//! - [`edit`], [`report`]: the test's door.

pub mod catalog;
pub mod edit;
pub mod errors;
pub mod keys;
pub mod records;
pub mod report;
pub mod schema;
pub mod session;
pub mod store;
pub mod suiteql;
pub mod values;

use super::Json;
use super::faults::FaultKind;
use super::server::{Answer, Class, Request, Sim, Vendor};
use super::time::{Clock, LOADED_MS, Stamper, Stamps};
use super::writes::Writes;
use crate::tls::TestCa;
use errors::Error;
use http::{Method, StatusCode};
use keys::Key;
use schema::RecordType;
use serde_json::{Map, json};
use session::{Sessions, TOKEN_PATH};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Address, Record, Store};

/// How the simulated account is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account's host.
    pub host: String,
    /// The integration's client id.
    pub client_id: String,
    /// The id of the certificate that is mapped to the integration.
    pub key_id: String,
    /// The key pair of that certificate.
    pub key: Key,
    /// How long a token is good; the answer says so in seconds, as text.
    pub token_life: Duration,
    /// Calls that may be open at once in the whole account.
    pub concurrency: u64,
    /// How long each answer takes.
    pub latency: Duration,
    /// An account of the poorer kind: no upsert, no external ids, POST is the only way to make a record.
    pub without_upsert: bool,
    /// The time.
    pub clock: Clock,
    /// How fine the modification stamps are.
    pub stamps: Stamps,
    /// Text fields besides those of [`schema`].
    pub custom_fields: Vec<(RecordType, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: "1234567-sb1.suitetalk.api.netsuite.com".to_owned(),
            client_id: "6794a3086e4f61a120350d01b8527aed3631472ef33412212495be65a8fc8d4c".to_owned(),
            key_id: "tollgate-certificate-1".to_owned(),
            key: Key::generate(),
            token_life: Duration::from_secs(60 * 60),
            concurrency: 5,
            latency: Duration::ZERO,
            without_upsert: false,
            clock: Clock::System,
            stamps: Stamps::Seconds,
            custom_fields: Vec::new(),
        }
    }
}

/// The account.
pub struct NetSuite {
    options: Options,
    state: Mutex<State>,
}

/// What a request may change.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) sessions: Sessions,
}

impl NetSuite {
    /// Starts an account without records.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(options: Options, ca: &TestCa) -> io::Result<Sim<Self>> {
        let (hosts, latency) = (vec![options.host.clone()], options.latency);
        Sim::start(Self::new(options), hosts, latency, ca).await
    }

    /// An account behind no door yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let stamper = Stamper::new(options.clock.clone(), options.stamps, LOADED_MS);
        let store = Store::new(stamper, &options.custom_fields);
        Self { options, state: Mutex::new(State { store, sessions: Sessions::default() }) }
    }

    /// How it is set up.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record into the account as if it had always been there and says its internal id. It counts as no write.
    /// References are bare ids; `country` makes a default billing address.
    pub fn load(
        &self,
        kind: RecordType,
        external_id: Option<&str>,
        fields: &[(&str, Json)],
        country: Option<&str>,
    ) -> u64 {
        let mut state = self.state();
        let store = &mut state.store;
        let mut record = Record { external_id: external_id.map(str::to_owned), ..Record::default() };
        record.fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        if let Some(code) = country {
            let id = store.next_address();
            let country = Some(code.to_owned());
            record.addresses.push(Address { id, is_billing: true, is_shipping: true, country, ..Address::default() });
        }
        records::defaults(store, kind, &mut record);
        (record.created_ms, record.modified_ms) = (LOADED_MS, LOADED_MS);
        Store::id(kind, store.put(kind, None, record))
    }
}

impl Vendor for NetSuite {
    fn classify(&self, request: &Request) -> Class {
        let is_read = request.method == Method::GET || request.method == Method::HEAD;
        let path = request.path.as_str();
        let (route, effectful) = match path {
            TOKEN_PATH => ("token", false),
            suiteql::PATH => ("suiteql", false),
            _ if path.starts_with(catalog::BASE) => ("metadata", false),
            _ => ("record", !is_read),
        };
        Class { route, effectful, is_call: route != "token" }
    }

    fn answer(&self, request: &Request, lock: Option<u64>) -> Answer {
        let mut state = self.state();
        if request.path == TOKEN_PATH {
            return match request.method {
                Method::POST => state.sessions.token(&self.options, request),
                _ => Error::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Use POST.").answer(),
            };
        }
        if let Err(error) = state.sessions.check(&self.options, request) {
            let challenge = "Bearer error=\"invalid_token\", error_description=\"Invalid access token\"";
            return error.answer().header("www-authenticate", challenge);
        }
        self.route(&mut state, request, lock).unwrap_or_else(|error| error.answer())
    }

    fn refuse(&self, _: &Request, fault: FaultKind) -> Answer {
        let error = match fault {
            FaultKind::TooManyRequests | FaultKind::RequestLimit => {
                let detail = "Concurrent request limit exceeded. Request blocked.";
                Error::new(StatusCode::TOO_MANY_REQUESTS, "CONCURRENCY_LIMIT_EXCEEDED", detail)
            }
            FaultKind::Unavailable => {
                Error::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", "The service is unavailable.")
            }
            _ => {
                let detail = "An unexpected error occurred. Error ID: m1x2y3z4";
                Error::new(StatusCode::INTERNAL_SERVER_ERROR, "UNEXPECTED_ERROR", detail)
            }
        };
        error.answer()
    }

    fn concurrency_max(&self) -> Option<u64> {
        Some(self.options.concurrency)
    }

    fn expire_tokens(&self) {
        self.state().sessions.expire();
    }

    fn report(&self) -> Json {
        report::report(&self.state().store)
    }

    fn reset_counts(&self) {
        let mut state = self.state();
        for kind in RecordType::ALL {
            state.store.table_mut(kind).writes = Writes::default();
        }
    }

    fn edit(&self, verb: &str, body: &Json) -> Result<Json, String> {
        edit::run(self, verb, body)
    }
}

impl NetSuite {
    fn route(&self, state: &mut State, request: &Request, lock: Option<u64>) -> Result<Answer, Error> {
        let unknown = || Error::no_record(&request.path);
        let segments = request.segments().ok_or_else(unknown)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["services", "rest", rest @ ..] = segments.as_slice() else { return Err(unknown()) };
        match rest {
            ["query", "v1", "suiteql"] if request.method == Method::POST => {
                suiteql::answer(&state.store, &self.options, request)
            }
            ["record", "v1", "metadata-catalog"] => catalog::answer(&state.store, &self.options, request, None),
            ["record", "v1", "metadata-catalog", name] => {
                catalog::answer(&state.store, &self.options, request, Some(name))
            }
            ["system", "v1", "governanceLimits"] => {
                let limit = self.options.concurrency;
                let body = json!({ "accountConcurrencyLimit": limit, "accountUnallocatedConcurrencyLimit": limit });
                Ok(Answer::json(StatusCode::OK, &body))
            }
            ["record", "v1", name] => {
                records::answer(&mut state.store, &self.options, request, (name, None), lock.is_some())
            }
            ["record", "v1", name, id] => {
                records::answer(&mut state.store, &self.options, request, (name, Some(id)), lock.is_some())
            }
            _ => Err(unknown()),
        }
    }
}

/// The members of a record's body, for edits in Rust.
#[must_use]
pub fn members(body: Json) -> Map<String, Json> {
    match body {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}
