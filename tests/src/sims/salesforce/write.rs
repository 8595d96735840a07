//! Writes: single records and collections, each record with a result of its own.

use super::cell::Cell;
use super::derive;
use super::errors::ApiError;
use super::ids;
use super::schema::{FieldIndex, ObjectIndex, Place};
use super::store::{Before, Store};
use super::values::{self, Act, Refusal};
use crate::sims::Json;
use serde_json::{Map, json};
use std::collections::HashMap;

/// Records that one collection call may hold.
pub const COLLECTION_RECORDS_MAX: usize = 200;

/// What a write call does with its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Makes records.
    Create,
    /// Changes records that name their id.
    Update,
    /// Makes or changes records of one object by their value of a unique field.
    Upsert(ObjectIndex, FieldIndex),
}

/// What became of one record.
pub struct Done {
    /// Its id.
    pub id: String,
    /// Whether it is new.
    pub is_created: bool,
}

/// One write call.
pub struct Call<'a> {
    /// What is done.
    pub verb: Verb,
    /// The records.
    pub records: &'a [Json],
    /// Whether one refused record takes all back.
    pub all_or_none: bool,
    /// A number that chooses a locked record, if one shall be.
    pub lock: Option<u64>,
}

/// Runs a write call: one result for each record, in order.
///
/// # Errors
/// What fails the request as a whole; then nothing is written.
pub fn run(store: &mut Store, call: &Call<'_>) -> Result<Vec<Result<Done, ApiError>>, ApiError> {
    if call.records.len() > COLLECTION_RECORDS_MAX {
        let why =
            format!("record limit reached. cannot submit more than {COLLECTION_RECORDS_MAX} records into this call");
        return Err(ApiError::new("EXCEEDED_ID_LIMIT", why));
    }
    let parsed = parse(store, call)?;
    let repeated = repeated_keys(store, call, &parsed);
    let locked = call.lock.map(|draw| draw as usize % call.records.len().max(1));
    let stamp_ms = store.stamper.write();
    let mut undo = Vec::new();
    let mut results = Vec::with_capacity(parsed.len());
    for (n, record) in parsed.iter().enumerate() {
        store.tables[record.object].writes.received += 1;
        let result = match (&record.refused, repeated.get(&n)) {
            (Some(refused), _) => Err(refused.clone()),
            (None, Some(key)) => {
                Err(ApiError::new("DUPLICATE_VALUE", format!("Duplicate external id specified: {key}")))
            }
            (None, None) if locked == Some(n) => Err(lock_error(record)),
            (None, None) => apply(store, call.verb, record, stamp_ms, &mut undo),
        };
        results.push(result);
    }
    if call.all_or_none && results.iter().any(Result::is_err) {
        store.undo(undo);
        for result in results.iter_mut().filter(|result| result.is_ok()) {
            let why =
                "Record rolled back because not all records were valid and the request was using AllOrNone header";
            *result = Err(ApiError::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", why));
        }
    }
    for (record, result) in parsed.iter().zip(&results) {
        let writes = &mut store.tables[record.object].writes;
        match result {
            Ok(done) if done.is_created => writes.created += 1,
            Ok(_) => writes.updated += 1,
            Err(_) => writes.rejected += 1,
        }
    }
    Ok(results)
}

struct Record<'a> {
    object: ObjectIndex,
    body: &'a Map<String, Json>,
    id: Option<&'a str>,
    refused: Option<ApiError>,
}

/// Reads all records before any is written: what the parser refuses fails the whole request.
fn parse<'a>(store: &Store, call: &Call<'a>) -> Result<Vec<Record<'a>>, ApiError> {
    let mut parsed = Vec::with_capacity(call.records.len());
    for record in call.records {
        let body = record.as_object().ok_or_else(|| {
            ApiError::new("JSON_PARSER_ERROR", "Cannot deserialize instance of sobject: an object is needed")
        })?;
        let name = body.get("attributes").and_then(|attributes| attributes.get("type")).and_then(Json::as_str);
        let name = name
            .ok_or_else(|| ApiError::new("INVALID_TYPE", "Could not find the type of the sobject: attributes.type"))?;
        let object = store.schema.object(name).filter(|object| match call.verb {
            Verb::Upsert(only, _) => *object == only,
            Verb::Create | Verb::Update => true,
        });
        let object = object
            .ok_or_else(|| ApiError::new("INVALID_TYPE", format!("sObject type '{name}' is not supported here.")))?;
        let id = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("id")).and_then(|(_, id)| id.as_str());
        let act = if call.verb == Verb::Create { Act::Create } else { Act::Update };
        // Checked as the stricter of the two acts later; here only the parser's own refusals count.
        let refused = match values::read(store, object, body, act) {
            Err(Refusal::Request(error)) => return Err(error),
            Err(Refusal::Record(error)) if call.verb == Verb::Create => Some(error),
            Err(Refusal::Record(_)) | Ok(_) => None,
        };
        parsed.push(Record { object, body, id, refused });
    }
    Ok(parsed)
}

/// The records of an upsert that share their key with another one of the same call: the vendor refuses all of them.
fn repeated_keys(store: &Store, call: &Call<'_>, parsed: &[Record<'_>]) -> HashMap<usize, String> {
    let Verb::Upsert(_, field) = call.verb else { return HashMap::new() };
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (n, record) in parsed.iter().enumerate() {
        if let Some(key) = external_key(store, record, field) {
            places.entry(key.to_lowercase()).or_default().push(n);
        }
    }
    let shared = places.into_iter().filter(|(_, places)| places.len() > 1);
    shared.flat_map(|(key, places)| places.into_iter().map(move |n| (n, key.clone()))).collect()
}

