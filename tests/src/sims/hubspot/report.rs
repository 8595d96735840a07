//! The ledger of the account: what is truly there, what was written, how near its limits came.

use super::schema::ObjectType;
use super::store::{Record, Store};
use crate::sims::{Json, money};
use rust_decimal::Decimal;
use serde_json::{Map, json};
use std::collections::BTreeSet;

/// Per kind of object: count, archived, duplicates, exact totals, writes.
#[must_use]
pub fn report(store: &Store) -> Map<String, Json> {
    let entry = |kind: ObjectType| {
        let table = store.table(kind);
        let (archived, rows): (Vec<_>, Vec<_>) = table.rows.iter().partition(|row| row.archived_ms.is_some());
        let sum = |name: &str| -> Decimal {
            rows.iter().filter_map(|row| row.values.get(name)?.parse::<Decimal>().ok()).sum()
        };
        let totals = match kind {
            ObjectType::Company => json!({ "annualrevenue": money(sum("annualrevenue")) }),
            ObjectType::Deal => json!({ "amount": money(sum("amount")) }),
            ObjectType::Product => json!({ "price": money(sum("price")) }),
            ObjectType::Contact => json!({}),
        };
        let keys: Vec<_> = rows.iter().filter_map(|row| business_key(kind, row)).collect();
        let distinct: BTreeSet<_> = keys.iter().collect();
        let entry = json!({
            "count": rows.len(), "archived": archived.len(), "duplicates": keys.len() - distinct.len(),
            "totals": totals, "writes": table.writes.report(),
        });
        (kind.name().to_owned(), entry)
    };
    ObjectType::ALL.into_iter().map(entry).collect()
}

/// What makes two records the same business thing.
fn business_key(kind: ObjectType, record: &Record) -> Option<&str> {
    let name = match kind {
        ObjectType::Company | ObjectType::Product => "name",
        ObjectType::Contact => "email",
        ObjectType::Deal => "dealname",
    };
    record.values.get(name).map(String::as_str)
}
