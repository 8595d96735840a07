//! What a plan says before any change is read.

use super::*;

/// Every field shows one arrow: from its owner, or once at birth (SOR-03).
#[test]
fn direction_follows_the_owner() {
    for (entity, from, to, owned, initial) in [
        ("sales_order", "crm", "erp", "customer date memo items", "number"),
        ("sales_order", "erp", "crm", "number", ""),
        ("item", "erp", "crm", "code name family price", ""),
        ("customer", "crm", "erp", "name country sector employees revenue founded terms parent", ""),
    ] {
        let plan = plan(entity, from, to);
        let (travels, at_birth) = plan.travelling();
        assert_eq!((travels.join(" ").as_str(), at_birth.join(" ").as_str()), (owned, initial), "{entity} {from} {to}");
    }
}

/// A plan knows what to ask for and where: streams, link, paths with those of the predicate.
#[test]
fn knows_what_to_ask_for() {
    let plan = plan("sales_order", "crm", "erp");
    assert_eq!((plan.entity().as_str(), plan.from().as_str(), plan.to().as_str()), ("sales_order", "crm", "erp"));
    assert_eq!((plan.source_connection().as_str(), plan.source_stream().as_str()), ("salesforce", "Opportunity"));
    assert_eq!((plan.target_connection().as_str(), plan.target_stream().as_str()), ("netsuite", "salesOrder"));
    assert_eq!((plan.target_link(), plan.creates()), (Some("externalId"), true));
    assert_eq!(plan.match_fields(), []);
    assert_eq!(
        plan.source_paths(),
        [
            "AccountId",
            "CloseDate",
            "ERP_Order_Number__c",
            "Name",
            "OpportunityLineItems[].Product2.ProductCode",
            "OpportunityLineItems[].Quantity",
            "OpportunityLineItems[].UnitPrice",
            "StageName",
        ]
    );
}

/// A plan that cannot work is refused with the place of the cause.
#[test]
fn faults() {
    let refers = |more: &str| {
        format!(
            "entity: e\nsystems: {{crm: {{connection: x, stream: A}}, erp: {{connection: y, stream: B}}}}\nfields:\n  f: {{owner: crm, crm: F, erp: f, {more}}}\n"
        )
    };
    for (text, to, fault) in [
        (ITEM.to_owned(), "err", "map.yaml:1:1: entity `item`: unknown system `err`; did you mean `erp`?"),
        (
            refers("ref: custommer"),
            "erp",
            "map.yaml:4:3: field `f`: unknown entity `custommer`; did you mean `customer`?",
        ),
        (
            refers("ref: item, by: name"),
            "erp",
            "map.yaml:4:3: field `f`: `by: name` is not the natural key of `item`, which is `code` (first of `identity.match`)",
        ),
        (
            refers("ref: customer, by: name"),
            "erp",
            "map.yaml:4:3: field `f`: `by: name` is not the natural key of `customer`, which has none (first of `identity.match`)",
        ),
    ] {
        let found = map(&text).plan(&"crm".into(), &to.into(), &maps()).unwrap_err();
        assert_eq!(found.to_string(), fault);
    }
    let third = refers("ref: item").replace("erp", "wms");
    let fault = map(&third).plan(&"crm".into(), &"wms".into(), &maps()).unwrap_err();
    assert!(fault.message.contains("entity `item` is not held by `wms`"), "{fault}");
}
