//! What must hold between documents, and between them and the installed plugins.

use super::{Document, Documents, Fault};
use crate::gate;
use crate::store::InstalledPlugin;
use tollgate_core::entity::place::Part;
use tollgate_core::entity::yaml::unknown;
use tollgate_core::model::connection::Connection;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::manifest::SettingType;
use tollgate_core::model::{Manifest, limits};

impl Documents {
    /// Every fault that what can be read has towards the rest. A setting or an endpoint may be known to any installed
    /// version of the plugin: only so can it be set before the version that needs it becomes active.
    pub fn verify(&self, installed: &[InstalledPlugin]) -> Vec<Fault> {
        let connections = self.connections.values().flat_map(|(document, c)| connection(document, c, installed));
        let mut faults: Vec<Fault> = connections.collect();
        self.systems(&mut faults);
        for (document, flow) in self.flows.values() {
            faults.extend(self.flow_faults(document, flow));
            faults.extend(transforms(document, flow, installed));
        }
        self.rows(&mut faults);
        faults
    }

    fn systems(&self, faults: &mut Vec<Fault>) {
        let known: Vec<&str> = self.connections.keys().map(|name| name.as_str()).collect();
        for (name, map) in &self.entities {
            for (system, place) in &map.systems {
                let to = place.connection.as_str();
                if known.contains(&to) || self.is_unreadable("connection", to) {
                    continue;
                }
                let message = format!("system `{system}`: {}", mend(unknown("connection", to, &known), "add it"));
                let path = ["systems", system.as_str(), "connection"];
                faults.push(self.entity_files[name].fault(&path, Part::Value, message));
            }
        }
    }

    fn flow_faults(&self, document: &Document, flow: &Flow) -> Vec<Fault> {
        let Some(map) = self.entities.get(&flow.entity) else {
            if self.is_unreadable("entity", flow.entity.as_str()) {
                return Vec::new();
            }
            let known: Vec<&str> = self.entities.keys().map(|name| name.as_str()).collect();
            let message = mend(unknown("entity", flow.entity.as_str(), &known), "add it");
            return vec![document.fault(&["entity"], Part::Value, message)];
        };
        let known: Vec<&str> = map.systems.keys().map(|name| name.as_str()).collect();
        let sides = [("from", &flow.from), ("to", &flow.to)];
        let strange = sides.into_iter().filter(|(_, system)| !map.systems.contains_key(*system));
        let faults: Vec<Fault> = strange
            .map(|(key, system)| {
                let message = format!("entity `{}`: {}", flow.entity, unknown("system", system.as_str(), &known));
                document.fault(&[key], Part::Value, message)
            })
            .collect();
        if !faults.is_empty() {
            return faults;
        }
        // A map that refers to an unreadable one has no plan, and no fault.
        let is_hidden = |(kind, name): &(&str, String)| *kind == "entity" && map.refers_to(&name.as_str().into());
        if self.unreadable.iter().any(is_hidden) {
            return Vec::new();
        }
        let fault = map.plan(&flow.from, &flow.to, &self.entities).err();
        // What is no fault of a place in the map is one of the flow that asks for this direction.
        let placed = |fault: Fault| match (fault.line, fault.column) {
            (1, 1) => document.fault(&["to"], Part::Value, fault.message),
            _ => fault,
        };
        fault.map(placed).into_iter().collect()
    }

    fn rows(&self, faults: &mut Vec<Fault>) {
        let most = limits::TABLE_VALUE_BYTES_MAX;
        for (document, table) in &self.tables {
            for (from, to) in &table.rows {
                if [from, to].into_iter().any(|value| value.is_empty() || value.len() > most) {
                    let message =
                        format!("both sides of a row have 1 to {most} bytes; shorten this one, or fill it in");
                    faults.push(document.fault(&["rows", from], Part::Key, message));
                }
            }
        }
    }
}

/// What to do about an unknown word, unless it was a slip and the right one is suggested already.
fn mend(unknown: String, otherwise: &str) -> String {
    if unknown.ends_with('?') { unknown } else { format!("{unknown}; {otherwise}") }
}

