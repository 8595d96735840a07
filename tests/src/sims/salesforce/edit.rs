//! Edits as a person in the vendor's own user interface would make them, and the methods behind them.
//!
//! | verb | body | effect |
//! |---|---|---|
//! | `set` | `{"object", "key", "fields": {..}}` | sets fields of the record with this id or `Name`, those too that the API sets only when it is made |
//! | `add` | `{"object", "fields": {..}}` | makes a record, answers `{"id"}` |
//! | `delete` | `{"object", "key"}` | puts a record into the recycle bin |
//! | `close_deal` | `{"key", "amount", "date"}` | wins an opportunity: stage, amount, close date and the price of its line |
//! | `add_deal` | `{"name", "account", "product", "amount", "date", "stage"}` | makes an opportunity with one line |
//! | `read` | `{"object", "key"}` | the record with all fields |
//! | `use_calls` | `{"count"}` | another user of the organisation makes calls |
//! | `expire_locators` | | ends all links to next pages |
//! | `tokens` | | how many tokens were handed out |

use super::schema::{ObjectIndex, Place};
use super::store::Store;
use super::values::{self, Act};
use super::write::{self, Put};
use super::{Salesforce, Set, State, report};
use crate::sims::Json;
use crate::sims::control::text;
use rust_decimal::Decimal;
use serde_json::{Map, json};

/// Runs a verb.
///
/// # Errors
/// A sentence that says what the verb needs.
pub fn run(org: &Salesforce, verb: &str, body: &Json) -> Result<Json, String> {
    let fields = || body.get("fields").and_then(Json::as_object).ok_or("the body needs an object \"fields\"");
    match verb {
        "set" => org.set(text(body, "object")?, text(body, "key")?, fields()?).map(|id| json!({ "id": id })),
        "add" => org.add(text(body, "object")?, fields()?).map(|id| json!({ "id": id })),
        "delete" => org.delete(text(body, "object")?, text(body, "key")?).map(|id| json!({ "id": id })),
        "close_deal" => {
            let amount = decimal(body, "amount")?;
            org.close_deal(text(body, "key")?, amount, text(body, "date")?).map(|id| json!({ "id": id }))
        }
        "add_deal" => org
            .add_deal(&Deal {
                name: text(body, "name")?,
                account: body.get("account").and_then(Json::as_str),
                product: text(body, "product")?,
                stage: text(body, "stage")?,
                date: text(body, "date")?,
                amount: decimal(body, "amount")?,
            })
            .map(|id| json!({ "id": id })),
        "read" => org.read(text(body, "object")?, text(body, "key")?),
        "use_calls" => {
            let count = body.get("count").and_then(Json::as_u64).ok_or("the body needs a number \"count\"")?;
            org.use_calls(count);
            Ok(json!({ "done": verb }))
        }
        "expire_locators" => {
            org.expire_locators();
            Ok(json!({ "done": verb }))
        }
        "tokens" => Ok(json!({ "issued": org.state().sessions.tokens_issued() })),
        _ => Err(format!("{verb} is no edit of this vendor: see tests/src/sims/salesforce/edit.rs")),
    }
}

/// A deal to be added.
#[derive(Clone, Copy, Debug)]
pub struct Deal<'a> {
    /// Its name: the business key.
    pub name: &'a str,
    /// The name of its account.
    pub account: Option<&'a str>,
    /// The name of the product on its line.
    pub product: &'a str,
    /// Its stage.
    pub stage: &'a str,
    /// Its close date.
    pub date: &'a str,
    /// Its amount: the price of the one line.
    pub amount: Decimal,
}

impl Salesforce {
    /// Sets fields of the record with this id or `Name`, and says its id.
    ///
    /// # Errors
    /// When there is no such record or field, or the value does not fit.
    pub fn set(&self, object: &str, key: &str, fields: &Map<String, Json>) -> Result<String, String> {
        let mut state = self.state();
        let (object, slot) = find(&state.store, object, key)?;
        change(&mut state, object, Some(slot), fields)
    }

    /// Makes a record and says its id.
    ///
    /// # Errors
    /// When a field is unknown or missing, or a value does not fit.
    pub fn add(&self, object: &str, fields: &Map<String, Json>) -> Result<String, String> {
        let mut state = self.state();
        let object = state.store.schema.object(object).ok_or_else(|| format!("{object} is no object"))?;
        change(&mut state, object, None, fields)
    }

    /// Puts a record into the recycle bin and says its id.
    ///
    /// # Errors
    /// When there is no such record.
    pub fn delete(&self, object: &str, key: &str) -> Result<String, String> {
        let mut state = self.state();
        let (object, slot) = find(&state.store, object, key)?;
        let stamp_ms = state.store.stamper.edit();
        state.store.change(object, slot, |row| {
            row.is_deleted = true;
            row.modified_ms = stamp_ms;
        });
        Ok(state.store.id(object, slot))
    }

