//! What all objects are: reading by time of change and id, look-up.
//!
//! A search pages by counting, gives 10,000 results at most, takes one sort, and promises no order among equals. So each
//! page is a search of its own behind the last record, and instants are read whole.

use crate::describe::{self, Property};
use crate::{api, write};
use serde::Deserialize;
use tollgate_sdk::{
    Change, Condition, Failure, Intent, Outcome, Page, ReadRequest, Result, Serve, Stream, Test, http,
    json::{self, Json, RawValue, json},
    paging::{Keyset, Look, Place},
    query, time,
};

/// Most results of a search, as the system says.
const RESULTS_MAX: u32 = 200;
/// Search knows of a change some seconds later, and two clocks differ: a read looks back this far at least.
const LATE_MS: u32 = 30_000;
/// The property that holds the id.
const ID: &str = "hs_object_id";

/// One object: its stream's name, and what is its own.
pub(crate) struct Object {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// The property that holds the time of change.
    pub(crate) modified: &'static str,
}

#[derive(Deserialize)]
struct Records {
    results: Vec<Record>,
    paging: Option<Json>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    properties: Box<RawValue>,
}

impl Serve for Object {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self) -> Result<Stream> {
        describe::stream(self)
    }

    fn read(&self, request: ReadRequest) -> Result<Page> {
        let request = ReadRequest { overlap_ms: request.overlap_ms.max(LATE_MS), ..request };
        let keyset = Keyset::of(&request)?.settling(time::now_ms());
        let names = self.names(&request.fields)?;
        // Together with a place they stay below the six filters that a group may have.
        let pushed: Vec<_> = query::pushed(&request.only, |only| filter(only, None))?.into_iter().take(4).collect();
        let look = |look: &Look| {
            let (groups, sort) = self.groups(look);
            let groups = groups.into_iter().map(|group| [group, pushed.clone()].concat());
            self.found(groups.collect(), sort, &names, RESULTS_MAX)
        };
        keyset.whole_instants(look, |key| key.parse::<u64>().ok())
    }

    fn write(&self, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
        Ok(write::write(self.name, &intents))
    }

    fn fetch(&self, keys: Vec<String>) -> Result<Vec<Option<Change>>> {
        let ids = keys.iter().filter(|key| key.parse::<u64>().is_ok()).cloned().collect();
        let found = self.batch_read(ids, None, &self.names(&[])?)?;
        Ok(keys.iter().map(|key| found.iter().find(|change| change.key == *key).cloned()).collect())
    }

    /// By a unique property records are read, which knows of each change at once; by others they are searched.
    fn search(&self, only: Vec<Condition>, most: u32) -> Result<Vec<Change>> {
        let properties = describe::ask(self.name)?;
        let names: Vec<_> = properties.iter().map(|property| property.name.clone()).collect();
        let of = |only: &Condition| properties.iter().find(|property| property.name == only.field);
        if let [condition] = &only[..]
            && of(condition).is_some_and(|property| property.has_unique_value)
            && let Test::OneOf(values) = condition.read()?
            && let Some(values) = values.iter().map(json::text).collect::<Option<Vec<_>>>()
        {
            let mut found = self.batch_read(values, Some(&condition.field), &names)?;
            found.truncate(most as usize);
            return Ok(found);
        }
        let filters = query::every(&only, |only| filter(only, of(only)))?;
        Ok(self.found(vec![filters], ID, &names, most.min(RESULTS_MAX))?.0)
    }
}

impl Object {
    /// The properties to ask for: all, where none is wanted.
    fn names(&self, wanted: &[String]) -> Result<Vec<String>> {
        if wanted.is_empty() {
            return Ok(describe::ask(self.name)?.into_iter().map(|property| property.name).collect());
        }
        if let Some(path) = wanted.iter().find(|path| !query::is_name(path)) {
            return Err(Failure::Misconfigured(format!("`{path}` is no property: correct it in the entity map")));
        }
        Ok(wanted.iter().map(String::as_str).chain([self.modified]).map(str::to_owned).collect())
    }

