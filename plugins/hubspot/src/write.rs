//! Writing: up to 100 records of one action a call. Each input has its intent's number as trace id: with it the system
//! stores the good records, and says of each result and error which input it belongs to.

use crate::api::{self, Problem};
use serde::Deserialize;
use tollgate_sdk::{
    Action, ExternalId, Failure, Intent, Outcome, Result, batch, error, http,
    json::{self, Json, Map, json},
};

/// Most inputs of a batch, as the system says.
pub(crate) const INPUTS_MAX: usize = 100;

#[derive(Deserialize)]
struct Done {
    results: Vec<Stored>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Stored {
    id: String,
    #[serde(default)]
    new: bool,
    #[serde(rename = "objectWriteTraceId")]
    trace: Option<String>,
    #[serde(default)]
    properties: Map<String, Json>,
}

/// Writes intents of an object; one outcome each, in order.
pub(crate) fn write(object: &str, intents: &[Intent]) -> Vec<Outcome> {
    batch::write(intents, INPUTS_MAX, |intent| input(object, intent), |route, inputs| send(object, route, inputs))
}

/// The route of an intent, and its input there.
fn input(object: &str, intent: &Intent) -> Result<(&'static str, Json)> {
    let mut properties = json::object(&intent.data)?;
    properties.remove("hs_object_id");
    for (name, value) in &mut properties {
        let no_text =
            || Failure::Misconfigured(format!("`{name}` of {object} takes one plain value, no list or object"));
        // Every value is a text, and the empty one clears.
        *value = if value.is_null() { "".into() } else { json::text(value).ok_or_else(no_text)?.into() };
    }
    let mut input = json!({"objectWriteTraceId": intent.id.to_string(), "properties": properties});
    let route = match (intent.action, &intent.external_id) {
        (Action::Create, _) => "batch-create",
        (Action::Update, _) => {
            input["id"] = intent.key()?.into();
            "batch-update"
        }
        (Action::Upsert, Some(ExternalId { field, value })) => {
            (input["idProperty"], input["id"]) = (field.as_str().into(), value.as_str().into());
            "batch-upsert"
        }
        (Action::Upsert, None) => return Err(Failure::Fault(format!("intent {} has no external id", intent.id))),
        (Action::Delete, _) => return Err(Failure::Unsupported(format!("deleting a record of {object}"))),
    };
    Ok((route, input))
}

/// Sends one call; one outcome for each of its intents.
fn send(object: &str, route: &str, inputs: &[(&Intent, Json)]) -> Vec<Outcome> {
    let all = |outcome: Outcome| vec![outcome; inputs.len()];
    let body = json!({"inputs": inputs.iter().map(|(_, input)| input).collect::<Vec<_>>()});
    let ids = inputs.iter().map(|(intent, _)| intent.id);
    let answer = match http::request(route).param("object", object).json(&body).intents(ids).send() {
        Ok(answer) => answer,
        Err(error) => return all(error.outcome()),
    };
    if !answer.is_ok() {
        return all(error::of_write(answer.status(), api::failure(&answer), route != "batch-create"));
    }
    match answer.json::<Done>() {
        Ok(done) => inputs.iter().map(|(intent, _)| outcome(intent, &done)).collect(),
        Err(_) => all(Outcome::Unknown("the answer does not say what became of the records".into())),
    }
}

fn outcome(intent: &Intent, done: &Done) -> Outcome {
    let trace = Json::String(intent.id.to_string());
    if let Some(stored) = done.results.iter().find(|stored| stored.is_of(intent)) {
        return Outcome::stored(&stored.id, intent.action == Action::Create || stored.new);
    }
    let names = |problem: &&Problem, list: &str, name: &Json| {
        problem.context[list].as_array().is_some_and(|names| names.contains(name))
    };
    let key = intent.key.clone().map_or(Json::Null, Json::String);
    let is_of = |problem: &&Problem| names(problem, "objectWriteTraceId", &trace) || names(problem, "ids", &key);
    match done.errors.iter().find(is_of) {
        Some(problem) => problem.outcome(intent.action == Action::Update),
        None => Outcome::Unknown("the answer does not say what became of the record".into()),
    }
}

impl Stored {
    /// Whether it is what an intent became: by trace id, and where an answer has none, by what names the record.
    fn is_of(&self, intent: &Intent) -> bool {
        match (&self.trace, &intent.external_id) {
            (Some(trace), _) => *trace == intent.id.to_string(),
            (None, Some(ExternalId { field, value })) => {
                self.properties.get(field).and_then(Json::as_str).is_some_and(|found| found.eq_ignore_ascii_case(value))
            }
            (None, None) => intent.key.as_ref() == Some(&self.id),
        }
    }
}
