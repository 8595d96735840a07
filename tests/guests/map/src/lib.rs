//! A transform that turns a CRM opportunity into an ERP sales order.
//!
//! [`map`] is plain Rust: benchmarks run it natively beside the same code in the sandbox.

mod guest;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::borrow::Cow;

/// One opportunity as a CRM hands it over: 20 fields, about 880 bytes.
pub const RECORD: &str = include_str!("../record.json");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Opportunity<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    account_id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    stage_name: Cow<'a, str>,
    amount: Number,
    #[serde(borrow)]
    currency_iso_code: Cow<'a, str>,
    #[serde(borrow)]
    close_date: Cow<'a, str>,
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lead_source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    owner_email: Cow<'a, str>,
    #[serde(borrow, rename = "PurchaseOrder__c")]
    purchase_order: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "PaymentTerms__c")]
    payment_terms: Option<Cow<'a, str>>,
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    billing_address: Address<'a>,
    #[serde(borrow)]
    line_items: Vec<Line<'a>>,
    #[serde(borrow)]
    territory: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    #[serde(borrow)]
    street: Cow<'a, str>,
    #[serde(borrow)]
    city: Cow<'a, str>,
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(borrow)]
    postal_code: Cow<'a, str>,
    #[serde(borrow)]
    country: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    quantity: Number,
    unit_price: Number,
    discount: Number,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SalesOrder<'a> {
    external_id: String,
    entity: Reference<'a>,
    tran_date: &'a str,
    currency: Reference<'a>,
    order_status: Reference<'a>,
    other_ref_num: Option<&'a str>,
    terms: Option<Reference<'a>>,
    memo: &'a str,
    message: Option<&'a str>,
    total: &'a Number,
    email: String,
    lead_source: Option<&'a str>,
    custbody_kind: Option<&'a str>,
    custbody_territory: Option<&'a str>,
    billing_address: ErpAddress<'a>,
    item: Items<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    ref_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErpAddress<'a> {
    addr1: &'a str,
    city: &'a str,
    state: &'a str,
    zip: &'a str,
    country: Reference<'a>,
}

#[derive(Serialize)]
struct Items<'a> {
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    line: usize,
    item: Reference<'a>,
    quantity: &'a Number,
    rate: &'a Number,
    discount_percent: &'a Number,
}

/// Why an opportunity makes no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The field, in the CRM's words.
    pub field: Option<&'static str>,
    /// A short stable word.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
}

/// Turns the JSON of an opportunity into the JSON of a sales order. Amounts keep their digits.
///
/// # Errors
/// The text is no opportunity, the opportunity is not won, or it has no lines.
pub fn map(json: &str) -> Result<String, Refused> {
    let opportunity: Opportunity<'_> = serde_json::from_str(json).map_err(|error| Refused {
        field: None,
        rule: "shape",
        message: error.to_string(),
    })?;
    if opportunity.stage_name != "Closed Won" {
        let message = format!("the stage is `{}`; only a won opportunity becomes an order", opportunity.stage_name);
        return Err(Refused { field: Some("StageName"), rule: "stage", message });
    }
    if opportunity.line_items.is_empty() {
        let message = "there are no lines; an order needs at least one".into();
        return Err(Refused { field: Some("LineItems"), rule: "required", message });
    }
    serde_json::to_string(&order(&opportunity)).map_err(|error| Refused {
        field: None,
        rule: "shape",
        message: error.to_string(),
    })
}

fn order<'a>(opportunity: &'a Opportunity<'_>) -> SalesOrder<'a> {
    let address = &opportunity.billing_address;
    SalesOrder {
        external_id: format!("crm-{}", opportunity.id),
        entity: Reference { ref_name: &opportunity.account_id },
        tran_date: &opportunity.close_date,
        currency: Reference { ref_name: &opportunity.currency_iso_code },
        order_status: Reference { ref_name: "Pending Fulfillment" },
        other_ref_num: opportunity.purchase_order.as_deref(),
        terms: opportunity.payment_terms.as_deref().map(|ref_name| Reference { ref_name }),
        memo: &opportunity.name,
        message: opportunity.description.as_deref(),
        total: &opportunity.amount,
        email: opportunity.owner_email.to_ascii_lowercase(),
        lead_source: opportunity.lead_source.as_deref(),
        custbody_kind: opportunity.r#type.as_deref(),
        custbody_territory: opportunity.territory.as_deref(),
        billing_address: ErpAddress {
            addr1: &address.street,
            city: &address.city,
            state: &address.state,
            zip: &address.postal_code,
            country: Reference { ref_name: &address.country },
        },
        item: Items {
            items: opportunity.line_items.iter().enumerate().map(|(index, line)| item(index + 1, line)).collect(),
        },
    }
}

fn item<'a>(number: usize, line: &'a Line<'_>) -> Item<'a> {
    Item {
        line: number,
        item: Reference { ref_name: &line.sku },
        quantity: &line.quantity,
        rate: &line.unit_price,
        discount_percent: &line.discount,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample becomes an order whose amounts have the digits of the source, trailing zeros included.
    #[test]
    fn keeps_the_digits_of_money() {
        let order = map(RECORD).unwrap();
        for part in ["\"total\":21924.50", "\"rate\":482.00", "\"externalId\":\"crm-006Hs00001XyZaBIAV\""] {
            assert!(order.contains(part), "{part} is not in {order}");
        }
    }

    /// What is not won, has no lines or is no opportunity is refused with its field and rule.
    #[test]
    fn refuses_what_makes_no_order() {
        let lost = RECORD.replace("Closed Won", "Closed Lost");
        assert_eq!(map(&lost).unwrap_err().field, Some("StageName"));
        assert_eq!(map("[]").unwrap_err().rule, "shape");
    }
}
