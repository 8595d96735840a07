//! Reads a record's JSON into values: what the vendor accepts, how it cleans, and how it says no.
//!
//! Two kinds of refusal: what the parser cannot place (an unknown field, a wrong type) fails the whole request; what a
//! record breaks (a length, an id, a bound) fails that record.

use super::cell::Cell;
use super::errors::ApiError;
use super::ids;
use super::schema::{Field, FieldIndex, Kind, ObjectIndex, Place};
use super::soql::bind::type_name;
use super::store::Store;
use crate::sims::{Json, time};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Map;

/// Why a record is refused.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// The request as a whole fails.
    Request(ApiError),
    /// This record fails.
    Record(ApiError),
}

impl Refusal {
    /// The error, whatever it fails.
    #[must_use]
    pub fn error(self) -> ApiError {
        match self {
            Self::Request(error) | Self::Record(error) => error,
        }
    }
}

/// Whether a record is made or changed: which fields may be set differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is made.
    Create,
    /// It is changed.
    Update,
}

/// The values that a record's JSON sets.
///
/// # Errors
/// The first thing that does not fit.
pub fn read(
    store: &Store,
    object: ObjectIndex,
    body: &Map<String, Json>,
    act: Act,
) -> Result<Vec<(FieldIndex, Cell)>, Refusal> {
    let described = &store.schema.objects[object];
    let mut values = Vec::with_capacity(body.len());
    let mut read_only = Vec::new();
    for (name, value) in body {
        if name == "attributes" || name.eq_ignore_ascii_case("id") {
            continue;
        }
        let Some(index) = described.field(name) else {
            match described.relation(name) {
                Some((index, to)) => values.push((index, by_external_id(store, to, value)?)),
                None => return Err(Refusal::Request(no_column(name, described.name))),
            }
            continue;
        };
        let field = &described.fields[index];
        if !(if act == Act::Create { field.is_createable } else { field.is_updateable }) {
            read_only.push(field.name);
            continue;
        }
        values.push((index, cell(store, field, value)?));
    }
    if read_only.is_empty() {
        return Ok(values);
    }
    let message = format!(
        "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is \
         read/write for your profile or permission set.",
        read_only.join(", ")
    );
    Err(Refusal::Record(ApiError::about("INVALID_FIELD_FOR_INSERT_UPDATE", message, &read_only)))
}

/// The required fields that a record lacks.
#[must_use]
pub fn missing(store: &Store, object: ObjectIndex, cells: &[Cell]) -> Option<ApiError> {
    let fields = &store.schema.objects[object].fields;
    let lacks = |field: &&Field| match field.place {
        Place::Stored(place) => field.is_required && cells[place] == Cell::Null,
        _ => false,
    };
    let names: Vec<&str> = fields.iter().filter(lacks).map(|field| field.name).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!("Required fields are missing: [{}]", names.join(", "));
    Some(ApiError::about("REQUIRED_FIELD_MISSING", message, &names))
}

/// The error for a field that an object does not have.
#[must_use]
pub fn no_column(name: &str, object: &str) -> ApiError {
    ApiError::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type {object}"))
}

fn cell(store: &Store, field: &Field, value: &Json) -> Result<Cell, Refusal> {
    let wrong = || Refusal::Request(wrong_type(field.kind, value));
    let text = || value.as_str().ok_or_else(wrong);
    if value.is_null() {
        return Ok(Cell::Null);
    }
    match field.kind {
        Kind::Boolean => match value {
            Json::Bool(value) => Ok(Cell::Bool(*value)),
            Json::String(text) if text.eq_ignore_ascii_case("true") => Ok(Cell::Bool(true)),
            Json::String(text) if text.eq_ignore_ascii_case("false") => Ok(Cell::Bool(false)),
            _ => Err(wrong()),
        },
        Kind::Int => decimal(value)
            .filter(|number| number.is_integer() && number.abs() <= Decimal::from(i32::MAX))
            .map(|number| Cell::Number(number.normalize().to_string().into()))
            .ok_or_else(wrong),
        Kind::Decimal { precision, scale, .. } => bounded(field, decimal(value).ok_or_else(wrong)?, precision, scale),
        Kind::Date => text()?.get(..10).filter(|day| time::is_date(day)).map(Cell::text).ok_or_else(wrong),
        Kind::DateTime => Err(wrong()),
        Kind::Text(length) | Kind::Picklist(length) => {
            // The vendor trims, and an empty text is no value.
            let text = text()?.trim();
            match text.chars().count() {
                0 => Ok(Cell::Null),
                count if count > length => Err(Refusal::Record(too_long(field, text, length))),
                _ => Ok(Cell::text(text)),
            }
        }
        Kind::Id => Err(wrong()),
        Kind::Reference { to, .. } => reference(store, field, to, text()?),
    }
}

