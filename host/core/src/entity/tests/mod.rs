//! The maps of `fixtures/`, and small maps for single rules, from change to verdict.

mod customer;
mod edges;
mod explain;
mod faults;
mod item;
mod plans;
mod rules;
mod sales_order;

use crate::entity::{Counterpart, Draft, EntityMap, Known, Plan, Projection, Reference, Table, Tables, Verdict};
use crate::model::{Change, EntityName, Json, Operation};
use std::collections::BTreeMap;

pub(crate) const CUSTOMER: &str = include_str!("../fixtures/customer.yaml");
pub(crate) const ITEM: &str = include_str!("../fixtures/item.yaml");
pub(crate) const SALES_ORDER: &str = include_str!("../fixtures/sales_order.yaml");

pub(crate) fn maps() -> BTreeMap<EntityName, EntityMap> {
    [CUSTOMER, ITEM, SALES_ORDER].map(map).into_iter().map(|map| (map.entity.clone(), map)).collect()
}

pub(crate) fn map(text: &str) -> EntityMap {
    EntityMap::parse("map.yaml", text).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

pub(crate) fn plan(entity: &str, from: &str, to: &str) -> Plan {
    let maps = maps();
    maps[entity].plan(&from.into(), &to.into(), &maps).unwrap()
}

/// A map of one value field `f`, owned by `a`, at `A` and `B`; `more` is put among its keys.
pub(crate) fn one_field(more: &str) -> Plan {
    let comma = if more.is_empty() { "" } else { ", " };
    let text = format!(
        "entity: e\nsystems: {{a: {{connection: x, stream: A}}, b: {{connection: y, stream: B}}}}\nlife: {{create: {{from: a, in: [b]}}}}\nfields:\n  f: {{owner: a, a: F, b: f{comma}{more}}}\n"
    );
    map(&text).plan(&"a".into(), &"b".into(), &BTreeMap::new()).unwrap()
}

pub(crate) fn tables(rows: &[(&str, &str, &str)]) -> Tables {
    let mut tables: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (table, from, to) in rows {
        tables.entry((*table).into()).or_default().push(((*from).to_owned(), (*to).to_owned()));
    }
    tables.into_iter().map(|(name, rows)| (name, rows.into_iter().collect::<Table>())).collect()
}

pub(crate) fn change(data: &str) -> Change {
    Change {
        stream: "S".into(),
        key: "K1".into(),
        operation: Operation::Whole,
        version: None,
        modified_at: None,
        data: data.to_owned(),
    }
}

pub(crate) fn read(plan: &Plan, data: &str) -> Draft {
    plan.read(&change(data), &Tables::default())
}

/// Knows every record: its key in the target is `T-` and what names it.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a resolver")]
pub(crate) fn all(reference: &Reference) -> Option<String> {
    use crate::entity::By;
    let (By::Key(name) | By::Natural(name)) = &reference.by;
    Some(format!("T-{name}"))
}

pub(crate) fn nothing(_: &Reference) -> Option<String> {
    None
}

pub(crate) fn target(hash: &str) -> Counterpart<'_> {
    Counterpart { key: "T9", hash, version: None }
}

pub(crate) fn known(projection: &Projection) -> Known<'_> {
    Known { state: &projection.state, is_matched: projection.is_matched }
}

/// The data of a write; panics with the verdict if it is none.
pub(crate) fn data(verdict: &Verdict) -> &Json {
    match verdict {
        Verdict::Write { data, .. } => data,
        other => panic!("no write: {other:?}"),
    }
}

/// `field rule needs` of each stop, and whether it is refused.
pub(crate) fn stops(verdict: &Verdict) -> (bool, Vec<String>) {
    let (is_refused, stops) = match verdict {
        Verdict::Refused(stops) => (true, stops),
        Verdict::Held(stops) => (false, stops),
        other => panic!("no stop: {other:?}"),
    };
    (
        is_refused,
        stops
            .iter()
            .map(|stop| format!("{} {} {}", stop.field, stop.rule, stop.needs.join(" ")).trim().to_owned())
            .collect(),
    )
}
