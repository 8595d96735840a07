//! Reads `systems`, `identity` and `life`.

use super::scope::Scope;
use super::{Create, Ending, Identity, Life, System};
use crate::entity::node::Node;
use crate::entity::predicate::Predicate;
use crate::entity::yaml::unknown;
use crate::model::SystemName;
use std::collections::BTreeMap;

/// Keys of a field; no system can have their names, because a field's places stand beside them.
pub(super) const FIELD_KEYS: &[&str] =
    &["owner", "type", "ref", "by", "table", "default", "blank", "required", "rules"];
/// Keys of a list of lines.
pub(super) const LINES_KEYS: &[&str] = &["owner", "key", "required", "each"];

const ENDINGS: &[(&str, Ending)] = &[("ignore", Ending::Ignore), ("hold", Ending::Hold)];

impl Scope<'_> {
    pub(super) fn systems(&mut self, node: &Node) -> BTreeMap<SystemName, System> {
        let mut systems = BTreeMap::new();
        let Some(members) = self.named(node, "systems") else { return systems };
        for (key, node) in members.iter() {
            let what = format!("system `{}`", key.name);
            if FIELD_KEYS.contains(&key.name.as_str()) || LINES_KEYS.contains(&key.name.as_str()) {
                self.fault(key.at, format!("{what}: this is a word of the map; choose another name"));
            }
            let name = self.name(key.at, &key.name, "system");
            let Some(members) = self.members(node, &what, &["connection", "stream"]) else { continue };
            let connection = self.required(members, "connection", &what);
            let stream = self.required(members, "stream", &what);
            if let (Some(name), Some(connection), Some(stream)) = (name, connection, stream) {
                systems.insert(name.into(), System { connection: connection.into(), stream: stream.into() });
            }
        }
        if members.iter().count() < 2 {
            self.fault(node.at, "systems: an entity needs at least two, or nothing travels");
        }
        systems
    }

    pub(super) fn identity(&mut self, node: &Node, systems: &[&str]) -> Identity {
        let mut identity = Identity { at: node.at, ..Identity::default() };
        let Some(members) = self.members(node, "identity", &["link", "match"]) else { return identity };
        if let Some(link) = members.get("link").and_then(|node| self.members(node, "identity: `link`", systems)) {
            for (key, node) in link.iter() {
                let what = format!("identity: `link` of `{}`", key.name);
                if let Some(path) = self.text(node, &what).and_then(|path| self.path(node.at, path, &what)) {
                    identity.link.insert(key.name.as_str().into(), path);
                }
            }
        }
        if let Some(node) = members.get("match") {
            identity.matching =
                self.texts(node, "identity: `match`").into_iter().map(|(_, name)| name.to_owned()).collect();
        }
        identity
    }

    pub(super) fn life(&mut self, node: &Node, systems: &[&str]) -> Life {
        let mut life = Life { create: None, delete: Ending::default(), merge: Ending::default() };
        let Some(members) = self.members(node, "life", &["create", "delete", "merge"]) else { return life };
        life.create = members.get("create").and_then(|node| self.create(node, systems));
        if let Some(node) = members.get("delete") {
            life.delete = self.choice(node, "life: `delete`", ENDINGS).unwrap_or_default();
        }
        if let Some(node) = members.get("merge") {
            life.merge = self.choice(node, "life: `merge`", ENDINGS).unwrap_or_default();
        }
        life
    }

    fn create(&mut self, node: &Node, systems: &[&str]) -> Option<Create> {
        let what = "life: `create`";
        let members = self.members(node, what, &["from", "in", "when", "initial"])?;
        let from = self.required(members, "from", what);
        if let (Some(from), Some(node)) = (from, members.get("from")) {
            self.system(node, from, what, systems);
        }
        let mut within = Vec::new();
        match members.get("in") {
            Some(node) => {
                for (at, name) in self.texts(node, &format!("{what}: `in`")) {
                    if Some(name) == from {
                        self.fault(
                            at,
                            format!(
                                "{what}: `{name}` stands in `from` and `in`; a record is made where it was not born"
                            ),
                        );
                    }
                    if !systems.contains(&name) {
                        self.fault(at, format!("{what}: {}", unknown("system", name, systems)));
                    }
                    within.push(SystemName::from(name));
                }
            }
            None => self.fault(members.at, format!("{what}: `in` is missing; name the systems in which it is made")),
        }
        let when = members.get("when").and_then(|node| self.when(node));
        let mut is_initial = false;
        if let Some(node) = members.get("initial")
            && let Some(initial) = self.text(node, &format!("{what}: `initial`"))
        {
            is_initial = Some(initial) == from;
            if !is_initial {
                let why = "only where a record is born are its first values";
                self.fault(node.at, format!("{what}: `initial` must be the system of `from`: {why}"));
            }
        }
        Some(Create { from: from?.into(), within, when, is_initial })
    }

    fn when(&mut self, node: &Node) -> Option<Predicate> {
        let text = self.text(node, "life: `create`: `when`")?;
        match Predicate::parse(text) {
            Ok(predicate) => Some(predicate),
            Err(error) => {
                self.fault(node.at, format!("life: `create`: `when`: {error}"));
                None
            }
        }
    }

    fn system(&mut self, node: &Node, name: &str, what: &str, systems: &[&str]) {
        if !systems.contains(&name) {
            self.fault(node.at, format!("{what}: {}", unknown("system", name, systems)));
        }
    }
}