fn decimal(value: &Json) -> Option<Decimal> {
    let text = match value {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.clone(),
        _ => return None,
    };
    Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
}

fn bounded(field: &Field, number: Decimal, precision: u32, scale: u32) -> Result<Cell, Refusal> {
    let rounded = number.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    let whole_digits = rounded.trunc().abs().to_string().trim_start_matches('0').len();
    if whole_digits > (precision - scale) as usize {
        let message = format!("{}: value outside of valid range on numeric field: {number}", field.name);
        return Err(Refusal::Record(ApiError::about("NUMBER_OUTSIDE_VALID_RANGE", message, &[field.name])));
    }
    Ok(Cell::decimal(rounded))
}

fn too_long(field: &Field, text: &str, length: usize) -> ApiError {
    let shown: String = text.chars().take(255).collect();
    let message = format!("{}: data value too large: {shown} (max length={length})", field.name);
    ApiError::about("STRING_TOO_LONG", message, &[field.name])
}

fn reference(store: &Store, field: &Field, to: &str, id: &str) -> Result<Cell, Refusal> {
    if id.is_empty() {
        return Ok(Cell::Null);
    }
    let refused = |code, message: String| Err(Refusal::Record(ApiError::about(code, message, &[field.name])));
    let object = store.object(to);
    if !ids::is_id(id) || !id.starts_with(store.schema.objects[object].prefix) {
        return refused("MALFORMED_ID", format!("{}: id value of incorrect type: {id}", field.name));
    }
    match store.find(object, id) {
        None => refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id".to_owned()),
        Some(slot) if store.row(object, slot).is_deleted => {
            refused("ENTITY_IS_DELETED", "entity is deleted".to_owned())
        }
        Some(slot) => Ok(Cell::text(&store.id(object, slot))),
    }
}

/// A parent named by its external id: `"Account": {"ERP_Id__c": "C-1"}`.
fn by_external_id(store: &Store, to: &str, value: &Json) -> Result<Cell, Refusal> {
    let request = |message: String| Refusal::Request(ApiError::new("INVALID_FIELD", message));
    let object = store.object(to);
    let members = value.as_object().ok_or_else(|| request(format!("{to}: an object with an external id is needed")))?;
    let mut named = members.iter().filter(|(name, _)| *name != "attributes");
    let (Some((name, key)), None) = (named.next(), named.next()) else {
        return Err(request(format!("{to}: exactly one external id is needed")));
    };
    let described = &store.schema.objects[object];
    let index = described.field(name).filter(|index| described.fields[*index].is_external_id);
    let index =
        index.ok_or_else(|| request(format!("Foreign key external ID field {name} not found in entity {to}")))?;
    let key = key.as_str().unwrap_or_default();
    let slot = store.by_unique(object, index, key).ok_or_else(|| {
        let message =
            format!("Foreign key external ID: {} not found for field {name} in entity {to}", key.to_lowercase());
        Refusal::Record(ApiError::new("INVALID_FIELD", message))
    })?;
    Ok(Cell::text(&store.id(object, slot)))
}

fn wrong_type(kind: Kind, value: &Json) -> ApiError {
    let found = match value {
        Json::Null => "VALUE_NULL",
        Json::Bool(_) => "VALUE_BOOLEAN",
        Json::Number(number) if number.to_string().contains(['.', 'e', 'E']) => "VALUE_NUMBER_FLOAT",
        Json::Number(_) => "VALUE_NUMBER_INT",
        Json::String(_) => "VALUE_STRING",
        Json::Array(_) => "START_ARRAY",
        Json::Object(_) => "START_OBJECT",
    };
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let message = format!(
        "Cannot deserialize instance of {} from {found} value {shown} or request may be missing a required field",
        type_name(kind)
    );
    ApiError::new("JSON_PARSER_ERROR", message)
}
