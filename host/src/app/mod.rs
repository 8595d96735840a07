//! The composition root: the only room that knows every other. It opens them, hands each what it needs, and offers the
//! product's verbs to whoever drives it: the command line, the demo, the tests.

pub mod access;
pub mod attempt;
mod check;
pub mod documents;
pub mod look;
mod mend;
mod open;
mod rest;
pub mod status;

use crate::clock::SharedClock;
pub use crate::engine::Error as StepError;
use crate::engine::{self, Handle, OpenFlow, Status};
use crate::gate::budget::{Budget, Counters, Payer, Usage};
use crate::gate::net::Net;
use crate::gate::vault::{Kek, Vault};
use crate::gate::{CallContext, Gate, Purpose};
use crate::store::{Kind, PluginRow, RecordRow, SetAsideRow, Store};
use crate::{gate, store};
use documents::{Document, Documents, Fault};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};
use tollgate_core::entity::need;
use tollgate_core::model::schema::Account;
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{AccountId, ConnectionName, Digest, FlowName, TableName, Tenant, audit};
use tollgate_sandbox::{Admitted, CallError, CallLimits, Plugin, Sandbox, admit};

/// What a host is opened with.
pub struct Options {
    /// Where the key, the compiled code and, by default, the database live. Made if absent, readable by its owner only.
    pub data_dir: PathBuf,
    /// `postgres://..` or `sqlite:PATH`; by default SQLite in the data folder.
    pub database_url: Option<String>,
    /// Whose data this host works on.
    pub tenant: Tenant,
    /// Names and addresses.
    pub net: Arc<dyn Net>,
    /// Time and randomness.
    pub clock: SharedClock,
}

