//! Explanations: they say what the verdict says, field by field.

use super::*;
use crate::entity::explain::{FieldEnd, FieldPath};
use crate::model::json;

/// What an explanation says is sent, put together, and the fields that it says stop the record.
fn told(
    plan: &Plan,
    change: &Change,
    tables: &Tables,
    resolve: &dyn Fn(&Reference) -> Option<String>,
) -> (Json, Vec<String>) {
    let explained = plan.explain(change, tables, resolve);
    let (mut data, mut stopped) = (Json::Object(serde_json::Map::new()), Vec::new());
    let mut put = |place: &mut Json, path: &FieldPath, prefix: &str| match &path.end {
        FieldEnd::Sent(value) | FieldEnd::Defaulted(value) => json::set(place, &path.to, value.clone()),
        FieldEnd::Refused(stop) | FieldEnd::Waits(stop) => {
            stopped.push(format!("{prefix}{} {}", stop.field, stop.rule))
        }
        FieldEnd::Kept | FieldEnd::Cleared | FieldEnd::Unsaid(_) => {}
    };
    for path in &explained.fields {
        put(&mut data, path, "");
    }
    for list in &explained.lists {
        let mut lines = Vec::new();
        for (index, line) in list.lines.iter().enumerate() {
            let mut place = Json::Object(serde_json::Map::new());
            line.iter().for_each(|path| put(&mut place, path, &format!("{}[{index}].", list.list)));
            lines.push(place);
        }
        json::set(&mut data, &list.to, Json::Array(lines));
    }
    stopped.sort();
    (data, stopped)
}

/// For records of every kind, whole and dirty, with and without what they refer to: what the explanation sends is what
/// the verdict writes, and what it says stops the record is what the verdict lists.
#[test]
fn explanations_agree_with_verdicts() {
    let customer = r#"{"Name":" A ","BillingCountry":"Atlantis","Industry":"x","AnnualRevenue":7.5,"ParentId":"P"}"#;
    let order = r#"{"StageName":"Closed Won","AccountId":"A1","CloseDate":"2017-03-01","Name":"D",
        "OpportunityLineItems":[{"Product2":{"ProductCode":"GTXPro"},"Quantity":"1","UnitPrice":5},{"Quantity":"x"}]}"#;
    let cases = [
        ("customer", "crm", "erp", customer),
        ("customer", "crm", "erp", r#"{"Name":"","BillingCountry":"Chile"}"#),
        ("customer", "crm", "erp", r#"{"Name":["x"],"NumberOfEmployees":"many"}"#),
        ("sales_order", "crm", "erp", order),
        ("item", "erp", "crm", r#"{"itemId":"GTX","displayName":"G","basePrice":"12.50"}"#),
    ];
    for (entity, from, to, data) in cases {
        let plan = plan(entity, from, to);
        for rows in [&[][..], &[("country", "Atlantis", "Chile"), ("product", "GTXPro", "GTX Pro")]] {
            let tables = tables(rows);
            for resolve in [&all as &dyn Fn(&Reference) -> Option<String>, &nothing] {
                let (sent, stopped) = told(&plan, &change(data), &tables, resolve);
                let case = format!("{entity} {data} {rows:?}");
                match plan.read(&change(data), &tables).finish(None, None, resolve).verdict {
                    Verdict::Write { data, .. } => {
                        assert_eq!((json::canonical(&sent), stopped.len()), (json::canonical(&data), 0), "{case}")
                    }
                    Verdict::Refused(stops) | Verdict::Held(stops) => {
                        let mut listed: Vec<_> =
                            stops.iter().map(|stop| format!("{} {}", stop.field, stop.rule)).collect();
                        listed.sort();
                        assert_eq!(stopped, listed, "{case}");
                    }
                    other => panic!("{case}: {other:?}"),
                }
            }
        }
    }
}

/// What lies between the source's value and the target's is told: cleaning, the row of the table, what a blank does, and
/// the condition with the values that it read.
#[test]
fn the_steps_between_are_told() {
    let plan = plan("customer", "crm", "erp");
    let data = r#"{"Name":"  Hollow ","BillingCountry":"Philipines"}"#;
    let explained = plan.explain(&change(data), &tables(&[("country", "Philipines", "Philippines")]), &nothing);
    let field = |name: &str| explained.fields.iter().find(|path| path.field == name).unwrap();
    assert_eq!((field("name").cleaned.as_deref(), field("name").rules.as_slice()), (Some("Hollow"), &["trim"][..]));
    let table = field("country").table.as_ref().unwrap();
    assert_eq!((table.from.as_deref(), table.to.as_deref()), (Some("Philipines"), Some("Philippines")));
    assert_eq!(field("country").end, FieldEnd::Sent("PH".into()));
    assert_eq!((field("terms").blank, &field("terms").value), ("default", &None));
    assert!(matches!(field("terms").end, FieldEnd::Defaulted(_)) && field("sector").end == FieldEnd::Kept);

    let order =
        super::plan("sales_order", "crm", "erp").explain(&change(r#"{"StageName":"Open"}"#), &Tables::default(), &all);
    let condition = order.predicate.unwrap();
    assert_eq!((condition.holds, condition.values), (Ok(false), vec![("StageName".into(), "Open".into())]));
    let gone = Change { operation: Operation::Deleted, ..change("{}") };
    assert!(plan.explain(&gone, &Tables::default(), &all).fields.is_empty(), "a record that ended has no fields");
}