    /// Wins an opportunity: stage, amount, close date and the price of its line; says its id.
    ///
    /// # Errors
    /// When there is no such opportunity, or the date is none.
    pub fn close_deal(&self, key: &str, amount: Decimal, date: &str) -> Result<String, String> {
        let mut state = self.state();
        let (deals, deal) = find(&state.store, "Opportunity", key)?;
        let id = state.store.id(deals, deal);
        let lines = state.store.object("OpportunityLineItem");
        let relation = state.store.schema.objects[lines].field("OpportunityId").expect("a line has an opportunity");
        if let Some(line) = state.store.children(lines, relation, &id).first().copied() {
            let price = Map::from_iter([("UnitPrice".to_owned(), number(amount))]);
            change(&mut state, lines, Some(line), &price)?;
        }
        let fields = Map::from_iter([
            ("StageName".to_owned(), json!("Closed Won")),
            ("CloseDate".to_owned(), json!(date)),
            ("Amount".to_owned(), number(amount)),
        ]);
        change(&mut state, deals, Some(deal), &fields)
    }

    /// Makes an opportunity with one line and says its id.
    ///
    /// # Errors
    /// When there is no such account or product, or the date is none.
    pub fn add_deal(&self, deal: &Deal<'_>) -> Result<String, String> {
        let mut state = self.state();
        let mut fields = Map::from_iter([
            ("Name".to_owned(), json!(deal.name)),
            ("StageName".to_owned(), json!(deal.stage)),
            ("CloseDate".to_owned(), json!(deal.date)),
            ("Amount".to_owned(), number(deal.amount)),
        ]);
        if let Some(name) = deal.account {
            let (object, slot) = find(&state.store, "Account", name)?;
            fields.insert("AccountId".to_owned(), json!(state.store.id(object, slot)));
        }
        let (entries, entry) = find(&state.store, "PricebookEntry", deal.product)?;
        let entry_id = state.store.id(entries, entry);
        let deals = state.store.object("Opportunity");
        let id = change(&mut state, deals, None, &fields)?;
        let line = Map::from_iter([
            ("OpportunityId".to_owned(), json!(id)),
            ("PricebookEntryId".to_owned(), json!(entry_id)),
            ("Quantity".to_owned(), json!(1)),
            ("UnitPrice".to_owned(), number(deal.amount)),
        ]);
        let lines = state.store.object("OpportunityLineItem");
        change(&mut state, lines, None, &line)?;
        Ok(id)
    }

    /// The record with this id or `Name`, all fields.
    ///
    /// # Errors
    /// When there is no such record.
    pub fn read(&self, object: &str, key: &str) -> Result<Json, String> {
        let state = self.state();
        let (_, slot) = find(&state.store, object, key)?;
        Ok(report::record(&state.store, object, slot))
    }

    /// Lets another user of the organisation make calls: the allowance is everyone's.
    pub fn use_calls(&self, count: u64) {
        self.state().sessions.use_calls(count);
    }

    /// Calls used in the last 24 hours, and allowed.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        self.state().sessions.usage()
    }

    /// Ends all links to next pages.
    pub fn expire_locators(&self) {
        self.state().sessions.expire_locators();
    }

    /// The tokens that are good: what must be found nowhere else.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.state().sessions.tokens()
    }

    /// Raises no write, sets no stamp: how many records of an object there are.
    ///
    /// # Panics
    /// When the object is unknown: a defect of the test.
    #[must_use]
    pub fn count(&self, object: &str) -> usize {
        let state = self.state();
        state.store.tables[state.store.object(object)].by_modified.len()
    }
}

fn number(value: Decimal) -> Json {
    serde_json::from_str(&value.to_string()).unwrap_or_default()
}

fn decimal(body: &Json, name: &str) -> Result<Decimal, String> {
    let text = body.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let text = text.ok_or_else(|| format!("the body needs a number \"{name}\""))?;
    Decimal::from_str_exact(&text).map_err(|error| format!("\"{name}\" is no decimal: {error}"))
}

fn find(store: &Store, object: &str, key: &str) -> Result<(ObjectIndex, u32), String> {
    let index = store.schema.object(object).ok_or_else(|| format!("{object} is no object"))?;
    if let Some(slot) = store.find(index, key) {
        return Ok((index, slot));
    }
    let described = &store.schema.objects[index];
    let Some(Place::Stored(name)) = described.field("Name").map(|field| described.fields[field].place) else {
        return Err(format!("{object} has no name: give an id"));
    };
    let mut rows = store.tables[index].by_modified.iter().map(|(_, slot)| *slot);
    let found = rows.find(|slot| store.row(index, *slot).cells[name].as_text() == Some(key));
    found.map(|slot| (index, slot)).ok_or_else(|| format!("no {object} has the id or name {key}"))
}

fn change(
    state: &mut State,
    object: ObjectIndex,
    target: Option<u32>,
    fields: &Map<String, Json>,
) -> Result<String, String> {
    let store = &mut state.store;
    // Edits may change what the API sets only when a record is made.
    let values = values::read(store, object, fields, Act::Create).map_err(|refusal| refusal.error().message)?;
    let to = Put { object, target, stamp_ms: store.stamper.edit() };
    let slot = write::put(store, &to, values, &mut Vec::new()).map_err(|error| error.message)?;
    Ok(store.id(object, slot))
}

impl<'a> From<&'a str> for Set<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}
