//! Batches: 100 records a call. Where each input carries a trace id of its own, the good ones are done and the others are
//! said (207); else the first bad one refuses them all.

use super::errors::Error;
use super::schema::ObjectType;
use super::store::{Record, Store, instant};
use super::values::{self, Values};
use crate::sims::Json;
use crate::sims::server::{Answer, Request};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, json};
use std::collections::BTreeSet;

/// Inputs of a batch.
const INPUTS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    inputs: Vec<Input>,
    /// Of a read.
    #[serde(default)]
    properties: Vec<String>,
    id_property: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    id: Option<String>,
    id_property: Option<String>,
    #[serde(default)]
    properties: Map<String, Json>,
    object_write_trace_id: Option<String>,
}

/// What a batch does with its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Create,
    Update,
    Upsert,
}

/// A record that shall be stored.
struct Planned {
    record: Record,
    is_new: bool,
    trace: Option<String>,
}

/// Answers a batch call; `is_locked`: somebody else holds its records.
///
/// # Errors
/// What refuses the batch as a whole.
pub fn answer(
    store: &mut Store,
    kind: ObjectType,
    verb: &str,
    request: &Request,
    is_locked: bool,
) -> Result<Answer, Error> {
    let batch: Batch = serde_json::from_slice(&request.body).map_err(Error::body)?;
    if !(1..=INPUTS_MAX).contains(&batch.inputs.len()) {
        return Err(Error::invalid(format!(
            "The maximum number of inputs supported in a batch request for object types is {INPUTS_MAX}, and the least is 1"
        )));
    }
    if is_locked && verb != "read" {
        return Err(Error::new(StatusCode::LOCKED, "LOCKED", "The records are being changed by another process."));
    }
    let mut ids = BTreeSet::new();
    if let Some(twice) = batch.inputs.iter().filter_map(|input| input.id.as_ref()).find(|id| !ids.insert(*id)) {
        return Err(Error::invalid(format!("Duplicate IDs found in batch input: [{twice}]. IDs must be unique")));
    }
    match verb {
        "read" => read(store, kind, &batch),
        "archive" => archive(store, kind, &batch),
        "create" => write(store, kind, Verb::Create, &batch),
        "update" => write(store, kind, Verb::Update, &batch),
        "upsert" => write(store, kind, Verb::Upsert, &batch),
        _ => Err(Error::no_path()),
    }
}

fn unique_property(store: &Store, kind: ObjectType, name: &str) -> Result<&'static str, Error> {
    let property = store.property(kind, name).filter(|property| property.unique);
    property.map(|property| property.name).ok_or_else(|| {
        Error::invalid(format!("Property {name} is not a unique property of {}: hasUniqueValue is false", kind.title()))
    })
}

fn find<'a>(store: &'a Store, kind: ObjectType, id: &str, property: Option<&str>) -> Result<Option<&'a Record>, Error> {
    let found = match property {
        None => store.by_id(kind, id),
        Some(name) => store.by_unique(kind, unique_property(store, kind, name)?, id),
    };
    Ok(found.map(|record| &**record).filter(|record| record.archived_ms.is_none()))
}

fn not_found(kind: ObjectType, ids: &[&str]) -> Error {
    let kind = kind.title();
    let message =
        format!("Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid.");
    Error::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", message).about(json!({ "ids": ids }))
}

fn read(store: &Store, kind: ObjectType, batch: &Batch) -> Result<Answer, Error> {
    let asked = if batch.properties.is_empty() {
        kind.defaults().to_vec()
    } else {
        batch.properties.iter().map(String::as_str).collect::<Vec<_>>()
    };
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for input in &batch.inputs {
        let id = input.id.as_deref().ok_or_else(|| Error::body("an input has no id"))?;
        match find(store, kind, id, batch.id_property.as_deref())? {
            Some(record) => results.push(record.show(kind, asked.iter().copied())),
            None => missing.push(id),
        }
    }
    results.reverse();
    let errors = if missing.is_empty() { Vec::new() } else { vec![not_found(kind, &missing)] };
    Ok(done(store, results, &errors))
}

