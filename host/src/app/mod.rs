//! The composition root: the only room that knows every other. It opens them, hands each what it needs, and offers the
//! product's verbs to whoever drives it: the command line, the demo, the tests.

pub mod access;
pub mod apply;
pub mod attempt;
mod check;
mod connections;
pub mod consent;
mod control;
pub mod documents;
pub mod find;
mod keep;
pub mod look;
mod mend;
mod open;
pub mod plugins;
mod rest;
pub mod revisions;
mod runs;
pub mod status;
pub mod tables;

use crate::clock::SharedClock;
pub use crate::engine::Error as StepError;
pub use crate::engine::Status;
use crate::gate::Gate;
use crate::gate::budget::{Budget, Counters, Payer, Usage};
use crate::gate::net::Net;
use crate::gate::vault::{Kek, Vault};
use crate::store::{Kind, RecordRow, SetAsideRow, Store};
use crate::{gate, store};
pub use connections::ConnectionState;
use documents::{Documents, Fault};
use keep::{Flows, Keeper};
pub use mend::KeyPage;
use open::Opener;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{AccountId, ConnectionName, FlowName, Tenant, audit};
use tollgate_sandbox::{CallError, Sandbox};

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
    /// A stored document cannot be used: only a newer host finds that out.
    #[error(transparent)]
    Fault(Fault),
    /// The configuration has another revision than the caller saw; nothing was changed.
    #[error("somebody else changed the configuration: it has revision {revision} now; look at it again")]
    Moved {
        /// Its revision now.
        revision: i64,
    },
    /// A plugin cannot be deleted; nothing was changed.
    #[error("plugin `{plugin}` is active and used by: {connections}; activate another version first, or remove them")]
    InUseBy {
        /// Its name.
        plugin: String,
        /// Which connections use it.
        connections: String,
    },
    /// A connection does not have the stream that an entity map names.
    #[error("connection `{connection}` has no stream `{stream}`; it has: {known}")]
    Stream {
        /// The connection.
        connection: ConnectionName,
        /// The stream.
        stream: String,
        /// Those that it has.
        known: String,
    },
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
    /// The flow stands still.
    #[error("flow `{flow}` was paused by {actor}{}: resume it first", said(.reason))]
    Paused {
        /// The flow.
        flow: FlowName,
        /// Who paused it.
        actor: String,
        /// Why; may be empty.
        reason: String,
    },
    /// A connection leads to another account than somebody confirmed.
    #[error(
        "connection `{connection}` leads to account {seen}, and {confirmed} was confirmed: mend its endpoints or secrets and \
         check again, or have an admin confirm it: `tollgate connection confirm {connection} {seen}`"
    )]
    AccountChanged {
        /// The connection.
        connection: ConnectionName,
        /// The account that it is to lead to.
        confirmed: String,
        /// The account that it leads to.
        seen: String,
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

fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" (`{reason}`)") }
}

/// A host: one process, one tenant for now.
pub struct App {
    tenant: Tenant,
    store: Store,
    gate: Arc<Gate>,
    vault: Arc<Vault>,
    opener: Arc<Opener>,
    budget: Arc<Counters>,
    clock: SharedClock,
    wake: watch::Sender<u64>,
    flows: Flows,
    keeper: Arc<Keeper>,
    /// Held by whoever changes configuration or plugins, from looking to the end.
    changing: Mutex<()>,
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
        let opener = Arc::new(Opener {
            tenant: tenant.clone(),
            store: store.clone(),
            gate: gate.clone(),
            sandbox,
            clock: clock.clone(),
            loaded: Mutex::default(),
        });
        let (wake, flows) = (watch::Sender::new(0), Flows::default());
        let keeper = Arc::new(Keeper::new(opener.clone(), flows.clone(), holder, wake.clone()));
        Ok(Self {
            tenant,
            store,
            gate,
            vault,
            opener,
            budget,
            clock,
            wake,
            flows,
            keeper,
            changing: Mutex::default(),
            _lock: lock,
        })
    }

    /// Runs all flows. One that cannot be opened is in trouble, which its status says, and is tried again; the others run
    /// (RET-16).
    ///
    /// # Errors
    /// The store.
    pub async fn start(&self) -> Result<(), Error> {
        self.keeper.start().await
    }

    /// Stops all flows after what is under way has been committed, and closes the store.
    pub async fn stop(&self) {
        self.keeper.stop().await;
        self.store.close().await;
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
        self.flagged_after(flow, "", most).await
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

    async fn open_connection(&self, connection: &ConnectionName) -> Result<open::Connection, Error> {
        self.opener.connection(&self.documents().await?, connection).await
    }

    async fn documents(&self) -> Result<Documents, Error> {
        self.opener.documents().await
    }
}
