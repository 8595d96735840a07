//! What the vendor takes as a value, and how it says no.

use super::errors::Error;
use super::schema::{Kind, ObjectType};
use super::store::{Record, Store};
use crate::sims::Json;
use crate::sims::time::{is_date, parse_timestamp};
use rust_decimal::Decimal;
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// Characters of a value.
const CHARACTERS_MAX: usize = 65_536;

/// Checked values of a write; none clears.
pub type Values = BTreeMap<&'static str, Option<String>>;

/// Checks the properties of a write. Every value is a text; an empty one clears.
///
/// # Errors
/// All that is wrong with them, in one.
pub fn check(store: &Store, kind: ObjectType, properties: &Map<String, Json>) -> Result<Values, Error> {
    let (mut values, mut faults) = (Values::new(), Vec::new());
    for (name, value) in properties {
        let Some(text) = value.as_str() else {
            return Err(Error::body(format!("Cannot deserialize value of type `java.lang.String` for `{name}`")));
        };
        let fault = |code: &str, message: String| {
            json!({ "isValid": false, "message": message, "error": code, "name": name, "localizedErrorMessage": message,
                    "portalId": null })
        };
        let Some(property) = store.property(kind, name) else {
            faults.push(fault("PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist")));
            continue;
        };
        if property.read_only {
            let message = format!(
                "\"{name}\" is a read only property; its value cannot be set. Read only properties cannot be set."
            );
            faults.push(fault("READ_ONLY_VALUE", message));
            continue;
        }
        match value_of(property.kind, text.trim()) {
            Ok(value) => drop(values.insert(property.name, Some(value).filter(|value| !value.is_empty()))),
            Err((code, message)) => faults.push(fault(code, message)),
        }
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(Error::invalid(format!("Property values were not valid: {}", Json::Array(faults))))
    }
}

fn value_of(kind: Kind, text: &str) -> Result<String, (&'static str, String)> {
    if text.is_empty() {
        return Ok(String::new());
    }
    match kind {
        Kind::Text if text.chars().count() > CHARACTERS_MAX => {
            Err(("PROPERTY_VALUE_TOO_LONG", format!("The value is longer than {CHARACTERS_MAX} characters")))
        }
        Kind::Text => Ok(text.to_owned()),
        Kind::Number if text.parse::<Decimal>().is_ok() => Ok(text.to_owned()),
        Kind::Number => Err(("INVALID_NUMBER", format!("{text} was not a valid number."))),
        Kind::Date if is_date(text) => Ok(text.to_owned()),
        Kind::Date => Err(("INVALID_DATE", format!("{text} was not a valid date."))),
        Kind::DateTime => match instant_ms(text) {
            Some(ms) => Ok(super::store::instant(ms)),
            None => Err(("INVALID_DATE", format!("{text} was not a valid instant."))),
        },
        Kind::Boolean if matches!(text, "true" | "false") => Ok(text.to_owned()),
        Kind::Boolean => Err(("INVALID_OPTION", format!("{text} was not one of the allowed options: [true, false]"))),
        Kind::Choice(options) if options.contains(&text) => Ok(text.to_owned()),
        Kind::Choice(options) => {
            Err(("INVALID_OPTION", format!("{text} was not one of the allowed options: [{}]", options.join(", "))))
        }
    }
}

/// Milliseconds since 1970 of an instant in either spelling, or of a day.
#[must_use]
pub fn instant_ms(text: &str) -> Option<i64> {
    let day = || is_date(text).then(|| parse_timestamp(&format!("{text}T00:00:00Z"))).flatten();
    text.parse().ok().or_else(|| parse_timestamp(text)).or_else(day)
}

/// Puts checked values into a record.
pub fn put(record: &mut Record, values: Values) {
    for (name, value) in values {
        match value {
            Some(value) => drop(record.values.insert(name, value)),
            None => drop(record.values.remove(name)),
        }
    }
}
