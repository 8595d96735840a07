//! Runs a bound query over the store: which records, in which order.

use super::bind::{Path, Plan, Test, Want};
use super::parse::Operator;
use crate::sims::salesforce::schema::{ObjectIndex, Place};
use crate::sims::salesforce::store::{Store, Value};
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The places of the records that a query answers with, in its order.
#[must_use]
pub fn run(store: &Store, plan: &Plan, with_deleted: bool) -> Vec<u32> {
    let object = plan.shape.object;
    let holds = |slot: u32| plan.test.as_ref().is_none_or(|test| is_true(store, object, slot, test));
    let wanted = plan.limit.unwrap_or(usize::MAX).saturating_add(plan.offset);
    let mut found: Vec<u32> = if with_deleted {
        let count = u32::try_from(store.tables[object].rows.len()).unwrap_or(u32::MAX);
        (0..count).filter(|slot| holds(*slot)).collect()
    } else if let Some(places) = plan.test.as_ref().and_then(|test| named(store, object, test)) {
        let lives = |slot: &u32| !store.row(object, *slot).is_deleted && holds(*slot);
        places.into_iter().filter(lives).collect()
    } else {
        let (from, to) = plan.test.as_ref().map_or((i64::MIN, i64::MAX), |test| window(store, test));
        let range = store.tables[object].by_modified.range((from, 0)..=(to, u32::MAX)).map(|(_, slot)| *slot);
        // The index is in this very order, so that a limit ends the walk.
        if is_by_modified(store, plan) {
            let mut found: Vec<u32> = range.filter(|slot| holds(*slot)).take(wanted).collect();
            found.drain(..plan.offset.min(found.len()));
            return found;
        }
        let mut found: Vec<u32> = range.filter(|slot| holds(*slot)).collect();
        found.sort_unstable();
        found
    };
    if !plan.order.is_empty() {
        found.sort_by(|a, b| compare_rows(store, plan, *a, *b));
    }
    found.truncate(wanted);
    found.drain(..plan.offset.min(found.len()));
    found
}

/// The children of one record that a sub-select answers with, in its order.
#[must_use]
pub fn run_children(store: &Store, plan: &Plan, places: &[u32]) -> Vec<u32> {
    let object = plan.shape.object;
    let holds = |slot: &u32| plan.test.as_ref().is_none_or(|test| is_true(store, object, *slot, test));
    let mut found: Vec<u32> = places.iter().copied().filter(holds).collect();
    if !plan.order.is_empty() {
        found.sort_by(|a, b| compare_rows(store, plan, *a, *b));
    }
    found.truncate(plan.limit.unwrap_or(usize::MAX));
    found
}

fn place_of(store: &Store, path: &Path) -> Place {
    store.schema.objects[path.object].fields[path.field].place
}

fn is_by_modified(store: &Store, plan: &Plan) -> bool {
    let keys: Vec<Place> = plan.order.iter().map(|(path, ..)| place_of(store, path)).collect();
    let rises = plan.order.iter().all(|(path, descending, _)| path.hops.is_empty() && !descending);
    rises && matches!(keys.as_slice(), [Place::Modified] | [Place::Modified, Place::Id])
}

/// The modification times between which every match lies.
fn window(store: &Store, test: &Test) -> (i64, i64) {
    let all = (i64::MIN, i64::MAX);
    match test {
        Test::And(parts) => {
            parts.iter().map(|part| window(store, part)).fold(all, |(from, to), (f, t)| (from.max(f), to.min(t)))
        }
        Test::Or(parts) => parts
            .iter()
            .map(|part| window(store, part))
            .reduce(|(from, to), (f, t)| (from.min(f), to.max(t)))
            .unwrap_or(all),
        Test::Compare(path, operator, Want::Time(ms))
            if path.hops.is_empty() && place_of(store, path) == Place::Modified =>
        {
            match operator {
                Operator::Equal => (*ms, *ms),
                Operator::Greater => (ms + 1, i64::MAX),
                Operator::GreaterOrEqual => (*ms, i64::MAX),
                Operator::Less => (i64::MIN, ms - 1),
                Operator::LessOrEqual => (i64::MIN, *ms),
                Operator::Unequal => all,
            }
        }
        Test::Not(_) | Test::Compare(..) | Test::In(..) => all,
    }
}

/// The few records that a condition on ids, unique fields or references names; none where it names no few.
fn named(store: &Store, object: ObjectIndex, test: &Test) -> Option<BTreeSet<u32>> {
    match test {
        Test::And(parts) => parts.iter().find_map(|part| named(store, object, part)),
        Test::Or(parts) => {
            let sets: Option<Vec<_>> = parts.iter().map(|part| named(store, object, part)).collect();
            Some(sets?.into_iter().flatten().collect())
        }
        Test::Compare(path, Operator::Equal, want) => named_by(store, object, path, std::slice::from_ref(want)),
        Test::In(path, wants, false) => named_by(store, object, path, wants),
        Test::Not(_) | Test::Compare(..) | Test::In(..) => None,
    }
}

