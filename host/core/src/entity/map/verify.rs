//! What must hold between the parts of a map.

use super::scope::Scope;
use super::{EntityMap, Kind};
use crate::entity::node::{At, Content, Node};
use crate::entity::yaml::unknown;
use crate::model::SystemName;

pub(super) fn verify(scope: &mut Scope<'_>, map: &EntityMap, root: &Node) {
    matching(scope, map, root);
    names(scope, map);
    for system in map.systems.keys() {
        targets(scope, map, system);
    }
    for lines in &map.lines {
        if map.fields.iter().any(|field| field.name == lines.name) {
            scope.fault(lines.at, format!("lines `{}`: a field has this name; choose another", lines.name));
        }
    }
}

/// A match field must be able to find a record: a value of its own, the same word in every system.
fn matching(scope: &mut Scope<'_>, map: &EntityMap, root: &Node) {
    let place = find(root, &["identity", "match"]).map_or(root.at, |node| node.at);
    // Fields with faults of their own are missing in the map, but are no unknown names.
    let written: Vec<&str> = match find(root, &["fields"]).map(|node| &node.value) {
        Some(Content::Map(fields)) => fields.iter().map(|(key, _)| key.name.as_str()).collect(),
        _ => Vec::new(),
    };
    for name in &map.identity.matching {
        match map.field(name) {
            None if written.contains(&name.as_str()) => {}
            None => scope.fault(place, format!("identity: `match`: {}", unknown("field", name, &written))),
            Some(field) if matches!(field.kind, Kind::Reference(_)) => {
                scope.fault(
                    place,
                    format!("identity: `match`: field `{name}` is a reference; match by a value of the record's own"),
                );
            }
            Some(field) if field.table.is_some() => {
                let mend = "match by a value that is the same everywhere";
                scope.fault(place, format!("identity: `match`: field `{name}` goes through a table; {mend}"));
            }
            Some(_) => {}
        }
    }
}

fn names(scope: &mut Scope<'_>, map: &EntityMap) {
    if map.fields.is_empty() && map.lines.is_empty() && scope.faults.is_empty() {
        scope.fault(At { line: 1, column: 1 }, "entity map: there is no field; nothing would travel");
    }
}

/// No two fields write one place of a system, and none writes inside another's place.
fn targets(scope: &mut Scope<'_>, map: &EntityMap, system: &SystemName) {
    let fields = map.fields.iter().filter(|field| field.owner != *system);
    let fields =
        fields.filter_map(|field| Some((field.name.as_str(), field.places.get(system)?.path.as_str(), field.at)));
    let lines = map.lines.iter().filter(|lines| lines.owner != *system);
    let lines = lines.filter_map(|lines| Some((lines.name.as_str(), lines.paths.get(system)?.as_str(), lines.at)));
    let all = fields.chain(lines).collect();
    overlaps(scope, system, all);
    for lines in map.lines.iter().filter(|lines| lines.owner != *system) {
        let each = lines
            .each
            .iter()
            .filter_map(|field| Some((field.name.as_str(), field.places.get(system)?.path.as_str(), field.at)));
        overlaps(scope, system, each.collect());
    }
}

fn overlaps(scope: &mut Scope<'_>, system: &SystemName, mut places: Vec<(&str, &str, At)>) {
    places.sort_by(|a, b| a.1.split('.').cmp(b.1.split('.')));
    for pair in places.windows(2) {
        let [(first, outer, _), (second, inner, at)] = pair else { continue };
        if inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
            let taken = format!("where field `{first}` writes `{outer}`; one place has one field");
            scope.fault(*at, format!("field `{second}`: writes `{inner}` in `{system}`, {taken}"));
        }
    }
}

fn find<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, name| match &node.value {
        Content::Map(members) => members.iter().find(|(key, _)| key.name == *name).map(|(_, member)| member),
        _ => None,
    })
}
