//! What each change means: looks up what is known of it, resolves its references, and asks the entity map.
//!
//! All look-ups of a page are made together: a handful of queries for 2,000 changes.

use crate::engine::Error;
use crate::engine::flow::OpenFlow;
use crate::gate::{CallContext, Purpose};
use crate::store::RecordRow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tollgate_core::entity::table::Tables;
use tollgate_core::entity::{By, Counterpart, Draft, Known, Projection, Reference, Stop, Verdict};
use tollgate_core::model::{Change, Comparison, Condition, EntityId, EntityName, RunId, json};
use tollgate_sandbox::{CallLimits, Search};

/// What a change became, with all that the commit needs to know.
pub struct Decided {
    /// The change.
    pub change: Change,
    /// The business thing that it belongs to; new if it was unknown.
    pub entity_id: EntityId,
    /// What was known of it in the source before.
    pub known: Option<RecordRow>,
    /// The target's record that was found by its natural key and is adopted as the counterpart.
    pub adopted: Option<String>,
    /// What the entity map says.
    pub projection: Projection,
}

/// Decides all of `changes`; one change per key.
///
/// # Errors
/// The store, or the search for counterparts in the target.
pub async fn evaluate(
    flow: &OpenFlow,
    run: &RunId,
    changes: Vec<Change>,
    tables: &Tables,
) -> Result<Vec<Decided>, Error> {
    let drafts: Vec<Draft> = changes.iter().map(|change| flow.plan.read(change, tables)).collect();
    let mut known = known(flow, &changes).await?;
    let mut counterparts = counterparts(flow, &known).await?;
    let found = find_counterparts(flow, run, &changes, &drafts, &known, &counterparts).await?;
    let resolved = resolve(flow, &drafts).await?;

    let decide = |(change, draft): (Change, Draft)| {
        let row = known.remove(change.key.as_str());
        let entity_id = row.as_ref().map_or_else(|| flow.new_entity(), |row| row.entity_id.clone());
        let found = found.get(change.key.as_str());
        let (entity_id, adopted) = match found {
            Some(Found::One(record)) => (record.entity_id.clone().unwrap_or(entity_id), Some(record.key.clone())),
            _ => (entity_id, None),
        };
        let counterpart = counterparts.remove(entity_id.as_str());
        let counterpart = match (&counterpart, found) {
            (Some(row), _) => Some(Counterpart { key: &row.key, hash: &row.hash, version: row.version.as_deref() }),
            (None, Some(Found::One(record))) => Some(Counterpart { key: &record.key, hash: "", version: None }),
            _ => None,
        };
        let before = row.as_ref().map(|row| Known { state: &row.state, is_matched: row.is_matched });
        let mut projection =
            draft.finish(before.as_ref(), counterpart.as_ref(), &|reference| resolved.get(reference).cloned());
        if let Some(Found::Several(keys)) = found
            && matches!(projection.verdict, Verdict::Write { .. })
        {
            projection.verdict = Verdict::Held(vec![ambiguous(flow, keys)]);
        }
        Decided { change, entity_id, known: row, adopted, projection }
    };
    Ok(changes.into_iter().zip(drafts).map(decide).collect())
}

/// What we knew of these records in the source.
async fn known(flow: &OpenFlow, changes: &[Change]) -> Result<HashMap<String, RecordRow>, Error> {
    let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    let rows = flow.store.records(&flow.tenant, &flow.entity, &flow.from.system, &keys).await?;
    Ok(rows.into_iter().map(|row| (row.key.clone(), row)).collect())
}

/// Their records in the target, by entity id.
async fn counterparts(
    flow: &OpenFlow,
    known: &HashMap<String, RecordRow>,
) -> Result<HashMap<String, RecordRow>, Error> {
    let ids: Vec<&EntityId> = known.values().map(|row| &row.entity_id).collect();
    let rows = flow.store.counterparts(&flow.tenant, &flow.entity, &flow.to.system, &ids).await?;
    Ok(rows.into_iter().map(|row| (row.entity_id.as_str().to_owned(), row)).collect())
}

/// A record of the target that has the same natural key.
struct Candidate {
    key: String,
    entity_id: Option<EntityId>,
}

enum Found {
    One(Candidate),
    Several(Vec<String>),
}

