//! Reads a whole map.

use super::scope::Scope;
use super::{Ending, EntityMap, Identity, Life, verify};
use crate::entity::fault::Fault;
use crate::entity::node;

const KEYS: &[&str] = &["entity", "systems", "identity", "life", "fields", "lines"];

pub(super) fn parse(file: &str, text: &str) -> Result<EntityMap, Vec<Fault>> {
    let root = node::parse(file, text).map_err(|fault| vec![fault])?;
    let mut scope = Scope { file, faults: Vec::new() };
    let map = read(&mut scope, &root);
    if let Some(map) = &map {
        verify::verify(&mut scope, map, &root);
    }
    match map {
        Some(map) if scope.faults.is_empty() => Ok(map),
        _ => {
            scope.faults.sort_by_key(|fault| (fault.line, fault.column));
            Err(scope.faults)
        }
    }
}

/// What could be read; `None` only if nothing can be said beyond the faults.
fn read(scope: &mut Scope<'_>, root: &node::Node) -> Option<EntityMap> {
    let members = scope.members(root, "entity map", KEYS)?;
    let entity = scope.required(members, "entity", "entity map");
    let entity = match (entity, members.get("entity")) {
        (Some(name), Some(node)) => scope.name(node.at, name, "entity"),
        _ => None,
    };
    for needed in ["systems", "fields"] {
        if members.get(needed).is_none() {
            scope.fault(members.at, format!("entity map: `{needed}` is missing"));
        }
    }
    let systems = members.get("systems").map(|node| scope.systems(node)).unwrap_or_default();
    // A system with a fault of its own is still a name that fields may use.
    let names: Vec<&str> = match members.get("systems").map(|node| &node.value) {
        Some(node::Content::Map(systems)) => systems.iter().map(|(key, _)| key.name.as_str()).collect(),
        _ => return None,
    };
    let identity = members.get("identity").map_or_else(Identity::default, |node| scope.identity(node, &names));
    let life = members.get("life").map(|node| scope.life(node, &names));
    let life = life.unwrap_or(Life { create: None, delete: Ending::default(), merge: Ending::default() });
    let fields = members.get("fields").map(|node| scope.fields(node, &names, None)).unwrap_or_default();
    let lines = members.get("lines").map(|node| scope.lines(node, &names)).unwrap_or_default();
    Some(EntityMap { entity: entity?.into(), systems, identity, life, fields, lines, file: scope.file.to_owned() })
}