fn archive(store: &mut Store, kind: ObjectType, batch: &Batch) -> Result<Answer, Error> {
    let at = store.stamper.write();
    store.table_mut(kind).writes.received += batch.inputs.len() as u64;
    for input in &batch.inputs {
        let id = input.id.as_deref().ok_or_else(|| Error::body("an input has no id"))?;
        if let Some(record) = find(store, kind, id, None)?.cloned() {
            store.put(kind, Record { archived_ms: Some(at), modified_ms: at, ..record });
            store.table_mut(kind).writes.updated += 1;
        }
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn write(store: &mut Store, kind: ObjectType, verb: Verb, batch: &Batch) -> Result<Answer, Error> {
    let traces: BTreeSet<_> = batch.inputs.iter().filter_map(|input| input.object_write_trace_id.as_ref()).collect();
    let is_partial = traces.len() == batch.inputs.len();
    store.table_mut(kind).writes.received += batch.inputs.len() as u64;
    let (mut planned, mut errors, mut claimed) = (Vec::new(), Vec::new(), BTreeSet::new());
    let (now_ms, mut next_id) = (store.stamper.write(), store.next_id(kind));
    for input in &batch.inputs {
        match plan(store, kind, verb, input).and_then(|plan| claim(store, kind, plan, &mut claimed)) {
            Ok(mut plan) => {
                if plan.is_new {
                    (plan.record.id, plan.record.created_ms, next_id) = (next_id, now_ms, next_id + 1);
                }
                plan.record.modified_ms = now_ms;
                planned.push(plan);
            }
            Err(error) if is_partial => {
                errors.push(traced(error, input));
                store.table_mut(kind).writes.rejected += 1;
            }
            Err(error) => {
                store.table_mut(kind).writes.rejected += batch.inputs.len() as u64;
                return Err(error);
            }
        }
    }
    let mut results: Vec<_> = planned.iter().map(|plan| shown(kind, verb, plan)).collect();
    // The vendor does not promise the order of the inputs.
    results.reverse();
    for Planned { record, is_new, .. } in planned {
        let writes = &mut store.table_mut(kind).writes;
        if is_new {
            writes.created += 1
        } else {
            writes.updated += 1
        }
        store.put(kind, record);
    }
    Ok(match done(store, results, &errors) {
        answer if verb == Verb::Create && errors.is_empty() => Answer { status: StatusCode::CREATED, ..answer },
        answer => answer,
    })
}

fn traced(error: Error, input: &Input) -> Error {
    let mut context = error.context.clone();
    context["objectWriteTraceId"] = json!([input.object_write_trace_id]);
    error.about(context)
}

fn shown(kind: ObjectType, verb: Verb, plan: &Planned) -> Json {
    let values = plan.record.values.keys().copied();
    let mut shown = plan.record.show(kind, values);
    if verb == Verb::Upsert {
        shown["new"] = json!(plan.is_new);
    }
    if let Some(trace) = &plan.trace {
        shown["objectWriteTraceId"] = json!(trace);
    }
    shown
}

/// What an input asks for, checked.
fn plan(store: &Store, kind: ObjectType, verb: Verb, input: &Input) -> Result<Planned, Error> {
    let trace = input.object_write_trace_id.clone();
    let blank = || Record { id: 0, values: Default::default(), created_ms: 0, modified_ms: 0, archived_ms: None };
    let id = input.id.as_deref().ok_or_else(|| Error::body("an input has no id"));
    let found = match verb {
        Verb::Create => None,
        Verb::Update => {
            let id = id?;
            Some(find(store, kind, id, input.id_property.as_deref())?.ok_or_else(|| not_found(kind, &[id]))?)
        }
        Verb::Upsert => {
            let name = input.id_property.as_deref().ok_or_else(|| Error::invalid("an upsert needs an idProperty"))?;
            find(store, kind, id?, Some(name))?
        }
    };
    let mut values: Values = values::check(store, kind, &input.properties)?;
    if let (Verb::Upsert, Some(name), Some(id)) = (verb, &input.id_property, &input.id) {
        values.insert(unique_property(store, kind, name)?, Some(id.clone()));
    }
    let is_new = found.is_none();
    let mut record = found.cloned().unwrap_or_else(blank);
    values::put(&mut record, values);
    if is_new && !kind.needed().iter().any(|name| record.values.contains_key(name)) {
        let message = format!("Error creating {}. Some required properties were not set.", kind.title());
        return Err(Error::invalid(message).about(json!({ "properties": kind.needed() })));
    }
    Ok(Planned { record, is_new, trace })
}

/// Refuses a value of a unique property that another record, or an earlier input, has.
fn claim(
    store: &Store,
    kind: ObjectType,
    plan: Planned,
    claimed: &mut BTreeSet<(&'static str, String)>,
) -> Result<Planned, Error> {
    for property in store.properties(kind).iter().filter(|property| property.unique) {
        let Some(value) = plan.record.values.get(property.name) else { continue };
        let holder =
            store.by_unique(kind, property.name, value).filter(|holder| plan.is_new || holder.id != plan.record.id);
        if holder.is_none() && claimed.insert((property.name, value.to_lowercase())) {
            continue;
        }
        let title = kind.title();
        return Err(match holder.filter(|_| property.name == "email") {
            Some(holder) => {
                let message = format!("Contact already exists. Existing ID: {}", holder.id);
                Error::new(StatusCode::CONFLICT, "CONFLICT", message)
            }
            None => {
                let message = format!(
                    "Cannot set PropertyValueCoordinates: {title} already has that value for {}",
                    property.name
                );
                let fault = json!([{ "isValid": false, "message": message, "error": "CONFLICTING_UNIQUE_VALUE",
                                     "name": property.name, "localizedErrorMessage": message, "portalId": null }]);
                Error::invalid(format!("Property values were not valid: {fault}"))
            }
        });
    }
    Ok(plan)
}

fn done(store: &Store, results: Vec<Json>, errors: &[Error]) -> Answer {
    let now = instant(store.stamper.clock().now_ms());
    let mut body = json!({ "status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now });
    if errors.is_empty() {
        return Answer::json(StatusCode::OK, &body);
    }
    body["numErrors"] = json!(errors.len());
    body["errors"] = errors.iter().map(Error::part).collect();
    Answer::json(StatusCode::MULTI_STATUS, &body)
}
