//! The whole gate against real servers: one world per test, with its own network, clock, store and vault.

mod addresses;
mod consent;
mod credentials;
mod effects;
mod files;
mod limits;
mod wire;

use super::client::Caps;
use super::testing::{Authority, Reply, Seen, Server, TestClock, TestNet, answer};
use super::vault::{Kek, Vault};
use super::{CallContext, Door, Error, Gate, Line, Purpose};
use crate::gate::budget::{Budget, Counters, Payer};
use crate::store::{BatchRow, JournalEntry, Sending, Store};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tollgate_core::model::connection::Connection;
use tollgate_core::model::{At, Manifest, Tenant, audit, http, limits as bounds};
use tollgate_sandbox::Broker;

/// Appears as secret and token in every world; must appear nowhere else.
const CANARY: &str = "canary-7Hq2/secret+token";
const RUN: &str = "run-1";
const BATCH: &str = "batch-1";
/// When the batch was made.
const STARTED: i64 = 1_700_000_000_123;

/// A gate, the network around it and one server behind `api.vendor.example` and `login.vendor.example`.
struct World {
    clock: TestClock,
    net: TestNet,
    server: Server,
    store: Store,
    vault: Arc<Vault>,
    budget: Arc<Counters>,
    gate: Gate,
    tenant: Tenant,
    /// What the lease says.
    is_held: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
}

/// How the credential of a world's connection is made.
#[derive(Clone, Copy)]
enum Auth {
    Bearer,
    Password,
    Assertion,
    /// By consent, with a secret; refresh tokens are good for one use.
    Consent,
    /// By consent, as a public client.
    Public,
}

impl World {
    async fn new(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_caps(Caps::default(), handler).await
    }

    async fn with_caps(caps: Caps, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("t.db").display())).await.unwrap();
        let clock = TestClock::new();
        let authority = Authority::new();
        let names = ["api.vendor.example", "login.vendor.example", "acme.vendor.example"];
        let server = Server::start(&authority, &names, handler).await;
        let net = TestNet::new(authority.root.clone());
        for (name, address) in names.iter().zip(["20.0.0.1", "20.0.0.2", "20.0.0.3"]) {
            net.host(name, address, server.port);
        }
        let shared = Arc::new(clock.clone());
        let kek = Kek::load_or_create(&folder.path().join("key")).unwrap();
        let vault = Arc::new(Vault::new(store.clone(), kek, shared.clone()));
        let budget = Arc::new(Counters::new(shared.clone()));
        let network = Arc::new(net.clone());
        let gate = Gate::with_caps(store.clone(), shared, network, vault.clone(), (budget.clone(), caps)).unwrap();
        let world = Self {
            clock,
            net,
            server,
            store,
            vault,
            budget,
            gate,
            tenant: "t".into(),
            is_held: Arc::new(AtomicBool::new(true)),
            _folder: folder,
        };
        for secret in ["token", "client_secret"] {
            world.secret(secret, CANARY).await;
        }
        world.secret("client_id", "the-client").await;
        world
    }

    async fn secret(&self, name: &str, value: &str) {
        self.vault.put(&self.tenant, (&"vendor".into(), name), value, "ann").await.unwrap();
    }

    fn line(&self, auth: Auth) -> Arc<Line> {
        self.gate.open(connection(), manifest(auth, ""), self.tenant.clone()).unwrap()
    }

    fn door(&self, line: &Arc<Line>, purpose: Purpose) -> Arc<Door> {
        let is_held = self.is_held.clone();
        let lease = Arc::new(move || is_held.load(Ordering::SeqCst));
        self.gate.door(line.clone(), CallContext { run: RUN.into(), purpose, seed: 1, lease })
    }

    /// A door for reading, by bearer token.
    fn reader(&self) -> Arc<Door> {
        self.door(&self.line(Auth::Bearer), Purpose::Read)
    }

    /// A door for writing the batch, which lies in the store under a held lease; with what was stored of it.
    async fn writer(&self, intents: u32) -> Arc<Door> {
        let now = super::Inner::now(&self.gate.0);
        let fence = self.store.claim(&self.tenant, "flow", "node", now, 15_000).await.unwrap().unwrap();
        let mut commit = self.store.begin(&self.tenant, audit::Record::new("test", "x", "x", "x"), now).await.unwrap();
        commit.guard("flow", fence).await.unwrap();
        let row = BatchRow {
            id: BATCH.into(),
            flow: "flow".into(),
            run: RUN.into(),
            connection: "vendor".into(),
            stream: "orders".into(),
            intents: "[]".into(),
            sources: "[]".into(),
            attempt: 1,
            decided: now,
            due: now,
            count: intents,
        };
        commit.put_batches(&[row], fence).await.unwrap();
        commit.finish().await.unwrap();
        self.door(&self.line(Auth::Bearer), write(intents, self.answers().await))
    }

    fn payer(&self) -> Payer {
        Payer { tenant: self.tenant.clone(), account: "acme".into() }
    }

    async fn answers(&self) -> HashMap<String, Sending> {
        self.store.answers(&self.tenant, &BATCH.into()).await.unwrap()
    }

    /// The journal, oldest first. Entries are written with the next group commit, which this waits for.
    async fn journal(&self) -> Vec<JournalEntry> {
        // An answer's entry is durable with it, and with everything that was queued before.
        let marker = http::Response { status: 200, headers: vec![], body: vec![] };
        let entry = super::journal::Journal {
            store: self.store.clone(),
            clock: Arc::new(self.clock.clone()),
            line: self.line(Auth::Bearer),
            run: "marker".into(),
        }
        .entry("marker");
        self.store.put_answer(&self.tenant, &"no-batch".into(), "marker", &marker, entry).await.unwrap();
        let mut entries = self.store.journal(&self.tenant, None, 1_000).await.unwrap();
        entries.retain(|entry| entry.route != "marker");
        entries.reverse();
        entries
    }
}

