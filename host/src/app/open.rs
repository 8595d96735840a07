//! Opens what the verbs need: the data folder, connections with their plugins, flows.

use super::Error;
use super::connections::one_call;
use super::documents::{self, Document, Documents};
use crate::clock::SharedClock;
use crate::engine::{OpenFlow, OpenTransform, Side};
use crate::gate::{Gate, Line, Purpose};
use crate::store::{PluginRow, Store};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;
use tollgate_core::model::connection;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{ConnectionName, Digest, FlowName, Manifest, SystemName, Tenant};
use tollgate_sandbox::{Admitted, CallLimits, Plugin, Sandbox, admit};

/// Makes the data folder and locks it for this process.
pub(super) fn lock(data_dir: &Path) -> Result<File, Error> {
    let failed = |source| Error::DataDir { path: data_dir.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(failed)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(data_dir.join("lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// This node's id: made once and kept in the data folder, so that a restarted node takes its own leases back at once.
pub(super) fn node_id(data_dir: &Path, clock: &SharedClock) -> Result<String, Error> {
    let path = data_dir.join("node");
    let failed = |source| Error::DataDir { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(id) if !id.is_empty() => return Ok(id),
        // Empty: the process ended before the id was on disk, and before anybody saw it.
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut bytes = [0; 16];
    clock.fill_random(&mut bytes);
    let id = hex::encode(bytes);
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(id.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(id)
}

/// A connection with its plugin, ready for calls.
pub(super) struct Connection {
    pub(super) plugin: Plugin,
    pub(super) line: Arc<Line>,
}

/// All that opening needs, apart from the host so that flows can open themselves.
pub(super) struct Opener {
    pub(super) tenant: Tenant,
    pub(super) store: Store,
    pub(super) gate: Arc<Gate>,
    pub(super) sandbox: Sandbox,
    pub(super) clock: SharedClock,
    /// Plugins that were loaded by this process. Written by [`Opener::load`] and [`Opener::forget`].
    pub(super) loaded: Mutex<BTreeMap<Digest, Plugin>>,
}

impl Opener {
    /// The stored documents. What this version cannot read is left out and told in the log: everything else goes on.
    pub(super) async fn documents(&self) -> Result<Documents, Error> {
        let (mut documents, faults) = Documents::read(&self.texts().await?);
        for fault in faults {
            tracing::error!(%fault, "a stored document cannot be read: apply it anew");
        }
        for row in self.store.documents(&self.tenant, "entity").await? {
            documents.set_entity_version(row.name.as_str().into(), row.version);
        }
        Ok(documents)
    }

    /// The texts of the stored documents, each with `KIND/NAME` for a file.
    pub(super) async fn texts(&self) -> Result<Vec<Document>, Error> {
        let mut files = Vec::new();
        for kind in documents::KINDS {
            for row in self.store.documents(&self.tenant, kind).await? {
                files.push(Document { file: format!("{kind}/{}", row.name), text: row.body });
            }
        }
        Ok(files)
    }

    /// The plugin of this digest, compiled: of the stored bytes, unless they were just admitted.
    pub(super) async fn load(&self, digest: &Digest, admitted: Option<&Admitted>) -> Result<Plugin, Error> {
        let mut loaded = self.loaded.lock().await;
        if let Some(plugin) = loaded.get(digest) {
            return Ok(plugin.clone());
        }
        let admitted = match admitted {
            Some(admitted) => admitted.clone(),
            None => {
                let bytes = self.store.component(&self.tenant, digest).await?;
                admit(&bytes.ok_or_else(|| absent("plugin", &digest.to_string()))?)?
            }
        };
        let plugin = self.sandbox.load(admitted).await?;
        loaded.insert(*digest, plugin.clone());
        Ok(plugin)
    }

    /// Keeps only these plugins in memory; flows that still run another one keep it as long as they do.
    pub(super) async fn forget(&self, all_but: &[PluginRow]) {
        self.loaded.lock().await.retain(|digest, _| all_but.iter().any(|row| row.digest == *digest));
    }

    /// Opens a connection: loads its plugin, checks its origins and settings against the manifest.
    pub(super) async fn connection(&self, documents: &Documents, name: &ConnectionName) -> Result<Connection, Error> {
        let connection = documents.connection(name).ok_or_else(|| absent("connection", name.as_str()))?;
        let plugin = self.active(&connection.plugin).await?;
        let known = narrow(connection.clone(), plugin.manifest());
        let line = self.gate.open(known, plugin.manifest().clone(), self.tenant.clone())?;
        Ok(Connection { plugin, line })
    }

    /// The active plugin of this name.
    async fn active(&self, name: &str) -> Result<Plugin, Error> {
        let rows = self.store.plugins(&self.tenant).await?;
        let row = rows.iter().find(|row| row.name == name).ok_or_else(|| absent("plugin", name))?;
        self.load(&row.digest, None).await
    }

    /// The transforms of a flow, in order.
    async fn transforms(&self, flow: &Flow) -> Result<Vec<OpenTransform>, Error> {
        let mut transforms = Vec::with_capacity(flow.transforms.len());
        for transform in &flow.transforms {
            let plugin = self.active(&transform.plugin).await?;
            let settings = serde_json::json!(transform.settings).to_string();
            transforms.push(OpenTransform { name: transform.plugin.clone(), plugin, settings });
        }
        Ok(transforms)
    }

    /// Opens the flow of this name as it is configured now.
    pub(super) async fn flow(&self, name: &FlowName) -> Result<OpenFlow, Error> {
        let documents = self.documents().await?;
        let flow = documents.flow(name).ok_or_else(|| absent("flow", name.as_str()))?;
        let map = documents.entity(&flow.entity).ok_or_else(|| absent("entity", flow.entity.as_str()))?;
        let plan = map.plan(&flow.from, &flow.to, documents.entities()).map_err(Error::Fault)?;
        let from = self.side(&documents, flow, &flow.from).await?;
        let to = self.side(&documents, flow, &flow.to).await?;
        Ok(OpenFlow {
            tenant: self.tenant.clone(),
            name: flow.flow.clone(),
            entity: flow.entity.clone(),
            natural_field: plan.natural_field().map(str::to_owned),
            plan,
            map_version: documents.entity_version(&flow.entity),
            is_referred_to: documents.is_referred_to(&flow.entity),
            every_ms: flow.every_ms,
            overlap_ms: flow.overlap_ms,
            transforms: self.transforms(flow).await?,
            transform_paths: flow.transforms.iter().flat_map(|transform| transform.reads.iter().cloned()).collect(),
            write_max: OpenFlow::write_max(&to.stream, flow.write_batch),
            from,
            to,
            store: self.store.clone(),
            gate: self.gate.clone(),
            clock: self.clock.clone(),
        })
    }

    async fn side(&self, documents: &Documents, flow: &Flow, system: &SystemName) -> Result<Side, Error> {
        let (name, stream) = documents
            .system(&flow.entity, system)
            .ok_or_else(|| absent("system", &format!("{}.{system}", flow.entity)))?;
        let Connection { plugin, line } = self.connection(documents, name).await?;
        let door = self.gate.door(line.clone(), one_call("discover", Purpose::Discover));
        let streams = plugin.discover(door.clone(), CallLimits::default()).await.map_err(|error| Error::Call {
            connection: name.clone(),
            call: "discover",
            source: door.explain(error),
        })?;
        let known: Vec<String> = streams.iter().map(|stream| stream.name.clone()).collect();
        let found = streams.into_iter().find(|candidate| candidate.name == stream.as_str());
        let stream = found.ok_or_else(|| Error::Stream {
            connection: name.clone(),
            stream: stream.to_string(),
            known: known.join(", "),
        })?;
        Ok(Side { system: system.clone(), connection: name.clone(), line, plugin, stream })
    }
}

/// The connection without what only another version of its plugin knows: such settings and endpoints may be there already,
/// or still.
fn narrow(mut connection: connection::Connection, manifest: &Manifest) -> connection::Connection {
    connection.settings.retain(|name, _| manifest.settings.iter().any(|setting| setting.name == *name));
    connection.endpoints.retain(|name, _| manifest.endpoint(name).is_some());
    connection
}

fn absent(what: &'static str, name: &str) -> Error {
    Error::Absent { what, name: name.to_owned() }
}
