//! Reads JSON that a guest sent: bounded in size and depth, with no back doors.
//!
//! `serde_json`'s own value reader treats an object with the member `$serde_json::private::RawValue` as more JSON text
//! and starts its depth count anew for it. This reader builds the same values, counts the depth itself and knows no
//! such member.

use crate::model::json::Json;
use crate::model::limits::{JSON_DEPTH_MAX, RECORD_BYTES_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// How `serde_json` hands over a number whose digits it keeps.
const NUMBER: &str = "$serde_json::private::Number";

/// Why a text is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than [`RECORD_BYTES_MAX`].
    #[error("{0} bytes; at most {RECORD_BYTES_MAX} are read")]
    TooLarge(usize),
    /// No JSON, or nested deeper than [`JSON_DEPTH_MAX`]; says what and where.
    #[error("{0}")]
    Malformed(String),
}

/// Reads one JSON value of a record.
///
/// # Errors
/// The text is too large, nested too deep, or no JSON.
pub fn parse(text: &str) -> Result<Json, Refusal> {
    if text.len() > RECORD_BYTES_MAX {
        return Err(Refusal::TooLarge(text.len()));
    }
    let malformed = |error: serde_json::Error| Refusal::Malformed(error.to_string());
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Seed { depth: 0 }.deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
}

impl Seed {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(E::custom(format!("nested deeper than {JSON_DEPTH_MAX} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            list.push(item);
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = serde_json::Map::new();
        let Some(first) = members.next_key::<String>()? else { return Ok(Json::Object(object)) };
        if first == NUMBER {
            let number = members.next_value::<String>()?;
            return number.parse().map(Json::Number).map_err(A::Error::custom);
        }
        let seed = self.deeper()?;
        object.insert(first, members.next_value_seed(seed)?);
        while let Some(name) = members.next_key::<String>()? {
            object.insert(name, members.next_value_seed(seed)?);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The reader gives what `serde_json` gives, digits included.
    #[test]
    fn reads_like_serde_json() {
        for text in ["null", "[]", "{}", r#"{"a":[1.50,true,null,"é🚚"],"b":{"c":1e2}}"#, "1054.00", r#""x""#, " [1] "]
        {
            assert_eq!(parse(text).unwrap(), serde_json::from_str::<Json>(text).unwrap(), "{text}");
        }
        assert_eq!(parse("1054.00").unwrap().to_string(), "1054.00");
    }

    /// Text that is no JSON, too deep or too large is refused with a reason; the deepest allowed one is read.
    #[test]
    fn refuses() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&nested(JSON_DEPTH_MAX)).is_ok());
        for (text, reason) in [
            (nested(JSON_DEPTH_MAX + 1), "nested deeper than 64 levels"),
            (nested(100_000), "nested deeper than 64 levels"),
            ("{".to_owned(), "EOF"),
            (String::new(), "EOF"),
            ("1 2".to_owned(), "trailing characters"),
            ("{\"a\":NaN}".to_owned(), "expected value"),
            (format!("\"{}\"", "x".repeat(RECORD_BYTES_MAX)), "bytes; at most 1048576 are read"),
        ] {
            let refusal = parse(&text).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
        }
    }

    /// The member that serde_json would read as more JSON text stays a member, so nothing escapes the depth bound.
    #[test]
    fn has_no_back_door() {
        let text = r#"{"$serde_json::private::RawValue":"[[1]]"}"#;
        assert!(parse(text).unwrap()["$serde_json::private::RawValue"].is_string());
        assert!(parse(r#"{"$serde_json::private::Number":"x"}"#).is_err());
    }

    proptest! {
        /// No text makes it panic.
        #[test]
        fn survives_any_text(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