/// The purpose of writing the batch.
fn write(intents: u32, stored: HashMap<String, Sending>) -> Purpose {
    Purpose::Write { batch: BATCH.into(), keys: keys(intents), stored, started: At(STARTED) }
}

fn keys(intents: u32) -> Vec<String> {
    (0..intents).map(|intent| format!("intent-{intent}")).collect()
}

fn connection() -> Connection {
    serde_json::from_str(
        r#"{
            "connection": "vendor", "plugin": "vendor/api", "account": "acme",
            "endpoints": {"api": "https://api.vendor.example", "login": "https://login.vendor.example"},
            "settings": {"page": 100}
        }"#,
    )
    .unwrap()
}

/// `more` is added to endpoint `api`'s table.
fn manifest(auth: Auth, more: &str) -> Manifest {
    let attach = match auth {
        Auth::Bearer => "attach = { bearer = {} }".to_owned(),
        Auth::Password => oauth("secret = {}"),
        Auth::Assertion => oauth("jwt = { algorithm = \"ES256\" }"),
        Auth::Consent => by_consent("client = { secret = {} }, rotates = true, scope = \"all offline\""),
        Auth::Public => by_consent("client = { none = {} }"),
    };
    Manifest::parse(&format!(
        r#"
        [plugin]
        name = "vendor/api"
        version = "1.0.0"
        contract = "0.1"
        cursor_format = 1
        about = "For tests."
        exports = ["setup", "source", "target"]
        capabilities = ["http"]
        [budget]
        concurrency = 3
        [[endpoint]]
        name = "api"
        purpose = "records"
        host = "*.vendor.example"
        {more}
        [[endpoint]]
        name = "login"
        purpose = "tokens"
        host = "login.vendor.example"
        [[route]]
        name = "get"
        endpoint = "api"
        method = "GET"
        path = "/get/{{id}}"
        effect = "none"
        keep_headers = ["location", "x-kept", "set-cookie"]
        throttled_when = {{ status = 403, json_pointer = "/0/errorCode", equals = "REQUEST_LIMIT_EXCEEDED" }}
        usage = {{ header = "x-usage", pattern = "api-usage={{used}}/{{limit}}" }}
        [[route]]
        name = "search"
        endpoint = "api"
        method = "POST"
        path = "/search"
        effect = "none"
        [[route]]
        name = "insert"
        endpoint = "api"
        method = "POST"
        path = "/orders"
        effect = "once"
        keep_headers = ["location"]
        idempotency_header = "Idempotency-Key"
        [[route]]
        name = "upsert"
        endpoint = "api"
        method = "PATCH"
        path = "/records/{{id}}"
        effect = "repeatable"
        [[credential]]
        name = "main"
        endpoints = ["api"]
        {attach}
        [[setting]]
        name = "page"
        about = "Records of a page."
        type = "integer"
        "#
    ))
    .unwrap()
}

fn oauth(client: &str) -> String {
    format!(
        r#"attach = {{ client-credentials = {{ token_endpoint = "login", token_path = "/oauth2/token", client = {{ {client} }}, scope = "all" }} }}"#
    )
}

fn by_consent(more: &str) -> String {
    format!(
        r#"attach = {{ authorization-code = {{ authorize_endpoint = "login", authorize_path = "/oauth2/authorize", token_endpoint = "login", token_path = "/oauth2/token", {more} }} }}"#
    )
}

fn request(route: &str) -> http::Request {
    http::Request { route: route.into(), params: vec![], query: vec![], headers: vec![], body: None, intents: vec![] }
}

/// A read of `/get/{id}`.
fn get(id: &str) -> http::Request {
    http::Request { params: vec![("id".into(), id.into())], ..request("get") }
}

/// A write of `/orders` for one intent.
fn insert(intent: u32) -> http::Request {
    http::Request { body: Some(format!("order {intent}").into_bytes()), intents: vec![intent], ..request("insert") }
}

/// An upsert of `/records/{id}` for one intent.
fn upsert(intent: u32) -> http::Request {
    http::Request { params: vec![("id".into(), intent.to_string())], intents: vec![intent], ..request("upsert") }
}

fn ok(_: &Seen) -> Reply {
    answer(200, &[("content-type", "application/json")], b"{}")
}