/// Looks for records that already exist in the target, for changes that have no counterpart yet: first in what is
/// known, then in the target itself.
async fn find_counterparts(
    flow: &OpenFlow,
    run: &RunId,
    changes: &[Change],
    drafts: &[Draft],
    known: &HashMap<String, RecordRow>,
    counterparts: &HashMap<String, RecordRow>,
) -> Result<HashMap<String, Found>, Error> {
    let Some(field) = flow.plan.match_fields().first().cloned() else { return Ok(HashMap::new()) };
    let mut wanted: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (change, draft) in changes.iter().zip(drafts) {
        let has_counterpart =
            known.get(change.key.as_str()).is_some_and(|row| counterparts.contains_key(row.entity_id.as_str()));
        if let (false, Some((_, value))) = (has_counterpart, draft.match_values().first()) {
            wanted.entry(value.to_string()).or_default().push(&change.key);
        }
    }
    if wanted.is_empty() || flow.to.plugin.exports().iter().all(|export| !export.contains("/lookup@")) {
        return Ok(HashMap::new());
    }
    let values: Vec<String> = wanted.keys().cloned().collect();
    let mut by_value: HashMap<String, Vec<String>> = HashMap::new();
    for values in values.chunks(SEARCH_VALUES_MAX) {
        for change in search(flow, run, &field.target_path, values).await? {
            let data = serde_json::from_str(&change.data).map_err(|source| Error::Corrupt {
                flow: flow.name.clone(),
                what: "search result",
                source,
            })?;
            let value = json::at(&data, &field.target_path).map(ToString::to_string).unwrap_or_default();
            by_value.entry(value).or_default().push(change.key);
        }
    }
    let all: Vec<&str> = by_value.values().flatten().map(String::as_str).collect();
    let rows = flow.store.records(&flow.tenant, &flow.entity, &flow.to.system, &all).await?;
    let ids: HashMap<String, EntityId> = rows.into_iter().map(|row| (row.key, row.entity_id)).collect();
    let mut found = HashMap::new();
    for (value, keys) in by_value {
        for source in wanted.get(&value).into_iter().flatten() {
            let one = match keys.as_slice() {
                [key] => Found::One(Candidate { key: key.clone(), entity_id: ids.get(key).cloned() }),
                several => Found::Several(several.to_vec()),
            };
            found.insert((*source).to_owned(), one);
        }
    }
    Ok(found)
}

/// Values in one search: keeps the query text of the smallest vendor limit (SuiteQL, 1,000 list items) far away.
const SEARCH_VALUES_MAX: usize = 100;

async fn search(flow: &OpenFlow, run: &RunId, path: &str, values: &[String]) -> Result<Vec<Change>, Error> {
    let only = [Condition { field: path.to_owned(), is: Comparison::OneOf(values.to_vec()) }];
    let call =
        CallContext { run: run.clone(), purpose: Purpose::Lookup, seed: flow.new_seed(), lease: Arc::new(|| true) };
    let door = flow.gate.door(flow.to.line.clone(), call);
    // Twice the values: enough to see that one of them is not unique.
    let most = u32::try_from(values.len() * 2).unwrap_or(u32::MAX);
    let stream = flow.to.stream.name.as_str().into();
    let search = Search { stream: &stream, only: &only, most };
    flow.to.plugin.search(search, door, CallLimits::default()).await.map_err(|source| Error::Search {
        flow: flow.name.clone(),
        connection: flow.to.connection.to_string(),
        stream: flow.to.stream.name.clone(),
        source,
    })
}

fn ambiguous(flow: &OpenFlow, keys: &[String]) -> Stop {
    Stop {
        field: String::new(),
        rule: "ambiguous".into(),
        message: format!(
            "{} records of `{}` in `{}` match ({}): merge them there, or link the right one",
            keys.len(),
            flow.to.stream.name,
            flow.to.system,
            keys.join(", ")
        ),
        needs: Vec::new(),
    }
}

/// The target's keys of all references.
async fn resolve(flow: &OpenFlow, drafts: &[Draft]) -> Result<HashMap<Reference, String>, Error> {
    let mut by_key: BTreeMap<EntityName, BTreeSet<&str>> = BTreeMap::new();
    let mut by_natural: BTreeMap<EntityName, BTreeSet<&str>> = BTreeMap::new();
    let references: BTreeSet<&Reference> = drafts.iter().flat_map(Draft::references).collect();
    for reference in &references {
        match &reference.by {
            By::Key(key) => by_key.entry(reference.entity.clone()).or_default().insert(key),
            By::Natural(value) => by_natural.entry(reference.entity.clone()).or_default().insert(value),
        };
    }
    let mut keys: HashMap<(EntityName, String), String> = HashMap::new();
    for (entity, wanted) in by_key {
        let wanted: Vec<&str> = wanted.into_iter().collect();
        let sources = flow.store.records(&flow.tenant, &entity, &flow.from.system, &wanted).await?;
        let ids: Vec<&EntityId> = sources.iter().map(|row| &row.entity_id).collect();
        let targets = flow.store.counterparts(&flow.tenant, &entity, &flow.to.system, &ids).await?;
        let targets: HashMap<EntityId, String> = targets.into_iter().map(|row| (row.entity_id, row.key)).collect();
        for source in sources {
            if let Some(target) = targets.get(&source.entity_id) {
                keys.insert((entity.clone(), source.key), target.clone());
            }
        }
    }
    let mut naturals: HashMap<(EntityName, String), String> = HashMap::new();
    for (entity, wanted) in by_natural {
        let wanted: Vec<&str> = wanted.into_iter().collect();
        for row in flow.store.records_by_natural(&flow.tenant, &entity, &flow.to.system, &wanted).await? {
            if let Some(natural) = row.natural {
                naturals.insert((entity.clone(), natural), row.key);
            }
        }
    }
    let target = |reference: &Reference| match &reference.by {
        By::Key(key) => keys.get(&(reference.entity.clone(), key.clone())),
        By::Natural(value) => naturals.get(&(reference.entity.clone(), value.clone())),
    };
    Ok(references.into_iter().filter_map(|reference| Some((reference.clone(), target(reference)?.clone()))).collect())
}
