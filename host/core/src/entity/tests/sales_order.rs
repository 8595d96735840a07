//! Sales orders: born as won deals in the crm, made in the erp; the number travels back.

use super::*;
use crate::entity::{By, Skip};
use crate::model::{Action, json};
use serde_json::json;

const WON: &str = r#"{"StageName":"Closed Won","AccountId":"A1","CloseDate":"2017-03-01","Name":"Deal 🚚","ERP_Order_Number__c":null,
    "OpportunityLineItems":[{"Product2":{"ProductCode":"HX Pro"},"Quantity":1.0,"UnitPrice":1054.0},
                            {"Product2":{"ProductCode":"HXPlus"},"Quantity":2.5,"UnitPrice":0}]}"#;

fn product() -> Tables {
    tables(&[("product", "HXPlus", "HX Plus")])
}

/// A won deal becomes an order with its lines, products found by their code after the table (MAP-02, MAP-16).
#[test]
fn creates_with_lines() {
    let plan = plan("sales_order", "crm", "erp");
    let draft = plan.read(&change(WON), &product());
    let reference = |entity: &str, by| Reference { entity: entity.into(), system: "crm".into(), by };
    assert_eq!(
        draft.references(),
        [
            reference("customer", By::Key("A1".into())),
            reference("item", By::Natural("HX Pro".into())),
            reference("item", By::Natural("HX Plus".into())),
        ]
    );
    let projection = draft.finish(None, None, &all);
    let Verdict::Write { action, external_id, data, flags, .. } = &projection.verdict else { panic!("{projection:?}") };
    assert_eq!(
        (*action, external_id.as_ref().map(|id| id.value.as_str()), flags.len()),
        (Action::Upsert, Some("K1"), 0)
    );
    assert_eq!(
        data.to_string(),
        concat!(
            r#"{"entity":"T-A1","item":{"items":[{"item":"T-HX Pro","quantity":1,"rate":1054.00},"#,
            r#"{"item":"T-HX Plus","quantity":2.5,"rate":0.00}]},"memo":"Deal 🚚","tranDate":"2017-03-01"}"#
        )
    );
}

/// The predicate guards only creation: an open or lost deal is skipped without any validation, and an order that
/// exists follows its deal whatever the stage.
#[test]
fn predicate_guards_creation() {
    let plan = plan("sales_order", "crm", "erp");
    for stage in ["Closed Lost", "Prospecting"] {
        let broken = format!(r#"{{"StageName":"{stage}","CloseDate":"soon","OpportunityLineItems":7}}"#);
        let projection = read(&plan, &broken).finish(None, None, &nothing);
        assert_eq!((projection.is_matched, projection.verdict), (false, Verdict::Skipped(Skip::Predicate)));
    }
    let lost = WON.replace("Closed Won", "Closed Lost");
    let verdict = plan.read(&change(&lost), &product()).finish(None, Some(&target("")), &all).verdict;
    let Verdict::Write { action, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(action, Action::Update);
}

/// An unknown product holds the order by the product and by the row that would translate it; both needs release it
/// (MAP-14).
#[test]
fn holds_for_unknown_products() {
    let plan = plan("sales_order", "crm", "erp");
    let only_known = |reference: &Reference| (reference.by != By::Natural("HXPlus".into())).then(|| "T".to_owned());
    let held = read(&plan, WON).finish(None, None, &only_known).verdict;
    let need = "items[1].item reference ref:item.code:HXPlus table:product:HXPlus".to_owned();
    assert_eq!(stops(&held), (false, vec![need]));
    data(&plan.read(&change(WON), &product()).finish(None, None, &all).verdict);
}

/// Whatever is wrong is listed in one round: what is refused and what would wait.
#[test]
fn lists_everything_at_once() {
    let plan = plan("sales_order", "crm", "erp");
    let broken = WON.replace("2017-03-01", "03/01/2017").replace("\"Quantity\":2.5", "\"Quantity\":\"two\"");
    let verdict = read(&plan, &broken).finish(None, None, &nothing).verdict;
    let (is_refused, stops) = stops(&verdict);
    assert!(is_refused);
    assert_eq!(
        stops,
        [
            "date date",
            "items[1].quantity decimal",
            "customer reference ref:customer:crm:A1",
            "items[0].item reference ref:item.code:HX Pro table:product:HX Pro",
            "items[1].item reference ref:item.code:HXPlus table:product:HXPlus",
        ]
    );
}

/// An order without lines is refused (DQ-01), whichever way the list is missing.
#[test]
fn requires_lines() {
    let plan = plan("sales_order", "crm", "erp");
    for lines in ["null", "[]"] {
        let data = format!(r#"{{"StageName":"Closed Won","AccountId":"A1","OpportunityLineItems":{lines}}}"#);
        assert_eq!(
            stops(&read(&plan, &data).finish(None, None, &all).verdict),
            (true, vec!["items required".to_owned()])
        );
    }
    for (lines, stop) in [("7", "items lines"), ("[7]", "items[0].item lines")] {
        let data = format!(r#"{{"StageName":"Closed Won","AccountId":"A1","OpportunityLineItems":{lines}}}"#);
        assert_eq!(stops(&read(&plan, &data).finish(None, None, &all).verdict).1[0], stop);
    }
}

/// At birth the crm gives the first value of a field that the erp owns; afterwards only the erp does (SOR-02). The
/// change that follows a birth and changes nothing is unchanged (IDE-08).
#[test]
fn initial_values_travel_once() {
    let plan = plan("sales_order", "crm", "erp");
    let numbered = WON.replace("\"ERP_Order_Number__c\":null", "\"ERP_Order_Number__c\":\"SO-1\"");
    let born = plan.read(&change(&numbered), &product()).finish(None, None, &all);
    let Verdict::Write { data, hash, .. } = &born.verdict else { panic!("{born:?}") };
    assert_eq!(data["tranId"], json!("SO-1"));
    assert_ne!(hash, &json::hash(data));
    let again = plan.read(&change(&numbered), &product()).finish(None, Some(&target(hash)), &all);
    assert_eq!(again.verdict, Verdict::Unchanged);
    let later =
        plan.read(&change(&numbered.replace("SO-1", "SO-2")), &product()).finish(None, Some(&target(hash)), &all);
    assert_eq!(later.verdict, Verdict::Unchanged);
}

/// The number travels from the erp to the deal, and the erp never makes deals.
#[test]
fn number_travels_back() {
    let plan = plan("sales_order", "erp", "crm");
    let order = r#"{"tranId":"SO-1","memo":"changed in the erp","entity":"E1"}"#;
    let verdict = read(&plan, order).finish(None, Some(&target("")), &nothing).verdict;
    assert_eq!(data(&verdict).to_string(), r#"{"ERP_Order_Number__c":"SO-1"}"#);
    let unknown = read(&plan, order).finish(None, None, &nothing);
    assert_eq!((unknown.is_matched, unknown.verdict), (false, Verdict::Skipped(Skip::Predicate)));
    let unnumbered = read(&plan, r#"{"memo":"x"}"#).finish(None, Some(&target("")), &nothing);
    assert_eq!(unnumbered.verdict, Verdict::Unchanged);
}
