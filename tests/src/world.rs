//! A whole small world: both vendors simulated, a host between them, configured as in `tests/demo/config`.
//!
//! The host can run in this process ([`World::open`]) or in another one ([`World::host`] gives what that needs).

use crate::data::{Crm, Mends, load, mends};
use crate::guests;
use crate::sims::client::Client;
use crate::sims::netsuite::schema::RecordType;
use crate::sims::{Json, NetSuite, Salesforce, Sim, netsuite, salesforce};
use crate::tls::TestCa;
use anyhow::{Context, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tollgate::app::apply::Wish;
use tollgate::app::documents::{self, Document};
use tollgate::app::{App, Options};
use tollgate::clock::{SharedClock, SystemClock};
use tollgate::gate::simulated::Simulators;

/// A host that can be opened in any process: where it reaches, what it holds, what it is told.
#[derive(Clone, Serialize, Deserialize)]
pub struct Host {
    simulators: Simulators,
    data_dir: PathBuf,
    database_url: Option<String>,
    plugins: Vec<PathBuf>,
    /// Connection, name and value; they open nothing but simulators.
    secrets: Vec<(String, String, String)>,
    /// File name and text.
    config: Vec<(String, String)>,
}

impl Host {
    /// Opens the host, installs its plugins, sets its secrets and configuration; starts no flow yet.
    ///
    /// # Errors
    /// Whatever the host refuses.
    pub async fn open(&self) -> Result<App> {
        self.open_at(Arc::new(SystemClock)).await
    }

    /// Opens the host with another time.
    ///
    /// # Errors
    /// As [`Host::open`].
    pub async fn open_at(&self, clock: SharedClock) -> Result<App> {
        let app = App::open(Options {
            data_dir: self.data_dir.clone(),
            database_url: self.database_url.clone(),
            tenant: "default".into(),
            net: Arc::new(self.simulators.net().map_err(anyhow::Error::msg)?),
            clock,
        })
        .await?;
        for path in &self.plugins {
            app.install(&std::fs::read(path)?, true, "world").await?;
        }
        for (connection, name, value) in &self.secrets {
            app.set_secret(&connection.as_str().into(), name, value, "world").await?;
        }
        let document = |(file, text): &(String, String)| Document { file: file.clone(), text: text.clone() };
        app.apply(Wish::new(&self.config.iter().map(document).collect::<Vec<_>>(), "world")).await?;
        Ok(app)
    }
}

/// Both vendors.
pub struct World {
    /// The CRM.
    pub crm: Sim<Salesforce>,
    /// The ERP.
    pub erp: Sim<NetSuite>,
    simulators: Simulators,
    config: Vec<Document>,
    /// Plugins beside the two connectors.
    plugins: Vec<String>,
    /// Components that stand in for those of the plugins with these names.
    replaced: HashMap<String, Vec<u8>>,
}

/// What the ERP holds, from its own ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Sales orders.
    pub count: u64,
    /// Their value.
    pub value: Decimal,
    /// Orders beyond the first of the same deal.
    pub duplicates: u64,
    /// Writes of orders that the ERP received.
    pub writes: u64,
}

/// The flows of the demo's configuration, in the order in which each needs the one before.
pub const FLOWS: [&str; 3] = ["customers", "items", "orders"];

/// Where the configuration of the demo stands.
#[must_use]
pub fn config_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/config")
}

impl World {
    /// Starts both vendors, empty.
    ///
    /// # Errors
    /// No port can be had, or the demo's configuration cannot be read.
    pub async fn start() -> Result<Self> {
        Self::with(salesforce::Options::default(), netsuite::Options::default()).await
    }

    /// Starts both vendors with these settings.
    ///
    /// # Errors
    /// As [`World::start`].
    pub async fn with(crm: salesforce::Options, erp: netsuite::Options) -> Result<Self> {
        let ca = TestCa::new();
        let crm = Salesforce::start(crm, &ca).await?;
        let erp = NetSuite::start(erp, &ca).await?;
        let hosts = [(crm.hosts(), crm.tls_port()), (erp.hosts(), erp.tls_port())];
        let hosts = hosts.iter().flat_map(|(names, port)| names.iter().map(|name| (name.clone(), *port))).collect();
        let simulators = Simulators { hosts, root: hex::encode(ca.root()) };
        let config = documents::read_folder(&config_folder()).context("the demo's configuration")?;
        let mut world = Self { crm, erp, simulators, config, plugins: Vec::new(), replaced: HashMap::new() };
        let pricebook = world.crm.vendor().pricebook_id();
        world.edit("10-salesforce.yaml", "STANDARD_PRICEBOOK", &pricebook);
        Ok(world)
    }

    /// Has hosts run another component in place of the plugin `salesforce` or `netsuite`.
    pub fn replace_plugin(&mut self, name: &str, component: Vec<u8>) {
        self.replaced.insert(name.to_owned(), component);
    }

    /// A browser at the CRM.
    ///
    /// # Panics
    /// Never: the root was made by this world's authority.
    #[must_use]
    pub fn crm_browser(&self) -> Client {
        let root = hex::decode(&self.simulators.root).expect("the root is hexadecimal");
        Client::trusting(&self.crm, root.into())
    }

    /// How to reach the vendors.
    #[must_use]
    pub fn simulators(&self) -> &Simulators {
        &self.simulators
    }

    /// Loads a data set: the CRM gets all of it, the ERP the items.
    pub fn load(&self, crm: &Crm) {
        load::into_crm(crm, self.crm.vendor());
        load::into_erp(crm, self.erp.vendor());
    }