    /// The groups of filters and the sort that a look stands for.
    fn groups(&self, look: &Look) -> (Vec<Vec<Json>>, &'static str) {
        let at = |operator, at: &str| is(self.modified, operator, at);
        let behind = |id: &String| is(ID, "GT", id);
        match look {
            Look::ByTime(Place::Start) => (vec![Vec::new()], self.modified),
            Look::ByTime(Place::Since { at: from }) => (vec![vec![at("GTE", from)]], self.modified),
            Look::ByTime(Place::Behind { at: from, id }) => {
                (vec![vec![at("GT", from)], vec![at("EQ", from), behind(id)]], self.modified)
            }
            Look::ByKey { at: of, behind: id } => {
                (vec![[at("EQ", of)].into_iter().chain(id.as_ref().map(behind)).collect()], ID)
            }
        }
    }

    /// Searches for what meets all filters of one of the groups; says whether there is more.
    fn found(&self, groups: Vec<Vec<Json>>, sort: &str, names: &[String], most: u32) -> Result<(Vec<Change>, bool)> {
        let groups: Vec<_> = groups.into_iter().filter(|group| !group.is_empty()).collect();
        let body = json!({
            "filterGroups": groups.iter().map(|filters| json!({"filters": filters})).collect::<Vec<_>>(),
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}], "properties": names, "limit": most,
        });
        let answer = api::ok(http::request("search").param("object", self.name).json(&body).send()?)?;
        let records: Records = answer.json()?;
        let has_more = records.paging.is_some_and(|paging| !paging["next"].is_null());
        Ok((self.changes(records.results)?, has_more))
    }

    /// Reads records by their ids, or by their values of a unique property; what is not there is left out.
    fn batch_read(&self, ids: Vec<String>, by: Option<&str>, names: &[String]) -> Result<Vec<Change>> {
        let request = |ids: &[String]| {
            let inputs: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
            let body = json!({"properties": names, "idProperty": by, "inputs": inputs});
            http::request("batch-read").param("object", self.name).json(&body)
        };
        let mut found = Vec::new();
        for answer in http::send_all(ids.chunks(write::INPUTS_MAX).map(request).collect()) {
            found.extend(self.changes(api::ok(answer?)?.json::<Records>()?.results)?);
        }
        Ok(found)
    }

    fn changes(&self, records: Vec<Record>) -> Result<Vec<Change>> {
        let change = |record: Record| {
            let members = json::members(record.properties.get())?;
            let missing = || Failure::Fault(format!("record {} of {} has no {}", record.id, self.name, self.modified));
            let modified: String = json::read(members.get(self.modified).ok_or_else(missing)?.get())?;
            let modified_at = time::rfc3339(&modified)?;
            let data = record.properties.get().to_owned();
            Ok(Change::whole_text(self.name, record.id, data).at(modified, modified_at))
        };
        records.into_iter().map(change).collect()
    }
}

fn is(property: &str, operator: &str, value: &str) -> Json {
    json!({"propertyName": property, "operator": operator, "value": value})
}

/// A condition as a filter; none if it cannot be said for certain: a list needs the property's definition, because
/// texts of a list are compared in lower case only.
fn filter(condition: &Condition, property: Option<&Property>) -> Result<Option<Json>> {
    let name = &condition.field;
    let (operator, value) = match condition.read()? {
        Test::OneOf(values) => match (&values[..], property) {
            ([Json::Null], _) => return Ok(Some(json!({"propertyName": name, "operator": "NOT_HAS_PROPERTY"}))),
            ([value], _) => ("EQ", json::text(value)),
            (values, Some(property)) if !values.is_empty() => {
                let fold = |text: String| if property.of == "string" { text.to_lowercase() } else { text };
                let values: Option<Vec<_>> = values.iter().map(|value| json::text(value).map(fold)).collect();
                return Ok(values.map(|values| json!({"propertyName": name, "operator": "IN", "values": values})));
            }
            _ => return Ok(None),
        },
        Test::AtLeast(Json::Number(number)) => ("GTE", Some(number.to_string())),
        Test::Less(Json::Number(number)) => ("LT", Some(number.to_string())),
        Test::AtLeast(_) | Test::Less(_) => return Ok(None),
    };
    Ok(value.map(|value| is(name, operator, &value)))
}
