//! One map against streams that differ from it in one thing each.

use super::*;
use crate::entity::tests::{map, tables};
use crate::model::schema::{Reading, SafeRepeat, Writing};
use serde_json::json;

const MAP: &str = "entity: e
systems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}}
identity: {link: {b: link}}
life: {create: {from: a, in: [b]}}
fields:
  name: {owner: a, a: Name, b: name, required: true}
  size: {owner: a, type: integer, a: Size, b: size}
  kind: {owner: a, a: Kind, b: kind, table: kinds}
";

fn field(path: &str, of: FieldType) -> Described {
    Described {
        path: path.into(),
        label: path.into(),
        of,
        required: false,
        creatable: true,
        updatable: true,
        custom: false,
        length_max: None,
        scale: None,
        choices: Vec::new(),
        refers_to: Vec::new(),
    }
}

fn stream(name: &str, fields: Vec<Described>) -> Stream {
    Stream {
        name: name.into(),
        label: name.into(),
        fields,
        reading: Reading::default(),
        writing: Writing::default(),
        filterable: Vec::new(),
        matchable: vec!["link".into()],
        repeat: SafeRepeat::None,
        write_max: 1,
    }
}

/// What is found when the source holds `sample` and `change` was done to the fitting target.
fn found(sample: &[Json], change: impl FnOnce(&mut Stream)) -> Vec<String> {
    let text = FieldType::Text;
    let a = stream(
        "A",
        vec![field("Name", text), field("Size", FieldType::Integer), field("Kind", text), field("Extra__c", text)],
    );
    let mut b = stream(
        "B",
        vec![field("name", text), field("size", FieldType::Integer), field("kind", text), field("link", text)],
    );
    change(&mut b);
    let places =
        BTreeMap::from([("a".into(), Place { stream: &a, sample }), ("b".into(), Place { stream: &b, sample: &[] })]);
    let findings = map(MAP).fit(&places, &tables(&[("kinds", "K", "k")]));
    let line = |f: Finding| {
        let count = f.count.map_or(String::new(), |count| format!(" {count}"));
        format!("{} {}:{} {}{count}", f.severity.as_str(), f.system, f.line, f.field)
    };
    findings.into_iter().map(line).collect()
}

/// A map that fits has no finding; each way not to fit has one of its own, with system, line and field. DQ-01, MAP-10.
#[test]
fn each_way_not_to_fit() {
    assert_eq!(found(&[json!({"Name": "n", "Size": 1, "Kind": "K"})], |_| ()), Vec::<String>::new());
    type Change<'c> = &'c dyn Fn(&mut Stream);
    let cases: &[(Change<'_>, &[&str])] = &[
        (&|b| b.fields.retain(|field| field.path != "size"), &["fault b:7 size"]),
        (
            &|b| b.fields[1] = Described { creatable: false, updatable: false, ..field("size", FieldType::Integer) },
            &["fault b:7 size"],
        ),
        (&|b| b.fields[1].of = FieldType::Boolean, &["warning b:7 size"]),
        (&|b| b.matchable.clear(), &["fault b:3 identity.link"]),
        (&|b| b.fields[0].required = true, &["note b:0 "]),
        (&|b| b.fields[1].required = true, &["warning b:7 size", "note b:0 "]),
        (
            &|b| b.fields.push(Described { required: true, ..field("terms", FieldType::Text) }),
            &["fault b:0 terms", "note b:0 "],
        ),
    ];
    for (number, (change, expected)) in cases.iter().enumerate() {
        assert_eq!(found(&[], change), *expected, "case {number}");
    }
}

/// What a sample holds is counted: data that no line maps, values that no row translates, values that the type refuses.
#[test]
fn samples_are_counted() {
    let sample = [
        json!({"Name": "n", "Size": "many", "Kind": "K", "Extra__c": "x"}),
        json!({"Name": "n", "Size": 2, "Kind": "Z", "Extra__c": ""}),
        json!({"Name": "n", "Size": null, "Kind": "Z", "Extra__c": "y"}),
    ];
    assert_eq!(found(&sample, |_| ()), ["warning a:0 Extra__c 2", "warning a:7 size 1", "warning a:8 kind 2"]);
}