    /// Adds translation tables to the configuration that mend every fault of a data set which a steward can mend.
    pub fn mend_all(&mut self, crm: &Crm) {
        let Mends { products, countries } = mends(crm);
        for (table, rows) in [("product", products), ("country", countries)] {
            let rows: String = rows.iter().map(|(from, to)| format!("  {from:?}: {to:?}\n")).collect();
            let text = format!("table: {table}\nrows:\n{rows}");
            self.config.push(Document { file: format!("{table}.yaml"), text });
        }
    }

    /// Replaces text in the configuration file of this name.
    ///
    /// # Panics
    /// There is no such file, or the text is not in it.
    pub fn edit(&mut self, file: &str, from: &str, to: &str) {
        let document =
            self.config.iter_mut().find(|document| document.file.ends_with(file)).expect("a file of the demo");
        assert!(document.text.contains(from), "{file} holds no {from:?}");
        document.text = document.text.replace(from, to);
    }

    /// Adds a plugin that the host installs: a crate of `plugins/` or `tests/guests/`.
    pub fn install(&mut self, plugin: &str) {
        self.plugins.push(plugin.to_owned());
    }

    /// Adds a configuration file, or puts it in the place of the one of this name.
    pub fn put(&mut self, file: &str, text: &str) {
        self.config.retain(|document| !document.file.ends_with(file));
        self.config.push(Document { file: file.to_owned(), text: text.to_owned() });
    }

    /// The configuration's files.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.config
    }

    /// What a host between the two needs, in this process or in another one.
    ///
    /// # Errors
    /// A connector cannot be built or written down.
    pub fn host(&self, data_dir: &Path, database_url: Option<String>) -> Result<Host> {
        let folder = data_dir.with_extension("plugins");
        std::fs::create_dir_all(&folder)?;
        let component = |name: &str| self.replaced.get(name).cloned().unwrap_or_else(|| guests::component(name));
        let names = ["salesforce", "netsuite"].into_iter().chain(self.plugins.iter().map(String::as_str));
        let plugins: Vec<_> = names.map(|name| (folder.join(name), component(name))).collect();
        for (path, component) in &plugins {
            std::fs::write(path, component)?;
        }
        Ok(Host {
            simulators: self.simulators.clone(),
            data_dir: data_dir.to_owned(),
            database_url,
            plugins: plugins.into_iter().map(|(path, _)| path).collect(),
            secrets: self.credentials().map(|(c, name, value)| (c.into(), name.into(), value)).into(),
            config: self.config.iter().map(|document| (document.file.clone(), document.text.clone())).collect(),
        })
    }

    /// Connection, name and value of every secret that a host needs.
    fn credentials(&self) -> [(&'static str, &'static str, String); 5] {
        let (crm, erp) = (self.crm.vendor().options(), self.erp.vendor().options());
        [
            ("salesforce", "client_id", crm.client_id.clone()),
            ("salesforce", "client_secret", crm.client_secret.clone()),
            ("netsuite", "client_id", erp.client_id.clone()),
            ("netsuite", "key_id", erp.key_id.clone()),
            ("netsuite", "private_key", erp.key.private_pem()),
        ]
    }

    /// Writes all that an admin of a host in another process needs: `simulators.json` (how to reach the vendors), `config/`
    /// and `secrets/CONNECTION/NAME`. They open nothing but simulators.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder.join("config"))?;
        std::fs::write(folder.join("simulators.json"), serde_json::to_vec_pretty(&self.simulators)?)?;
        for document in &self.config {
            let name = Path::new(&document.file).file_name().context("a document without a name")?;
            std::fs::write(folder.join("config").join(name), &document.text)?;
        }
        for (connection, name, value) in self.credentials() {
            let secrets = folder.join("secrets").join(connection);
            std::fs::create_dir_all(&secrets)?;
            std::fs::write(secrets.join(name), value)?;
        }
        Ok(())
    }

    /// Opens a host in this process; starts no flow yet.
    ///
    /// # Errors
    /// Whatever the host refuses.
    pub async fn open(&self, data_dir: &Path, database_url: Option<String>) -> Result<App> {
        self.host(data_dir, database_url)?.open().await
    }

    /// All that must stay secret: what the host was given, and every token that is good at either vendor.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let key = self.erp.vendor().options().key.private_pem();
        let key_line = key.lines().nth(1).expect("a PEM file has lines");
        let mut secrets = vec![self.crm.vendor().options().client_secret.clone(), key_line.to_owned()];
        secrets.extend(self.crm.vendor().tokens());
        secrets.extend(self.crm.vendor().refresh_tokens());
        secrets.extend(self.erp.vendor().tokens());
        secrets
    }

    /// The ERP's orders, from its own ledger.
    ///
    /// # Panics
    /// The ledger has another shape: a defect of the simulator.
    #[must_use]
    pub fn orders(&self) -> Orders {
        let ledger = self.erp.ledger();
        let orders = at(&ledger, "/objects/salesOrder");
        Orders {
            count: number(at(orders, "/count")),
            value: at(orders, "/totals/total").as_str().and_then(|text| text.parse().ok()).expect("a sum"),
            duplicates: number(at(orders, "/duplicates")),
            writes: number(at(orders, "/writes/received")),
        }
    }

    /// How many records of a kind the ERP holds.
    #[must_use]
    pub fn erp_count(&self, kind: RecordType) -> usize {
        self.erp.vendor().count(kind)
    }
}

/// A place in a ledger.
///
/// # Panics
/// There is no such place.
#[must_use]
pub fn at<'a>(ledger: &'a Json, pointer: &str) -> &'a Json {
    ledger.pointer(pointer).unwrap_or_else(|| panic!("the ledger has no {pointer}: {ledger}"))
}

fn number(value: &Json) -> u64 {
    value.as_u64().expect("a count")
}
