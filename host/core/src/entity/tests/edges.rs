//! Data that nobody hopes for: broken, partial, huge.

use super::*;
use crate::entity::Skip;
use crate::model::limits::{JSON_DEPTH_MAX, KEY_BYTES_MAX, NATURAL_BYTES_MAX, RECORD_BYTES_MAX, VIOLATIONS_MAX};
use proptest::prelude::*;

/// Data that is no object, too deep or too large is refused by the rule `json`, keeps what was known, and never
/// panics.
#[test]
fn malformed_data_is_refused() {
    let plan = plan("customer", "crm", "erp");
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(JSON_DEPTH_MAX), "]".repeat(JSON_DEPTH_MAX));
    let large = format!(r#"{{"Name":"{}"}}"#, "x".repeat(RECORD_BYTES_MAX));
    let first = read(&plan, r#"{"Name":"Acme"}"#).finish(None, None, &all);
    for text in ["", "{", "[]", "null", "7", "\"x\"", "{\"a\":01}", &deep, &large] {
        let projection = read(&plan, text).finish(Some(&known(&first, true)), None, &all);
        assert_eq!(stops(&projection.verdict), (true, vec!["json".to_owned()]));
        assert_eq!(projection.state, first.state);
    }
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
        plan.read(&part, &Tables::default()).finish(Some(&known(&whole, false)), counterpart, &all)
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
    let part = Change { operation: Operation::Partial, ..change(r#"{"Industry":"retail"}"#) };
    let echo = plan.read(&part, &Tables::default()).finish(Some(&known(&whole, true)), Some(&target("")), &all);
    assert_eq!(echo.verdict, Verdict::Skipped(Skip::Echo));
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
