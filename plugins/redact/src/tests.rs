//! What is left of records, against a scripted host.

use crate::Redact;
use tollgate_sdk::json::{Json, json};
use tollgate_sdk::testing::Host;
use tollgate_sdk::{Change, Failure, Operation, Transform, Violation};

/// The data after the transform, or the field and message of the refusal.
fn redacted(fields: Json, data: Json) -> Result<Json, Violation> {
    Host::new().config(json!({ "fields": fields }));
    let changes = Redact::apply(vec![Change::whole("s", "k", &data)]).unwrap().remove(0)?;
    let [change] = changes.as_slice() else { panic!("one change stays one: {changes:?}") };
    assert_eq!((change.stream.as_str(), change.key.as_str()), ("s", "k"));
    Ok(tollgate_sdk::json::parse(&change.data).unwrap())
}

/// The manifest is one that a host accepts, and the connection's word for what the code reads.
#[test]
fn the_manifest() {
    let manifest = tollgate_core::model::Manifest::parse(include_str!("../plugin.toml")).unwrap();
    assert_eq!(manifest.settings.iter().map(|setting| setting.name.as_str()).collect::<Vec<_>>(), ["fields"]);
    assert!(manifest.plugin.exports.contains("transform") && manifest.routes.is_empty());
}

/// Every mode on every kind of value that it takes, at every depth; what is not named stays as it is, digits included.
#[test]
fn what_is_left() {
    let cases = [
        (json!({"a": "drop"}), json!({"a": {"b": [1]}, "z": 1}), json!({"z": 1})),
        (json!({"a": "mask"}), json!({"a": "secret"}), json!({"a": "***"})),
        (json!({"a": "mask"}), json!({"a": 12.50}), json!({"a": "***"})),
        (json!({"a": "last-4"}), json!({"a": "DE02120300000000202051"}), json!({"a": "***2051"})),
        (json!({"a": "last-4"}), json!({"a": "1234567"}), json!({"a": "***"})),
        (json!({"a": "last-4"}), json!({"a": 12345678}), json!({"a": "***5678"})),
        (json!({"a": "last-4"}), json!({"a": "äöüßäöüß"}), json!({"a": "***äöüß"})),
        (json!({"a": "mask", "b": "drop"}), json!({"a": null}), json!({"a": null})),
        (json!({"p.q": "drop"}), json!({"p": {"q": 1, "r": 2}}), json!({"p": {"r": 2}})),
        (json!({"p.q": "drop"}), json!({"p": null}), json!({"p": null})),
        (
            json!({"c[].iban": "mask"}),
            json!({"c": [{"iban": "x", "n": 1}, {"n": 2}, null]}),
            json!({"c": [{"iban": "***", "n": 1}, {"n": 2}, null]}),
        ),
        (json!({"c[]": "mask"}), json!({"c": ["x", 7]}), json!({"c": ["***", "***"]})),
        (json!({"c[]": "drop"}), json!({"c": ["x", {"y": 1}]}), json!({"c": []})),
        (json!({"c[][].d": "drop"}), json!({"c": [[{"d": 1}], []]}), json!({"c": [[{}], []]})),
    ];
    for (fields, data, expected) in cases {
        assert_eq!(redacted(fields.clone(), data.clone()), Ok(expected), "{fields} {data}");
    }
    Host::new().config(json!({"fields": {"a": "drop"}}));
    let exact = Change::whole_text("s", "k", r#"{"a":1,"money":10.500,"a":"again"}"#.into());
    let changes = Redact::apply(vec![exact]).unwrap().remove(0).unwrap();
    assert_eq!(changes[0].data, r#"{"money":10.500}"#, "a name that stands twice is gone twice");
}

/// A record of another shape is refused with the field's path, and no message holds a value.
#[test]
fn what_is_refused() {
    let cases = [
        (json!({"a": "mask"}), json!({"a": {"b": "secret"}}), "a"),
        (json!({"a": "mask"}), json!({"a": ["secret"]}), "a"),
        (json!({"a": "mask"}), json!({"a": true}), "a"),
        (json!({"a[].b": "drop"}), json!({"a": {"b": "secret"}}), "a[].b"),
        (json!({"a[].b": "drop"}), json!({"a": ["secret"]}), "a[].b"),
        (json!({"a.b": "drop"}), json!({"a": "secret"}), "a.b"),
        (json!({"a.b": "drop"}), json!({"a": [{"b": "secret"}]}), "a.b"),
    ];
    for (fields, data, path) in cases {
        let violation = redacted(fields, data.clone()).unwrap_err();
        assert_eq!((violation.field.as_deref(), violation.rule.as_str()), (Some(path), "redact"), "{data}");
        assert!(!violation.message.contains("secret"), "{}", violation.message);
    }
    let text = redacted(json!({"a": "drop"}), json!("secret")).unwrap_err();
    assert!(!text.message.contains("secret"), "{}", text.message);
}

/// What ended passes without data; several changes keep their order.
#[test]
fn ends_pass_empty() {
    Host::new().config(json!({"fields": {"a": "drop"}}));
    let deleted = Change { operation: Operation::Deleted, ..Change::whole("s", "1", &json!({"a": "secret"})) };
    let results = Redact::apply(vec![deleted, Change::whole("s", "2", &json!({"a": 1, "b": 2}))]).unwrap();
    let data: Vec<_> = results.into_iter().flatten().flatten().map(|change| (change.key, change.data)).collect();
    assert_eq!(data, [("1".to_owned(), "{}".to_owned()), ("2".to_owned(), r#"{"b":2}"#.to_owned())]);
}

/// A setting that cannot be understood lets nothing pass.
#[test]
fn settings_are_understood_or_refused() {
    let wrong = [
        json!({}),
        json!({"fields": "Phone"}),
        json!({"fields": {}}),
        json!({"fields": {"a": "hash"}}),
        json!({"fields": {"a": 4}}),
        json!({"fields": {"": "drop"}}),
        json!({"fields": {"a..b": "drop"}}),
        json!({"fields": {"a[0]": "drop"}}),
        json!({"fields": {"a ": "drop"}}),
    ];
    for settings in wrong {
        Host::new().config(settings.clone());
        let refused = Redact::apply(vec![Change::whole("s", "k", &json!({}))]).unwrap_err();
        assert!(matches!(refused, Failure::Misconfigured(_)), "{settings}: {refused:?}");
    }
}
