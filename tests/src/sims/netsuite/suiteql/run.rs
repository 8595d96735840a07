//! Runs a bound query over the store and prints one page of it.

use super::bind::{Join, Placed, Plan};
use super::parse::{Comparison, Condition, EQUAL, Expression};
use super::tables::{Column, Row, Table, Value, value};
use crate::sims::netsuite::store::Store;
use crate::sims::salesforce::cell::push_json_text;
use crate::sims::time::civil;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::cmp::Ordering;

/// One page.
pub struct Page {
    /// Its items, a JSON array.
    pub items: String,
    /// How many there are.
    pub count: usize,
    /// How many the whole query has.
    pub total: usize,
}

/// Runs a query and prints the rows from `offset`, at most `limit`.
#[must_use]
pub fn run(store: &Store, plan: &Plan, (limit, offset): (usize, usize)) -> Page {
    // Constant sides are computed once, not for every row.
    let test = plan.test.as_ref().map(|test| fold(store, test));
    let rows = if only_base(plan) {
        let base = ordered_base(store, plan, test.as_ref());
        let end = (offset + limit).min(base.len());
        let page: Vec<Vec<Row>> =
            base[offset.min(end)..end].iter().flat_map(|row| join(store, plan, vec![*row])).collect();
        return print(store, plan, &page, base.len());
    } else {
        let mut rows: Vec<Vec<Row>> =
            plan.base.rows(store).into_iter().flat_map(|row| join(store, plan, vec![row])).collect();
        rows.retain(|row| test.as_ref().is_none_or(|test| is_true(store, row, test)));
        sort(store, plan, &mut rows);
        rows
    };
    let end = (offset + limit).min(rows.len());
    print(store, plan, &rows[offset.min(end)..end], rows.len())
}

/// Whether the rows of the first table decide everything: the joins only add columns, one row each.
fn only_base(plan: &Plan) -> bool {
    let of_base = |value: &Expression<Placed>| columns(value).iter().all(|placed| placed.source == 0);
    plan.joins.iter().all(adds_columns)
        && plan.test.as_ref().is_none_or(|test| values(test).into_iter().all(of_base))
        && plan.order.iter().all(|(value, _)| of_base(value))
}

/// A left join over a key, or over the one default address, finds one row at most.
fn adds_columns(join: &Join) -> bool {
    let has = |name: &str| {
        let names = |value: &Expression<Placed>| {
            columns(value).iter().any(|placed| matches!(placed.column, Column::Other(column) if column == name))
        };
        values(&join.on).into_iter().any(names)
    };
    let is_key = match join.table {
        Table::AddressBook => has("defaultbilling") || has("defaultshipping"),
        Table::Addresses => has("nkey"),
        Table::Prices => true,
        Table::Records(_) | Table::Lines | Table::Dual => false,
    };
    join.is_left && is_key
}

fn columns(value: &Expression<Placed>) -> Vec<&Placed> {
    match value {
        Expression::Column(placed) => vec![placed],
        Expression::Text(_) | Expression::Number(_) => Vec::new(),
        Expression::ToChar(inner, _) | Expression::ToTime(inner, _) => columns(inner),
        Expression::Math(left, _, right) => columns(left).into_iter().chain(columns(right)).collect(),
    }
}

fn values(condition: &Condition<Placed>) -> Vec<&Expression<Placed>> {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().flat_map(values).collect(),
        Condition::Not(inner) => values(inner),
        Condition::Compare(left, _, right) => vec![left, right],
        Condition::In(value, list) => std::iter::once(value).chain(list).collect(),
        Condition::IsNull(value) => vec![value],
    }
}

/// Replaces `TO_TIMESTAMP('..', '..')` by its instant, kept as a number of milliseconds.
fn fold(store: &Store, condition: &Condition<Placed>) -> Condition<Placed> {
    let value = |side: &Expression<Placed>| match side {
        Expression::ToTime(..) if columns(side).is_empty() => match evaluate(store, &[], side) {
            Value::Time(ms) => Expression::ToTime(Box::new(Expression::Number(Decimal::from(ms))), String::new()),
            _ => side.clone(),
        },
        _ => side.clone(),
    };
    match condition {
        Condition::And(parts) => Condition::And(parts.iter().map(|part| fold(store, part)).collect()),
        Condition::Or(parts) => Condition::Or(parts.iter().map(|part| fold(store, part)).collect()),
        Condition::Not(inner) => Condition::Not(Box::new(fold(store, inner))),
        Condition::Compare(left, comparison, right) => Condition::Compare(value(left), *comparison, value(right)),
        Condition::In(left, list) => Condition::In(value(left), list.clone()),
        Condition::IsNull(left) => Condition::IsNull(left.clone()),
    }
}

