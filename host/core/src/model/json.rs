//! JSON that keeps the digits of its numbers.
//!
//! `serde_json` is built with `arbitrary_precision`: a number is the text that was sent, until a type of the entity
//! map reads it as an exact decimal. Two traps come with that: a number inside `#[serde(flatten)]` or an internally
//! tagged enum does not parse, and `1.50 != 1.5`. So the model uses neither shape for numbers, and compares and
//! hashes only [`canonical`] text.
//!
//! Text that a guest sent is read by [`parse`], which bounds depth and size; numbers become decimals in [`decimal`],
//! which never rounds.

mod digits;
mod read;

pub use digits::{Digits, decimal, number};
pub use read::{Refusal, parse};

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// One JSON value; numbers are text.
pub type Json = serde_json::Value;

/// The value at a dotted path (`defaultAddress.state`); an empty path is the value itself. Within null everything is null:
/// `{"Owner": null}` says of `Owner.Name` that it is empty, not that nothing is said of it.
pub fn at<'a>(value: &'a Json, path: &str) -> Option<&'a Json> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |value, name| if value.is_null() { Some(value) } else { value.get(name) })
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

/// How a number is written.
#[derive(Clone, Copy)]
enum Numbers {
    /// With the digits that it came with.
    Kept,
    /// As [`canonical`] says.
    Canonical,
}

/// The value as it is: numbers keep their digits. Without spaces.
pub fn text(value: &Json) -> String {
    let mut text = String::with_capacity(512);
    write(value, Numbers::Kept, &mut text);
    text
}

/// One text per value: members sorted by their bytes, numbers as plain decimals without exponent or trailing zeros,
/// no spaces. Numbers beyond 28 digits keep their own text.
pub fn canonical(value: &Json) -> String {
    let mut text = String::with_capacity(512);
    write_canonical(value, &mut text);
    text
}

/// The SHA-256 of the canonical text, in hexadecimal: equal for equal values, whatever their spelling.
pub fn hash(value: &Json) -> String {
    hex::encode(Sha256::digest(canonical(value)))
}

/// Appends the canonical text of `value`.
pub fn write_canonical(value: &Json, text: &mut String) {
    write(value, Numbers::Canonical, text);
}

fn write(value: &Json, numbers: Numbers, text: &mut String) {
    match (value, numbers) {
        (Json::Null, _) => text.push_str("null"),
        (Json::Bool(true), _) => text.push_str("true"),
        (Json::Bool(false), _) => text.push_str("false"),
        (Json::Number(number), Numbers::Kept) => text.push_str(number.as_str()),
        (Json::Number(number), Numbers::Canonical) => write_number(number.as_str(), text),
        (Json::String(string), _) => write_text(string, text),
        (Json::Array(items), _) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, numbers, text);
            }
            text.push(']');
        }
        (Json::Object(members), _) => write_object(members, numbers, text),
    }
}

fn write_object(members: &serde_json::Map<String, Json>, numbers: Numbers, text: &mut String) {
    if members.keys().is_sorted() {
        return write_members(members.iter(), numbers, text);
    }
    // Only where a crate of this build turns on serde_json's `preserve_order`.
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    write_members(sorted.into_iter(), numbers, text);
}

fn write_members<'a>(members: impl Iterator<Item = (&'a String, &'a Json)>, numbers: Numbers, text: &mut String) {
    text.push('{');
    for (index, (name, member)) in members.enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_text(name, text);
        text.push(':');
        write(member, numbers, text);
    }
    text.push('}');
}

/// Appends `string` as a JSON string.
pub fn write_text(string: &str, text: &mut String) {
    if string.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        text.push('"');
        text.push_str(string);
        text.push('"');
    } else {
        let _ = write!(text, "{}", Json::String(string.to_owned()));
    }
}

/// Appends the canonical text of a JSON number.
pub fn write_number(number: &str, text: &mut String) {
    match decimal(number) {
        Some(decimal) => {
            let _ = write!(text, "{decimal}");
        }
        None => text.push_str(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parsed(text: &str) -> Json {
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
            ("-0", "0"),
            ("0.000", "0"),
            (r#"{"b":1.0,"a":[1, 2.50]}"#, r#"{"a":[1,2.5],"b":1}"#),
            ("0.1", "0.1"),
            (r#""é\n""#, r#""é\n""#),
            (r#""🚚 \" \\ \u0001""#, r#""🚚 \" \\ \u0001""#),
            ("12345678901234567890123456789012345678901234", "12345678901234567890123456789012345678901234"),
        ] {
            assert_eq!(canonical(&parsed(spelling)), canonical_text, "{spelling}");
        }
        assert_ne!(hash(&parsed("1")), hash(&parsed("\"1\"")));
    }

    /// A path reads and writes nested members.
    #[test]
    fn paths() {
        let mut value = json!({"a": {"b": 1}});
        assert_eq!(at(&value, "a.b"), Some(&json!(1)));
        assert_eq!(at(&value, "a.c.d"), None);
        assert_eq!(at(&json!({"a": null}), "a.c.d"), Some(&Json::Null));
        set(&mut value, "a.c.d", json!("x"));
        assert_eq!(value, json!({"a": {"b": 1, "c": {"d": "x"}}}));
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let number = "-?(0|[1-9][0-9]{0,33})(\\.[0-9]{1,33})?([eE][+-]?[0-9]{1,3})?";
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            number.prop_map(|text| parsed(&text)),
            any::<String>().prop_map(Json::String),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Canonical text is stable: read again, by either reader, it prints the same.
        #[test]
        fn canonical_is_stable(value in any_json()) {
            let text = canonical(&value);
            prop_assert_eq!(&canonical(&parsed(&text)), &text);
            prop_assert_eq!(&canonical(&parse(&text).unwrap()), &text);
        }

        /// The kept text is the one of serde_json, digit by digit.
        #[test]
        fn text_keeps_the_value(value in any_json()) {
            prop_assert_eq!(text(&value), value.to_string());
        }
    }
}
