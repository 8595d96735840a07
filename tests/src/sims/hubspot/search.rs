//! Search: groups of filters, one sort, 200 results an answer and 10,000 in all, over an index that is late.

use super::errors::Error;
use super::schema::{CREATED, ID, Kind, ObjectType};
use super::store::{Record, Store};
use super::values::instant_ms;
use crate::sims::Json;
use crate::sims::server::{Answer, Request};
use http::StatusCode;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use std::cmp::Ordering;

/// Results of an answer.
const LIMIT_MAX: usize = 200;
/// Results of a search, over all its pages.
const RESULTS_MAX: usize = 10_000;
/// Groups of a search, filters of a group, filters of a search.
const FILTERS_MAX: (usize, usize, usize) = (5, 6, 18);
/// Values of one filter.
const VALUES_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    sorts: Vec<Json>,
    #[serde(default)]
    properties: Vec<String>,
    limit: Option<usize>,
    #[serde(default)]
    after: Json,
}

#[derive(Deserialize)]
struct Group {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: String,
    value: Option<String>,
    high_value: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// A value as search compares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Number(Decimal),
    Text(String),
}

/// A filter that was understood.
struct Test {
    property: (String, Kind),
    operator: String,
    values: Vec<Cell>,
}

/// Answers a search.
///
/// # Errors
/// What the vendor does not take.
pub fn answer(store: &mut Store, kind: ObjectType, request: &Request) -> Result<Answer, Error> {
    let wanted: Wanted = serde_json::from_slice(&request.body).map_err(Error::body)?;
    let limit = wanted.limit.unwrap_or(10);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::invalid(format!("limit must be between 1 and {LIMIT_MAX}")));
    }
    let after = match &wanted.after {
        Json::Null => 0,
        Json::String(text) if text.is_empty() => 0,
        Json::String(text) => text.parse().map_err(|_| Error::invalid("after is not a valid cursor"))?,
        Json::Number(number) => {
            number.to_string().parse().map_err(|_| Error::invalid("after is not a valid cursor"))?
        }
        _ => return Err(Error::invalid("after is not a valid cursor")),
    };
    if limit.saturating_add(after) > RESULTS_MAX {
        return Err(Error::invalid(format!("Only the first {RESULTS_MAX} results of a search can be paged through")));
    }
    let groups = tests(store, kind, &wanted.filter_groups)?;
    let (sort, is_descending) = sort(store, kind, &wanted.sorts)?;
    let is_met =
        |record: &Record| groups.is_empty() || groups.iter().any(|group| group.iter().all(|t| t.meets(kind, record)));
    let mut found: Vec<_> = store.searched(kind).filter(|record| is_met(record)).cloned().collect();
    // The vendor promises no order among equals: here it is neither that of ids nor that of writing.
    found.sort_by_cached_key(|record| {
        let cell = cell_of(kind, record, &sort);
        (cell.is_none(), cell, record.id.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    });
    if is_descending {
        found.reverse();
    }
    let total = found.len();
    let asked: Vec<&str> = match wanted.properties.is_empty() {
        true => kind.defaults().to_vec(),
        false => wanted.properties.iter().map(String::as_str).collect(),
    };
    let page = found.iter().skip(after).take(limit).map(|record| record.show(kind, asked.iter().copied()));
    let mut body = json!({ "total": total, "results": page.collect::<Vec<_>>() });
    if after + limit < total {
        body["paging"] = json!({ "next": { "after": (after + limit).to_string() } });
    }
    Ok(Answer::json(StatusCode::OK, &body))
}

fn tests(store: &Store, kind: ObjectType, groups: &[Group]) -> Result<Vec<Vec<Test>>, Error> {
    let (groups_max, group_max, all_max) = FILTERS_MAX;
    let all: usize = groups.iter().map(|group| group.filters.len()).sum();
    if groups.len() > groups_max || all > all_max || groups.iter().any(|group| group.filters.len() > group_max) {
        let message =
            format!("A search has at most {groups_max} filterGroups, {group_max} filters in each and {all_max} in all");
        return Err(Error::invalid(message));
    }
    let tests = |group: &Group| group.filters.iter().map(|filter| test(store, kind, filter)).collect();
    groups.iter().map(tests).collect()
}

