//! Finds records that already exist in the target, for changes that have no counterpart yet, by what recognises them.
//!
//! One source record adopts one target record. Whatever is not that clear waits for a person: two records that adopt
//! the same one would overwrite each other for ever.

use crate::engine::Error;
use crate::engine::flow::OpenFlow;
use crate::gate::{CallContext, Purpose};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tollgate_core::entity::{Draft, Stop};
use tollgate_core::model::{Change, Comparison, Condition, EntityId, RunId, json, limits};
use tollgate_sandbox::{CallError, CallLimits, Search};

/// What was found for a change.
pub enum Found {
    /// The record to adopt.
    One(Candidate),
    /// Why it is not clear.
    Ambiguous(Stop),
}

/// A record of the target that has the same value.
pub struct Candidate {
    /// Its key there.
    pub key: String,
    /// The business thing that it belongs to, if it is known already.
    pub entity_id: Option<EntityId>,
}

/// Looks for the counterparts of these changes; by key. Nothing is looked for if the entity has no match field in the
/// target, or its plugin no look-up.
///
/// # Errors
/// The store, or the search in the target.
pub async fn find<'a>(
    flow: &OpenFlow,
    run: &RunId,
    changes: impl Iterator<Item = (&'a Change, &'a Draft)>,
) -> Result<HashMap<String, Found>, Error> {
    let Some(field) = flow.plan.match_fields().first().cloned() else { return Ok(HashMap::new()) };
    let mut wanted: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (change, draft) in changes {
        let value = draft.match_values().iter().find(|(path, _)| *path == field.target_path);
        if let Some((_, value)) = value {
            wanted.entry(json::canonical(value)).or_default().push(&change.key);
        }
    }
    if wanted.is_empty() || flow.to.plugin.exports().iter().all(|export| !export.contains("/lookup@")) {
        return Ok(HashMap::new());
    }
    let values: Vec<String> = wanted.keys().cloned().collect();
    let targets = search_all(flow, run, &field.target_path, &values).await?;
    let linked = Linked::of(flow, targets.values().flatten().map(String::as_str)).await?;
    let mut found = HashMap::new();
    for (value, sources) in wanted {
        let targets = targets.get(&value).map_or(&[][..], Vec::as_slice);
        for source in &sources {
            if let Some(one) = choose(flow, source, &sources, targets, &linked) {
                found.insert((*source).to_owned(), one);
            }
        }
    }
    Ok(found)
}

/// What is known of the records that were found.
struct Linked {
    /// By the target's key.
    entity_ids: HashMap<String, EntityId>,
    /// The source's record of the same thing.
    sources: HashMap<EntityId, String>,
}

impl Linked {
    async fn of(flow: &OpenFlow, targets: impl Iterator<Item = &str>) -> Result<Self, Error> {
        let keys: Vec<&str> = targets.collect();
        let rows = flow.store.records(&flow.tenant, &flow.entity, &flow.to.system, &keys).await?;
        let ids: Vec<&EntityId> = rows.iter().map(|row| &row.entity_id).collect();
        let sources = flow.store.counterparts(&flow.tenant, &flow.entity, &flow.from.system, &ids).await?;
        Ok(Self {
            sources: sources.into_iter().map(|row| (row.entity_id, row.key)).collect(),
            entity_ids: rows.into_iter().map(|row| (row.key, row.entity_id)).collect(),
        })
    }
}

/// What one source record may adopt; none if the target has nothing like it.
fn choose(flow: &OpenFlow, source: &str, sources: &[&str], targets: &[String], linked: &Linked) -> Option<Found> {
    let (from, to) = (&flow.from, &flow.to);
    if sources.len() > 1 {
        let what = format!("{} records of `{}` in `{}` match", sources.len(), from.stream.name, from.system);
        return Some(ambiguous(&format!("{what} ({}): merge them there", listed(sources))));
    }
    let [target] = targets else {
        let what = format!("{} records of `{}` in `{}` match", targets.len(), to.stream.name, to.system);
        let message = format!("{what} ({}): merge them there, or link the right one", listed(targets));
        return (!targets.is_empty()).then(|| ambiguous(&message));
    };
    let entity_id = linked.entity_ids.get(target).cloned();
    let other = entity_id.as_ref().and_then(|id| linked.sources.get(id)).filter(|other| *other != source);
    Some(match other {
        Some(other) => ambiguous(&format!(
            "`{target}` in `{}` is the counterpart of `{other}` in `{}` already: merge the two there",
            to.system, from.system
        )),
        None => Found::One(Candidate { key: target.clone(), entity_id }),
    })
}

fn ambiguous(message: &str) -> Found {
    Found::Ambiguous(Stop {
        field: String::new(),
        rule: "ambiguous".into(),
        message: message.to_owned(),
        needs: Vec::new(),
    })
}

/// The first few, so that a message stays readable.
fn listed<T: AsRef<str>>(keys: &[T]) -> String {
    let shown: Vec<&str> = keys.iter().take(limits::VIOLATIONS_MAX).map(AsRef::as_ref).collect();
    let rest = if keys.len() > shown.len() { ", .." } else { "" };
    format!("{}{rest}", shown.join(", "))
}

/// The target's keys by value. A search may be cut at twice its values, which shows that one of them is not unique; where
/// it was, its halves are searched, so that no other value is taken for absent.
async fn search_all(
    flow: &OpenFlow,
    run: &RunId,
    path: &str,
    values: &[String],
) -> Result<HashMap<String, Vec<String>>, Error> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let mut parts: Vec<&[String]> = values.chunks(limits::SEARCH_VALUES_MAX).collect();
    while let Some(part) = parts.pop() {
        let most = 2 * part.len();
        let changes = search(flow, run, path, part, most).await?;
        if changes.len() >= most && part.len() > 1 {
            let (one, other) = part.split_at(part.len() / 2);
            parts.extend([one, other]);
            continue;
        }
        for change in changes {
            let data = json::parse(&change.data).map_err(|refusal| {
                failed(flow, CallError::Broke(format!("`lookup.search` gave data that is no JSON: {refusal}")))
            })?;
            let value = json::at(&data, path).map(json::canonical).unwrap_or_default();
            found.entry(value).or_default().push(change.key);
        }
    }
    Ok(found)
}

async fn search(
    flow: &OpenFlow,
    run: &RunId,
    path: &str,
    values: &[String],
    most: usize,
) -> Result<Vec<Change>, Error> {
    let only = [Condition { field: path.to_owned(), is: Comparison::OneOf(values.to_vec()) }];
    let call =
        CallContext { run: run.clone(), purpose: Purpose::Lookup, seed: flow.new_seed(), lease: Arc::new(|| true) };
    let door = flow.gate.door(flow.to.line.clone(), call);
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let stream = flow.to.stream.name.as_str().into();
    let search = Search { stream: &stream, only: &only, most };
    flow.to.plugin.search(search, door, CallLimits::default()).await.map_err(|source| failed(flow, source))
}

fn failed(flow: &OpenFlow, source: CallError) -> Error {
    Error::Search {
        flow: flow.name.clone(),
        connection: flow.to.connection.to_string(),
        stream: flow.to.stream.name.clone(),
        source,
    }
}