/// The matching rows of the first table, in order.
fn ordered_base(store: &Store, plan: &Plan, test: Option<&Condition<Placed>>) -> Vec<Row> {
    let holds = |row: &Row| test.is_none_or(|test| is_true(store, &[*row], test));
    if let Some(rows) = test.and_then(|test| named(store, plan.base, test)) {
        let mut rows: Vec<Vec<Row>> = rows.into_iter().filter(|row| holds(row)).map(|row| vec![row]).collect();
        sort(store, plan, &mut rows);
        rows.dedup();
        return rows.into_iter().map(|row| row[0]).collect();
    }
    if let Table::Records(kind) = plan.base
        && is_by_modified(plan)
    {
        let from = test.map_or(i64::MIN, earliest);
        let index = store.table(kind).by_modified.range((from, 0)..);
        return index.map(|(_, place)| Row::Record(kind, *place)).filter(|row| holds(row)).collect();
    }
    let mut rows: Vec<Vec<Row>> =
        plan.base.rows(store).into_iter().filter(|row| holds(row)).map(|row| vec![row]).collect();
    sort(store, plan, &mut rows);
    rows.into_iter().map(|row| row[0]).collect()
}

fn is_by_modified(plan: &Plan) -> bool {
    let key = |n: usize| match plan.order.get(n) {
        Some((Expression::Column(placed), false)) => Some(&placed.column),
        _ => None,
    };
    plan.order.len() == 2 && key(0) == Some(&Column::Modified) && key(1) == Some(&Column::Id)
}

/// The modification time before which nothing matches.
fn earliest(test: &Condition<Placed>) -> i64 {
    match test {
        Condition::And(parts) => parts.iter().map(earliest).max().unwrap_or(i64::MIN),
        Condition::Or(parts) => parts.iter().map(earliest).min().unwrap_or(i64::MIN),
        Condition::Compare(Expression::Column(placed), Comparison(orders), Expression::ToTime(ms, _))
            if placed.column == Column::Modified && !orders.contains(&Ordering::Less) =>
        {
            match ms.as_ref() {
                Expression::Number(ms) => i64::try_from(*ms).unwrap_or(i64::MIN),
                _ => i64::MIN,
            }
        }
        _ => i64::MIN,
    }
}

/// The few rows that a condition on keys names; none where it names no few.
fn named(store: &Store, table: Table, test: &Condition<Placed>) -> Option<Vec<Row>> {
    let find = |left: &Expression<Placed>, right: &Expression<Placed>| {
        let Expression::Column(placed) = left else { return None };
        let is_literal = placed.source == 0 && columns(right).is_empty();
        if is_literal { table.find(store, &placed.column, &evaluate(store, &[], right)) } else { None }
    };
    match test {
        Condition::And(parts) => parts.iter().find_map(|part| named(store, table, part)),
        Condition::Or(parts) => {
            let found: Option<Vec<_>> = parts.iter().map(|part| named(store, table, part)).collect();
            Some(found?.concat())
        }
        Condition::Compare(left, comparison, right) if *comparison == EQUAL => find(left, right),
        Condition::In(left, list) => {
            let found: Option<Vec<_>> = list.iter().map(|right| find(left, right)).collect();
            Some(found?.concat())
        }
        _ => None,
    }
}

/// A row of the first table with all its joined rows.
fn join(store: &Store, plan: &Plan, row: Vec<Row>) -> Vec<Vec<Row>> {
    plan.joins
        .iter()
        .fold(vec![row], |rows, join| rows.into_iter().flat_map(|row| join_one(store, join, row)).collect())
}

fn join_one(store: &Store, join: &Join, row: Vec<Row>) -> Vec<Vec<Row>> {
    let new = row.len();
    let candidates = match join.table {
        // The key of an address is the address book's own: the row is the same one.
        Table::Addresses => row.last().copied().filter(|row| matches!(row, Row::Address(..))).into_iter().collect(),
        table => by_key(store, table, &join.on, &row).unwrap_or_else(|| table.rows(store)),
    };
    let mut joined = Vec::new();
    for candidate in candidates {
        let mut whole = row.clone();
        whole.push(candidate);
        if is_true(store, &whole, &join.on) {
            joined.push(whole);
        }
    }
    if joined.is_empty() && join.is_left {
        let mut whole = row;
        whole.push(Row::None);
        joined.push(whole);
    }
    debug_assert!(joined.iter().all(|row| row.len() == new + 1), "each join adds one row");
    joined
}

/// The rows that an equality between the new table and the rows before it names.
fn by_key(store: &Store, table: Table, on: &Condition<Placed>, row: &[Row]) -> Option<Vec<Row>> {
    let one = |left: &Expression<Placed>, right: &Expression<Placed>| {
        let Expression::Column(placed) = left else { return None };
        let is_known = placed.source == row.len() && columns(right).iter().all(|placed| placed.source < row.len());
        if is_known { table.find(store, &placed.column, &evaluate(store, row, right)) } else { None }
    };
    match on {
        Condition::And(parts) => parts.iter().find_map(|part| by_key(store, table, part, row)),
        Condition::Compare(left, comparison, right) if *comparison == EQUAL => {
            one(left, right).or_else(|| one(right, left))
        }
        _ => None,
    }
}

