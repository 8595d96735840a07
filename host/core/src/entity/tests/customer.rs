//! Customers: born in the crm, made in the erp.

use super::*;
use crate::entity::{By, Skip};
use crate::model::{Action, ExternalId, Flag};
use serde_json::json;

const ACCOUNT: &str = r#"{"Name":"  Hollow & Sons 🚚 ","BillingCountry":"United States","Industry":"medical","NumberOfEmployees":2822.0,
    "AnnualRevenue":1100.04,"Year_Established__c":"1996","Terms__c":null,"ParentId":"P7"}"#;

/// A new customer is an upsert by the link, each value in the erp's format, with a declared default and its flag
/// (MAP-02, MAP-06, MAP-16, FIN-08).
#[test]
fn creates() {
    let plan = plan("customer", "crm", "erp");
    let draft = read(&plan, ACCOUNT);
    assert_eq!(
        draft.references(),
        [Reference { entity: "customer".into(), system: "crm".into(), by: By::Key("P7".into()) }]
    );
    let projection = draft.finish(None, None, &all);
    assert!(projection.is_matched);
    let Verdict::Write { action, key, external_id, data, flags, hash } = &projection.verdict else {
        panic!("{projection:?}")
    };
    assert_eq!((*action, key), (Action::Upsert, &None));
    assert_eq!(external_id, &Some(ExternalId { field: "externalId".into(), value: "K1".into() }));
    assert_eq!(flags, &[Flag { flag: "defaulted:terms".into(), whom: Some("finance".into()) }]);
    assert_eq!(hash, &json::hash(data));
    assert_eq!(
        data.to_string(),
        concat!(
            r#"{"category":"medical","companyName":"Hollow & Sons 🚚","custentity_employees":2822,"custentity_founded":"1996","#,
            r#""custentity_revenue":1100.04,"defaultAddress":{"country":"US"},"parent":"T-P7","terms":"Net 30"}"#
        )
    );
    assert_eq!(
        projection.state,
        concat!(
            r#"{"country":"United States","employees":2822,"founded":"1996","name":"  Hollow & Sons 🚚 ","parent":"P7","#,
            r#""revenue":1100.04,"sector":"medical"}"#
        )
    );
}

use crate::model::json;

/// A child waits for its parent by a need that names it, and is written once the parent is known (MAP-13).
#[test]
fn waits_for_its_parent() {
    let plan = plan("customer", "crm", "erp");
    let held = read(&plan, ACCOUNT).finish(None, None, &nothing).verdict;
    assert_eq!(stops(&held), (false, vec!["parent reference ref:customer:crm:P7".to_owned()]));
    assert_eq!(data(&read(&plan, ACCOUNT).finish(None, None, &all).verdict)["parent"], json!("T-P7"));
}

/// A country that is no ISO name is refused with the row that would mend it, and a parent that is missing is listed in
/// the same round (MAP-05, DQ-02, DQ-03); a row of the table mends it.
#[test]
fn refuses_unknown_countries() {
    let plan = plan("customer", "crm", "erp");
    let account = ACCOUNT.replace("United States", "Korea");
    let refused = read(&plan, &account).finish(None, None, &nothing).verdict;
    let expected =
        vec!["country country table:country:Korea".to_owned(), "parent reference ref:customer:crm:P7".to_owned()];
    assert_eq!(stops(&refused), (true, expected));
    let Verdict::Refused(stops) = &refused else { unreachable!("refused above") };
    assert_eq!(
        stops[0].message,
        "country `Korea` is no ISO 3166-1 name or code; add it to a translation table or mend it at the source"
    );
    let tables = tables(&[("country", "Korea", "South Korea")]);
    let mended = plan.read(&change(&account), &tables).finish(None, None, &all).verdict;
    assert_eq!(data(&mended)["defaultAddress"]["country"], json!("KR"));
}

/// A record without what the erp needs is refused before any write (DQ-01, DQ-02): null, absent, empty, white space.
#[test]
fn requires_a_name() {
    let plan = plan("customer", "crm", "erp");
    for name in ["null", "\"\"", "\"  \""] {
        let verdict = read(&plan, &format!(r#"{{"Name":{name}}}"#)).finish(None, None, &all).verdict;
        assert_eq!(stops(&verdict), (true, vec!["name required".to_owned()]), "{name}");
    }
    assert_eq!(stops(&read(&plan, "{}").finish(None, None, &all).verdict), (true, vec!["name required".to_owned()]));
}

/// What the counterpart already holds is not written again (IDE-08), whatever the spelling; what changed is an update
/// by key.
#[test]
fn updates_what_changed() {
    let plan = plan("customer", "crm", "erp");
    let first = read(&plan, ACCOUNT).finish(None, None, &all);
    let Verdict::Write { hash, .. } = &first.verdict else { panic!("{first:?}") };
    let respelled = ACCOUNT.replace("1100.04", "1.10004e3").replace("  Hollow", "Hollow");
    let again = read(&plan, &respelled).finish(None, Some(&target(hash)), &all);
    assert_eq!(again.verdict, Verdict::Unchanged);
    let changed = read(&plan, &ACCOUNT.replace("medical", "retail")).finish(None, Some(&target(hash)), &all);
    let Verdict::Write { action, key, external_id, data, .. } = &changed.verdict else { panic!("{changed:?}") };
    assert_eq!((*action, key.as_deref(), external_id), (Action::Update, Some("T9"), &None));
    assert_eq!(data["category"], json!("retail"));
}

/// A deleted or merged record with a counterpart waits for a person; one that was never made needs nobody.
#[test]
fn holds_endings() {
    let plan = plan("customer", "crm", "erp");
    let first = read(&plan, ACCOUNT).finish(None, None, &all);
    for (operation, rule) in [(Operation::Deleted, "deleted"), (Operation::MergedInto("K2".into()), "merged")] {
        let ended = Change { operation, ..change("{}") };
        let finish = |known: Option<&Known<'_>>, counterpart: Option<&Counterpart<'_>>| {
            plan.read(&ended, &Tables::default()).finish(known, counterpart, &all)
        };
        let held = finish(Some(&known(&first)), Some(&target("")));
        assert_eq!(stops(&held.verdict), (false, vec![rule.to_owned()]));
        assert_eq!(held.state, first.state);
        assert_eq!(stops(&finish(Some(&known(&first)), None).verdict), (false, vec![rule.to_owned()]));
        assert_eq!(finish(None, None).verdict, Verdict::Skipped(Skip::Predicate));
        let lost = Known { is_matched: false, ..known(&first) };
        assert_eq!(finish(Some(&lost), None).verdict, Verdict::Skipped(Skip::Predicate));
    }
}

/// Nothing of a customer belongs to the erp, so nothing travels back (SOR-02).
#[test]
fn never_travels_back() {
    let maps = maps();
    let fault = maps["customer"].plan(&"erp".into(), &"crm".into(), &maps).unwrap_err();
    assert!(fault.message.starts_with("entity `customer`: nothing travels from `erp` to `crm`"), "{fault}");
}
