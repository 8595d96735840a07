//! Salesforce: one organisation with the sales objects, over the REST API v67.0.
//!
//! What it enforces, because the vendor does: tokens that end and never say when; the calls of a day; pages of 2,000
//! records behind locators that end; 200 records in a collection, each with a result of its own; required fields,
//! lengths, ids, unique external ids; times without a colon in their offset; numbers with a point; comparisons without
//! regard to case.
//!
//! - [`schema`], [`cell`], [`ids`], [`store`]: the data;
//! - queries: [`soql`];
//! - [`values`], [`write`], [`derive`]: writes;
//! - [`routes`]: paths to verbs; [`session`]: tokens, the day's calls, locators; [`consent`]: what users agreed to; [`describe`]: the shape of objects;
//! - [`edit`], [`report`]: the test's door.

pub mod cell;
pub mod consent;
pub mod derive;
pub mod describe;
pub mod edit;
pub mod errors;
pub mod ids;
pub mod report;
pub mod routes;
pub mod schema;
pub mod session;
pub mod soql;
pub mod store;
pub mod values;
pub mod write;

use super::Json;
use super::faults::FaultKind;
use super::server::{Answer, Class, Request, Sim, Vendor};
use super::time::{Clock, LOADED_MS, Stamper, Stamps};
use super::writes::Writes;
use crate::tls::TestCa;
use cell::Cell;
use errors::ApiError;
use rust_decimal::Decimal;
use schema::Schema;
use session::Sessions;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Store;

/// How the simulated organisation is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its My Domain host.
    pub host: String,
    /// The connected app's consumer key.
    pub client_id: String,
    /// The connected app's consumer secret.
    pub client_secret: String,
    /// Where the connected app may have browsers sent back to, exactly.
    pub callback_urls: Vec<String>,
    /// Whether the app may exchange codes without its secret.
    pub is_public_client: bool,
    /// Whether a refresh token is good for one use.
    pub rotates_refresh_tokens: bool,
    /// How long a token is good; no answer says so.
    pub token_life: Duration,
    /// Calls in 24 hours.
    pub calls_per_day: u64,
    /// How long the link to a next page is good.
    pub locator_life: Duration,
    /// How long each answer takes.
    pub latency: Duration,
    /// The time.
    pub clock: Clock,
    /// How fine the modification stamps are.
    pub stamps: Stamps,
    /// Text fields besides those of [`schema`]: (object, API name).
    pub custom_fields: Vec<(&'static str, &'static str)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: "acme.my.salesforce.com".to_owned(),
            client_id: "3MVG9.tollgate.consumer-key".to_owned(),
            client_secret: "tollgate-consumer-secret-0123456789".to_owned(),
            callback_urls: Vec::new(),
            is_public_client: false,
            rotates_refresh_tokens: false,
            token_life: Duration::from_secs(2 * 60 * 60),
            calls_per_day: 100_000,
            locator_life: Duration::from_secs(2 * 24 * 60 * 60),
            latency: Duration::ZERO,
            clock: Clock::System,
            stamps: Stamps::Strict,
            custom_fields: Vec::new(),
        }
    }
}

/// The organisation.
pub struct Salesforce {
    options: Options,
    state: Mutex<State>,
}

/// What a request may change.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) sessions: Sessions,
}

impl Salesforce {
    /// Starts an organisation with one price book and no other records.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(options: Options, ca: &TestCa) -> io::Result<Sim<Self>> {
        let (hosts, latency) = (vec![options.host.clone()], options.latency);
        Sim::start(Self::new(options), hosts, latency, ca).await
    }

    /// An organisation behind no door yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let schema = Schema::standard(&options.custom_fields);
        let stamper = Stamper::new(options.clock.clone(), options.stamps, LOADED_MS);
        let mut store = Store::new(schema, stamper);
        found(&mut store);
        let sessions = Sessions::new(&options);
        Self { options, state: Mutex::new(State { store, sessions }) }
    }

    /// How it is set up.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The id of the standard price book.
    #[must_use]
    pub fn pricebook_id(&self) -> String {
        let state = self.state();
        state.store.id(state.store.object("Pricebook2"), 0)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What every organisation has from its first day: itself and its standard price book.
fn found(store: &mut Store) {
    let (organization, book) = (store.object("Organization"), store.object("Pricebook2"));
    for (object, values) in [
        (
            organization,
            &[("Name", "Acme Holding"), ("OrganizationType", "Enterprise Edition"), ("InstanceName", "EU42")][..],
        ),
        (book, &[("Name", "Standard Price Book")][..]),
    ] {
        let described = &store.schema.objects[object];
        let mut cells = described.blank();
        for (name, value) in values {
            cells[described.slot(name)] = Cell::text(value);
        }
        if object == book {
            cells[described.slot("IsActive")] = Cell::Bool(true);
            cells[described.slot("IsStandard")] = Cell::Bool(true);
        }
        store.insert(object, cells, LOADED_MS);
    }
}

/// A value that a loader sets.
#[derive(Clone, Debug)]
pub enum Set<'a> {
    /// Text, a day or an id.
    Text(&'a str),
    /// A decimal.
    Decimal(Decimal),
    /// A whole number.
    Int(i64),
    /// True or false.
    Bool(bool),
}

impl Salesforce {
    /// Puts a record into the organisation as if it had always been there, with this stamp, and says its id. It counts
    /// as no write.
    ///
    /// # Panics
    /// When the object or a field is unknown: a defect of the loader.
    pub fn load(&self, object: &str, values: &[(&str, Set<'_>)], stamp_ms: i64) -> String {
        let mut state = self.state();
        let store = &mut state.store;
        let index = store.object(object);
        let described = &store.schema.objects[index];
        let mut cells = described.blank();
        for (name, value) in values {
            cells[described.slot(name)] = match value {
                Set::Text(text) => Cell::text(text),
                Set::Decimal(number) => Cell::decimal(*number),
                Set::Int(number) => Cell::Number(number.to_string().into()),
                Set::Bool(value) => Cell::Bool(*value),
            };
        }
        derive::derive(store, index, None, &mut cells).expect("loaded records fit together");
        store.stamper.floor(stamp_ms);
        let slot = store.insert(index, cells, stamp_ms);
        store.id(index, slot)
    }
}

impl Vendor for Salesforce {
    fn classify(&self, request: &Request) -> Class {
        routes::classify(request)
    }

    fn answer(&self, request: &Request, lock: Option<u64>) -> Answer {
        routes::answer(self, request, lock)
    }

    fn refuse(&self, request: &Request, fault: FaultKind) -> Answer {
        let error = match fault {
            FaultKind::TooManyRequests => ApiError::new("TOO_MANY_REQUESTS", "Too many requests, please wait."),
            FaultKind::RequestLimit => session::limit_exceeded(),
            FaultKind::Unavailable => ApiError::new("SERVER_UNAVAILABLE", "The service is temporarily unavailable."),
            _ => ApiError::new(
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred. Please include this ErrorId: 1-1 (-1)",
            ),
        };
        let mut state = self.state();
        // A refused call was a call all the same.
        if routes::classify(request).is_call {
            state.sessions.count_call();
        }
        error.answer().header("sforce-limit-info", &state.sessions.limit_info())
    }

    fn expire_tokens(&self) {
        self.state().sessions.expire_tokens();
    }

    fn report(&self) -> Json {
        report::report(&self.state().store)
    }

    fn reset_counts(&self) {
        for table in &mut self.state().store.tables {
            table.writes = Writes::default();
        }
    }

    fn edit(&self, verb: &str, body: &Json) -> Result<Json, String> {
        edit::run(self, verb, body)
    }
}
