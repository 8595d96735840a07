//! Data that nobody hopes for: broken, partial, huge.

use super::*;
use crate::entity::Skip;
use crate::model::limits::{
    JSON_DEPTH_MAX, KEY_BYTES_MAX, LINES_MAX, NATURAL_BYTES_MAX, RECORD_BYTES_MAX, VIOLATIONS_MAX,
};
use proptest::prelude::*;

/// Data that is no object, too deep or too large is refused by the rule `json`, keeps what was known, and never
/// panics.
#[test]
fn malformed_data_is_refused() {
    let plan = plan("customer", "crm", "erp");
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(JSON_DEPTH_MAX), "]".repeat(JSON_DEPTH_MAX));
    let large = format!(r#"{{"Name":"{}"}}"#, "x".repeat(RECORD_BYTES_MAX));
    let first = read(&plan, r#"{"Name":"Acme"}"#).finish(None, None, &all);
    for text in ["", "{", "[]", "null", "7", "{\"a\":01}", &deep, &large] {
        let projection = read(&plan, text).finish(Some(&known(&first)), None, &all);
        assert_eq!(stops(&projection.verdict), (true, vec!["json".to_owned()]));
        assert_eq!(projection.state, first.state);
    }
}

/// A text in place of the data is the connector's word for why it could not read the record: it is what a person reads, fit
/// for a line and a column, and keeps what was known.
#[test]
fn what_a_connector_cannot_read_is_refused() {
    let plan = plan("customer", "crm", "erp");
    let first = read(&plan, r#"{"Name":"Acme"}"#).finish(None, None, &all);
    let text = format!("\"a.csv, row 3:\\u0000\\n{}\"", "x".repeat(10_000));
    let projection = read(&plan, &text).finish(Some(&known(&first)), None, &all);
    let Verdict::Refused(stops) = &projection.verdict else { panic!("{projection:?}") };
    assert_eq!((stops.len(), stops[0].rule.as_str(), &projection.state), (1, "unreadable", &first.state));
    assert!(stops[0].message.contains("a.csv, row 3:\u{fffd}\u{fffd}xxx") && stops[0].message.len() < 1_000);
}

/// A list or object where one value belongs is refused by the field's rule.
#[test]
fn a_value_is_no_list() {
    let plan = one_field("type: money");
    for value in ["[]", "{}", "[1]"] {
        assert_eq!(stops(&read(&plan, &format!(r#"{{"F":{value}}}"#)).finish(None, None, &all).verdict).1, ["f money"]);
    }
}

/// U+0000, and a name that is too long to name a record, are refused as what they are, one record at a time: nothing that
/// PostgreSQL would refuse gets into a natural key, a reference or a need. Each place gets each.
#[test]
fn what_cannot_be_stored_is_refused() {
    let orders = plan("sales_order", "crm", "erp");
    let order = |account: &str, code: &str, memo: &str| {
        format!(
            r#"{{"StageName":"Closed Won","AccountId":"{account}","Name":"{memo}","OpportunityLineItems":[{{"Product2":{{"ProductCode":"{code}"}},"Quantity":1}}]}}"#
        )
    };
    let (key, code) = ("k".repeat(KEY_BYTES_MAX), "c".repeat(NATURAL_BYTES_MAX));
    for (text, stop) in [
        (order("A\\u0000", "c", "m"), "customer reference"),
        (order("A", "c\\u0000", "m"), "items[0].item reference"),
        (order("A", "c", "\\u0000"), "memo text"),
        (order(&format!("{key}k"), "c", "m"), "customer length"),
        (order("A", &format!("{code}c"), "m"), "items[0].item length"),
    ] {
        assert_eq!(stops(&read(&orders, &text).finish(None, None, &all).verdict), (true, vec![stop.to_owned()]));
    }
    let held = read(&orders, &order(&key, &code, "m")).finish(None, None, &nothing).verdict;
    assert!(stops(&held).1.iter().all(|stop| stop.len() < 700), "the needs are bounded");

    let items = plan("item", "erp", "crm");
    for (name, stop) in [("c\\u0000".to_owned(), "code text"), (format!("{code}c"), "code length")] {
        let draft = read(&items, &format!(r#"{{"itemId":"{name}","displayName":"x"}}"#));
        assert_eq!((draft.natural(), draft.match_values().len()), (None, 0));
        let projection = draft.finish(None, Some(&target("")), &all);
        assert_eq!(stops(&projection.verdict), (true, vec![stop.to_owned()]));
        assert!(!projection.state.contains('\0'));
    }
    assert_eq!(read(&items, &format!(r#"{{"itemId":"{code}"}}"#)).natural(), Some(code.as_str()));
}

/// Of a partial change, what is absent is unknown: it is not sent, not blank, not forgotten; null is blank.
#[test]
fn partial_changes() {
    let plan = plan("customer", "crm", "erp");
    let whole =
        read(&plan, r#"{"Name":"Acme","Industry":"retail","Year_Established__c":1996}"#).finish(None, None, &all);
    let finish = |text: &str, counterpart: Option<&Counterpart<'_>>| {
        let part = Change { operation: Operation::Partial, ..change(text) };
        plan.read(&part, &Tables::default()).finish(Some(&known(&whole)), counterpart, &all)
    };
    let projection = finish(r#"{"Industry":"medical","Year_Established__c":null}"#, Some(&target("")));
    assert_eq!(data(&projection.verdict).to_string(), r#"{"category":"medical"}"#);
    assert_eq!(projection.state, r#"{"name":"Acme","sector":"medical"}"#);
    let unnamed = finish(r#"{"Industry":"medical"}"#, None);
    assert_eq!(stops(&unnamed.verdict), (true, vec!["name required".to_owned()]));
    let emptied = finish(r#"{"Name":null}"#, Some(&target("")));
    assert_eq!(stops(&emptied.verdict), (true, vec!["name required".to_owned()]));
    let nothing_said = finish("{}", Some(&target("")));
    assert_eq!((nothing_said.verdict, nothing_said.state), (Verdict::Unchanged, whole.state.clone()));
}

/// A partial change that does not say all that the predicate reads: what decides without it decides; otherwise what is
/// known of the record does, and where that may have become true, or nothing is known, it is an exception and no deal goes
/// missing. An emptied object empties what lies in it.
#[test]
fn partial_changes_of_what_the_predicate_reads() {
    let text = "entity: e\nsystems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}}\nlife: {create: {from: a, in: [b], when: 'Stage == \"Won\" && Owner.Name != null'}}\nfields:\n  f: {owner: a, a: F, b: f}\n  g: {owner: a, a: Owner.Name, b: g, blank: clear}\n";
    let plan = map(text).plan(&"a".into(), &"b".into(), &BTreeMap::new()).unwrap();
    let (matched, unmatched) = (Some(true), Some(false));
    for (data, before, expected) in [
        (r#"{"F":"x"}"#, matched, "write"),
        (r#"{"F":"x"}"#, unmatched, "skipped"),
        (r#"{"F":"x"}"#, None, "predicate"),
        (r#"{"Stage":"Won"}"#, matched, "write"),
        (r#"{"Stage":"Won"}"#, unmatched, "predicate"),
        (r#"{"Stage":"Lost"}"#, matched, "skipped"),
        (r#"{"Stage":"Won","Owner":{"Name":"Zoë"}}"#, None, "write"),
        (r#"{"Stage":"Won","Owner":null}"#, matched, "skipped"),
        (r#"{"Owner":null}"#, matched, "skipped"),
    ] {
        let part = Change { operation: Operation::Partial, ..change(data) };
        let before = before.map(|is_matched| Known { state: "{}", is_matched });
        let projection = plan.read(&part, &Tables::default()).finish(before.as_ref(), None, &all);
        let found = match &projection.verdict {
            Verdict::Write { .. } => "write",
            Verdict::Skipped(Skip::Predicate) => "skipped",
            Verdict::Refused(stops) => &stops[0].rule,
            other => panic!("{other:?}"),
        };
        assert_eq!((found, projection.is_matched), (expected, expected == "write"), "{data} {before:?}");
    }
    let part = Change { operation: Operation::Partial, ..change(r#"{"Owner":null}"#) };
    let cleared = plan.read(&part, &Tables::default()).finish(None, Some(&target("")), &all);
    assert_eq!(data(&cleared.verdict).to_string(), r#"{"g":null}"#);
}

/// A partial change of a list says the whole list.
#[test]
fn partial_lines() {
    let plan = plan("sales_order", "crm", "erp");
    let text = r#"{"OpportunityLineItems":[{"Product2":{"ProductCode":"HX"},"Quantity":1,"Other":7}]}"#;
    let part = Change { operation: Operation::Partial, ..change(text) };
    let projection = plan.read(&part, &Tables::default()).finish(None, Some(&target("")), &all);
    assert_eq!(data(&projection.verdict).to_string(), r#"{"item":{"items":[{"item":"T-HX","quantity":1}]}}"#);
    assert_eq!(projection.state, r#"{"items":[{"item":"HX","quantity":1}]}"#);
}

/// However many lines are wrong, a bounded number of reasons is kept, and no need is lost.
#[test]
fn reasons_are_bounded() {
    let plan = plan("sales_order", "crm", "erp");
    let line = |index: usize| format!(r#"{{"Product2":{{"ProductCode":"P{index}"}},"Quantity":1}}"#);
    let lines: Vec<_> = (0..500).map(line).collect();
    let data = format!(r#"{{"StageName":"Closed Won","AccountId":"A1","OpportunityLineItems":[{}]}}"#, lines.join(","));
    let Verdict::Held(stops) = read(&plan, &data).finish(None, None, &nothing).verdict else { panic!("not held") };
    assert_eq!(stops.len(), VIOLATIONS_MAX);
    let needs: std::collections::BTreeSet<_> = stops.iter().flat_map(|stop| &stop.needs).collect();
    assert_eq!(needs.len(), 1 + 2 * 500);
}

/// A list beyond the bound is refused whole; of one within it, however many lines are wrong, only what is listed is kept,
/// with every need.
#[test]
fn lines_are_bounded() {
    let plan = plan("sales_order", "crm", "erp");
    let verdict = |line: &str, count: usize| {
        let lines = vec![line; count].join(",");
        let data = format!(r#"{{"StageName":"Closed Won","AccountId":"A1","OpportunityLineItems":[{lines}]}}"#);
        read(&plan, &data).finish(None, None, &all).verdict
    };
    let most = verdict(r#"{"Product2":{"ProductCode":"P"},"Quantity":1}"#, LINES_MAX);
    assert_eq!(data(&most)["item"]["items"].as_array().map(Vec::len), Some(LINES_MAX));
    let Verdict::Refused(refused) = verdict("{}", LINES_MAX + 1) else { panic!("not refused") };
    assert_eq!((refused[0].field.as_str(), refused[0].rule.as_str()), ("items", "lines"));
    assert!(refused[0].message.contains("10001 lines"), "{}", refused[0].message);
    let Verdict::Refused(refused) = verdict("{}", LINES_MAX) else { panic!("not refused") };
    assert_eq!(refused.len(), VIOLATIONS_MAX);
    assert_eq!(refused[0].field, "items[0].item");
    let more = 2 * LINES_MAX - (VIOLATIONS_MAX - 1);
    assert!(refused[VIOLATIONS_MAX - 1].message.starts_with(&format!("{more} more reasons")));

    let text = "entity: e\nsystems: {a: {connection: x, stream: A}, b: {connection: y, stream: B}}\nlife: {create: {from: a, in: [b]}}\nfields:\n  f: {owner: a, a: F, b: f}\nlines:\n  l: {owner: a, a: L, b: l, key: k, each: {k: {a: K, b: k, table: t}}}\n";
    let plan = map(text).plan(&"a".into(), &"b".into(), &BTreeMap::new()).unwrap();
    let lines: Vec<_> = (0..500).map(|index| format!(r#"{{"K":"{index}"}}"#)).collect();
    let Verdict::Refused(refused) =
        read(&plan, &format!(r#"{{"L":[{}]}}"#, lines.join(","))).finish(None, None, &all).verdict
    else {
        panic!("not refused")
    };
    let needs: std::collections::BTreeSet<_> = refused.iter().flat_map(|stop| &stop.needs).collect();
    assert_eq!((refused.len(), needs.len()), (VIOLATIONS_MAX, 500));
}

/// A draft can wait for its look-ups on any thread.
#[test]
fn drafts_are_send() {
    fn is_send<T: Send + 'static>() {}
    is_send::<Draft>();
    is_send::<Plan>();
}

proptest! {
    /// Whatever a source sends, a verdict comes back, and the state reads back as JSON.
    #[test]
    fn survives_any_data(
        text in prop_oneof![any::<String>(), r#"\{("(Name|StageName|AccountId|CloseDate)":("[a-zA-Z0-9 -]{0,9}"|-?[0-9]{1,40}|null|\[\]),){0,4}"Name":"x"\}"#],
        is_partial in any::<bool>(),
        is_update in any::<bool>(),
    ) {
        let operation = if is_partial { Operation::Partial } else { Operation::Whole };
        let change = Change { operation, ..change(&text) };
        for (entity, from, to) in [("customer", "crm", "erp"), ("item", "erp", "crm"), ("sales_order", "crm", "erp")] {
            let counterpart = target("");
            let projection = plan(entity, from, to).read(&change, &Tables::default()).finish(None, is_update.then_some(&counterpart), &all);
            prop_assert!(serde_json::from_str::<Json>(&projection.state).is_ok_and(|state| state.is_object()));
        }
    }
}