fn named_by(store: &Store, object: ObjectIndex, path: &Path, wants: &[Want]) -> Option<BTreeSet<u32>> {
    if !path.hops.is_empty() {
        return None;
    }
    let table = &store.tables[object];
    let mut places = BTreeSet::new();
    for want in wants {
        match want {
            Want::Own(place, _) => places.extend(place.filter(|place| (*place as usize) < table.rows.len())),
            Want::Folded(text) => places.extend(table.unique.get(&path.field)?.get(text)),
            Want::Exact(id) if table.children.contains_key(&path.field) && id.len() == 18 => {
                places.extend(store.children(object, path.field, id));
            }
            _ => return None,
        }
    }
    Some(places)
}

fn is_true(store: &Store, object: ObjectIndex, slot: u32, test: &Test) -> bool {
    match test {
        Test::And(parts) => parts.iter().all(|part| is_true(store, object, slot, part)),
        Test::Or(parts) => parts.iter().any(|part| is_true(store, object, slot, part)),
        Test::Not(inner) => !is_true(store, object, slot, inner),
        Test::Compare(path, operator, want) => {
            let order = compare(value_at(store, object, slot, path), want);
            match (operator, order) {
                (Operator::Equal, order) => order == Some(Ordering::Equal),
                (Operator::Unequal, order) => order != Some(Ordering::Equal),
                // An empty value is neither more nor less than anything.
                (_, None) => false,
                (Operator::Less, Some(order)) => order == Ordering::Less,
                (Operator::LessOrEqual, Some(order)) => order != Ordering::Greater,
                (Operator::Greater, Some(order)) => order == Ordering::Greater,
                (Operator::GreaterOrEqual, Some(order)) => order != Ordering::Less,
            }
        }
        Test::In(path, wants, turned) => {
            let value = value_at(store, object, slot, path);
            wants.iter().any(|want| compare(value, want) == Some(Ordering::Equal)) != *turned
        }
    }
}

fn value_at<'a>(store: &'a Store, object: ObjectIndex, slot: u32, path: &Path) -> Value<'a> {
    let mut at = (object, slot);
    for hop in &path.hops {
        match store.follow(at.0, at.1, *hop) {
            Some(next) => at = next,
            None => return Value::Null,
        }
    }
    store.value(at.0, at.1, path.field)
}

/// How a value stands to a literal; none where one of them is empty and the other is not, or the kinds differ.
fn compare(value: Value<'_>, want: &Want) -> Option<Ordering> {
    match (value, want) {
        (Value::Null, Want::Null) => Some(Ordering::Equal),
        (Value::Bool(value), Want::Bool(want)) => Some(value.cmp(want)),
        (Value::Number(value), Want::Number(want)) => Some(Decimal::from_str_exact(value).ok()?.cmp(want)),
        (Value::Time(value), Want::Time(want)) => Some(value.cmp(want)),
        (Value::Own(_, slot), Want::Own(Some(want), _)) => Some(slot.cmp(want)),
        (Value::Own(prefix, slot), Want::Own(None, want)) => {
            Some(crate::sims::salesforce::ids::id(prefix, slot).as_str().cmp(want))
        }
        (Value::Text(value), Want::Folded(want)) => Some(value.to_lowercase().as_str().cmp(want)),
        // An id of 15 characters means the same record as its 18.
        (Value::Text(value), Want::Exact(want)) if want.len() == 15 && value.len() == 18 => {
            Some(value[..15].cmp(want.as_str()))
        }
        (Value::Text(value), Want::Exact(want)) => Some(value.cmp(want.as_str())),
        _ => None,
    }
}

fn compare_rows(store: &Store, plan: &Plan, a: u32, b: u32) -> Ordering {
    let object = plan.shape.object;
    for (path, is_descending, is_nulls_last) in &plan.order {
        let (left, right) = (value_at(store, object, a, path), value_at(store, object, b, path));
        let order = match (left, right) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => {
                if *is_nulls_last {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (_, Value::Null) => {
                if *is_nulls_last {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (left, right) => {
                let order = compare_values(left, right);
                if *is_descending { order.reverse() } else { order }
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.cmp(&b)
}

fn compare_values(left: Value<'_>, right: Value<'_>) -> Ordering {
    let number = |text: &str| Decimal::from_str_exact(text).unwrap_or_default();
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(&right),
        (Value::Number(left), Value::Number(right)) => number(left).cmp(&number(right)),
        (Value::Time(left), Value::Time(right)) => left.cmp(&right),
        (Value::Own(_, left), Value::Own(_, right)) => left.cmp(&right),
        (Value::Text(left), Value::Text(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
        _ => Ordering::Equal,
    }
}
