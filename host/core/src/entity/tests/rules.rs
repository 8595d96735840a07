//! Single rules of a field, each with a map of one field.

use super::*;
use crate::entity::Skip;
use crate::model::Flag;

/// Four blank rules, four outcomes, on creation and on update (MAP-04); required wins over keep and clear.
#[test]
fn blanks() {
    for (more, created, updated) in [
        ("", "{}", "unchanged"),
        ("blank: keep", "{}", "unchanged"),
        ("blank: clear", "{}", r#"{"f":null}"#),
        ("default: {value: x}", r#"{"f":"x"}"#, r#"{"f":"x"}"#),
        ("default: {value: x}, required: true", r#"{"f":"x"}"#, r#"{"f":"x"}"#),
        ("blank: reject", "required", "required"),
        ("required: true", "required", "required"),
        ("required: true, blank: clear", "required", "required"),
    ] {
        let plan = one_field(more);
        for source in ["{}", r#"{"F":null}"#, r#"{"F":""}"#] {
            let outcome = |counterpart: Option<&Counterpart<'_>>| match read(&plan, source)
                .finish(None, counterpart, &nothing)
                .verdict
            {
                Verdict::Write { data, .. } => data.to_string(),
                Verdict::Refused(stops) => stops[0].rule.clone(),
                Verdict::Unchanged => "unchanged".to_owned(),
                other => panic!("{more}: {other:?}"),
            };
            assert_eq!(outcome(None), created, "{more} {source} created");
            assert_eq!(outcome(Some(&target(""))), updated, "{more} {source} updated");
        }
    }
}

/// A birth that had nothing to clear and the next change that changes nothing are one state of the target (IDE-08).
#[test]
fn clearing_is_not_a_change() {
    let plan = one_field("blank: clear");
    let born = read(&plan, "{}").finish(None, None, &nothing).verdict;
    let Verdict::Write { hash, .. } = &born else { panic!("{born:?}") };
    assert_eq!(read(&plan, "{}").finish(None, Some(&target(hash)), &nothing).verdict, Verdict::Unchanged);
}

/// A default carries its flag, is read by the field's type, and is printed in the target's format (MAP-06).
#[test]
fn defaults() {
    let plan = one_field("type: money, default: {value: 0.10, flag: finance}");
    let verdict = read(&plan, "{}").finish(None, None, &nothing).verdict;
    let Verdict::Write { data, flags, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(data.to_string(), r#"{"f":0.10}"#);
    assert_eq!(flags, [Flag { flag: "defaulted:f".into(), whom: Some("finance".into()) }]);
}

/// Tables translate (MAP-03): a value without a row is refused by default and passes where the map says so; a missing
/// table is a table without rows.
#[test]
fn tables_translate() {
    let rows = tables(&[("t", "A", "Open"), ("t", "10", "Ten")]);
    let (strict, loose) = (one_field("table: t"), one_field("table: {name: t, unlisted: keep}"));
    for (plan, source, written) in [
        (&strict, r#""A""#, Some("Open")),
        (&strict, "10.0", Some("Ten")),
        (&strict, r#""Z""#, None),
        (&loose, r#""A""#, Some("Open")),
        (&loose, r#""Z""#, Some("Z")),
    ] {
        let verdict = plan.read(&change(&format!(r#"{{"F":{source}}}"#)), &rows).finish(None, None, &nothing).verdict;
        match written {
            Some(written) => assert_eq!(data(&verdict)["f"], written),
            None => assert_eq!(stops(&verdict), (true, vec!["f table table:t:Z".to_owned()])),
        }
    }
    assert_eq!(stops(&read(&strict, r#"{"F":"A"}"#).finish(None, None, &nothing).verdict).1, ["f table table:t:A"]);
}

/// For a typed field the table mends the source's text before the type reads it, and a row that the type refuses names
/// the row.
#[test]
fn tables_mend_typed_fields() {
    let plan = one_field("type: boolean, table: {name: t, unlisted: keep}");
    let rows = tables(&[("t", "yes", "true"), ("t", "maybe", "perhaps")]);
    for (source, written) in [(r#""yes""#, Some(true)), ("false", Some(false)), (r#""maybe""#, None), (r#""no""#, None)]
    {
        let verdict = plan.read(&change(&format!(r#"{{"F":{source}}}"#)), &rows).finish(None, None, &nothing).verdict;
        match written {
            Some(written) => assert_eq!(data(&verdict)["f"], written),
            None => assert_eq!(stops(&verdict).1, [format!("f boolean table:t:{}", source.trim_matches('"'))]),
        }
    }
}

/// A first value from the mirror goes backwards through the owner's table; where two rows lead there, it is refused.
#[test]
fn first_values_go_backwards() {
    let text = "entity: e\nsystems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}}\nlife: {create: {from: a, in: [b], initial: a}}\nfields:\n  f: {owner: b, a: F, b: f, table: t}\n";
    let plan = map(text).plan(&"a".into(), &"b".into(), &BTreeMap::new()).unwrap();
    let rows = tables(&[("t", "A", "Open"), ("t", "B", "Billed"), ("t", "H", "Open")]);
    let verdict =
        |word: &str| plan.read(&change(&format!(r#"{{"F":"{word}"}}"#)), &rows).finish(None, None, &nothing).verdict;
    assert_eq!(data(&verdict("Billed"))["f"], "B");
    assert_eq!(stops(&verdict("Open")).1, ["f table table:t:Open"]);
}

/// A default is a value of the owner's: on its way to a mirror it goes through the table, and one that the table does not
/// know waits for its row (MAP-03, MAP-06); on its way to the owner it is the owner's own word.
#[test]
fn defaults_go_through_the_table() {
    let rows = tables(&[("t", "N30", "Net 30")]);
    let verdict = |plan: &Plan, rows: &Tables| plan.read(&change("{}"), rows).finish(None, None, &nothing).verdict;
    let strict = one_field("table: t, default: {value: N30}");
    assert_eq!(data(&verdict(&strict, &rows))["f"], "Net 30");
    assert_eq!(stops(&verdict(&strict, &Tables::default())), (true, vec!["f table table:t:N30".to_owned()]));
    let loose = one_field("table: {name: t, unlisted: keep}, default: {value: N30}");
    assert_eq!(data(&verdict(&loose, &Tables::default()))["f"], "N30");
    let typed = one_field("type: money, table: t, default: {value: 7}");
    assert_eq!(data(&verdict(&typed, &rows))["f"].to_string(), "7.00");
    let text = "entity: e\nsystems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}}\nlife: {create: {from: a, in: [b], initial: a}}\nfields:\n  f: {owner: b, a: F, b: f, table: t, default: {value: N30}}\n";
    let backward = map(text).plan(&"a".into(), &"b".into(), &BTreeMap::new()).unwrap();
    assert_eq!(data(&verdict(&backward, &rows))["f"], "N30");
}

/// Of three systems, a table stands between the owner and each mirror: from one mirror to another the word is the same, and
/// only on its way to the owner it goes backwards.
#[test]
fn tables_between_three_systems() {
    let text = "entity: e\nsystems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}, c: {connection: z, stream: C}}\nlife: {create: {from: b, in: [a, c], initial: b}}\nfields:\n  f: {owner: a, a: F, b: F, c: F, table: t, default: {value: A}}\n";
    let rows = tables(&[("t", "A", "Open")]);
    for (from, to, word, written) in [("a", "b", "A", "Open"), ("b", "a", "Open", "A"), ("b", "c", "Open", "Open")] {
        let plan = map(text).plan(&from.into(), &to.into(), &BTreeMap::new()).unwrap();
        let verdict = |data: String| {
            let counterpart = (from == "a").then(|| target(""));
            plan.read(&change(&data), &rows).finish(None, counterpart.as_ref(), &nothing).verdict
        };
        assert_eq!(data(&verdict(format!(r#"{{"F":"{word}"}}"#)))["F"], written, "{from} {to}");
        assert_eq!(data(&verdict("{}".into()))["F"], written, "default {from} {to}");
    }
}

/// A list that a whole change says to be empty is emptied in the target, however it is said; a partial change that does not
/// name it leaves it alone.
#[test]
fn an_empty_list_empties() {
    let text = "entity: e\nsystems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}}\nfields:\n  f: {owner: a, a: F, b: f}\nlines:\n  l: {owner: a, a: L, b: l, key: k, each: {k: {a: K, b: k}}}\n";
    let plan = map(text).plan(&"a".into(), &"b".into(), &BTreeMap::new()).unwrap();
    let whole =
        |data: &str| plan.read(&change(data), &Tables::default()).finish(None, Some(&target("")), &nothing).verdict;
    for source in [r#"{"L":[]}"#, r#"{"L":null}"#, "{}"] {
        assert_eq!(data(&whole(source)).to_string(), r#"{"l":[]}"#, "{source}");
    }
    let part = |data: &str| {
        let part = Change { operation: Operation::Partial, ..change(data) };
        plan.read(&part, &Tables::default()).finish(None, Some(&target("")), &nothing).verdict
    };
    assert_eq!(data(&part(r#"{"L":null}"#)).to_string(), r#"{"l":[]}"#);
    assert_eq!(part("{}"), Verdict::Unchanged);
}

/// Rules clean before tables and types read (MAP-02).
#[test]
fn rules_come_first() {
    let plan = one_field("rules: [trim, upper], table: t");
    let rows = tables(&[("t", "HX", "x")]);
    let verdict = plan.read(&change(r#"{"F":" hx "}"#), &rows).finish(None, None, &nothing).verdict;
    assert_eq!(data(&verdict)["f"], "x");
}

/// A predicate that cannot be decided is an exception, never a deal that silently goes missing.
#[test]
fn undecided_predicates_are_refused() {
    let text = "entity: e\nsystems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}}\nlife: {create: {from: a, in: [b], when: 'Won && Amount > 0'}}\nfields:\n  f: {owner: a, a: F, b: f}\n";
    let plan = map(text).plan(&"a".into(), &"b".into(), &BTreeMap::new()).unwrap();
    let verdict = |data: &str, counterpart: Option<&Counterpart<'_>>| {
        read(&plan, data).finish(None, counterpart, &nothing).verdict
    };
    assert_eq!(stops(&verdict(r#"{"Won":true}"#, None)), (true, vec!["predicate".to_owned()]));
    assert_eq!(verdict(r#"{"Won":false}"#, None), Verdict::Skipped(Skip::Predicate));
    assert_eq!(verdict(r#"{"Won":true}"#, Some(&target(""))), Verdict::Unchanged);
}

/// Lines that the target owns are given once at birth; afterwards only their owner changes them (SOR-02).
#[test]
fn first_lines_travel_once() {
    let text = "entity: e\nsystems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}}\nlife: {create: {from: a, in: [b], initial: a}}\nfields:\n  f: {owner: a, a: F, b: f}\nlines:\n  l: {owner: b, a: L, b: l, key: k, each: {k: {a: K, b: k}}}\n";
    let plan = map(text).plan(&"a".into(), &"b".into(), &BTreeMap::new()).unwrap();
    let source = r#"{"F":"x","L":[{"K":"1"}]}"#;
    let born = read(&plan, source).finish(None, None, &nothing).verdict;
    assert_eq!(data(&born).to_string(), r#"{"f":"x","l":[{"k":"1"}]}"#);
    let later = read(&plan, source).finish(None, Some(&target("")), &nothing).verdict;
    assert_eq!(data(&later).to_string(), r#"{"f":"x"}"#);
}
