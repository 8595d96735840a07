//! Configuration documents: connections, entity maps, flows and translation tables, as an admin writes them in YAML.
//! One document a file; its first key says what it is. Reading and verifying touch nothing.
//!
//! A file that cannot be read hides no fault of another one: what can be read is verified all the same, and what refers to
//! an unreadable file is not at fault for that.

mod verify;

use crate::store::PluginRow;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
pub use tollgate_core::entity::Fault;
use tollgate_core::entity::place::{self, Part};
use tollgate_core::entity::yaml::TableDocument;
use tollgate_core::entity::{EntityMap, yaml};
use tollgate_core::model::connection::Connection;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{ConnectionName, Digest, EntityName, FlowName, StreamName, SystemName, TableName, limits};

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

impl Document {
    /// A fault of this document, at the end of a path of keys.
    fn fault(&self, path: &[&str], part: Part, message: impl Into<String>) -> Fault {
        let (line, column) = place::find(&self.text, path, part);
        Fault { file: self.file.clone(), line, column, message: message.into() }
    }
}

/// What kind of document it is, whatever else it says.
#[derive(Deserialize)]
struct Head {
    connection: Option<serde::de::IgnoredAny>,
    entity: Option<serde::de::IgnoredAny>,
    flow: Option<serde::de::IgnoredAny>,
    table: Option<serde::de::IgnoredAny>,
}

/// A set of documents, as far as they can be read.
#[derive(Default)]
pub struct Documents {
    connections: BTreeMap<ConnectionName, (Document, Connection)>,
    entities: BTreeMap<EntityName, EntityMap>,
    entity_files: BTreeMap<EntityName, Document>,
    entity_versions: BTreeMap<EntityName, i64>,
    flows: BTreeMap<FlowName, (Document, Flow)>,
    tables: Vec<(Document, TableDocument)>,
    /// Kind and name of those that say what they are and cannot be read.
    unreadable: BTreeSet<(&'static str, String)>,
}

impl Documents {
    /// Reads all documents; gives back what can be read, and every fault.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a Document>) -> (Self, Vec<Fault>) {
        let (mut documents, mut faults) = (Self::default(), Vec::new());
        for document in files {
            faults.extend(documents.add(document));
        }
        (documents, faults)
    }

