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

/// A place of a system in the map.
#[derive(Clone, Copy)]
struct Place<'m> {
    /// Whose it is, for people.
    what: &'m str,
    path: &'m str,
    /// Whether the host writes it; otherwise it is only read.
    is_written: bool,
    at: At,
}

impl Place<'_> {
    fn verb(self) -> &'static str {
        if self.is_written { "writes" } else { "reads" }
    }
}

/// A place that is written has one field: nobody else writes it or reads it as his own, nor anything inside or around it.
/// What is only read may be read twice.
fn targets(scope: &mut Scope<'_>, map: &EntityMap, system: &SystemName) {
    let born = map.life.create.as_ref().filter(|create| create.is_initial && create.within.contains(system));
    let is_written = |owner: &SystemName, has_first: &dyn Fn(&SystemName) -> bool| {
        owner != system || born.is_some_and(|create| has_first(&create.from))
    };
    let fields = map.fields.iter().filter_map(|field| {
        let is_written = is_written(&field.owner, &|from| field.places.contains_key(from));
        Some(Place { what: &field.name, path: &field.places.get(system)?.path, is_written, at: field.at })
    });
    let lines = map.lines.iter().filter_map(|lines| {
        let is_written = is_written(&lines.owner, &|from| lines.paths.contains_key(from));
        Some(Place { what: &lines.name, path: lines.paths.get(system)?, is_written, at: lines.at })
    });
    // A link is the host's own, whether it is written by a field of the record or as its external id.
    let link = map.identity.link.get(system);
    let link = link.map(|path| Place { what: "identity.link", path, is_written: true, at: map.identity.at });
    overlaps(scope, system, link.into_iter().chain(fields).chain(lines).collect());
    for lines in &map.lines {
        let list_is_written = is_written(&lines.owner, &|from| lines.paths.contains_key(from));
        let each = lines.each.iter().filter_map(|field| {
            let path = &field.places.get(system)?.path;
            Some(Place { what: &field.name, path, is_written: list_is_written, at: field.at })
        });
        overlaps(scope, system, each.collect());
    }
}

/// A path with all the places that stand there.
struct Taken<'m> {
    path: &'m str,
    first: Place<'m>,
    written: Option<Place<'m>>,
}

/// Walks the places in the order of their paths, so that whatever holds the next one stands on the stack.
fn overlaps(scope: &mut Scope<'_>, system: &SystemName, mut places: Vec<Place<'_>>) {
    places.sort_by(|a, b| a.path.split('.').cmp(b.path.split('.')));
    let mut around: Vec<Taken<'_>> = Vec::new();
    for place in places {
        let holds =
            |outer: &str| place.path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        while around.last().is_some_and(|outer| !holds(outer.path)) {
            around.pop();
        }
        let taken = around.iter().find_map(|outer| outer.written.or(place.is_written.then_some(outer.first)));
        if let Some(outer) = taken {
            let taken = format!(
                "where `{}` {} `{}`; a place that is written has one field",
                outer.what,
                outer.verb(),
                outer.path
            );
            scope
                .fault(place.at, format!("`{}`: {} `{}` in `{system}`, {taken}", place.what, place.verb(), place.path));
        }
        match around.last_mut().filter(|outer| outer.path == place.path) {
            Some(same) => same.written = same.written.or(place.is_written.then_some(place)),
            None => {
                let written = place.is_written.then_some(place);
                around.push(Taken { path: place.path, first: place, written });
            }
        }
    }
}

fn find<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, name| match &node.value {
        Content::Map(members) => members.iter().find(|(key, _)| key.name == *name).map(|(_, member)| member),
        _ => None,
    })
}
