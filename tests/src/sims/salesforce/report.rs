//! The ledger of the organisation: what is truly there, and what was written.

use super::store::{Store, Table, Value};
use crate::sims::{Json, money};
use rust_decimal::Decimal;
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// Money fields whose exact sums a ledger shows: object and field.
const SUMS: [(&str, &str); 4] = [
    ("Account", "AnnualRevenue"),
    ("Opportunity", "Amount"),
    ("OpportunityLineItem", "TotalPrice"),
    ("PricebookEntry", "UnitPrice"),
];

/// What makes two records of an object the same business thing.
const KEYS: [(&str, &str); 3] = [("Account", "Name"), ("Product2", "Name"), ("Opportunity", "Name")];

/// Per object: count, duplicates, exact totals, writes.
#[must_use]
pub fn report(store: &Store) -> Json {
    let mut report = Map::new();
    for (index, object) in store.schema.objects.iter().enumerate() {
        let table = &store.tables[index];
        let mut entry = json!({
            "count": live(table).count(),
            "duplicates": duplicates(store, object.name),
            "totals": totals(store, object.name),
            "writes": table.writes.report(),
        });
        if object.name == "Opportunity" {
            entry["by_stage"] = by_stage(store);
        }
        report.insert(object.name.to_owned(), entry);
    }
    Json::Object(report)
}

fn live(table: &Table) -> impl Iterator<Item = u32> + '_ {
    table.by_modified.iter().map(|(_, slot)| *slot)
}

/// Records beyond the first of their business key.
fn duplicates(store: &Store, name: &str) -> usize {
    let Some((_, key)) = KEYS.iter().find(|(object, _)| *object == name) else { return 0 };
    let object = store.object(name);
    let slot = store.schema.objects[object].slot(key);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for row in live(&store.tables[object]) {
        *seen.entry(store.row(object, row).cells[slot].as_text().unwrap_or_default()).or_default() += 1;
    }
    seen.values().map(|count| count - 1).sum()
}

fn totals(store: &Store, name: &str) -> Json {
    let mut totals = Map::new();
    for (_, field) in SUMS.iter().filter(|(object, _)| *object == name) {
        let object = store.object(name);
        let slot = store.schema.objects[object].slot(field);
        let rows = live(&store.tables[object]).filter_map(|row| store.row(object, row).cells[slot].as_decimal());
        totals.insert((*field).to_owned(), json!(money(rows.sum())));
    }
    Json::Object(totals)
}

fn by_stage(store: &Store) -> Json {
    let object = store.object("Opportunity");
    let described = &store.schema.objects[object];
    let (stage, amount) = (described.slot("StageName"), described.slot("Amount"));
    let mut stages: BTreeMap<String, (u64, Decimal)> = BTreeMap::new();
    for row in live(&store.tables[object]) {
        let cells = &store.row(object, row).cells;
        let entry = stages.entry(cells[stage].as_text().unwrap_or_default().to_owned()).or_default();
        entry.0 += 1;
        entry.1 += cells[amount].as_decimal().unwrap_or_default();
    }
    stages.into_iter().map(|(name, (count, sum))| (name, json!({ "count": count, "Amount": money(sum) }))).collect()
}

/// One record as JSON, all fields, for a test that looks at a single one.
#[must_use]
pub fn record(store: &Store, name: &str, slot: u32) -> Json {
    let object = store.object(name);
    let fields = store.schema.objects[object].fields.iter().enumerate();
    fields
        .map(|(index, field)| {
            let value = match store.value(object, slot, index) {
                Value::Null => Json::Null,
                Value::Bool(value) => json!(value),
                Value::Number(text) => serde_json::from_str(text).unwrap_or_default(),
                Value::Text(text) => json!(text),
                Value::Time(ms) => json!(super::soql::print::timestamp(ms)),
                Value::Own(..) => json!(store.id(object, slot)),
            };
            (field.name.to_owned(), value)
        })
        .collect()
}
