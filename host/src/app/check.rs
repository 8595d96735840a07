//! Whether an entity map fits the systems that it names, as they are now.

use super::connections::one_call;
use super::{App, Error};
use crate::engine::runner::tables;
use crate::gate::Purpose;
use std::collections::BTreeMap;
use tollgate_core::entity::EntityMap;
use tollgate_core::entity::map::fit::{Finding, Place, Severity};
use tollgate_core::model::schema::Stream;
use tollgate_core::model::{EntityName, ReadRequest, SystemName, json};
use tollgate_sandbox::{CallError, CallLimits};

impl App {
    /// Has every system of an entity described by its plugin, reads one page of those that are read, and says what does not
    /// fit the map, the worst first.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is no such entity; what the plugins said; the store.
    pub async fn check_entity(&self, name: &EntityName) -> Result<Vec<Finding>, Error> {
        let documents = self.documents().await?;
        let absent = || Error::Absent { what: "entity", name: name.to_string() };
        let map = documents.entity(name).ok_or_else(absent)?;
        let (mut seen, mut findings) = (BTreeMap::<SystemName, (Stream, Vec<_>)>::new(), Vec::new());
        for (system, place) in &map.systems {
            let opened = self.opener.connection(&documents, &place.connection).await?;
            let failed = |call: &'static str| {
                move |source: CallError| Error::Call { connection: place.connection.clone(), call, source }
            };
            let door = |run: &str, purpose| self.gate.door(opened.line.clone(), one_call(run, purpose));
            let streams = opened.plugin.discover(door("discover", Purpose::Discover), CallLimits::default()).await;
            let mut streams = streams.map_err(failed("discover"))?;
            let Some(at) = streams.iter().position(|stream| stream.name == place.stream.as_str()) else {
                findings.push(no_stream(system, place.stream.as_str(), &streams));
                continue;
            };
            let mut sample = Vec::new();
            if is_read(map, system) && opened.plugin.exports().iter().any(|export| export.contains("/source@")) {
                let request = ReadRequest {
                    stream: place.stream.clone(),
                    cursor: None,
                    fields: Vec::new(),
                    only: Vec::new(),
                    overlap_ms: 0,
                };
                let page = opened.plugin.read(&request, door("check", Purpose::Read), CallLimits::default()).await;
                let changes = page.map_err(failed("read"))?.changes;
                sample.extend(changes.iter().filter_map(|change| json::parse(&change.data).ok()));
            }
            seen.insert(system.clone(), (streams.swap_remove(at), sample));
        }
        let tables = tables(self.store.translations(&self.tenant).await?);
        let places = seen.iter().map(|(system, (stream, sample))| (system.clone(), Place { stream, sample }));
        findings.extend(map.fit(&places.collect(), &tables));
        Ok(findings)
    }
}

/// Whether changes of this system travel to another.
fn is_read(map: &EntityMap, system: &SystemName) -> bool {
    map.fields.iter().any(|field| field.owner == *system)
        || map.lines.iter().any(|lines| lines.owner == *system)
        || map.life.create.as_ref().is_some_and(|create| create.from == *system)
}

fn no_stream(system: &SystemName, wanted: &str, streams: &[Stream]) -> Finding {
    let names: Vec<&str> = streams.iter().map(|stream| stream.name.as_str()).collect();
    Finding {
        severity: Severity::Fault,
        line: 0,
        system: system.clone(),
        field: String::new(),
        message: format!("there is no stream `{wanted}`; there are: {}", names.join(", ")),
        count: None,
    }
}
