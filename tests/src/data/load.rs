//! Puts a data set into the simulators as if it had always been there.

use super::crm::{Crm, Deal, Product};
use crate::sims::netsuite::schema::RecordType;
use crate::sims::salesforce::Set;
use crate::sims::time::LOADED_MS;
use crate::sims::{Json, NetSuite, Salesforce};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::BTreeMap;

/// Records that share one modification stamp: more than a page of 2,000, so that equal stamps cross the border of a
/// page.
pub const STAMP_GROUP: usize = 2_600;
/// The day on which open deals are expected to close.
const OPEN_CLOSE_DATE: &str = "2017-12-31";

/// The CRM's stage for a stage of the data.
#[must_use]
pub fn stage(stage: &str) -> &'static str {
    match stage {
        "Won" => "Closed Won",
        "Lost" => "Closed Lost",
        "Engaging" => "Negotiation/Review",
        _ => "Prospecting",
    }
}

/// Loads a data set into the CRM: accounts, the products that deals name with their prices, and the deals, each with
/// one line.
///
/// # Panics
/// When a deal names an account that is not there: such a data set is a defect.
pub fn into_crm(crm: &Crm, org: &Salesforce) {
    let accounts = accounts(crm, org);
    let entries = products(crm, org);
    for (n, deal) in crm.deals.iter().enumerate() {
        let group = i64::try_from(n / STAMP_GROUP).unwrap_or_default();
        let stamp_ms = LOADED_MS + 60_000 + group * 1_000;
        let price = entries.get(deal.product.as_str()).expect("every product of a deal was loaded");
        let account =
            deal.account.as_deref().map(|name| accounts.get(name).expect("every account of a deal was loaded"));
        load_deal(org, deal, (account.map(String::as_str), price), stamp_ms);
    }
}

/// Accounts with parents before children, by name.
fn accounts<'a>(crm: &'a Crm, org: &Salesforce) -> BTreeMap<&'a str, String> {
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    while ids.len() < crm.accounts.len() {
        let before = ids.len();
        for account in &crm.accounts {
            let parent = account.subsidiary_of.as_deref();
            if ids.contains_key(account.name.as_str()) || parent.is_some_and(|parent| !ids.contains_key(parent)) {
                continue;
            }
            let mut values = vec![
                ("Name", Set::Text(&account.name)),
                ("Industry", Set::Text(&account.sector)),
                ("Year_Established__c", Set::Int(account.year_established)),
                ("AnnualRevenue", Set::Decimal(account.revenue)),
                ("NumberOfEmployees", Set::Int(account.employees)),
                ("BillingCountry", Set::Text(&account.office_location)),
            ];
            let parent = parent.and_then(|parent| ids.get(parent)).cloned();
            if let Some(parent) = &parent {
                values.push(("ParentId", Set::Text(parent)));
            }
            let id = org.load("Account", &values, LOADED_MS);
            ids.insert(&account.name, id);
        }
        assert!(ids.len() > before, "an account's parent is missing, or parents go in a circle");
    }
    ids
}

/// A product's place in the price book.
struct Entry {
    id: String,
    price: Decimal,
}

/// Every product that a deal names, as spelt there.
fn products<'a>(crm: &'a Crm, org: &Salesforce) -> BTreeMap<&'a str, Entry> {
    let book = org.pricebook_id();
    let mut entries = BTreeMap::new();
    for deal in &crm.deals {
        if entries.contains_key(deal.product.as_str()) {
            continue;
        }
        let listed = listed(crm, &deal.product);
        let mut values = vec![
            ("Name", Set::Text(&deal.product)),
            ("ProductCode", Set::Text(&deal.product)),
            ("IsActive", Set::Bool(true)),
        ];
        if let Some(product) = listed {
            values.push(("Family", Set::Text(&product.series)));
        }
        let product = org.load("Product2", &values, LOADED_MS);
        let price = listed.map_or(Decimal::ZERO, |product| product.price);
        let values = [
            ("Pricebook2Id", Set::Text(&book)),
            ("Product2Id", Set::Text(&product)),
            ("UnitPrice", Set::Decimal(price)),
            ("IsActive", Set::Bool(true)),
        ];
        let id = org.load("PricebookEntry", &values, LOADED_MS);
        entries.insert(deal.product.as_str(), Entry { id, price });
    }
    entries
}

/// The listed product that a deal means: by its exact name, else by its name without spaces.
fn listed<'a>(crm: &'a Crm, name: &str) -> Option<&'a Product> {
    let exact = crm.products.iter().find(|product| product.name == name);
    exact.or_else(|| crm.products.iter().find(|product| product.name.replace(' ', "") == name.replace(' ', "")))
}

fn load_deal(org: &Salesforce, deal: &Deal, (account, entry): (Option<&str>, &Entry), stamp_ms: i64) {
    let mut values = vec![
        ("Name", Set::Text(&deal.id)),
        ("StageName", Set::Text(stage(&deal.stage))),
        ("CloseDate", Set::Text(deal.close_date.as_deref().unwrap_or(OPEN_CLOSE_DATE))),
        ("HasOpportunityLineItem", Set::Bool(true)),
    ];
    if let Some(value) = deal.close_value {
        values.push(("Amount", Set::Decimal(value)));
    }
    if let Some(account) = account {
        values.push(("AccountId", Set::Text(account)));
    }
    let id = org.load("Opportunity", &values, stamp_ms);
    let price = if deal.is_won() { deal.close_value.unwrap_or_default() } else { entry.price };
    let line = [
        ("OpportunityId", Set::Text(&id)),
        ("PricebookEntryId", Set::Text(&entry.id)),
        ("Quantity", Set::Decimal(Decimal::ONE)),
        ("UnitPrice", Set::Decimal(price)),
    ];
    org.load("OpportunityLineItem", &line, stamp_ms);
}

/// Loads the listed products into the ERP as inventory items.
pub fn into_erp(crm: &Crm, account: &NetSuite) {
    for product in &crm.products {
        let price: Json = serde_json::from_str(&product.price.to_string()).unwrap_or_default();
        let fields = [
            ("itemId", json!(product.name)),
            ("displayName", json!(product.name)),
            ("basePrice", price),
            ("custitem_series", json!(product.series)),
        ];
        account.load(RecordType::InventoryItem, None, &fields, None);
    }
}
