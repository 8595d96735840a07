//! JSON that keeps the digits of its numbers.
//!
//! `serde_json` is built with `arbitrary_precision`: a number is its text until somebody reads it as something else.
//! Money therefore travels as it was written; use [`digits`] and [`number`], never `as_f64`. Two traps: a number inside
//! `#[serde(flatten)]` or an internally tagged enum does not parse, and `1.50 != 1.5` as values.

use crate::{Failure, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub use serde_json::{Map, Value as Json, json, value::RawValue};

/// Reads one JSON value.
///
/// # Errors
/// [`Failure::Fault`] says where the text is wrong, without repeating it.
pub fn parse(text: &str) -> Result<Json> {
    serde_json::from_str(text).map_err(|error| Failure::Fault(format!("no JSON: {error}")))
}

/// Reads a type of the author's from JSON; it may borrow from the text.
///
/// # Errors
/// [`Failure::Fault`] says what is missing or wrong, and where.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Failure::Fault(format!("unexpected JSON: {error}")))
}

/// The text of a value.
///
/// # Panics
/// The value has a map whose keys are no text, which JSON cannot hold.
pub fn print(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the keys of a value's maps are text")
}

/// Reads one JSON object, as the data of a record is.
///
/// # Errors
/// [`Failure::Fault`] if it is something else.
pub fn object(text: &str) -> Result<Map<String, Json>> {
    match parse(text)? {
        Json::Object(members) => Ok(members),
        _ => Err(Failure::Fault("the data of a record is no JSON object".into())),
    }
}

/// The members of an object, each with its text: for data that is passed on and not looked into, at a third of the cost
/// of reading it.
pub type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// The members of one JSON object.
///
/// # Errors
/// [`Failure::Fault`] if it is something else.
pub fn members(text: &str) -> Result<Members<'_>> {
    /// `Cow` alone would always copy.
    #[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
    let members: BTreeMap<Name<'_>, &RawValue> =
        serde_json::from_str(text).map_err(|error| Failure::Fault(format!("no JSON object: {error}")))?;
    Ok(members.into_iter().map(|(name, value)| (name.0, value)).collect())
}

/// The text of a text, a number or a truth value: what systems spell either way. None for the others.
pub fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The digits of a number, or of a text that holds one.
pub fn digits(value: &Json) -> Option<String> {
    match value {
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => number(text).map(|_| text.trim().to_owned()),
        _ => None,
    }
}

/// A JSON number with exactly these digits; a missing zero before the point (`.5`) is added. None if it is no number.
pub fn number(digits: &str) -> Option<Json> {
    let digits = digits.trim();
    let (sign, rest) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let zero = if rest.starts_with('.') { "0" } else { "" };
    match serde_json::from_str(&format!("{sign}{zero}{rest}")) {
        Ok(number @ Json::Number(_)) => Some(number),
        _ => None,
    }
}

/// The value at a dotted path.
pub fn at<'a>(value: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// Sets the value at a dotted path, making objects on the way. What stands in the way and is no object is replaced.
pub fn set(members: &mut Map<String, Json>, path: &str, value: Json) {
    let Some((name, rest)) = path.split_once('.') else {
        members.insert(path.into(), value);
        return;
    };
    let place = members.entry(name).or_insert(Json::Null);
    if !place.is_object() {
        *place = Json::Object(Map::new());
    }
    if let Json::Object(members) = place {
        set(members, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digits come out as they went in, whichever way the system spells a number (FIN-08); what is none stays none.
    #[test]
    fn money_keeps_its_digits() {
        for (text, expected) in [
            ("1054.10", Some("1054.10")),
            ("\"1054.10\"", Some("1054.10")),
            ("0.1000000000000000055511151231257827", Some("0.1000000000000000055511151231257827")),
            ("\"-3\"", Some("-3")),
            ("\"1,054\"", None),
            ("\"12a\"", None),
            ("\"\"", None),
            ("null", None),
            ("true", None),
        ] {
            assert_eq!(digits(&parse(text).unwrap()).as_deref(), expected, "{text}");
        }
        assert_eq!(number(".5").unwrap().to_string(), "0.5");
        assert_eq!(number("-.50").unwrap().to_string(), "-0.50");
        assert_eq!(number("[1]"), None);
        assert_eq!(number("--1"), None);
    }

    /// A record's data must be an object; the error does not repeat the data.
    #[test]
    fn data_is_an_object() {
        assert!(object("{\"a\":1}").is_ok());
        let Err(Failure::Fault(text)) = object("[\"secret\"]") else { panic!("an array is no record") };
        assert!(!text.contains("secret"), "{text}");
    }

    /// A dotted path reaches a member of a member, for reading and for writing.
    #[test]
    fn paths() {
        let mut members = object(r#"{"a": 1}"#).unwrap();
        set(&mut members, "a.b", json!(2));
        set(&mut members, "a.c", json!(3));
        assert_eq!(Json::Object(members), json!({"a": {"b": 2, "c": 3}}));
        let value = json!({"a": {"b": [1]}});
        assert_eq!(at(&value, "a.b"), Some(&json!([1])));
        assert_eq!(at(&value, "a.c.d"), None);
    }

    /// Members keep their text, escaped names are read, and what is no object is refused.
    #[test]
    fn members_keep_their_text() {
        let text = r#"{"b": [1.50, {"c": null}], "a\u00e9": "x\ny"}"#;
        let found: Vec<_> =
            members(text).unwrap().into_iter().map(|(name, value)| (name.into_owned(), value.get())).collect();
        assert_eq!(found, [("aé".to_owned(), r#""x\ny""#), ("b".to_owned(), r#"[1.50, {"c": null}]"#)]);
        assert!(matches!(members("[1]"), Err(Failure::Fault(_))));
    }
}
