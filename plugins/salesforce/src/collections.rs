//! Writing: up to 200 records of one action a call, each with an outcome of its own.

use crate::api::{self, Problem, Reaction};
use crate::object::Object;
use serde::Deserialize;
use std::collections::BTreeMap;
use tollgate_sdk::{
    Action, ExternalId, Failure, Intent, Outcome, Result, Violation, error, http,
    json::{self, Json},
};

/// Most records of a call, as the system says.
pub(crate) const RECORDS_MAX: usize = 200;

/// Intents that go into one call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call<'a> {
    Create,
    Update,
    Upsert(&'a str),
}

/// What the system says of a record.
#[derive(Deserialize)]
struct Done {
    id: Option<String>,
    success: bool,
    #[serde(default)]
    errors: Vec<Problem>,
    #[serde(default)]
    created: bool,
}

/// Writes intents of an object as they are.
pub(crate) fn write(object: &Object, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
    Ok(write_object(object.name, &intents))
}

/// Writes intents of a named object; one outcome each, in order.
pub(crate) fn write_object(object: &str, intents: &[Intent]) -> Vec<Outcome> {
    let mut outcomes = BTreeMap::new();
    let mut calls: BTreeMap<Call<'_>, Vec<(usize, Json)>> = BTreeMap::new();
    for (at, intent) in intents.iter().enumerate() {
        match record(object, intent) {
            Ok((call, record)) => calls.entry(call).or_default().push((at, record)),
            Err(failure) => {
                outcomes.insert(at, Outcome::Failed(failure));
            }
        }
    }
    for (call, records) in calls {
        for part in records.chunks(RECORDS_MAX) {
            let ids = part.iter().map(|(at, _)| intents[*at].id);
            let done = send(object, call, ids, part.iter().map(|(_, record)| record).collect());
            outcomes.extend(part.iter().map(|(at, _)| *at).zip(done));
        }
    }
    outcomes.into_values().collect()
}

/// The call that an intent belongs to, and its record there.
fn record<'a>(object: &str, intent: &'a Intent) -> Result<(Call<'a>, Json)> {
    let mut record = json::object(&intent.data)?;
    record.remove("Id");
    record.insert("attributes".into(), json::json!({"type": object}));
    let call = match (intent.action, &intent.external_id) {
        (Action::Create, _) => Call::Create,
        (Action::Update, _) => {
            record.insert("id".into(), intent.key()?.into());
            Call::Update
        }
        (Action::Upsert, Some(ExternalId { field, value })) => {
            record.insert(field.clone(), value.as_str().into());
            Call::Upsert(field)
        }
        (Action::Upsert, None) => return Err(Failure::Fault(format!("intent {} has no external id", intent.id))),
        (Action::Delete, _) => return Err(Failure::Unsupported(format!("deleting a record of {object}"))),
    };
    Ok((call, Json::Object(record)))
}

/// Sends one call; one outcome for each record.
fn send(object: &str, call: Call<'_>, ids: impl Iterator<Item = u32>, records: Vec<&Json>) -> Vec<Outcome> {
    let request = match call {
        Call::Create => http::request("collections-create"),
        Call::Update => http::request("collections-update"),
        Call::Upsert(field) => http::request("collections-upsert").param("object", object).param("field", field),
    };
    let body = json::json!({"allOrNone": false, "records": records});
    let all = |outcome: Outcome| vec![outcome; records.len()];
    let answer = match request.json(&body).intents(ids).send() {
        Ok(answer) => answer,
        Err(error) => return all(error.outcome()),
    };
    if !answer.is_ok() {
        return all(error::of_write(answer.status(), api::failure(&answer), call != Call::Create));
    }
    match answer.json::<Vec<Done>>() {
        Ok(done) if done.len() == records.len() => done.into_iter().map(|done| outcome(call, done)).collect(),
        _ => all(Outcome::Unknown(format!("the answer does not say what became of {} records", records.len()))),
    }
}

fn outcome(call: Call<'_>, done: Done) -> Outcome {
    let is_created = call == Call::Create || done.created;
    match (done.success, done.id) {
        (true, Some(id)) => Outcome::stored(id, is_created),
        (true, None) => Outcome::Unknown("the record is stored, and the answer has no id".into()),
        (false, _) => refusal(call == Call::Update, done.errors),
    }
}

/// What the errors of a record call for: the first in the order of [`Reaction`] decides.
fn refusal(is_update: bool, problems: Vec<Problem>) -> Outcome {
    let reaction = |problem: &Problem| match api::reaction(&problem.code) {
        // An update names its record by id; elsewhere it is a reference that points nowhere.
        Reaction::Gone if !is_update => Reaction::Refuse,
        Reaction::Refuse if is_update && is_wrong_id(problem) => Reaction::Gone,
        reaction => reaction,
    };
    let Some(problem) = problems.iter().min_by_key(|problem| reaction(problem)) else {
        return Outcome::Failed(Failure::Fault("Salesforce refused a record and gave no reason".into()));
    };
    let text = error::brief(&format!("{}: {}", problem.code, problem.message));
    match reaction(problem) {
        Reaction::Transient => Outcome::Failed(Failure::Transient(text)),
        Reaction::RateLimited => Outcome::Failed(Failure::RateLimited(None)),
        Reaction::Unauthorized => Outcome::Failed(Failure::Unauthorized(text)),
        Reaction::Misconfigured => Outcome::Failed(Failure::Misconfigured(text)),
        Reaction::Gone => Outcome::Gone(None),
        Reaction::CursorExpired | Reaction::Refuse => Outcome::Rejected(problems.iter().flat_map(violations).collect()),
    }
}

fn is_wrong_id(problem: &Problem) -> bool {
    problem.code == "INVALID_CROSS_REFERENCE_KEY" && problem.fields.is_empty()
}

fn violations(problem: &Problem) -> Vec<Violation> {
    let rule = match problem.code.as_str() {
        "REQUIRED_FIELD_MISSING" => "required".into(),
        "STRING_TOO_LONG" => "length".into(),
        "DUPLICATE_VALUE" | "DUPLICATES_DETECTED" => "duplicate".into(),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => "choice".into(),
        "INVALID_CROSS_REFERENCE_KEY" | "ENTITY_IS_DELETED" | "NOT_FOUND" => "reference".into(),
        code => code.to_ascii_lowercase().replace('_', "-"),
    };
    let violation = Violation::new(rule, error::brief(&problem.message));
    match &problem.fields[..] {
        [] => vec![violation],
        fields => fields.iter().map(|field| violation.clone().on(field)).collect(),
    }
}