/// Why a verb did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data folder cannot be used.
    #[error("data folder `{path}`")]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process uses the data folder.
    #[error("data folder `{0}` is in use by another tollgate process: stop that one first, or use another folder")]
    InUse(PathBuf),
    /// The plugin is refused.
    #[error(transparent)]
    Refused(#[from] tollgate_sandbox::Refusal),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] tollgate_sandbox::Error),
    /// Configuration that is refused; nothing was changed.
    #[error("the configuration is refused, nothing was changed:\n{}", lines(.0))]
    Configuration(Vec<Fault>),
    /// There is no such thing.
    #[error("there is no {what} `{name}`")]
    Absent {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Something that was asked for cannot be taken as it is.
    #[error("`{what}` is refused: it must be {reason}")]
    Unfit {
        /// Which part.
        what: &'static str,
        /// What it must be.
        reason: String,
    },
    /// A call of a plugin did not succeed.
    #[error("connection `{connection}`: `{call}` failed")]
    Call {
        /// The connection.
        connection: ConnectionName,
        /// `check` or `discover`.
        call: &'static str,
        /// Why.
        #[source]
        source: CallError,
    },
    /// A flow's step that was tried did not succeed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The gate.
    #[error(transparent)]
    Gate(#[from] gate::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}

/// A host: one process, one tenant for now.
pub struct App {
    tenant: Tenant,
    store: Store,
    gate: Arc<Gate>,
    vault: Arc<Vault>,
    sandbox: Sandbox,
    budget: Arc<Counters>,
    clock: SharedClock,
    holder: String,
    wake: watch::Sender<u64>,
    flows: Mutex<BTreeMap<FlowName, Handle>>,
    loaded: Mutex<BTreeMap<Digest, Plugin>>,
    /// Held as long as the process uses the data folder.
    _lock: std::fs::File,
}

impl App {
    /// Opens the rooms; runs nothing yet.
    ///
    /// # Errors
    /// The data folder, the database or the engine cannot be used.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let Options { data_dir, database_url, tenant, net, clock } = options;
        let lock = open::lock(&data_dir)?;
        let url = database_url.unwrap_or_else(|| format!("sqlite:{}", data_dir.join("tollgate.db").display()));
        let store = Store::open(&url).await?;
        let vault = Arc::new(Vault::new(store.clone(), Kek::load_or_create(&data_dir.join("key"))?, clock.clone()));
        let budget = Arc::new(Counters::new(clock.clone()));
        let gate = Arc::new(Gate::new(store.clone(), clock.clone(), net, vault.clone(), budget.clone())?);
        let sandbox = Sandbox::new(tollgate_sandbox::Options {
            cache_dir: data_dir.join("compiled"),
            interruption: tollgate_sandbox::Interruption::Epoch,
        })?;
        let holder = open::node_id(&data_dir, &clock)?;
        Ok(Self {
            tenant,
            store,
            gate,
            vault,
            sandbox,
            budget,
            clock,
            holder,
            wake: watch::Sender::new(0),
            flows: Mutex::default(),
            loaded: Mutex::default(),
            _lock: lock,
        })
    }

    /// Admits a component and makes it the active plugin of its name.
    ///
    /// # Errors
    /// [`Error::Refused`] names everything that is wrong with it.
    pub async fn install(&self, component: &[u8]) -> Result<Admitted, Error> {
        let admitted = admit(component)?;
        let about = &admitted.manifest().plugin;
        let row = PluginRow {
            digest: admitted.digest(),
            name: about.name.clone(),
            version: about.version.clone(),
            manifest: admitted.manifest_text().to_owned(),
        };
        let detail = format!("{} {} {}", row.name, row.version, row.digest);
        let mut commit = self.begin("plugin.install", format!("plugin:{}", row.name), detail).await?;
        commit.install_plugin(&row, component).await?;
        commit.finish().await?;
        Ok(admitted)
    }

    /// Seals a secret of a connection. It is never given back.
    ///
    /// # Errors
    /// The store.
    pub async fn set_secret(&self, connection: &ConnectionName, name: &str, value: &str) -> Result<(), Error> {
        Ok(self.vault.put(&self.tenant, connection, name, value).await?)
    }

    /// Takes over configuration documents as one change. Records that failed under an earlier map are decided again.
    /// Says which documents changed.
    ///
    /// # Errors
    /// [`Error::Configuration`] lists every fault; nothing was changed then.
    pub async fn apply(&self, files: &[Document]) -> Result<Vec<String>, Error> {
        let documents = Documents::parse(files).map_err(Error::Configuration)?;
        documents.verify(&self.store.plugins(&self.tenant).await?).map_err(Error::Configuration)?;
        let mut commit =
            self.begin("configuration.apply", "configuration".into(), format!("{} documents", files.len())).await?;
        let mut changed = Vec::new();
        for (kind, name, text) in documents.texts() {
            if commit.put_document(kind, name, text).await? {
                changed.push(format!("{kind} {name}"));
            }
        }
        for flow in documents.flows() {
            if changed.contains(&format!("entity {}", flow.entity)) {
                commit.release_flow(&flow.flow).await?;
            }
        }
        for (table, from, to) in documents.translations() {
            commit.set_translation(table, from, to).await?;
            commit.release(&[&need::by_table(table, from), &need::by_table(table, to)]).await?;
        }
        commit.finish().await?;
        self.wake();
        Ok(changed)
    }

    /// Sets one row of a translation table; records that wait for it are decided again at once. Says how many.
    ///
    /// # Errors
    /// The store.
    pub async fn set_translation(&self, table: &TableName, from: &str, to: &str) -> Result<u64, Error> {
        let mut commit = self.begin("table.row.set", format!("table:{table}"), format!("`{from}` is `{to}`")).await?;
        commit.set_translation(table, from, to).await?;
        // A mirror's value is looked up backward.
        let released = commit.release(&[&need::by_table(table, from), &need::by_table(table, to)]).await?;
        commit.finish().await?;
        self.wake();
        Ok(released)
    }

    /// Asks a connection's plugin whether endpoint and credential are right.
    ///
    /// # Errors
    /// What the plugin, the gate or the sandbox said.
    pub async fn check(&self, connection: &ConnectionName) -> Result<Account, Error> {
        let opened = self.open_connection(connection).await?;
        let call = CallContext { run: "check".into(), purpose: Purpose::Check, seed: 0, lease: Arc::new(|| true) };
        let door = self.gate.door(opened.line, call);
        let result = opened.plugin.check(door, CallLimits::default()).await;
        result.map_err(|source| Error::Call { connection: connection.clone(), call: "check", source })
    }

    /// Opens all flows and runs them.
    ///
    /// # Errors
    /// A connection or an entity map cannot be used; flows that were started before run on.
    pub async fn start(&self) -> Result<(), Error> {
        let documents = self.documents().await?;
        for flow in documents.flows() {
            let mut flows = self.flows.lock().await;
            if !flows.contains_key(&flow.flow) {
                let opened = self.open_flow(&documents, flow).await?;
                let handle = engine::supervise::start(Arc::new(opened), self.holder.clone(), self.wake.clone());
                flows.insert(flow.flow.clone(), handle);
            }
        }
        Ok(())
    }

    /// Stops all flows after what is under way has been committed, and closes the store.
    pub async fn stop(&self) {
        let flows = std::mem::take(&mut *self.flows.lock().await);
        for (_, handle) in flows {
            handle.stop().await;
        }
        self.store.close().await;
    }

    /// Forgets how far a flow has read and reads its source anew; what is unchanged causes no write.
    ///
    /// # Errors
    /// There is no such flow, or it cannot be opened again.
    pub async fn read_anew(&self, flow: &FlowName) -> Result<(), Error> {
        let handle = self.flows.lock().await.remove(flow);
        let handle = handle.ok_or_else(|| Error::Absent { what: "running flow", name: flow.to_string() })?;
        handle.stop().await;
        let mut commit = self.begin("flow.read-anew", format!("flow:{flow}"), String::new()).await?;
        commit.clear_checkpoint(flow).await?;
        commit.finish().await?;
        self.start().await
    }

    /// A flow's counts: the conservation line.
    ///
    /// # Errors
    /// The store.
    pub async fn tally(&self, flow: &FlowName) -> Result<Tally, Error> {
        Ok(self.store.tally(&self.tenant, flow).await?)
    }

    /// What is set aside of a flow, newest last.
    ///
    /// # Errors
    /// The store.
    pub async fn set_aside(&self, flow: &FlowName, kind: Kind, most: u32) -> Result<Vec<SetAsideRow>, Error> {
        Ok(self.store.list_set_aside(&self.tenant, flow, kind, most).await?)
    }

    /// The records that a flow wrote and that a person should look at, by key.
    ///
    /// # Errors
    /// There is no such flow, or the store.
    pub async fn flagged(&self, flow: &FlowName, most: u32) -> Result<Vec<RecordRow>, Error> {
        let documents = self.documents().await?;
        let found = documents.flows().find(|found| found.flow == *flow);
        let flow = found.ok_or_else(|| Error::Absent { what: "flow", name: flow.to_string() })?;
        Ok(self.store.flagged_records(&self.tenant, &flow.entity, &flow.to, most).await?)
    }

    /// How many records of a flow are set aside, by kind and rule.
    ///
    /// # Errors
    /// The store.
    pub async fn set_aside_by_rule(&self, flow: &FlowName) -> Result<Vec<(Kind, String, u64)>, Error> {
        Ok(self.store.count_set_aside_by_rule(&self.tenant, flow).await?)
    }

    /// What a flow is doing.
    pub async fn status(&self, flow: &FlowName) -> Option<Status> {
        self.flows.lock().await.get(flow).map(|handle| handle.status().borrow().clone())
    }

    /// What an account has used since this process started, against its limits.
    pub fn usage(&self, account: &AccountId) -> Usage {
        self.budget.usage(&Payer { tenant: self.tenant.clone(), account: account.clone() })
    }

    /// The store, for tests and tools that look at what was written down.
    pub fn store(&self) -> &Store {
        &self.store
    }

    async fn begin(&self, action: &str, subject: String, detail: String) -> Result<store::Commit, Error> {
        self.begin_as("admin", action, subject, detail).await
    }

    /// Begins a commit in somebody's name.
    async fn begin_as(
        &self,
        actor: &str,
        action: &str,
        subject: String,
        detail: String,
    ) -> Result<store::Commit, Error> {
        let record = audit::Record::new(actor, action, subject, detail);
        Ok(self.store.begin(&self.tenant, record, self.clock.now()).await?)
    }

    fn wake(&self) {
        self.wake.send_modify(|count| *count += 1);
    }

    async fn open_flow(
        &self,
        documents: &Documents,
        flow: &tollgate_core::model::flow::Flow,
    ) -> Result<OpenFlow, Error> {
        open::flow(self, documents, flow).await
    }

    async fn open_connection(&self, connection: &ConnectionName) -> Result<open::Connection, Error> {
        open::connection(self, &self.documents().await?, connection).await
    }

    async fn documents(&self) -> Result<Documents, Error> {
        let mut files = Vec::new();
        for kind in documents::KINDS {
            for row in self.store.documents(&self.tenant, kind).await? {
                files.push(Document { file: format!("{kind}/{}", row.name), text: row.body });
            }
        }
        Documents::parse(&files).map_err(Error::Configuration)
    }
}
