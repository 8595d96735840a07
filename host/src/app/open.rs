//! Opens what the verbs need: the data folder, connections with their plugins, flows.

use super::documents::{Documents, Fault};
use super::{App, Error};
use crate::clock::SharedClock;
use crate::engine::{OpenFlow, OpenTransform, Side};
use crate::gate::{CallContext, Line, Purpose};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{ConnectionName, SystemName};
use tollgate_sandbox::{CallLimits, Plugin, admit};

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

/// Opens a connection: loads its plugin, checks its origins and settings against the manifest.
pub(super) async fn connection(app: &App, documents: &Documents, name: &ConnectionName) -> Result<Connection, Error> {
    let absent = |what, name: &str| Error::Absent { what, name: name.to_owned() };
    let connection = documents.connection(name).ok_or_else(|| absent("connection", name.as_str()))?;
    let plugin = plugin(app, &connection.plugin).await?;
    let line = app.gate.open(connection.clone(), plugin.manifest().clone(), app.tenant.clone())?;
    Ok(Connection { plugin, line })
}

/// Loads the active plugin of this name, once per digest.
async fn plugin(app: &App, name: &str) -> Result<Plugin, Error> {
    let absent = |what, name: &str| Error::Absent { what, name: name.to_owned() };
    let rows = app.store.plugins(&app.tenant).await?;
    let row = rows.into_iter().find(|row| row.name == name).ok_or_else(|| absent("plugin", name))?;
    let mut loaded = app.loaded.lock().await;
    if let Some(plugin) = loaded.get(&row.digest) {
        return Ok(plugin.clone());
    }
    let bytes = app.store.component(&app.tenant, &row.digest).await?;
    let bytes = bytes.ok_or_else(|| absent("component", &row.digest.to_string()))?;
    let plugin = app.sandbox.load(admit(&bytes)?).await?;
    loaded.insert(row.digest, plugin.clone());
    Ok(plugin)
}

/// Loads the transforms of a flow, in order.
async fn transforms(app: &App, flow: &Flow) -> Result<Vec<OpenTransform>, Error> {
    let mut transforms = Vec::with_capacity(flow.transforms.len());
    for transform in &flow.transforms {
        let plugin = plugin(app, &transform.plugin).await?;
        let settings = serde_json::json!(transform.settings).to_string();
        transforms.push(OpenTransform { name: transform.plugin.clone(), plugin, settings });
    }
    Ok(transforms)
}

/// Opens a flow: both sides, and the plan of its entity map.
pub(super) async fn flow(app: &App, documents: &Documents, flow: &Flow) -> Result<OpenFlow, Error> {
    let map = documents
        .entity(&flow.entity)
        .ok_or_else(|| Error::Absent { what: "entity", name: flow.entity.to_string() })?;
    let plan =
        map.plan(&flow.from, &flow.to, documents.entities()).map_err(|fault| Error::Configuration(vec![fault]))?;
    let from = side(app, documents, flow, &flow.from).await?;
    let to = side(app, documents, flow, &flow.to).await?;
    Ok(OpenFlow {
        tenant: app.tenant.clone(),
        name: flow.flow.clone(),
        entity: flow.entity.clone(),
        natural_field: plan.natural_field().map(str::to_owned),
        plan,
        map_version: documents.entity_version(&flow.entity),
        is_referred_to: documents.is_referred_to(&flow.entity),
        every_ms: flow.every_ms,
        overlap_ms: flow.overlap_ms,
        transforms: transforms(app, flow).await?,
        transform_paths: flow.transforms.iter().flat_map(|transform| transform.reads.iter().cloned()).collect(),
        write_max: OpenFlow::write_max(&to.stream, flow.write_batch),
        from,
        to,
        store: app.store.clone(),
        gate: app.gate.clone(),
        clock: app.clock.clone(),
    })
}

async fn side(app: &App, documents: &Documents, flow: &Flow, system: &SystemName) -> Result<Side, Error> {
    let (name, stream) = documents
        .system(&flow.entity, system)
        .ok_or_else(|| Error::Absent { what: "system", name: format!("{}.{system}", flow.entity) })?;
    let Connection { plugin, line } = connection(app, documents, name).await?;
    let call = CallContext { run: "discover".into(), purpose: Purpose::Discover, seed: 0, lease: Arc::new(|| true) };
    let streams = plugin.discover(app.gate.door(line.clone(), call), CallLimits::default()).await;
    let streams = streams.map_err(|source| Error::Call { connection: name.clone(), call: "discover", source })?;
    let names: Vec<String> = streams.iter().map(|stream| stream.name.clone()).collect();
    let found = streams.into_iter().find(|candidate| candidate.name == stream.as_str());
    let stream = found.ok_or_else(|| {
        Error::Configuration(vec![Fault {
            file: format!("entity/{}", flow.entity),
            line: 0,
            column: 0,
            message: format!("connection `{name}` has no stream `{stream}`; it has: {}", names.join(", ")),
        }])
    })?;
    Ok(Side { system: system.clone(), connection: name.clone(), line, plugin, stream })
}