fn external_key(store: &Store, record: &Record<'_>, field: FieldIndex) -> Option<String> {
    let name = store.schema.objects[record.object].fields[field].name;
    let value = record.body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)?;
    value.as_str().map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned)
}

fn lock_error(record: &Record<'_>) -> ApiError {
    let what = record.id.unwrap_or("a parent of the record");
    ApiError::new(
        "UNABLE_TO_LOCK_ROW",
        format!("unable to obtain exclusive access to this record or 1 records: {what}"),
    )
}

fn apply(
    store: &mut Store,
    verb: Verb,
    record: &Record<'_>,
    stamp_ms: i64,
    undo: &mut Vec<Before>,
) -> Result<Done, ApiError> {
    let object = record.object;
    let target = target(store, verb, record)?;
    let act = if target.is_some() { Act::Update } else { Act::Create };
    let values = values::read(store, object, record.body, act).map_err(Refusal::error)?;
    let slot = put(store, &Put { object, target, stamp_ms }, values, undo)?;
    Ok(Done { id: store.id(object, slot), is_created: target.is_none() })
}

/// Where values go: into a record that is there, or into a new one.
pub(super) struct Put {
    pub(super) object: ObjectIndex,
    pub(super) target: Option<u32>,
    pub(super) stamp_ms: i64,
}

/// Puts values into a record and says where it is: refuses what is missing or taken, fills in what follows, and carries
/// sums into the parent.
pub(super) fn put(
    store: &mut Store,
    to: &Put,
    values: Vec<(FieldIndex, Cell)>,
    undo: &mut Vec<Before>,
) -> Result<u32, ApiError> {
    let Put { object, target, stamp_ms } = *to;
    let mut cells = match target {
        Some(slot) => store.row(object, slot).cells.clone(),
        None => store.schema.objects[object].blank(),
    };
    for (field, cell) in values {
        if let Place::Stored(place) = store.schema.objects[object].fields[field].place {
            cells[place] = cell;
        }
    }
    if let Some(error) = values::missing(store, object, &cells) {
        return Err(error);
    }
    unique(store, object, target, &cells)?;
    derive::derive(store, object, target, &mut cells)?;
    undo.push(store.before(object, target));
    let slot = match target {
        Some(slot) => {
            store.change(object, slot, |row| {
                row.cells = cells;
                row.modified_ms = stamp_ms;
            });
            slot
        }
        None => store.insert(object, cells, stamp_ms),
    };
    derive::roll_up(store, object, slot, stamp_ms, undo);
    Ok(slot)
}

/// The record that a write is about; none for one to be made.
fn target(store: &Store, verb: Verb, record: &Record<'_>) -> Result<Option<u32>, ApiError> {
    let object = record.object;
    let described = &store.schema.objects[object];
    match verb {
        Verb::Create if record.id.is_some() => {
            Err(ApiError::about("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", &["Id"]))
        }
        Verb::Create => Ok(None),
        Verb::Update => {
            let id = record.id.unwrap_or_default();
            if id.is_empty() {
                return Err(ApiError::about("MISSING_ARGUMENT", "Id not specified in an update call", &["Id"]));
            }
            if !ids::is_id(id) || !id.starts_with(described.prefix) {
                let message = format!("{} ID: id value of incorrect type: {id}", described.name);
                return Err(ApiError::about("MALFORMED_ID", message, &["Id"]));
            }
            match store.find(object, id) {
                None => Err(ApiError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")),
                Some(slot) if store.row(object, slot).is_deleted => {
                    Err(ApiError::new("ENTITY_IS_DELETED", "entity is deleted"))
                }
                slot => Ok(slot),
            }
        }
        Verb::Upsert(_, field) => {
            let name = described.fields[field].name;
            let key = external_key(store, record, field);
            let key =
                key.ok_or_else(|| ApiError::about("MISSING_ARGUMENT", format!("{name} not specified"), &[name]))?;
            Ok(store.by_unique(object, field, &key))
        }
    }
}

/// Refuses a value of a unique field that another record has.
fn unique(store: &Store, object: ObjectIndex, target: Option<u32>, cells: &[Cell]) -> Result<(), ApiError> {
    let described = &store.schema.objects[object];
    for (index, field) in described.fields.iter().enumerate().filter(|(_, field)| field.is_external_id) {
        let Place::Stored(place) = field.place else { continue };
        let Some(key) = cells[place].as_text() else { continue };
        if let Some(other) = store.by_unique(object, index, key).filter(|other| Some(*other) != target) {
            let id = store.id(object, other);
            let message = format!("duplicate value found: {} duplicates value on record with id: {id}", field.name);
            return Err(ApiError::about("DUPLICATE_VALUE", message, &[field.name]));
        }
    }
    Ok(())
}

/// A record's result as collections print it.
#[must_use]
pub fn result_json(result: &Result<Done, ApiError>, with_created: bool) -> Json {
    match result {
        Ok(done) => {
            let mut json = json!({ "id": done.id, "success": true, "errors": [] });
            if with_created {
                json["created"] = json!(done.is_created);
            }
            json
        }
        Err(error) => json!({ "success": false, "errors": [error.of_record()] }),
    }
}
