//! Configuration documents: connections, entity maps, flows and translation tables, as an admin writes them in YAML.
//! One document a file; its first key says what it is. Parsing and verifying touch nothing.

use crate::store::PluginRow;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
pub use tollgate_core::entity::Fault;
use tollgate_core::entity::yaml::TableDocument;
use tollgate_core::entity::{EntityMap, yaml};
use tollgate_core::model::connection::Connection;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{ConnectionName, EntityName, Manifest, StreamName, SystemName, TableName, limits};

/// The kinds that are stored as documents. Tables are rows of their own: they change while the host runs.
pub const KINDS: [&str; 3] = ["connection", "entity", "flow"];

/// One file.
#[derive(Clone, Debug)]
pub struct Document {
    /// For messages.
    pub file: String,
    /// YAML.
    pub text: String,
}

/// Reads every `.yaml` file of a folder, in order of their names.
///
/// # Errors
/// A file cannot be read, is too large, or ends in `.yml`; the message names it.
pub fn read_folder(folder: &Path) -> std::io::Result<Vec<Document>> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    let ends_in = |path: &std::path::PathBuf, end: &str| path.extension().is_some_and(|extension| extension == end);
    if let Some(path) = paths.iter().find(|path| ends_in(path, "yml")) {
        let text = format!("{} would not be read: rename it to end in .yaml", path.display());
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text));
    }
    paths.retain(|path| ends_in(path, "yaml"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let file = path.display().to_string();
        let named = |error: std::io::Error| std::io::Error::new(error.kind(), format!("{file}: {error}"));
        let bytes = std::fs::metadata(path).map_err(named)?.len();
        if bytes > limits::CONFIG_BYTES_MAX as u64 {
            let text = format!("{file} has {bytes} bytes; at most {} are read", limits::CONFIG_BYTES_MAX);
            return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, text));
        }
        let text = std::fs::read_to_string(path).map_err(named)?;
        Ok(Document { file, text })
    };
    paths.iter().map(read).collect()
}

/// What kind of document it is, whatever else it says.
#[derive(Deserialize)]
struct Head {
    connection: Option<serde::de::IgnoredAny>,
    entity: Option<serde::de::IgnoredAny>,
    flow: Option<serde::de::IgnoredAny>,
    table: Option<serde::de::IgnoredAny>,
}

/// A set of documents that parse.
#[derive(Default)]
pub struct Documents {
    connections: BTreeMap<ConnectionName, (Document, Connection)>,
    entities: BTreeMap<EntityName, EntityMap>,
    entity_files: BTreeMap<EntityName, Document>,
    entity_versions: BTreeMap<EntityName, i64>,
    flows: Vec<(Document, Flow)>,
    tables: Vec<TableDocument>,
}

impl Documents {
    /// Parses all documents.
    ///
    /// # Errors
    /// Every fault of every document.
    pub fn parse(files: &[Document]) -> Result<Self, Vec<Fault>> {
        let mut documents = Self::default();
        let mut faults = Vec::new();
        for document in files {
            if let Err(found) = documents.add(document) {
                faults.extend(found);
            }
        }
        if faults.is_empty() { Ok(documents) } else { Err(faults) }
    }

    fn add(&mut self, document: &Document) -> Result<(), Vec<Fault>> {
        let Document { file, text } = document;
        let one = |fault: Fault| vec![fault];
        let head: Head = yaml::parse(file, text).map_err(one)?;
        let twice = if head.flow.is_some() {
            let flow: Flow = yaml::parse(file, text).map_err(one)?;
            let is_twice = self.flows.iter().any(|(_, other)| other.flow == flow.flow);
            let name = format!("flow `{}`", flow.flow);
            self.flows.push((document.clone(), flow));
            is_twice.then_some(name)
        } else if head.table.is_some() {
            self.tables.push(yaml::parse(file, text).map_err(one)?);
            None
        } else if head.connection.is_some() {
            let connection: Connection = yaml::parse(file, text).map_err(one)?;
            let name = connection.connection.clone();
            let is_twice = self.connections.insert(name.clone(), (document.clone(), connection)).is_some();
            is_twice.then(|| format!("connection `{name}`"))
        } else if head.entity.is_some() {
            let map = EntityMap::parse(file, text)?;
            let name = map.entity.clone();
            self.entity_files.insert(name.clone(), document.clone());
            self.entities.insert(name.clone(), map).is_some().then(|| format!("entity `{name}`"))
        } else {
            let message = "the first key says what a document is: `connection`, `entity`, `flow` or `table`";
            return Err(vec![fault(document, message.into())]);
        };
        match twice {
            Some(name) => Err(vec![fault(document, format!("{name} is in another file too"))]),
            None => Ok(()),
        }
    }

