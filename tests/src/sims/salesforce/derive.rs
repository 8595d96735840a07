//! What the vendor computes itself: stages, line totals, names of lines, the sum of an opportunity.

use super::cell::Cell;
use super::errors::ApiError;
use super::schema::ObjectIndex;
use super::store::{Before, Store};
use rust_decimal::Decimal;

/// The standard stages: name, probability, forecast, closed, won.
pub const STAGES: [(&str, u32, &str, bool, bool); 10] = [
    ("Prospecting", 10, "Pipeline", false, false),
    ("Qualification", 10, "Pipeline", false, false),
    ("Needs Analysis", 20, "Pipeline", false, false),
    ("Value Proposition", 50, "Pipeline", false, false),
    ("Id. Decision Makers", 60, "Pipeline", false, false),
    ("Perception Analysis", 70, "Pipeline", false, false),
    ("Proposal/Price Quote", 75, "Pipeline", false, false),
    ("Negotiation/Review", 90, "Pipeline", false, false),
    ("Closed Won", 100, "Closed", true, true),
    ("Closed Lost", 0, "Omitted", true, false),
];

/// Fills in what follows from a record's values.
///
/// # Errors
/// When the values contradict what exists.
pub fn derive(store: &Store, object: ObjectIndex, target: Option<u32>, cells: &mut [Cell]) -> Result<(), ApiError> {
    match store.schema.objects[object].name {
        "Opportunity" => stage(store, object, target, cells),
        "PricebookEntry" => entry(store, object, target, cells)?,
        "OpportunityLineItem" => line(store, object, cells),
        _ => {}
    }
    Ok(())
}

/// Carries a line's total into its opportunity, whose stamp moves with it.
pub fn roll_up(store: &mut Store, object: ObjectIndex, slot: u32, stamp_ms: i64, undo: &mut Vec<Before>) {
    let described = &store.schema.objects[object];
    if described.name != "OpportunityLineItem" {
        return;
    }
    let (parent, total) = (described.slot("OpportunityId"), described.slot("TotalPrice"));
    let relation = described.field("OpportunityId").expect("a line has an opportunity");
    let opportunity = store.object("Opportunity");
    let Some(id) = store.row(object, slot).cells[parent].as_text().map(str::to_owned) else { return };
    let Some(deal) = store.find(opportunity, &id) else { return };
    let lines = store.children(object, relation, &id).iter();
    let sum: Decimal = lines.filter_map(|line| store.row(object, *line).cells[total].as_decimal()).sum();
    let described = &store.schema.objects[opportunity];
    let (amount, has_lines) = (described.slot("Amount"), described.slot("HasOpportunityLineItem"));
    undo.push(store.before(opportunity, Some(deal)));
    store.change(opportunity, deal, |row| {
        row.cells[amount] = Cell::decimal(sum);
        row.cells[has_lines] = Cell::Bool(true);
        row.modified_ms = stamp_ms;
    });
}

fn stage(store: &Store, object: ObjectIndex, target: Option<u32>, cells: &mut [Cell]) {
    let described = &store.schema.objects[object];
    let name_slot = described.slot("StageName");
    let before = target.map(|slot| &store.row(object, slot).cells[name_slot]);
    let name = cells[name_slot].as_text().unwrap_or_default();
    let known = STAGES.iter().find(|stage| stage.0 == name);
    // A stage that nobody configured is open and says nothing about chances.
    let (_, probability, forecast, is_closed, is_won) = known.copied().unwrap_or(("", 0, "Pipeline", false, false));
    let is_moved = before != Some(&cells[name_slot]);
    let probability_slot = described.slot("Probability");
    if is_moved || cells[probability_slot] == Cell::Null {
        cells[probability_slot] = Cell::decimal(Decimal::from(probability));
        cells[described.slot("ForecastCategoryName")] = Cell::text(forecast);
    }
    cells[described.slot("IsClosed")] = Cell::Bool(is_closed);
    cells[described.slot("IsWon")] = Cell::Bool(is_won);
    // Where there are lines their sum is the amount: a written one is ignored without a word.
    let amount = described.slot("Amount");
    if let Some(slot) = target
        && cells[described.slot("HasOpportunityLineItem")].is_true()
    {
        cells[amount] = store.row(object, slot).cells[amount].clone();
    }
}

fn entry(store: &Store, object: ObjectIndex, target: Option<u32>, cells: &mut [Cell]) -> Result<(), ApiError> {
    let described = &store.schema.objects[object];
    let product = store.object("Product2");
    let (product_slot, book_slot) = (described.slot("Product2Id"), described.slot("Pricebook2Id"));
    let Some(id) = cells[product_slot].as_text() else { return Ok(()) };
    let relation = described.field("Product2Id").expect("an entry has a product");
    let twin = store
        .children(object, relation, id)
        .iter()
        .find(|other| Some(**other) != target && store.row(object, **other).cells[book_slot] == cells[book_slot]);
    if twin.is_some() {
        let why = "This price definition already exists in this price book";
        return Err(ApiError::about("DUPLICATE_VALUE", why, &["Pricebook2Id", "Product2Id"]));
    }
    if let Some(slot) = store.find(product, id) {
        let of = &store.schema.objects[product];
        let row = &store.row(product, slot).cells;
        let (name, code) = (row[of.slot("Name")].clone(), row[of.slot("ProductCode")].clone());
        cells[described.slot("Name")] = name;
        cells[described.slot("ProductCode")] = code;
    }
    Ok(())
}

fn line(store: &Store, object: ObjectIndex, cells: &mut [Cell]) {
    let described = &store.schema.objects[object];
    let entries = store.object("PricebookEntry");
    let of = &store.schema.objects[entries];
    let entry = cells[described.slot("PricebookEntryId")].as_text().and_then(|id| store.find(entries, id));
    if let Some(slot) = entry {
        let row = &store.row(entries, slot).cells;
        for (to, from) in
            [("Product2Id", "Product2Id"), ("ProductCode", "ProductCode"), ("ListPrice", "UnitPrice"), ("Name", "Name")]
        {
            cells[described.slot(to)] = row[of.slot(from)].clone();
        }
    }
    let number = |cells: &[Cell], name| cells[described.slot(name)].as_decimal().unwrap_or_default();
    let total = number(cells, "Quantity") * number(cells, "UnitPrice");
    cells[described.slot("TotalPrice")] = Cell::decimal(total.round_dp(2));
}
