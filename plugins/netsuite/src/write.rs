//! Writing: one request an intent, all of a call in parallel; the gate bounds how many run at once.

use crate::api;
use crate::record::Record;
use crate::suiteql::{self, Row};
use tollgate_sdk::{
    Action, Failure, Intent, Outcome, Result,
    http::{self, Request, Response},
    json::{self, Json, Map},
};

/// Most intents of a call: 100 requests of which 5 run at once stay within a minute or two.
pub(crate) const INTENTS_MAX: u32 = 100;

/// How the data of a stream becomes a body of the REST API.
pub(crate) struct Rest {
    /// Members that REST wants as `{"id": ..}`.
    pub(crate) references: &'static [&'static str],
    /// Sublists that a write replaces as a whole.
    pub(crate) lists: &'static [&'static str],
    /// Reads what the bodies depend on; fails before anything is written.
    pub(crate) existing: fn(&Record, &[Wanted<'_>]) -> Result<Vec<Row>>,
    /// Finishes a body, given the row of the record if it was read.
    pub(crate) finish: fn(&mut Map<String, Json>, Option<&Row>),
}

/// An intent and its data.
pub(crate) struct Wanted<'a> {
    pub(crate) intent: &'a Intent,
    pub(crate) data: Map<String, Json>,
}

/// Writes intents; one outcome each, in order.
pub(crate) fn write(record: &Record, rest: &Rest, intents: &[Intent]) -> Result<Vec<Outcome>> {
    let wanted = intents.iter().map(|intent| Ok(Wanted { intent, data: json::object(&intent.data)? }));
    let wanted = wanted.collect::<Result<Vec<_>>>()?;
    let existing = (rest.existing)(record, &wanted)?;
    let (mut requests, mut outcomes) = (Vec::new(), Vec::new());
    for Wanted { intent, data } in wanted {
        let row = existing.iter().find(|row| is_of(row, intent));
        let is_new = intent.action == Action::Create || (data.contains_key("defaultAddress") && row.is_none());
        match request(record, rest, intent, body(rest, data, row)) {
            Ok(request) => {
                requests.push(request);
                outcomes.push(Err(is_new));
            }
            Err(failure) => outcomes.push(Ok(Outcome::Failed(failure))),
        }
    }
    let mut answers = http::send_all(requests).into_iter();
    let outcome = |(intent, known): (&Intent, std::result::Result<Outcome, bool>)| {
        known.unwrap_or_else(|is_new| match answers.next() {
            Some(Ok(answer)) => outcome(intent, &answer, is_new),
            Some(Err(error)) => error.outcome(),
            None => Outcome::Unknown("the host gave fewer answers than requests".into()),
        })
    };
    Ok(intents.iter().zip(outcomes).map(outcome).collect())
}

/// Whether a row is the record that an intent names.
fn is_of(row: &Row, intent: &Intent) -> bool {
    match (&intent.external_id, &intent.key) {
        (Some(external), _) => suiteql::text(row, "externalid").as_deref() == Some(&external.value),
        (None, Some(key)) => suiteql::text(row, "id").as_deref() == Some(key),
        (None, None) => false,
    }
}

fn body(rest: &Rest, mut data: Map<String, Json>, row: Option<&Row>) -> Json {
    refer(&mut data, rest.references);
    for list in rest.lists {
        let items = data.get_mut(*list).and_then(|list| list.get_mut("items")).and_then(Json::as_array_mut);
        for line in items.into_iter().flatten().filter_map(Json::as_object_mut) {
            refer(line, &["item", "location", "taxCode", "price", "units"]);
        }
    }
    (rest.finish)(&mut data, row);
    Json::Object(data)
}

/// Makes `{"id": ..}` of ids; `null` clears and stays.
fn refer(members: &mut Map<String, Json>, references: &[&str]) {
    for name in references {
        if let Some(value) = members.get_mut(*name)
            && let Some(id) = json::text(value)
        {
            *value = json::json!({"id": id});
        }
    }
}

fn request(record: &Record, rest: &Rest, intent: &Intent, mut body: Json) -> Result<Request> {
    let route = |route: &str| http::request(route).param("record", record.name).intents([intent.id]);
    let request = match (intent.action, &intent.external_id) {
        (Action::Create, _) => return Ok(route("record-create").json(&body)),
        (Action::Update, _) => route("record-update").param("id", intent.key()?),
        (Action::Upsert, Some(id)) if id.field == "externalId" => {
            // The path says it.
            body.as_object_mut().and_then(|members| members.remove("externalId"));
            route("record-upsert").param("external_id", id.value.as_str())
        }
        (Action::Upsert, _) => {
            let text =
                format!("`{}` is upserted by `externalId` only: name it as the link in the entity map", record.name);
            return Err(Failure::Misconfigured(text));
        }
        (Action::Delete, _) => return Err(Failure::Unsupported(format!("deleting `{}`", record.name))),
    };
    let replaced: Vec<_> = rest.lists.iter().filter(|list| body.get(**list).is_some()).copied().collect();
    let request = if replaced.is_empty() { request } else { request.query("replace", replaced.join(",")) };
    Ok(request.json(&body))
}

fn outcome(intent: &Intent, answer: &Response, is_new: bool) -> Outcome {
    let is_update = intent.action == Action::Update;
    if !answer.is_ok() {
        return api::outcome(answer, is_update, intent.action != Action::Create);
    }
    let location = answer.header("location").and_then(|url| url.trim_end_matches('/').rsplit('/').next());
    let key = location.map(str::to_owned).filter(|key| !key.is_empty());
    match key.or_else(|| intent.key.clone().filter(|_| is_update)) {
        Some(key) => Outcome::stored(key, is_new && !is_update),
        None => Outcome::Unknown("the record is stored, and the answer does not name it".into()),
    }
}
