//! What each change means: looks up what is known of it, resolves its references, and asks the entity map.
//!
//! All look-ups of a slice are made together: a handful of queries for 400 changes.

use crate::engine::Error;
use crate::engine::find::{Found, find};
use crate::engine::flow::OpenFlow;
use crate::engine::transform::{Fate, Incoming};
use crate::store::RecordRow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tollgate_core::entity::table::Tables;
use tollgate_core::entity::{By, Counterpart, Draft, Known, Projection, Reference, Skip, Verdict};
use tollgate_core::model::{Change, EntityId, EntityName, RunId};

/// What a change became, with all that the commit needs to know.
pub struct Decided {
    /// The change.
    pub change: Change,
    /// What the transforms said of it.
    pub fate: Fate,
    /// The business thing that it belongs to; new if it was unknown.
    pub entity_id: EntityId,
    /// What was known of it in the source before.
    pub known: Option<RecordRow>,
    /// The target's record that was found by its natural key and is adopted as the counterpart.
    pub adopted: Option<String>,
    /// Whether the target is known to have a record of it.
    pub has_counterpart: bool,
    /// What the entity map says.
    pub projection: Projection,
}

/// Decides all of `changes`; one change per key. Those that the transforms let pass are shown to the entity map; of the
/// others, everything that is known stays known.
///
/// # Errors
/// The store, or the search for counterparts in the target.
pub async fn evaluate(
    flow: &OpenFlow,
    run: &RunId,
    changes: Vec<Incoming>,
    tables: &Tables,
) -> Result<Vec<Decided>, Error> {
    let draft = |one: &Incoming| (one.fate == Fate::Passed).then(|| flow.plan.read(&one.change, tables));
    let drafts: Vec<Option<Draft>> = changes.iter().map(draft).collect();
    let mut known = known(flow, &changes).await?;
    let counterparts = counterparts(flow, &known).await?;
    let is_new = |change: &Change| {
        known.get(change.key.as_str()).is_none_or(|row| !counterparts.contains_key(row.entity_id.as_str()))
    };
    let wanted = changes.iter().zip(&drafts).filter_map(|(one, draft)| Some((&one.change, draft.as_ref()?)));
    let wanted = wanted.filter(|(change, _)| is_new(change));
    let found = find(flow, run, wanted).await?;
    let resolved = resolve(flow, drafts.iter().flatten()).await?;

    let decide = |(Incoming { change, fate }, draft): (Incoming, Option<Draft>)| {
        let row = known.remove(change.key.as_str());
        let entity_id = row.as_ref().map_or_else(|| flow.new_entity(), |row| row.entity_id.clone());
        let Some(draft) = draft else {
            let has_counterpart = counterparts.contains_key(entity_id.as_str());
            let projection = kept_out(row.as_ref(), &fate);
            return Decided { change, fate, entity_id, known: row, adopted: None, has_counterpart, projection };
        };
        let found = found.get(change.key.as_str());
        let (entity_id, adopted) = match found {
            Some(Found::One(record)) => (record.entity_id.clone().unwrap_or(entity_id), Some(record.key.clone())),
            _ => (entity_id, None),
        };
        let counterpart = match (counterparts.get(entity_id.as_str()), found) {
            (Some(row), _) => Some(Counterpart { key: &row.key, hash: &row.hash, version: row.version.as_deref() }),
            (None, Some(Found::One(record))) => Some(Counterpart { key: &record.key, hash: "", version: None }),
            _ => None,
        };
        let before = row.as_ref().map(|row| Known { state: &row.state, is_matched: row.is_matched });
        let mut projection =
            draft.finish(before.as_ref(), counterpart.as_ref(), &|reference| resolved.get(reference).cloned());
        if let Some(Found::Ambiguous(stop)) = found
            && matches!(projection.verdict, Verdict::Write { .. })
        {
            projection.verdict = Verdict::Held(vec![stop.clone()]);
        }
        let has_counterpart = counterpart.is_some();
        Decided { change, fate, entity_id, known: row, adopted, has_counterpart, projection }
    };
    Ok(changes.into_iter().zip(drafts).map(decide).collect())
}

/// What a change means that the transforms did not let pass: what is known stays.
fn kept_out(known: Option<&RecordRow>, fate: &Fate) -> Projection {
    let verdict = match fate {
        Fate::Refused(stop) => Verdict::Refused(vec![stop.clone()]),
        Fate::Passed | Fate::Dropped => Verdict::Skipped(Skip::Transform),
    };
    Projection {
        state: known.map(|row| row.state.clone()).unwrap_or_default(),
        natural: known.and_then(|row| row.natural.clone()),
        is_matched: known.is_some_and(|row| row.is_matched),
        verdict,
    }
}

/// What we knew of these records in the source.
async fn known(flow: &OpenFlow, changes: &[Incoming]) -> Result<HashMap<String, RecordRow>, Error> {
    let keys: Vec<&str> = changes.iter().map(|one| one.change.key.as_str()).collect();
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

/// The target's keys of all references.
pub(super) async fn resolve(
    flow: &OpenFlow,
    drafts: impl Iterator<Item = &Draft>,
) -> Result<HashMap<Reference, String>, Error> {
    let mut by_key: BTreeMap<EntityName, BTreeSet<&str>> = BTreeMap::new();
    let mut by_natural: BTreeMap<EntityName, BTreeSet<&str>> = BTreeMap::new();
    let references: BTreeSet<&Reference> = drafts.flat_map(Draft::references).collect();
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
