//! Items: born in the erp, made in the crm, found by their code.

use super::*;
use crate::entity::{MatchField, Skip};
use crate::model::{Action, json};
use serde_json::json;

const ITEM_DATA: &str =
    r#"{"itemId":"HX Pro","displayName":"HX Professional","basePrice":4821,"custitem_series":"HX"}"#;

/// An item without a link is created; what finds its counterpart is known before the look-up (MAP-02).
#[test]
fn creates_and_matches() {
    let plan = plan("item", "erp", "crm");
    assert_eq!(plan.match_fields(), [MatchField { field: "code".into(), target_path: "ProductCode".into() }]);
    assert_eq!(plan.target_link(), None);
    let draft = read(&plan, ITEM_DATA);
    assert_eq!(draft.natural(), Some("HX Pro"));
    assert_eq!(draft.match_values(), [("ProductCode".to_owned(), json!("HX Pro"))]);
    assert_eq!(draft.references(), []);
    let projection = draft.finish(None, None, &nothing);
    assert_eq!(projection.natural.as_deref(), Some("HX Pro"));
    let Verdict::Write { action, key, external_id, data, .. } = &projection.verdict else { panic!("{projection:?}") };
    assert_eq!((*action, key, external_id), (Action::Create, &None, &None));
    assert_eq!(
        data.to_string(),
        r#"{"Family":"HX","Name":"HX Professional","PricebookEntry":{"UnitPrice":4821.00},"ProductCode":"HX Pro"}"#
    );
}

/// A counterpart that was found by its code is updated by its key, not made again.
#[test]
fn updates_the_match() {
    let plan = plan("item", "erp", "crm");
    let verdict = read(&plan, ITEM_DATA).finish(None, Some(&target("")), &nothing).verdict;
    let Verdict::Write { action, key, hash, data, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!((action, key.as_deref()), (Action::Update, Some("T9")));
    assert_eq!(hash, json::hash(&data));
}

/// A price beyond 28 digits is refused by its rule, with the digits that it has; nothing is rounded (FIN-08).
#[test]
fn refuses_prices_that_cannot_be_kept() {
    let plan = plan("item", "erp", "crm");
    let forty = "1234567890123456789012345678901234567890";
    let verdict = read(&plan, &ITEM_DATA.replace("4821", forty)).finish(None, None, &nothing).verdict;
    let Verdict::Refused(stops) = verdict else { panic!("{verdict:?}") };
    assert_eq!((stops[0].field.as_str(), stops[0].rule.as_str()), ("price", "money"));
    assert!(stops[0].message.contains("has 40 digits; at most 28 are kept"), "{}", stops[0].message);
}

/// A price of zero is a price (MAP-16).
#[test]
fn keeps_zero() {
    let plan = plan("item", "erp", "crm");
    let verdict = read(&plan, &ITEM_DATA.replace("4821", "0")).finish(None, None, &nothing).verdict;
    assert_eq!(data(&verdict)["PricebookEntry"]["UnitPrice"].to_string(), "0.00");
}

/// Without a predicate every item may be made.
#[test]
fn needs_no_predicate() {
    let projection = read(&plan("item", "erp", "crm"), ITEM_DATA).finish(None, None, &nothing);
    assert!(projection.is_matched);
    assert_ne!(projection.verdict, Verdict::Skipped(Skip::Predicate));
}