    /// Reads all documents, where one that cannot be read is one too many.
    ///
    /// # Errors
    /// Every fault of every document.
    pub fn parse<'a>(files: impl IntoIterator<Item = &'a Document>) -> Result<Self, Vec<Fault>> {
        let (documents, faults) = Self::read(files);
        if faults.is_empty() { Ok(documents) } else { Err(faults) }
    }

    /// Reads one more document; gives back what is wrong with it.
    pub(super) fn add(&mut self, document: &Document) -> Vec<Fault> {
        let added = self.try_add(document);
        if added.is_err() {
            self.unreadable.extend(declared(&document.text));
        }
        added.err().unwrap_or_default()
    }

    fn try_add(&mut self, document: &Document) -> Result<(), Vec<Fault>> {
        let Document { file, text } = document;
        let one = |fault: Fault| vec![fault];
        let head: Head = yaml::parse(file, text).map_err(one)?;
        if head.flow.is_some() {
            let flow: Flow = yaml::parse(file, text).map_err(one)?;
            insert(&mut self.flows, &flow.flow.clone(), (document.clone(), flow), |(other, _)| &other.file)
                .map_err(|other| twice(document, "flow", &other))
        } else if head.table.is_some() {
            self.tables.push((document.clone(), yaml::parse(file, text).map_err(one)?));
            Ok(())
        } else if head.connection.is_some() {
            let connection: Connection = yaml::parse(file, text).map_err(one)?;
            let name = connection.connection.clone();
            insert(&mut self.connections, &name, (document.clone(), connection), |(other, _)| &other.file)
                .map_err(|other| twice(document, "connection", &other))
        } else if head.entity.is_some() {
            let map = EntityMap::parse(file, text)?;
            insert(&mut self.entity_files, &map.entity, document.clone(), |other| &other.file)
                .map_err(|other| twice(document, "entity", &other))?;
            self.entities.insert(map.entity.clone(), map);
            Ok(())
        } else {
            let message = "the first key says what a document is: `connection`, `entity`, `flow` or `table`";
            Err(vec![document.fault(&[], Part::Key, message)])
        }
    }

    /// Whether a document of this kind and name is among them, readable or not.
    pub(super) fn contains(&self, kind: &str, name: &str) -> bool {
        let is_readable = match kind {
            "connection" => self.connections.contains_key(name),
            "entity" => self.entities.contains_key(name),
            _ => self.flows.contains_key(name),
        };
        is_readable || self.is_unreadable(kind, name)
    }

    fn is_unreadable(&self, kind: &str, name: &str) -> bool {
        self.unreadable.iter().any(|(k, n)| *k == kind && n == name)
    }

    /// Kind, name and text of every document that is stored as such.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        let connections = self.connections.iter().map(|(name, (d, _))| ("connection", name.as_str(), d.text.as_str()));
        let entities = self.entity_files.iter().map(|(name, d)| ("entity", name.as_str(), d.text.as_str()));
        let flows = self.flows.iter().map(|(name, (d, _))| ("flow", name.as_str(), d.text.as_str()));
        connections.chain(entities).chain(flows)
    }

    /// Every row of every table document.
    pub fn translations(&self) -> impl Iterator<Item = (&TableName, &str, &str)> {
        self.tables.iter().flat_map(|(_, t)| t.rows.iter().map(|(from, to)| (&t.table, from.as_str(), to.as_str())))
    }

    /// The tables that entity maps name.
    pub fn tables(&self) -> BTreeSet<&TableName> {
        let fields = self
            .entities
            .values()
            .flat_map(|map| map.fields.iter().chain(map.lines.iter().flat_map(|lines| &lines.each)));
        fields.filter_map(|field| field.table.as_ref().map(|table| &table.name)).collect()
    }

    /// The flows, by name.
    pub fn flows(&self) -> impl Iterator<Item = &Flow> {
        self.flows.values().map(|(_, flow)| flow)
    }

    /// The flow of this name.
    pub fn flow(&self, name: &FlowName) -> Option<&Flow> {
        self.flows.get(name).map(|(_, flow)| flow)
    }

    /// The connection of this name.
    pub fn connection(&self, name: &ConnectionName) -> Option<&Connection> {
        self.connections.get(name).map(|(_, connection)| connection)
    }

    /// The connections, by name.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().map(|(_, connection)| connection)
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

    /// The digest of all that a flow is opened from: its own document, its entity's and those that it refers to, both
    /// connections, and the active plugins of those and of its transforms. A flow with another basis must be opened anew, and only such a one.
    pub(super) fn basis(&self, flow: &Flow, plugins: &[PluginRow]) -> Digest {
        let mut parts: Vec<&str> = Vec::new();
        let mut digests = String::new();
        parts.extend(self.flows.get(&flow.flow).map(|(document, _)| document.text.as_str()));
        let map = self.entities.get(&flow.entity);
        let is_involved = |name: &EntityName| *name == flow.entity || map.is_some_and(|map| map.refers_to(name));
        parts.extend(self.entity_files.iter().filter(|(name, _)| is_involved(name)).map(|(_, d)| d.text.as_str()));
        for system in [&flow.from, &flow.to] {
            let connection = self.system(&flow.entity, system).and_then(|(name, _)| self.connections.get(name));
            let Some((document, connection)) = connection else { continue };
            parts.push(&document.text);
            let active = plugins.iter().find(|row| row.name == connection.plugin);
            digests.extend(active.map(|row| row.digest.to_string()));
        }
        for transform in &flow.transforms {
            let active = plugins.iter().find(|row| row.name == transform.plugin);
            digests.extend(active.map(|row| row.digest.to_string()));
        }
        let is_referred_to = if self.is_referred_to(&flow.entity) { "referred to" } else { "" };
        parts.extend([digests.as_str(), is_referred_to]);
        // Lengths first, so that no two lists of texts come to the same.
        let text: String = parts.iter().map(|part| format!("{} {part}", part.len())).collect();
        Digest::of(text.as_bytes())
    }
}

/// Takes a document over unless there is one of its name; then that one's file.
fn insert<K: Ord + Clone, V>(
    map: &mut BTreeMap<K, V>,
    name: &K,
    value: V,
    file: impl Fn(&V) -> &String,
) -> Result<(), String> {
    if let Some(other) = map.get(name) {
        return Err(file(other).clone());
    }
    map.insert(name.clone(), value);
    Ok(())
}

fn twice(document: &Document, kind: &'static str, other: &str) -> Vec<Fault> {
    let message = format!("{kind}: {other} has this name too; keep one of them, or rename this one");
    vec![document.fault(&[kind], Part::Value, message)]
}

/// What a text that cannot be read says that it is: the first line of that form.
fn declared(text: &str) -> Option<(&'static str, String)> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        let kind = KINDS.into_iter().find(|kind| *kind == key)?;
        let name = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        (!name.is_empty()).then(|| (kind, name.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document that cannot be read still says what it is, if a line of it does.
    #[test]
    fn what_an_unreadable_text_declares() {
        for (text, expected) in [
            ("# a\nflow: orders # the main one\n  x", Some(("flow", "orders"))),
            ("entity: \"customer\"\nfields: [", Some(("entity", "customer"))),
            ("connection:\n", None),
            ("  flow: nested", None),
            ("table: product", None),
        ] {
            assert_eq!(declared(text), expected.map(|(kind, name): (_, &str)| (kind, name.to_owned())), "{text}");
        }
    }
}
