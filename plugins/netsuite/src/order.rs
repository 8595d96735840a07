//! `salesOrder`: orders and their lines, which are a table of their own in SuiteQL and a sublist in REST.

use crate::record::{Draft, ROWS_MAX, Record, column};
use crate::suiteql::{self, Row};
use crate::write::Rest;
use std::collections::HashMap;
use tollgate_sdk::{
    FieldType::{Choice, Date, Decimal, List, Reference, Text},
    Result, SafeRepeat,
    json::{self, Json, Map},
};

pub(crate) static ORDER: Record = Record {
    name: "salesOrder",
    label: "Sales order",
    letter: "t",
    from: "transaction t",
    filter: Some("t.type = 'SalesOrd'"),
    columns: &[
        column("externalId", "t.externalid", Text),
        column("tranId", "t.tranid", Text),
        column("entity", "t.entity", Reference),
        column("tranDate", "TO_CHAR(t.trandate, 'YYYY-MM-DD')", Date),
        column("memo", "t.memo", Text),
        column("otherRefNum", "t.otherrefnum", Text),
        column("orderStatus", "t.status", Choice),
    ],
    lines: &[
        ("item.items", List),
        ("item.items[].item", Reference),
        ("item.items[].quantity", Decimal),
        ("item.items[].rate", Decimal),
    ],
    custom: "custbody",
    // Few orders a page: each brings its lines.
    page: 200,
    complete: add_lines,
    write: Some(Rest {
        references: &[
            "entity",
            "orderStatus",
            "subsidiary",
            "currency",
            "terms",
            "location",
            "department",
            "class",
            "salesRep",
        ],
        lists: &["item"],
        existing: |_, _| Ok(Vec::new()),
        finish: |_, _| {},
    }),
    repeat: SafeRepeat::ExternalId,
};

/// Gives each order its lines, none included.
fn add_lines(orders: &mut [Draft]) -> Result<()> {
    let ids: Vec<_> = orders.iter().map(|(key, _)| key.as_str()).collect();
    let mut lines: HashMap<String, Vec<Json>> = HashMap::new();
    for row in if ids.is_empty() { Vec::new() } else { rows(&ids.join(", "))? } {
        if let Some(order) = suiteql::text(&row, "transaction") {
            lines.entry(order).or_default().push(line(&row));
        }
    }
    for (key, data) in orders {
        json::set(data, "item.items", Json::Array(lines.remove(key).unwrap_or_default()));
    }
    Ok(())
}

/// All lines of these orders, page by page. The sign is turned: in the ledger, what is sold leaves.
fn rows(ids: &str) -> Result<Vec<Row>> {
    let statement = format!(
        "SELECT tl.transaction AS transaction, tl.item AS item, tl.quantity * -1 AS quantity, tl.rate AS rate \
         FROM transactionline tl WHERE tl.transaction IN ({ids}) AND tl.mainline = 'F' AND tl.taxline = 'F' \
         ORDER BY tl.transaction, tl.linesequencenumber"
    );
    let mut rows = Vec::new();
    for page in 0.. {
        let answer = suiteql::query(&statement, ROWS_MAX, page * ROWS_MAX)?;
        rows.extend(answer.items);
        if !answer.has_more {
            break;
        }
    }
    Ok(rows)
}

fn line(row: &Row) -> Json {
    let mut line = Map::new();
    for (name, is_number) in [("item", false), ("quantity", true), ("rate", true)] {
        if let Some(text) = suiteql::text(row, name) {
            let number = json::number(&text).filter(|_| is_number);
            line.insert(name.into(), number.unwrap_or(Json::String(text)));
        }
    }
    Json::Object(line)
}
