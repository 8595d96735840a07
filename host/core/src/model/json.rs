//! JSON that keeps the digits of its numbers.
//!
//! `serde_json` is built with `arbitrary_precision`: a number is the text that was sent, until a type of the entity
//! map reads it as an exact decimal. Two traps come with that: a number inside `#[serde(flatten)]` or an internally
//! tagged enum does not parse, and `1.50 != 1.5`. So the model uses neither shape for numbers, and compares and
//! hashes only [`canonical`] text.

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// One JSON value; numbers are text.
pub type Json = serde_json::Value;

/// The value at a dotted path (`defaultAddress.state`); an empty path is the value itself.
pub fn at<'a>(value: &'a Json, path: &str) -> Option<&'a Json> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// Sets the value at a dotted path, making objects on the way. What stands in the way and is no object is replaced.
pub fn set(target: &mut Json, path: &str, value: Json) {
    let mut place = target;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Json::Object(serde_json::Map::new());
        }
        let Json::Object(members) = place else { unreachable!("made an object above") };
        place = members.entry(name).or_insert(Json::Null);
    }
    *place = value;
}

/// One text per value: members sorted, numbers as plain decimals without exponent or trailing zeros, no spaces.
/// Numbers beyond 28 digits keep their own text.
pub fn canonical(value: &Json) -> String {
    let mut text = String::with_capacity(256);
    write_canonical(value, &mut text);
    text
}

/// The SHA-256 of the canonical text, in hexadecimal: equal for equal values, whatever their spelling.
pub fn hash(value: &Json) -> String {
    hex::encode(Sha256::digest(canonical(value)))
}

fn write_canonical(value: &Json, text: &mut String) {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(true) => text.push_str("true"),
        Json::Bool(false) => text.push_str("false"),
        Json::Number(number) => text.push_str(&canonical_number(number.as_str())),
        Json::String(string) => {
            let _ = write!(text, "{}", Json::String(string.clone()));
        }
        Json::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Json::Object(members) => {
            text.push('{');
            // `serde_json::Map` is a BTreeMap here, so the members are sorted by their bytes.
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let _ = write!(text, "{}:", Json::String(name.clone()));
                write_canonical(member, text);
            }
            text.push('}');
        }
    }
}

fn canonical_number(number: &str) -> String {
    match decimal(number) {
        Some(decimal) => decimal.normalize().to_string(),
        None => number.to_owned(),
    }
}

/// An exact decimal from JSON number text, exponents included; `None` beyond 28 digits: it never rounds.
pub fn decimal(number: &str) -> Option<Decimal> {
    if number.contains(['e', 'E']) {
        Decimal::from_scientific(number).ok()
    } else {
        Decimal::from_str_exact(number).ok()
    }
}

/// A JSON number with exactly this decimal's digits.
pub fn number(decimal: Decimal) -> Json {
    serde_json::from_str(&decimal.to_string()).expect("a decimal prints as a JSON number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    /// Spellings of one value have one canonical text (FIN-08); different values have different ones.
    #[test]
    fn canonical_text() {
        for (spelling, canonical_text) in [
            ("1.50", "1.5"),
            ("1.5e2", "150"),
            ("100.00", "100"),
            ("-0.10", "-0.1"),
            (r#"{"b":1.0,"a":[1, 2.50]}"#, r#"{"a":[1,2.5],"b":1}"#),
            ("0.1", "0.1"),
            (r#""é\n""#, r#""é\n""#),
            ("12345678901234567890123456789012345678901234", "12345678901234567890123456789012345678901234"),
        ] {
            assert_eq!(canonical(&parse(spelling)), canonical_text, "{spelling}");
        }
        assert_ne!(hash(&parse("1")), hash(&parse("\"1\"")));
    }

    /// A path reads and writes nested members.
    #[test]
    fn paths() {
        let mut value = json!({"a": {"b": 1}});
        assert_eq!(at(&value, "a.b"), Some(&json!(1)));
        assert_eq!(at(&value, "a.c.d"), None);
        set(&mut value, "a.c.d", json!("x"));
        assert_eq!(value, json!({"a": {"b": 1, "c": {"d": "x"}}}));
    }
}
