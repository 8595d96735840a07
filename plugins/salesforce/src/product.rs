//! `Product2`: products with their price in the standard price book, which is a record of its own (`PricebookEntry`).
//!
//! One write is up to three calls: the products, which prices exist, the prices. A product that was made and whose
//! price failed is `unknown`: repeating it would make a second product, the look-up finds the first.

use crate::{
    api, collections,
    object::{Child, Object, Shape, same_id},
    soql,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use tollgate_sdk::{
    Action, Intent, Outcome, Result, SafeRepeat, Violation, Written, config,
    json::{self, Json, RawValue},
};

const PRICE: &str = "PricebookEntry";
const ENTRY: &str = "PricebookEntry";

pub(crate) static PRODUCT: Object = Object {
    name: "Product2",
    base: &["ProductCode", "Name", "Family", "IsActive"],
    child: Some(Child {
        relation: "PricebookEntries",
        member: PRICE,
        is_list: false,
        fields: &["Id", "UnitPrice", "Pricebook2Id"],
    }),
    repeat: SafeRepeat::ReadBack,
    shape: Some(shape),
    write,
};

/// Of all prices of a product, the one in the standard price book becomes `PricebookEntry: {UnitPrice}`.
fn shape() -> Result<Shape> {
    let pricebook = config::text("pricebook")?;
    Ok(Box::new(move |record| {
        let entries = record.remove("PricebookEntries").unwrap_or_default();
        let mut entries = entries["records"].as_array().into_iter().flatten();
        let ours = entries.find(|entry| entry["Pricebook2Id"].as_str().is_some_and(|id| same_id(id, &pricebook)));
        let price = ours.map_or(Json::Null, |entry| json::json!({"UnitPrice": entry["UnitPrice"]}));
        record.insert(PRICE.into(), price);
    }))
}

/// A price to be written: of which intent, and what.
struct Price {
    at: usize,
    value: Json,
}

fn write(object: &Object, mut intents: Vec<Intent>) -> Result<Vec<Outcome>> {
    let mut prices = Vec::new();
    for (at, intent) in intents.iter_mut().enumerate() {
        let mut data = json::object(&intent.data)?;
        if let Some(price) = data.remove(PRICE) {
            intent.data = Json::Object(data).to_string();
            prices.push(Price { at, value: price["UnitPrice"].clone() });
        }
    }
    if prices.is_empty() {
        return collections::write(object, intents);
    }
    let pricebook = config::text("pricebook")?;
    let (refused, prices): (Vec<_>, Vec<_>) = prices.into_iter().partition(|price| price.value.is_null());
    let refused: BTreeMap<usize, Price> = refused.into_iter().map(|price| (price.at, price)).collect();
    let sent = intents.iter().enumerate().filter(|(at, _)| !refused.contains_key(at)).map(|(_, i)| i.clone()).collect();
    let mut written = collections::write(object, sent)?.into_iter();
    let cleared = || {
        Outcome::refused(
            Violation::new("required", "a price cannot be cleared: set one").on("PricebookEntry.UnitPrice"),
        )
    };
    let mut outcomes: Vec<_> = (0..intents.len())
        .map(|at| if refused.contains_key(&at) { cleared() } else { written.next().expect("one outcome each") })
        .collect();
    write_prices(&pricebook, &intents, prices, &mut outcomes);
    Ok(outcomes)
}

/// Writes the prices of the products that were stored, and spoils the outcome of those that failed.
fn write_prices(pricebook: &str, intents: &[Intent], prices: Vec<Price>, outcomes: &mut [Outcome]) {
    let stored: Vec<(Price, Written)> = prices
        .into_iter()
        .filter_map(|price| match &outcomes[price.at] {
            Outcome::Written(written) => Some((price, written.clone())),
            _ => None,
        })
        .collect();
    let entries = match existing(pricebook, stored.iter().filter(|(_, w)| !w.created).map(|(_, w)| w.key.as_str())) {
        Ok(entries) => entries,
        Err(failure) => {
            for (price, written) in &stored {
                outcomes[price.at] = late(written, Outcome::Failed(failure.clone()));
            }
            return;
        }
    };
    let writes = stored.iter().map(|(price, written)| {
        let entry = entries.iter().find(|(product, _)| same_id(product, &written.key)).map(|(_, entry)| entry.clone());
        price_intent(intents[price.at].id, pricebook, &written.key, entry, &price.value)
    });
    let results = collections::write_object(ENTRY, &writes.collect::<Vec<_>>());
    for ((price, written), result) in stored.iter().zip(results) {
        outcomes[price.at] = late(written, result);
    }
}

fn price_intent(id: u32, pricebook: &str, product: &str, entry: Option<String>, price: &Json) -> Intent {
    let (action, data) = match entry {
        Some(_) => (Action::Update, json::json!({"UnitPrice": price})),
        None => (
            Action::Create,
            json::json!({"Pricebook2Id": pricebook, "Product2Id": product, "UnitPrice": price, "IsActive": true}),
        ),
    };
    Intent { id, action, key: entry, external_id: None, expected_version: None, data: data.to_string() }
}

/// Which of these products have a price already: product and entry.
fn existing<'a>(pricebook: &str, products: impl Iterator<Item = &'a str>) -> Result<Vec<(String, String)>> {
    let products: Vec<_> = products.map(soql::quoted).collect();
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let statement = format!(
        "SELECT Id, Product2Id FROM PricebookEntry WHERE Pricebook2Id = {} AND Product2Id IN ({}) ORDER BY Id",
        soql::quoted(pricebook),
        products.join(", ")
    );
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Entry {
        id: String,
        product2_id: String,
    }
    let entry = |record: &RawValue| json::read(record.get()).map(|entry: Entry| (entry.product2_id, entry.id));
    api::query(&statement)?.records.iter().map(|record| entry(record)).collect()
}

/// What became of a product that is stored, given what became of its price.
fn late(product: &Written, price: Outcome) -> Outcome {
    match price {
        Outcome::Written(_) | Outcome::Unchanged(_) => Outcome::Written(product.clone()),
        price if product.created => {
            let why = match price {
                Outcome::Rejected(violations) => {
                    violations.into_iter().map(|v| v.message).collect::<Vec<_>>().join("; ")
                }
                other => format!("{other:?}"),
            };
            Outcome::Unknown(format!("product {} is made, its price is not: {why}", product.key))
        }
        Outcome::Rejected(violations) => Outcome::Rejected(
            violations
                .into_iter()
                .map(|v| Violation { field: v.field.map(|field| format!("{PRICE}.{field}")), ..v })
                .collect(),
        ),
        // The product itself is there: only its price is not.
        Outcome::Gone(_) => Outcome::Failed(tollgate_sdk::Failure::Transient("the price went away meanwhile".into())),
        other => other,
    }
}
