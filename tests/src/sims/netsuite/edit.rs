//! Edits as a person in the vendor's own user interface would make them, and the methods behind them.
//!
//! | verb | body | effect |
//! |---|---|---|
//! | `set` | `{"record", "key", "fields": {..}}` | sets fields, in the shape of the record API, of the record with this internal id, `eid:` id or name |
//! | `add` | `{"record", "fields": {..}}` | makes a record, answers `{"id"}` |
//! | `set_status` | `{"key", "status"}` | moves a sales order to a status (`B` pending fulfillment .. `H` closed) |
//! | `read` | `{"record", "key"}` | the record with its sublists |
//! | `tokens` | | how many tokens were handed out |

use super::records::{self, Put};
use super::schema::RecordType;
use super::store::Store;
use super::values::Reading;
use super::{NetSuite, Options};
use crate::sims::Json;
use crate::sims::control::text;
use crate::sims::time::Stamper;
use serde_json::{Map, json};

/// Runs a verb.
///
/// # Errors
/// A sentence that says what the verb needs.
pub fn run(account: &NetSuite, verb: &str, body: &Json) -> Result<Json, String> {
    let fields = || body.get("fields").and_then(Json::as_object).ok_or("the body needs an object \"fields\"");
    let id = |id: u64| json!({ "id": id.to_string() });
    match verb {
        "set" => account.set(kind(body)?, text(body, "key")?, fields()?).map(id),
        "add" => account.add(kind(body)?, fields()?).map(id),
        "set_status" => account.set_status(text(body, "key")?, text(body, "status")?).map(id),
        "read" => account.read(kind(body)?, text(body, "key")?),
        "tokens" => Ok(json!({ "issued": account.state().sessions.issued() })),
        _ => Err(format!("{verb} is no edit of this vendor: see tests/src/sims/netsuite/edit.rs")),
    }
}

fn kind(body: &Json) -> Result<RecordType, String> {
    let name = text(body, "record")?;
    RecordType::named(name).ok_or_else(|| format!("{name} is no record of this account"))
}

impl NetSuite {
    /// Sets fields of a record, in the shape of the record API, and says its internal id.
    ///
    /// # Errors
    /// When there is no such record, or a field or value does not fit.
    pub fn set(&self, kind: RecordType, key: &str, fields: &Map<String, Json>) -> Result<u64, String> {
        let mut state = self.state();
        let place = find(&state.store, kind, key)?;
        change(&mut state.store, self.options(), (kind, Some(place)), fields)
    }

    /// Makes a record and says its internal id.
    ///
    /// # Errors
    /// When a field or value does not fit, or one is missing.
    pub fn add(&self, kind: RecordType, fields: &Map<String, Json>) -> Result<u64, String> {
        change(&mut self.state().store, self.options(), (kind, None), fields)
    }

    /// Moves a sales order to a status and says its internal id.
    ///
    /// # Errors
    /// When there is no such order or status.
    pub fn set_status(&self, key: &str, status: &str) -> Result<u64, String> {
        let fields = Map::from_iter([("orderStatus".to_owned(), json!({ "id": status }))]);
        self.set(RecordType::SalesOrder, key, &fields)
    }

    /// A record with its sublists.
    ///
    /// # Errors
    /// When there is no such record.
    pub fn read(&self, kind: RecordType, key: &str) -> Result<Json, String> {
        let state = self.state();
        let place = find(&state.store, kind, key)?;
        Ok(records::record_json(&state.store, self.options(), (kind, place), true))
    }

    /// The tokens that are good: what must be found nowhere else.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.state().sessions.tokens()
    }

    /// How many records of a kind there are.
    #[must_use]
    pub fn count(&self, kind: RecordType) -> usize {
        self.state().store.table(kind).rows.len()
    }
}

fn find(store: &Store, kind: RecordType, key: &str) -> Result<usize, String> {
    let table = store.table(kind);
    let found = match key.strip_prefix("eid:") {
        Some(key) => table.by_external.get(key).copied(),
        None => table.by_name.get(key).copied().or_else(|| store.by_id(kind, key.parse().ok()?)),
    };
    found.ok_or_else(|| format!("no {} has the id or name {key}", kind.name()))
}

fn change(
    store: &mut Store,
    options: &Options,
    (kind, place): (RecordType, Option<usize>),
    fields: &Map<String, Json>,
) -> Result<u64, String> {
    let reading = Reading {
        kind,
        is_strict: true,
        replaces_items: true,
        replaces_addresses: false,
        has_external_ids: !options.without_upsert,
    };
    let to = Put { reading, target: place, external_id: None, stamp: Stamper::edit };
    let place = records::put(store, to, fields).map_err(|error| error.detail)?;
    Ok(Store::id(kind, place))
}
