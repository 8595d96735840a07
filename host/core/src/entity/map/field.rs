//! Reads `fields` and `lines`.

use super::life::{FIELD_KEYS, LINES_KEYS};
use super::scope::{Members, Scope};
use super::{Blank, Default, Field, Kind, Lines, Place, Refers, Translation};
use crate::entity::kind::{Format, Scalar, Type};
use crate::entity::node::{At, Content, Key, Node};
use crate::entity::rule::Rule;
use crate::entity::yaml::unknown;
use crate::model::SystemName;
use std::collections::BTreeMap;

const BLANKS: &[(&str, Blank)] = &[("keep", Blank::Keep), ("clear", Blank::Clear), ("reject", Blank::Reject)];

impl Scope<'_> {
    /// The fields of a map; `lines_owner` is the owner of the list, for the fields of a line.
    pub(super) fn fields(&mut self, node: &Node, systems: &[&str], lines_owner: Option<&SystemName>) -> Vec<Field> {
        let Some(members) = self.named(node, "fields") else { return Vec::new() };
        members.iter().filter_map(|(key, node)| self.field(key, node, systems, lines_owner)).collect()
    }

    fn field(&mut self, key: &Key, node: &Node, systems: &[&str], lines_owner: Option<&SystemName>) -> Option<Field> {
        let what = format!("field `{}`", key.name);
        let name = self.name(key.at, &key.name, "field");
        let own_keys = if lines_owner.is_some() { &FIELD_KEYS[1..] } else { FIELD_KEYS };
        let members = self.members(node, &what, &[own_keys, systems].concat())?;
        let owner = match lines_owner {
            Some(owner) => Some(owner.clone()),
            None => self.owner(key.at, members, &what, systems),
        };
        let kind = self.kind(members, &what);
        let places = self.places(members, &what, kind.as_ref(), systems);
        if let Some(owner) = &owner
            && members.get(owner.as_str()).is_none()
        {
            self.fault(key.at, format!("{what}: its owner `{owner}` has no path; add `{owner}: PATH`"));
        }
        let table = members.get("table").and_then(|node| self.table(node, &what));
        let rules = members.get("rules").map(|node| self.rules(node, &what)).unwrap_or_default();
        let format = owner.as_ref().and_then(|owner| places.get(owner)).map_or(Format::Plain, |place| place.format);
        let default = members.get("default").and_then(|node| self.default(node, &what, kind.as_ref(), format));
        let blank = members.get("blank").and_then(|node| self.choice(node, &format!("{what}: `blank`"), BLANKS));
        if let (Some(node), true) = (members.get("default"), blank.is_some()) {
            self.fault(node.at, format!("{what}: `default` and `blank` both say what a blank value does; keep one"));
        }
        let is_required = members.get("required").and_then(|node| self.boolean(node, &format!("{what}: `required`")));
        Some(Field {
            name: name?.to_owned(),
            owner: owner?,
            kind: kind?,
            table,
            default,
            blank: blank.unwrap_or_default(),
            is_required: is_required.unwrap_or_default(),
            rules,
            places,
            at: key.at,
        })
    }

    /// Exactly one owner (SOR-01); two are said by a list or by a key that stands twice.
    fn owner(&mut self, at: At, members: Members<'_>, what: &str, systems: &[&str]) -> Option<SystemName> {
        let mut owners = Vec::new();
        for (_, node) in members.iter().filter(|(key, _)| key.name == "owner") {
            owners.extend(self.texts(node, &format!("{what}: `owner`")));
        }
        match owners.as_slice() {
            [] => {
                let choices: Vec<_> = systems.iter().map(|system| format!("`{system}`")).collect();
                let known = members.iter().any(|(key, node)| {
                    key.name == "owner" && !matches!(&node.value, Content::List(items) if items.is_empty())
                });
                if !known {
                    self.fault(at, format!("{what} has no owner; add `owner:` with one of {}", choices.join(", ")));
                }
                None
            }
            [(at, owner)] => {
                if systems.contains(owner) {
                    return Some((*owner).into());
                }
                self.fault(*at, format!("{what}: `owner`: {}", unknown("system", owner, systems)));
                None
            }
            [.., (at, _)] => {
                let names: Vec<_> = owners.iter().map(|(_, owner)| format!("`{owner}`")).collect();
                self.fault(
                    *at,
                    format!(
                        "{what} has {} owners, {}; keep the one system that is right about it",
                        owners.len(),
                        names.join(" and ")
                    ),
                );
                None
            }
        }
    }

    fn kind(&mut self, members: Members<'_>, what: &str) -> Option<Kind> {
        let of = members.get("type").map(|node| {
            let types = Type::ALL.map(|of| (of.name(), of));
            self.choice(node, &format!("{what}: `type`"), &types)
        });
        let Some(node) = members.get("ref") else {
            if let Some(by) = members.get("by") {
                self.fault(by.at, format!("{what}: `by` belongs to a `ref`; add `ref: ENTITY`"));
            }
            return of.unwrap_or(Some(Type::Text)).map(Kind::Value);
        };
        if members.get("type").is_some() {
            self.fault(node.at, format!("{what}: has both `ref` and `type`; a reference has no type"));
        }
        if let Some(default) = members.get("default") {
            self.fault(default.at, format!("{what}: a reference has no default"));
        }
        let entity = self.text(node, &format!("{what}: `ref`")).and_then(|name| self.name(node.at, name, "entity"));
        let by = members.get("by").map(|node| self.text(node, &format!("{what}: `by`")));
        match by {
            Some(by) => Some(Kind::Reference(Refers { entity: entity?.into(), by: Some(by?.to_owned()) })),
            None => Some(Kind::Reference(Refers { entity: entity?.into(), by: None })),
        }
    }

    fn places(
        &mut self,
        members: Members<'_>,
        what: &str,
        kind: Option<&Kind>,
        systems: &[&str],
    ) -> BTreeMap<SystemName, Place> {
        let mut places = BTreeMap::new();
        for (key, node) in members.iter().filter(|(key, _)| systems.contains(&key.name.as_str())) {
            let what = format!("{what}: `{}`", key.name);
            let (path, format) = match &node.value {
                Content::Map(_) => {
                    let Some(members) = self.members(node, &what, &["path", "format"]) else { continue };
                    (self.required(members, "path", &what), members.get("format"))
                }
                _ => (self.text(node, &what), None),
            };
            let path = path.and_then(|path| self.path(node.at, path, &what));
            let format = self.format(node.at, format, &what, kind);
            if let (Some(path), Some(format)) = (path, format) {
                places.insert(key.name.as_str().into(), Place { path, format });
            }
        }
        places
    }

    fn format(&mut self, at: At, node: Option<&Node>, what: &str, kind: Option<&Kind>) -> Option<Format> {
        let of = match kind {
            Some(Kind::Value(of)) => *of,
            Some(Kind::Reference(_)) => Type::Text,
            // The type's own fault says enough.
            None => return Some(Format::Plain),
        };
        let choices: Vec<_> = of.formats().iter().map(|format| (format.name(), *format)).collect();
        match node {
            Some(node) if choices.is_empty() => {
                self.fault(node.at, format!("{what}: `{}` has one form only; take `format` away", of.name()));
                None
            }
            Some(node) => self.choice(node, &format!("{what}: `format`"), &choices),
            None => {
                if of.format_default().is_none() {
                    let names: Vec<_> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
                    let (kind, names) = (of.name(), names.join(", "));
                    let mend = "write `{ path: PATH, format: FORMAT }` with one of";
                    self.fault(at, format!("{what}: how does it write a {kind}? {mend} {names}"));
                }
                of.format_default()
            }
        }
    }

    fn table(&mut self, node: &Node, what: &str) -> Option<Translation> {
        let what = format!("{what}: `table`");
        if !matches!(node.value, Content::Map(_)) {
            return self.text(node, &what).map(|name| Translation { name: name.into(), keeps_unlisted: false });
        }
        let members = self.members(node, &what, &["name", "unlisted"])?;
        let name = self.required(members, "name", &what)?;
        let keeps = members
            .get("unlisted")
            .and_then(|node| self.choice(node, &format!("{what}: `unlisted`"), &[("keep", true), ("refuse", false)]));
        Some(Translation { name: name.into(), keeps_unlisted: keeps.unwrap_or_default() })
    }

    fn rules(&mut self, node: &Node, what: &str) -> Vec<Rule> {
        let what = format!("{what}: `rules`");
        let choices = Rule::ALL.map(|rule| (rule.name(), rule));
        self.texts(node, &what).into_iter().filter_map(|(at, name)| self.chosen(at, name, &what, &choices)).collect()
    }

    /// A default is read as if the owner had said it.
    fn default(&mut self, node: &Node, what: &str, kind: Option<&Kind>, format: Format) -> Option<Default> {
        let what = format!("{what}: `default`");
        let members = self.members(node, &what, &["value", "flag"])?;
        let value = self.required(members, "value", &what)?;
        let flag = members.get("flag").and_then(|node| self.text(node, &format!("{what}: `flag`"))).map(str::to_owned);
        let Some(Kind::Value(of)) = kind else { return None };
        match of.read(&Scalar::Text(value.into()), format) {
            Ok(value) => Some(Default { value, flag }),
            Err(refusal) => {
                self.fault(node.at, format!("{what}: {}", refusal.message));
                None
            }
        }
    }

    pub(super) fn lines(&mut self, node: &Node, systems: &[&str]) -> Vec<Lines> {
        let Some(members) = self.named(node, "lines") else { return Vec::new() };
        members.iter().filter_map(|(key, node)| self.list(key, node, systems)).collect()
    }

    fn list(&mut self, key: &Key, node: &Node, systems: &[&str]) -> Option<Lines> {
        let what = format!("lines `{}`", key.name);
        let name = self.name(key.at, &key.name, "lines");
        let members = self.members(node, &what, &[LINES_KEYS, systems].concat())?;
        let owner = self.owner(key.at, members, &what, systems);
        let mut paths = BTreeMap::new();
        for (system, node) in members.iter().filter(|(key, _)| systems.contains(&key.name.as_str())) {
            let what = format!("{what}: `{}`", system.name);
            if let Some(path) = self.text(node, &what).and_then(|path| self.path(node.at, path, &what)) {
                paths.insert(SystemName::from(system.name.as_str()), path);
            }
        }
        if let Some(owner) = &owner
            && members.get(owner.as_str()).is_none()
        {
            self.fault(key.at, format!("{what}: its owner `{owner}` has no path; add `{owner}: PATH`"));
        }
        let key_field = self.required(members, "key", &what);
        let is_required = members.get("required").and_then(|node| self.boolean(node, &format!("{what}: `required`")));
        let Some(each) = members.get("each") else {
            self.fault(key.at, format!("{what}: `each` is missing; it says what a line holds"));
            return None;
        };
        // Without an owner of the list, its fields are still read for faults of their own.
        let owner_or_any = owner.clone().or_else(|| systems.first().map(|system| (*system).into()))?;
        let each_fields = self.fields(each, systems, Some(&owner_or_any));
        if let (Some(key), Some(node)) = (key_field, members.get("key"))
            && !each_fields.iter().any(|field| field.name == key)
        {
            let names: Vec<_> = each_fields.iter().map(|field| field.name.as_str()).collect();
            self.fault(node.at, format!("{what}: `key`: {}", unknown("field", key, &names)));
        }
        let (name, key_name) = (name?.to_owned(), key_field?.to_owned());
        let is_required = is_required.unwrap_or_default();
        Some(Lines { name, owner: owner?, key: key_name, is_required, paths, each: each_fields, at: key.at })
    }
}
