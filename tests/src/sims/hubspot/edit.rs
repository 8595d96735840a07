//! Edits as a person in the vendor's own user interface would make them.
//!
//! | verb | body | effect |
//! |---|---|---|
//! | `add` | `{"object", "properties": {..}}` | makes a record, answers `{"id"}` |
//! | `set` | `{"object", "id", "properties": {..}}` | sets properties |
//! | `archive` | `{"object", "id"}` | archives a record |
//! | `read` | `{"object", "id"}` | the record with all its properties |
//! | `rotate` | | makes a new token, answers `{"token"}` |

use super::HubSpot;
use super::schema::ObjectType;
use super::store::Record;
use super::values;
use crate::sims::Json;
use crate::sims::control::text;
use serde_json::json;
use std::collections::BTreeMap;

/// Runs a verb.
///
/// # Errors
/// A sentence that says what the verb needs.
pub fn run(account: &HubSpot, verb: &str, body: &Json) -> Result<Json, String> {
    if verb == "rotate" {
        return Ok(json!({ "token": account.rotate() }));
    }
    let name = text(body, "object")?;
    let kind = ObjectType::named(name).ok_or_else(|| format!("{name} is no object of this account"))?;
    let pairs = || body.get("properties").and_then(Json::as_object).ok_or("the body needs an object \"properties\"");
    let id = |id: u64| json!({ "id": id.to_string() });
    match verb {
        "add" => account.edit_record(kind, None, pairs()?).map(id),
        "set" => account.edit_record(kind, Some(text(body, "id")?), pairs()?).map(id),
        "archive" => account.archive(kind, text(body, "id")?).map(id),
        "read" => account.read(kind, text(body, "id")?),
        _ => Err(format!("{verb} is no edit of this vendor: see tests/src/sims/hubspot/edit.rs")),
    }
}

impl HubSpot {
    /// Makes a record, or sets properties of the one with this id, and says its id.
    ///
    /// # Errors
    /// There is no such record, or a value does not fit.
    pub fn edit_record(
        &self,
        kind: ObjectType,
        id: Option<&str>,
        properties: &serde_json::Map<String, Json>,
    ) -> Result<u64, String> {
        let store = &mut self.state().store;
        let values = values::check(store, kind, properties).map_err(|error| error.message)?;
        let now_ms = store.stamper.edit();
        let mut record = match id {
            Some(id) => Record::clone(store.by_id(kind, id).ok_or_else(|| missing(kind, id))?),
            None => {
                let (id, values) = (store.next_id(kind), BTreeMap::new());
                Record { id, values, created_ms: now_ms, modified_ms: now_ms, archived_ms: None }
            }
        };
        values::put(&mut record, values);
        record.modified_ms = now_ms;
        let id = record.id;
        store.put(kind, record);
        Ok(id)
    }

    /// Archives the record with this id.
    ///
    /// # Errors
    /// There is no such record.
    pub fn archive(&self, kind: ObjectType, id: &str) -> Result<u64, String> {
        let store = &mut self.state().store;
        let record = Record::clone(store.by_id(kind, id).ok_or_else(|| missing(kind, id))?);
        let now_ms = store.stamper.edit();
        let id = record.id;
        store.put(kind, Record { archived_ms: Some(now_ms), modified_ms: now_ms, ..record });
        Ok(id)
    }

    /// The record with this id, with all its properties.
    ///
    /// # Errors
    /// There is no such record.
    pub fn read(&self, kind: ObjectType, id: &str) -> Result<Json, String> {
        let state = self.state();
        let record = state.store.by_id(kind, id).ok_or_else(|| missing(kind, id))?;
        Ok(record.show(kind, record.values.keys().copied()))
    }
}

fn missing(kind: ObjectType, id: &str) -> String {
    format!("there is no record {id} of {}", kind.name())
}
