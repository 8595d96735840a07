//! The ledger of the account: what is truly there, and what was written.

use super::schema::RecordType;
use super::store::{Record, Store, name_field};
use crate::sims::{Json, money};
use rust_decimal::Decimal;
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// Per kind of record: count, duplicates, exact totals, writes.
#[must_use]
pub fn report(store: &Store) -> Json {
    let mut report = Map::new();
    for kind in RecordType::ALL {
        let table = store.table(kind);
        let sum = |pick: fn(&Record) -> Option<Decimal>| money(table.rows.iter().filter_map(pick).sum());
        let totals = match kind {
            RecordType::Customer => json!({ "creditLimit": sum(|row| row.decimal("creditLimit")) }),
            RecordType::InventoryItem => json!({ "basePrice": sum(|row| row.decimal("basePrice")) }),
            RecordType::SalesOrder => json!({ "total": sum(|row| Some(row.total())) }),
        };
        let lines: usize = table.rows.iter().map(|row| row.lines.len()).sum();
        let entry = json!({
            "count": table.rows.len(), "lines": lines, "duplicates": duplicates(kind, &table.rows), "totals": totals,
            "writes": table.writes.report(),
        });
        report.insert(kind.name().to_owned(), entry);
    }
    Json::Object(report)
}

/// What makes two records the same business thing: an order's external id, else its purchase order number, else its
/// memo; a customer's name; an item's name.
#[must_use]
pub fn business_key(kind: RecordType, record: &Record) -> Option<&str> {
    match kind {
        RecordType::Customer => record.text("companyName"),
        RecordType::InventoryItem => record.text(name_field(kind)),
        RecordType::SalesOrder => {
            record.text("otherRefNum").or(record.external_id.as_deref()).or_else(|| record.text("memo"))
        }
    }
}

fn duplicates(kind: RecordType, rows: &[Record]) -> usize {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for key in rows.iter().filter_map(|row| business_key(kind, row)) {
        *seen.entry(key).or_default() += 1;
    }
    seen.values().map(|count| count - 1).sum()
}