fn sort(store: &Store, plan: &Plan, rows: &mut [Vec<Row>]) {
    rows.sort_by(|a, b| {
        for (key, is_descending) in &plan.order {
            let (left, right) = (evaluate(store, a, key), evaluate(store, b, key));
            let order = match (&left, &right) {
                (Value::Null, Value::Null) => Ordering::Equal,
                // Empty values come last, as in the database beneath.
                (Value::Null, _) => Ordering::Greater,
                (_, Value::Null) => Ordering::Less,
                (left, right) => compare(left, right).unwrap_or(Ordering::Equal),
            };
            let order = if *is_descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    });
}

fn evaluate<'a>(store: &'a Store, row: &[Row], expression: &'a Expression<Placed>) -> Value<'a> {
    match expression {
        Expression::Column(placed) => {
            value(store, row.get(placed.source).copied().unwrap_or(Row::None), &placed.column)
        }
        Expression::Text(text) => Value::Text(text.as_str().into()),
        Expression::Number(number) => Value::Number(*number),
        Expression::ToChar(inner, format) => {
            let value = evaluate(store, row, inner);
            match (&value, format) {
                (Value::Null, _) => Value::Null,
                (_, Some(format)) => printed(&value, format).map_or(Value::Null, |text| Value::Text(text.into())),
                (_, None) => Value::Text(text_of(&value).into_owned().into()),
            }
        }
        Expression::ToTime(inner, format) => match evaluate(store, row, inner) {
            Value::Number(ms) if format.is_empty() => i64::try_from(ms).map_or(Value::Null, Value::Time),
            Value::Text(text) => read(&text, format).map_or(Value::Null, Value::Time),
            _ => Value::Null,
        },
        Expression::Math(left, sign, right) => {
            let (Some(left), Some(right)) = (number(&evaluate(store, row, left)), number(&evaluate(store, row, right)))
            else {
                return Value::Null;
            };
            Value::Number(match sign {
                '*' => left * right,
                '+' => left + right,
                _ => left - right,
            })
        }
    }
}

fn is_true(store: &Store, row: &[Row], condition: &Condition<Placed>) -> bool {
    truth(store, row, condition) == Some(true)
}

/// True, false, or neither where an empty value takes part: so `NOT` of a comparison with nothing holds for no row.
fn truth(store: &Store, row: &[Row], condition: &Condition<Placed>) -> Option<bool> {
    let same = |left: &Value<'_>, right: &Expression<Placed>| {
        compare(left, &evaluate(store, row, right)).map(|order| order == Ordering::Equal)
    };
    match condition {
        Condition::And(parts) => settle(parts.iter().map(|part| truth(store, row, part)), false),
        Condition::Or(parts) => settle(parts.iter().map(|part| truth(store, row, part)), true),
        Condition::Not(inner) => truth(store, row, inner).map(|value| !value),
        Condition::Compare(left, Comparison(orders), right) => {
            let order = compare(&evaluate(store, row, left), &evaluate(store, row, right))?;
            Some(orders.contains(&order))
        }
        Condition::In(left, list) => {
            let left = evaluate(store, row, left);
            settle(list.iter().map(|right| same(&left, right)), true)
        }
        Condition::IsNull(value) => Some(evaluate(store, row, value) == Value::Null),
    }
}

/// The first part that settles the whole wins; else it is unsettled where one part is.
fn settle(parts: impl Iterator<Item = Option<bool>>, settles: bool) -> Option<bool> {
    let mut whole = Some(!settles);
    for part in parts {
        if part == Some(settles) {
            return part;
        }
        whole = whole.and(part);
    }
    whole
}

fn number(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => Decimal::from_str_exact(text).ok(),
        _ => None,
    }
}

/// How two values stand to each other: a number and a text compare as numbers; nothing compares with an empty one.
fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Time(left), Value::Time(right)) => Some(left.cmp(right)),
        (Value::Day(left), Value::Day(right)) => Some(left.cmp(right)),
        (Value::Day(day), Value::Time(ms)) => Some(read(day, "YYYY-MM-DD")?.cmp(ms)),
        (Value::Time(ms), Value::Day(day)) => Some(ms.cmp(&read(day, "YYYY-MM-DD")?)),
        (left, right) => Some(number(left)?.cmp(&number(right)?)),
    }
}

