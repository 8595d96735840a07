//! Whether records look as `discover` says.

use crate::kit::bench::Bench;
use crate::kit::checks::reading::Read;
use crate::kit::report::{Check, Verdict};
use crate::kit::script::StreamScript;
use std::collections::BTreeMap;
use tollgate_core::model::json;
use tollgate_core::model::schema::{Field, FieldType, Stream};
use tollgate_core::model::{Change, Json, Operation};

/// Judges every record that was read.
pub(super) fn check(bench: &mut Bench<'_>, script: &StreamScript, read: &Read) {
    let Some(stream) = bench.stream(&script.name) else { return };
    let shape = Shape::of(stream);
    let verdict = match read.changes().next() {
        None => Verdict::skip("the stream has no records"),
        Some(_) => Verdict::of(
            read.changes().find_map(|change| shape.complaint(change)),
            "let `discover` declare what `read` returns, field by field",
        ),
    };
    bench.find(Check::Shapes, script.name.as_str(), verdict);
}

/// The fields of a stream by path.
struct Shape<'a> {
    fields: BTreeMap<&'a str, &'a Field>,
}

impl<'a> Shape<'a> {
    fn of(stream: &'a Stream) -> Self {
        Self { fields: stream.fields.iter().map(|field| (field.path.as_str(), field)).collect() }
    }

    /// The first thing about a change that is not as declared.
    fn complaint(&self, change: &Change) -> Option<String> {
        let at = |what: String| format!("record {}: {what}", change.key);
        if let Some(instant) = &change.modified_at
            && (instant.parse::<jiff::Timestamp>().is_err() || !instant.ends_with('Z'))
        {
            return Some(at(format!("`modified-at` is {instant:?}, which is no instant of RFC 3339 in UTC")));
        }
        if matches!(change.operation, Operation::Deleted | Operation::MergedInto(_)) {
            return None;
        }
        let data = match json::parse(&change.data) {
            Ok(data @ Json::Object(_)) => data,
            Ok(_) => return Some(at("its data is no JSON object".into())),
            Err(refusal) => return Some(at(format!("its data is not taken: {refusal}"))),
        };
        let missing = || (change.operation == Operation::Whole).then(|| self.missing(&data)).flatten();
        self.undeclared(&data, "").or_else(missing).map(at)
    }

    /// The first member that is not declared, or of another kind.
    fn undeclared(&self, value: &Json, path: &str) -> Option<String> {
        if let Some(field) = self.fields.get(path)
            && !fits(field.of, value)
        {
            return Some(format!("`{path}` is declared as {:?} and holds {}", field.of, json::text(value)));
        }
        match value {
            Json::Object(members) if path.is_empty() || self.has_below(path, ".") => {
                members.iter().find_map(|(name, value)| {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.undeclared(value, &path)
                })
            }
            Json::Array(items) if self.has_below(path, "[]") => {
                items.iter().find_map(|item| self.undeclared(item, &format!("{path}[]")))
            }
            _ if self.fields.contains_key(path) || path.ends_with("[]") => None,
            // Nothing is said of it, so that nothing can be wrong: an empty object above declared fields.
            Json::Null if self.has_below(path, ".") || self.has_below(path, "[]") => None,
            _ => Some(format!("`{path}` is not declared")),
        }
    }

