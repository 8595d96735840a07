//! Writing: up to 200 records of one action a call, each with an outcome of its own.

use crate::api::{self, Problem, Reaction};
use crate::object::Object;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;
use tollgate_sdk::{Action, ExternalId, Failure, Intent, Outcome, Result, Violation, error, http, json};

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
    let mut calls: BTreeMap<Call<'_>, Vec<(usize, Record<'_>)>> = BTreeMap::new();
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

/// A record of a call: the data of its intent as it is, and what names it.
struct Record<'a> {
    object: &'a str,
    /// The member that names the record, and its value.
    name: Option<(&'a str, &'a str)>,
    data: json::Members<'a>,
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let attributes = json::json!({"type": self.object});
        let is_named =
            |member: &str| matches!(member, "Id" | "attributes") || self.name.is_some_and(|(name, _)| name == member);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("attributes", &attributes)?;
        if let Some((member, value)) = self.name {
            map.serialize_entry(member, value)?;
        }
        for (member, value) in self.data.iter().filter(|(member, _)| !is_named(member)) {
            map.serialize_entry(member, value)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "allOrNone")]
    all_or_none: bool,
    records: Vec<&'a Record<'a>>,
}

/// The call that an intent belongs to, and its record there.
fn record<'a>(object: &'a str, intent: &'a Intent) -> Result<(Call<'a>, Record<'a>)> {
    let data = json::members(&intent.data)?;
    let (call, name) = match (intent.action, &intent.external_id) {
        (Action::Create, _) => (Call::Create, None),
        (Action::Update, _) => (Call::Update, Some(("id", intent.key()?))),
        (Action::Upsert, Some(ExternalId { field, value })) => {
            (Call::Upsert(field), Some((field.as_str(), value.as_str())))
        }
        (Action::Upsert, None) => return Err(Failure::Fault(format!("intent {} has no external id", intent.id))),
        (Action::Delete, _) => return Err(Failure::Unsupported(format!("deleting a record of {object}"))),
    };
    Ok((call, Record { object, name, data }))
}

/// Sends one call; one outcome for each record.
fn send(object: &str, call: Call<'_>, ids: impl Iterator<Item = u32>, records: Vec<&Record<'_>>) -> Vec<Outcome> {
    let request = match call {
        Call::Create => http::request("collections-create"),
        Call::Update => http::request("collections-update"),
        Call::Upsert(field) => http::request("collections-upsert").param("object", object).param("field", field),
    };
    let count = records.len();
    let all = |outcome: Outcome| vec![outcome; count];
    let answer = match request.json(&Body { all_or_none: false, records }).intents(ids).send() {
        Ok(answer) => answer,
        Err(error) => return all(error.outcome()),
    };
    if !answer.is_ok() {
        return all(error::of_write(answer.status(), api::failure(&answer), call != Call::Create));
    }
    match answer.json::<Vec<Done>>() {
        Ok(done) if done.len() == count => done.into_iter().map(|done| outcome(call, done)).collect(),
        _ => all(Outcome::Unknown(format!("the answer does not say what became of {count} records"))),
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