fn connection(document: &Document, connection: &Connection, installed: &[InstalledPlugin]) -> Vec<Fault> {
    let of_name = |plugin: &&InstalledPlugin| plugin.row.name == connection.plugin;
    let Some(active) = installed.iter().filter(of_name).find(|plugin| plugin.is_active) else {
        let known: Vec<&str> = installed.iter().filter(|p| p.is_active).map(|p| p.row.name.as_str()).collect();
        let what = unknown("plugin", &connection.plugin, &known);
        let message = format!("plugin `{}` is not installed; install it first: {what}", connection.plugin);
        return vec![document.fault(&["plugin"], Part::Value, message)];
    };
    let manifest = match Manifest::parse(&active.row.manifest) {
        Ok(manifest) => manifest,
        Err(error) => return vec![document.fault(&["plugin"], Part::Value, format!("{error}; install it anew"))],
    };
    let others = installed.iter().filter(of_name).filter(|plugin| !plugin.is_active);
    let others: Vec<Manifest> = others.filter_map(|plugin| Manifest::parse(&plugin.row.manifest).ok()).collect();
    if manifest.plugin.exports.contains("transform") {
        let message = format!("plugin `{}` is a transform; name it under `transforms` of a flow", connection.plugin);
        return vec![document.fault(&["plugin"], Part::Value, message)];
    }
    let mut faults = settings(document, connection, (&manifest, &others));
    let files = gate::verify_files(connection, &manifest).into_iter();
    faults.extend(files.map(|message| document.fault(&["files"], Part::Key, message)));
    for (endpoint, message) in gate::verify_endpoints(connection, &manifest) {
        let is_other = manifest.endpoint(&endpoint).is_none() && others.iter().any(|m| m.endpoint(&endpoint).is_some());
        if !is_other {
            faults.push(document.fault(&["endpoints", endpoint.as_str()], Part::Value, message));
        }
    }
    faults
}

/// What is wrong with the plugins that a flow's pages go through.
fn transforms(document: &Document, flow: &Flow, installed: &[InstalledPlugin]) -> Vec<Fault> {
    let fault = |message: String| document.fault(&["transforms"], Part::Key, message);
    let mut faults = Vec::new();
    if flow.transforms.len() > limits::TRANSFORMS_MAX {
        faults.push(fault(format!("{} transforms; use at most {}", flow.transforms.len(), limits::TRANSFORMS_MAX)));
    }
    for transform in &flow.transforms {
        let name = &transform.plugin;
        let Some(active) = installed.iter().find(|plugin| plugin.is_active && plugin.row.name == *name) else {
            faults.push(fault(format!("transform `{name}` is not installed; install it first")));
            continue;
        };
        match Manifest::parse(&active.row.manifest) {
            Ok(manifest) if !manifest.plugin.exports.contains("transform") => {
                faults.push(fault(format!("plugin `{name}` is a connector and exports no `transform`; take it out")));
            }
            Ok(manifest) => {
                let wrong = gate::verify_settings(&transform.settings, &manifest);
                faults.extend(wrong.into_iter().map(|wrong| fault(format!("transform `{name}`: {wrong}; mend it"))));
            }
            Err(error) => faults.push(fault(format!("transform `{name}`: {error}; install it anew"))),
        }
    }
    faults
}

fn settings(document: &Document, connection: &Connection, (active, others): (&Manifest, &[Manifest])) -> Vec<Fault> {
    let mut faults = Vec::new();
    for setting in active.settings.iter().filter(|setting| setting.required) {
        if !connection.settings.contains_key(&setting.name) {
            let message = format!("setting `{}` is missing: {}; add it under `settings`", setting.name, setting.about);
            faults.push(document.fault(&["settings"], Part::Key, message));
        }
    }
    let names: Vec<&str> = active.settings.iter().map(|setting| setting.name.as_str()).collect();
    for (name, value) in &connection.settings {
        let path = ["settings", name.as_str()];
        match active.settings.iter().find(|setting| setting.name == *name) {
            Some(setting) if !gate::is_of(setting.of, value) => {
                let message = format!("setting `{name}` is {}: {}", wanted(setting.of), setting.about);
                faults.push(document.fault(&path, Part::Value, message));
            }
            Some(_) => {}
            None if others.iter().any(|other| other.settings.iter().any(|setting| setting.name == *name)) => {}
            None => {
                let what = mend(unknown("setting", name, &names), "take it out");
                let message = format!("plugin `{}`: {what}", connection.plugin);
                faults.push(document.fault(&path, Part::Key, message));
            }
        }
    }
    faults
}

fn wanted(of: SettingType) -> &'static str {
    match of {
        SettingType::Text => "a text; put it in quotes",
        SettingType::Integer => "a whole number",
        SettingType::Boolean => "`true` or `false`",
        SettingType::Object => "a map of keys and values",
    }
}