fn test(store: &Store, kind: ObjectType, filter: &Filter) -> Result<Test, Error> {
    let Filter { property_name: name, operator, value, high_value, values } = filter;
    let of = property_kind(store, kind, name)?;
    let given = || value.iter().chain(high_value).chain(values);
    let expected = match operator.as_str() {
        "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" | "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN" => {
            value.is_some() && high_value.is_none() && values.is_empty()
        }
        "BETWEEN" => value.is_some() && high_value.is_some() && values.is_empty(),
        "IN" | "NOT_IN" => value.is_none() && (1..=VALUES_MAX).contains(&values.len()),
        "HAS_PROPERTY" | "NOT_HAS_PROPERTY" => given().next().is_none(),
        _ => return Err(Error::body(format!("`{operator}` is no operator of a filter"))),
    };
    if !expected {
        return Err(Error::invalid(format!("operator {operator} on {name} does not take these values")));
    }
    let is_set = operator.ends_with("IN") && of == Kind::Text;
    let cells = given().map(|text| {
        // Sets of text are compared with the stored text in lower case, and not folded themselves.
        let cell = if is_set { Some(Cell::Text(text.clone())) } else { cell(of, text) };
        cell.ok_or_else(|| Error::invalid(format!("{text} is not a valid value of property {name}")))
    });
    Ok(Test { property: (name.clone(), of), operator: operator.clone(), values: cells.collect::<Result<_, _>>()? })
}

fn property_kind(store: &Store, kind: ObjectType, name: &str) -> Result<Kind, Error> {
    let missing = || Error::invalid(format!("Property '{name}' does not exist on {}", kind.title()));
    store.property(kind, name).map(|property| property.kind).ok_or_else(missing)
}

fn sort(store: &Store, kind: ObjectType, sorts: &[Json]) -> Result<((String, Kind), bool), Error> {
    let (name, direction) = match sorts {
        [] => (CREATED, "ASCENDING"),
        [Json::String(name)] => (name.as_str(), "ASCENDING"),
        [sort] => {
            let name = sort["propertyName"].as_str().ok_or_else(|| Error::body("a sort has no propertyName"))?;
            (name, sort["direction"].as_str().unwrap_or("ASCENDING"))
        }
        _ => return Err(Error::invalid("Only one sort is allowed")),
    };
    if !matches!(direction, "ASCENDING" | "DESCENDING") {
        return Err(Error::body(format!("`{direction}` is no direction of a sort")));
    }
    Ok(((name.to_owned(), property_kind(store, kind, name)?), direction == "DESCENDING"))
}

fn cell(kind: Kind, text: &str) -> Option<Cell> {
    match kind {
        Kind::Number => text.parse().ok().map(Cell::Number),
        Kind::Date | Kind::DateTime => instant_ms(text).map(|ms| Cell::Number(ms.into())),
        Kind::Text | Kind::Choice(_) | Kind::Boolean => Some(Cell::Text(text.to_lowercase())),
    }
}

/// A record's value; its own instants and id without the way over text, because every search needs them.
fn cell_of(kind: ObjectType, record: &Record, (name, of): &(String, Kind)) -> Option<Cell> {
    match name.as_str() {
        ID => Some(Cell::Number(record.id.into())),
        CREATED => Some(Cell::Number(record.created_ms.into())),
        name if name == kind.modified() => Some(Cell::Number(record.modified_ms.into())),
        name => cell(*of, record.values.get(name)?),
    }
}

impl Test {
    fn meets(&self, kind: ObjectType, record: &Record) -> bool {
        let cell = cell_of(kind, record, &self.property);
        let Some(cell) = cell else { return matches!(self.operator.as_str(), "NOT_HAS_PROPERTY" | "NEQ" | "NOT_IN") };
        let order = self.values.first().map_or(Ordering::Equal, |value| cell.cmp(value));
        match self.operator.as_str() {
            "EQ" => order.is_eq(),
            "NEQ" => order.is_ne(),
            "LT" => order.is_lt(),
            "LTE" => order.is_le(),
            "GT" => order.is_gt(),
            "GTE" => order.is_ge(),
            "BETWEEN" => order.is_ge() && cell <= self.values[1],
            "IN" => self.values.contains(&cell),
            "NOT_IN" => !self.values.contains(&cell),
            "HAS_PROPERTY" => true,
            "CONTAINS_TOKEN" => self.is_token_of(&cell),
            "NOT_CONTAINS_TOKEN" => !self.is_token_of(&cell),
            _ => false,
        }
    }

    /// Whether the text holds the value as a word; a `*` stands for any rest of it.
    fn is_token_of(&self, cell: &Cell) -> bool {
        let (Cell::Text(text), Some(Cell::Text(token))) = (cell, self.values.first()) else { return false };
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        match token.strip_suffix('*') {
            Some(start) => words.any(|word| word.starts_with(start)),
            None => words.any(|word| word == token),
        }
    }
}