    fn has_below(&self, path: &str, joint: &str) -> bool {
        let prefix = format!("{path}{joint}");
        self.fields.range(prefix.as_str()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    fn missing(&self, data: &Json) -> Option<String> {
        let plain = self.fields.values().filter(|field| field.required && !field.path.contains("[]"));
        let is_missing = |field: &&&Field| json::at(data, &field.path).is_none_or(Json::is_null);
        plain
            .into_iter()
            .find(is_missing)
            .map(|field| format!("`{}` is declared as required and is missing", field.path))
    }
}

fn fits(of: FieldType, value: &Json) -> bool {
    let text = |is: fn(&str) -> bool| value.as_str().is_some_and(is);
    match (of, value) {
        (_, Json::Null) => true,
        (FieldType::Text | FieldType::Choice, _) => value.is_string(),
        (FieldType::Reference, _) => value.is_string() || value.is_number(),
        (FieldType::Decimal, _) => value.is_number() || text(is_number),
        (FieldType::Integer, _) => {
            matches!(value, Json::Number(number) if is_whole(&number.to_string())) || text(is_whole)
        }
        (FieldType::Boolean, _) => value.is_boolean(),
        (FieldType::Date, _) => text(|text| text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10),
        (FieldType::DateTime, _) => text(|text| text.parse::<jiff::Timestamp>().is_ok()),
        (FieldType::List, _) => value.is_array(),
        (FieldType::Object, _) => value.is_object(),
    }
}

fn is_number(text: &str) -> bool {
    matches!(serde_json::from_str(text), Ok(Json::Number(_)))
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_core::model::schema::{Reading, SafeRepeat, Writing};

    fn stream(fields: &[(&str, FieldType, bool)]) -> Stream {
        let field = |(path, of, required): &(&str, FieldType, bool)| Field {
            path: (*path).into(),
            label: String::new(),
            of: *of,
            required: *required,
            creatable: false,
            updatable: false,
            custom: false,
            length_max: None,
            scale: None,
            choices: vec![],
            refers_to: vec![],
        };
        Stream {
            name: "s".into(),
            label: "S".into(),
            fields: fields.iter().map(field).collect(),
            reading: Reading::default(),
            writing: Writing::default(),
            filterable: vec![],
            matchable: vec![],
            repeat: SafeRepeat::None,
            write_max: 1,
        }
    }

    /// Each way to differ from what is declared is told by its path; what is declared passes, in each of the spellings
    /// that systems use.
    #[test]
    fn shapes() {
        use FieldType::{Boolean, Date, DateTime, Decimal, Integer, List, Object, Reference, Text};
        let stream = stream(&[
            ("name", Text, true),
            ("rate", Decimal, false),
            ("count", Integer, false),
            ("on", Boolean, false),
            ("day", Date, false),
            ("at", DateTime, false),
            ("owner", Reference, false),
            ("tags", List, false),
            ("facts", Object, false),
            ("address.city", Text, false),
            ("items", List, false),
            ("items[].rate", Decimal, false),
        ]);
        let shape = Shape::of(&stream);
        let complaint = |data: &str, modified: &str| {
            shape.complaint(&Change {
                stream: "s".into(),
                key: "7".into(),
                operation: Operation::Whole,
                version: None,
                modified_at: Some(modified.into()),
                data: data.into(),
            })
        };
        let now = "2026-11-21T10:00:00Z";
        for good in [
            r#"{"name":"x","rate":1.50,"count":3,"on":true,"day":"2026-11-21","at":"2026-11-21T10:00:00.000+0000"}"#,
            r#"{"name":"x","rate":"1.50","owner":7,"tags":["a",1],"facts":{"any":1}}"#,
            r#"{"name":"x","rate":null,"address":{"city":"Ulm"},"items":[{"rate":2}]}"#,
            r#"{"name":"x","address":null,"items":[]}"#,
        ] {
            assert_eq!(complaint(good, now), None, "{good}");
        }
        for (bad, part) in [
            (r#"{"rate":1}"#, "`name` is declared as required"),
            (r#"{"name":"x","mystery":1}"#, "`mystery` is not declared"),
            (r#"{"name":7}"#, "`name` is declared as Text"),
            (r#"{"name":"x","count":1.5}"#, "`count`"),
            (r#"{"name":"x","on":"T"}"#, "`on`"),
            (r#"{"name":"x","day":"21.11.2026"}"#, "`day`"),
            (r#"{"name":"x","at":"2026-11-21"}"#, "`at`"),
            (r#"{"name":"x","address":{"street":"a"}}"#, "`address.street`"),
            (r#"{"name":"x","items":[{"rate":"much"}]}"#, "`items[].rate`"),
            ("[]", "no JSON object"),
        ] {
            let found = complaint(bad, now).unwrap_or_else(|| panic!("{bad} passed"));
            assert!(found.contains(part), "{part} in {found}");
        }
        assert!(
            complaint(r#"{"name":"x"}"#, "2026-11-21T10:00:00+01:00")
                .is_some_and(|found| found.contains("modified-at"))
        );
    }
}