fn text_of<'a>(value: &'a Value<'_>) -> Cow<'a, str> {
    match value {
        Value::Null => "".into(),
        Value::Number(number) => number.normalize().to_string().into(),
        Value::Text(text) => text.as_ref().into(),
        // The date format of the user, without the time of day.
        Value::Time(_) | Value::Day(_) => printed(value, "M/D/YYYY").unwrap_or_default().into(),
    }
}

/// The parts of a format, the longest first.
const PARTS: [&str; 8] = ["YYYY", "HH24", "MM", "DD", "MI", "SS", "M", "D"];

fn printed(value: &Value<'_>, format: &str) -> Option<String> {
    let ms = match value {
        Value::Time(ms) => *ms,
        Value::Day(day) => read(day, "YYYY-MM-DD")?,
        Value::Number(_) | Value::Text(_) => return Some(text_of(value).into_owned()),
        Value::Null => return None,
    };
    let t = civil(ms);
    let mut out = String::with_capacity(format.len() + 2);
    let mut rest = format;
    while let Some(character) = rest.chars().next() {
        let part = PARTS.iter().find(|part| rest.starts_with(**part));
        match part.copied() {
            Some("YYYY") => out.push_str(&format!("{:04}", t.year)),
            Some("HH24") => out.push_str(&format!("{:02}", t.hour)),
            Some("MM") => out.push_str(&format!("{:02}", t.month)),
            Some("DD") => out.push_str(&format!("{:02}", t.day)),
            Some("MI") => out.push_str(&format!("{:02}", t.minute)),
            Some("SS") => out.push_str(&format!("{:02}", t.second)),
            Some("M") => out.push_str(&t.month.to_string()),
            Some("D") => out.push_str(&t.day.to_string()),
            // Quotes protect what they hold: `YYYY-MM-DD"T"HH24`.
            _ if character == '"' => {
                let end = rest[1..].find('"')?;
                out.push_str(&rest[1..=end]);
                rest = &rest[end + 2..];
                continue;
            }
            _ => out.push(character),
        }
        rest = &rest[part.map_or(character.len_utf8(), |part| part.len())..];
    }
    Some(out)
}

/// Reads a text in a format; what the format does not name is the start of the year, day or hour.
fn read(text: &str, format: &str) -> Option<i64> {
    let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (1970_i16, 1_i8, 1_i8, 0_i8, 0_i8, 0_i8);
    let (mut text, mut format) = (text, format);
    while let Some(character) = format.chars().next() {
        let part = PARTS.iter().find(|part| format.starts_with(**part)).copied();
        let Some(part) = part else {
            text = text.strip_prefix(character)?;
            format = &format[character.len_utf8()..];
            continue;
        };
        let digits_max = if part == "YYYY" { 4 } else { 2 };
        let digits = &text[..text.bytes().take(digits_max).take_while(u8::is_ascii_digit).count()];
        let number = || digits.parse::<i8>().ok();
        match part {
            "YYYY" => year = digits.parse().ok()?,
            "MM" | "M" => month = number()?,
            "DD" | "D" => day = number()?,
            "HH24" => hour = number()?,
            "MI" => minute = number()?,
            _ => second = number()?,
        }
        text = &text[digits.len()..];
        format = &format[part.len()..];
    }
    if !text.is_empty() {
        return None;
    }
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    Some(date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

fn print(store: &Store, plan: &Plan, rows: &[Vec<Row>], total: usize) -> Page {
    let mut out = String::with_capacity(rows.len() * 512 + 2);
    out.push('[');
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push_str("{\"links\":[]");
        for (expression, name) in &plan.select {
            let value = evaluate(store, row, expression);
            if value != Value::Null {
                out.push_str(",\"");
                out.push_str(name);
                out.push_str("\":");
                push_json_text(&mut out, &text_of(&value));
            }
        }
        out.push('}');
    }
    out.push(']');
    Page { items: out, count: rows.len(), total }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A format must print and read the same instant back; a text that does not follow it must be refused.
    #[test]
    fn formats_work_both_ways() {
        let ms = 1_795_255_200_000;
        for format in ["YYYY-MM-DD HH24:MI:SS", "M/D/YYYY HH24:MI:SS", "DD.MM.YYYY HH24:MI:SS"] {
            let text = printed(&Value::Time(ms), format).unwrap();
            assert_eq!(read(&text, format), Some(ms), "{text}");
        }
        assert_eq!(printed(&Value::Time(ms), "YYYY-MM-DD\"T\"HH24:MI").as_deref(), Some("2026-11-21T10:00"));
        assert_eq!(text_of(&Value::Time(ms)), "11/21/2026");
        for wrong in ["2026-11-21", "2026-13-01 10:00:00", "2026-11-21 10:00:00 ", "x"] {
            assert_eq!(read(wrong, "YYYY-MM-DD HH24:MI:SS"), None, "{wrong}");
        }
    }
}