    /// Checks that the documents fit each other and the installed plugins.
    ///
    /// # Errors
    /// Every fault.
    pub fn verify(&self, plugins: &[PluginRow]) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        for (document, connection) in self.connections.values() {
            faults.extend(verify_connection(connection, plugins).into_iter().map(|message| fault(document, message)));
        }
        for (name, map) in &self.entities {
            for (system, place) in &map.systems {
                if !self.connections.contains_key(&place.connection) {
                    let message = format!("system `{system}`: there is no connection `{}`", place.connection);
                    faults.push(fault(&self.entity_files[name], message));
                }
            }
        }
        for (document, flow) in &self.flows {
            faults.extend(verify_transforms(flow, plugins).into_iter().map(|message| fault(document, message)));
            match self.entities.get(&flow.entity) {
                None => faults.push(fault(document, format!("there is no entity `{}`", flow.entity))),
                Some(map) => faults.extend(map.plan(&flow.from, &flow.to, &self.entities).err()),
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Kind, name and text of every document that is stored as such.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        let connections = self.connections.iter().map(|(name, (d, _))| ("connection", name.as_str(), d.text.as_str()));
        let entities = self.entity_files.iter().map(|(name, d)| ("entity", name.as_str(), d.text.as_str()));
        let flows = self.flows.iter().map(|(d, flow)| ("flow", flow.flow.as_str(), d.text.as_str()));
        connections.chain(entities).chain(flows)
    }

    /// Every row of every table document.
    pub fn translations(&self) -> impl Iterator<Item = (&TableName, &str, &str)> {
        self.tables.iter().flat_map(|t| t.rows.iter().map(|(from, to)| (&t.table, from.as_str(), to.as_str())))
    }

    /// The flows.
    pub fn flows(&self) -> impl Iterator<Item = &Flow> {
        self.flows.iter().map(|(_, flow)| flow)
    }

    /// The connection of this name.
    pub fn connection(&self, name: &ConnectionName) -> Option<&Connection> {
        self.connections.get(name).map(|(_, connection)| connection)
    }

    /// The entity map of this name.
    pub fn entity(&self, name: &EntityName) -> Option<&EntityMap> {
        self.entities.get(name)
    }

    /// The version of a stored entity map; 0 where it is not stored.
    pub fn entity_version(&self, name: &EntityName) -> i64 {
        self.entity_versions.get(name).copied().unwrap_or(0)
    }

    /// Says which version of an entity map this is.
    pub fn set_entity_version(&mut self, name: EntityName, version: i64) {
        self.entity_versions.insert(name, version);
    }

    /// All entity maps.
    pub fn entities(&self) -> &BTreeMap<EntityName, EntityMap> {
        &self.entities
    }

    /// Whether another entity refers to this one.
    pub fn is_referred_to(&self, entity: &EntityName) -> bool {
        self.entities.values().any(|map| map.refers_to(entity))
    }

    /// Where an entity lives in a system.
    pub fn system(&self, entity: &EntityName, system: &SystemName) -> Option<(&ConnectionName, &StreamName)> {
        let place = self.entities.get(entity)?.systems.get(system)?;
        Some((&place.connection, &place.stream))
    }
}

fn verify_connection(connection: &Connection, plugins: &[PluginRow]) -> Vec<String> {
    let Some(row) = plugins.iter().find(|row| row.name == connection.plugin) else {
        let installed: Vec<&str> = plugins.iter().map(|row| row.name.as_str()).collect();
        return vec![format!("plugin `{}` is not installed; installed: {}", connection.plugin, installed.join(", "))];
    };
    let manifest = match Manifest::parse(&row.manifest) {
        Ok(manifest) => manifest,
        Err(error) => return vec![error.to_string()],
    };
    let mut faults = Vec::new();
    if manifest.plugin.exports.contains("transform") {
        faults.push(format!("plugin `{}` is a transform: name it under `transforms` of a flow", connection.plugin));
    }
    for setting in manifest.settings.iter().filter(|setting| setting.required) {
        if !connection.settings.contains_key(&setting.name) {
            faults.push(format!("setting `{}` is missing: {}", setting.name, setting.about));
        }
    }
    for name in connection.settings.keys().filter(|name| manifest.settings.iter().all(|known| known.name != **name)) {
        faults.push(format!("plugin `{}` has no setting `{name}`", connection.plugin));
    }
    faults.extend(crate::gate::verify_endpoints(connection, &manifest));
    faults.extend(crate::gate::verify_files(connection, &manifest));
    faults
}

fn verify_transforms(flow: &Flow, plugins: &[PluginRow]) -> Vec<String> {
    let mut faults = Vec::new();
    if flow.transforms.len() > limits::TRANSFORMS_MAX {
        faults.push(format!("{} transforms; at most {}", flow.transforms.len(), limits::TRANSFORMS_MAX));
    }
    for transform in &flow.transforms {
        let name = &transform.plugin;
        let Some(row) = plugins.iter().find(|row| row.name == *name) else {
            faults.push(format!("transform `{name}` is not installed"));
            continue;
        };
        match Manifest::parse(&row.manifest) {
            Ok(manifest) if !manifest.plugin.exports.contains("transform") => {
                faults.push(format!("plugin `{name}` is a connector and exports no `transform`"));
            }
            Ok(manifest) => {
                let wrong = crate::gate::verify_settings(&transform.settings, &manifest);
                faults.extend(wrong.into_iter().map(|wrong| format!("transform `{name}`: {wrong}")));
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    faults
}

fn fault(document: &Document, message: String) -> Fault {
    Fault { file: document.file.clone(), line: 1, column: 1, message }
}
