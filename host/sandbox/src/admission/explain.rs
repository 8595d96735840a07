//! Whether the manifest explains the binary: every import a capability, every export a claim, and the other way round.

use super::shape::{Item, Section, Shown, interface};
use crate::line;
use std::collections::BTreeSet;
use tollgate_core::model::manifest::{CAPABILITIES, EXPORTS};
use tollgate_core::model::{Manifest, limits, manifest};

/// Parts of the contract that a plugin may know of and this host does not offer yet.
const NOT_OFFERED: &[&str] = &["storage", "inbox"];

/// The manifest, if it can be read, and every reason against the component.
pub(super) fn verify(shown: &Shown) -> (Option<Manifest>, Vec<String>) {
    let mut reasons = Vec::new();
    let imports = known(&shown.imports, "imports", CAPABILITIES, &mut reasons);
    let exports = known(&shown.exports, "exports", EXPORTS, &mut reasons);
    verify_kind(&imports, &exports, &mut reasons);
    let manifest = match read(&shown.manifests) {
        Ok(manifest) => {
            compare("imports", "plugin.capabilities", &imports, &manifest.plugin.capabilities, &mut reasons);
            compare("exports", "plugin.exports", &exports, &manifest.plugin.exports, &mut reasons);
            verify_network(&manifest, &imports, &mut reasons);
            Some(manifest)
        }
        Err(reason) => {
            reasons.push(reason);
            None
        }
    };
    (manifest, reasons)
}

/// The interfaces among the items that are on the list; a reason for each item that is not.
fn known<'a>(items: &'a [Item], verb: &str, offered: &[&str], reasons: &mut Vec<String>) -> BTreeSet<&'a str> {
    let mut known = BTreeSet::new();
    for item in items {
        let name = line::plain(&item.name);
        match interface(&item.name) {
            // Words without power: they come with every other interface.
            Some("types") if item.kind == "instance" && verb == "imports" => {}
            Some(interface) if item.kind == "instance" && offered.contains(&interface) => {
                known.insert(interface);
            }
            Some(interface) if NOT_OFFERED.contains(&interface) => {
                reasons.push(format!("{verb} `{name}`: part of the contract, but not offered by this host"));
            }
            Some(_) if item.kind == "instance" => {
                reasons.push(format!("{verb} `{name}`: not one of {}", offered.join(", ")));
            }
            Some(_) => reasons.push(format!("{verb} `{name}` as a {}: the contract has interfaces only", item.kind)),
            None => reasons.push(format!("{verb} `{name}`: a plugin {verb} only tollgate:plugin/*@0.1.x")),
        }
    }
    known
}

/// A connector has `setup`; a transform has nothing else and no network.
fn verify_kind(imports: &BTreeSet<&str>, exports: &BTreeSet<&str>, reasons: &mut Vec<String>) {
    let is_transform = exports.contains("transform");
    if is_transform && exports.len() > 1 {
        reasons.push("exports `transform` beside a connector's interfaces: a transform is a plugin of its own".into());
    } else if is_transform && imports.contains("http") {
        reasons.push("imports `http` and exports `transform`: a transform has no network".into());
    } else if is_transform && imports.contains("files") {
        reasons.push("imports `files` and exports `transform`: a transform has no files".into());
    } else if !is_transform && exports.is_empty() {
        reasons.push("exports nothing that a host could call".into());
    } else if !is_transform && !exports.contains("setup") {
        reasons.push("does not export `setup`: every connector can be checked".into());
    }
}

fn read(sections: &[Section]) -> Result<Manifest, String> {
    let name = manifest::SECTION;
    let [section] = sections else {
        return Err(match sections.len() {
            0 => {
                format!("there is no manifest (custom section `{name}`): run `tollgate plugin build`, which embeds it")
            }
            count => {
                format!("there are {count} manifests (custom section `{name}`); exactly one says what the plugin asks")
            }
        });
    };
    if !section.is_outermost {
        return Err(format!(
            "the manifest (custom section `{name}`) belongs to a part of the component, not to the whole"
        ));
    }
    if section.data.len() > limits::MANIFEST_BYTES_MAX {
        return Err(format!("manifest: {} bytes; at most {}", section.data.len(), limits::MANIFEST_BYTES_MAX));
    }
    let text = std::str::from_utf8(&section.data).map_err(|error| format!("manifest: {error}"))?;
    Manifest::parse(text).map_err(|error| error.to_string())
}

fn compare(verb: &str, list: &str, shown: &BTreeSet<&str>, claimed: &BTreeSet<String>, reasons: &mut Vec<String>) {
    for name in shown.iter().filter(|name| !claimed.contains(**name)) {
        reasons.push(format!("{verb} `{name}`, which the manifest does not explain: add it to {list}"));
    }
    for name in claimed.iter().filter(|name| !shown.contains(name.as_str())) {
        reasons.push(format!("{list} claims `{name}`, which the binary does not show: remove it"));
    }
}

/// What a manifest asks of the network must have a use.
fn verify_network(manifest: &Manifest, imports: &BTreeSet<&str>, reasons: &mut Vec<String>) {
    if imports.contains("http") {
        return;
    }
    let asked = [
        ("endpoints", manifest.endpoints.len()),
        ("routes", manifest.routes.len()),
        ("credentials", manifest.credentials.len()),
    ];
    for (what, _) in asked.iter().filter(|(_, count)| *count > 0) {
        reasons.push(format!("the manifest asks for {what}, but the binary does not import `http`"));
    }
}
