//! `Opportunity`: deals and their lines. The lines are a sub-select here and a list of records there; they are read
//! only, because a line needs a price book entry that another system cannot name.

use crate::{
    collections,
    object::{Child, Object, Shape},
};
use tollgate_sdk::{Failure, Intent, Outcome, Result, SafeRepeat, json, json::Json};

const LINES: &str = "OpportunityLineItems";

pub(crate) static OPPORTUNITY: Object = Object {
    name: "Opportunity",
    base: &["Name", "AccountId", "StageName", "Amount", "CloseDate"],
    child: Some(Child {
        relation: LINES,
        member: LINES,
        is_list: true,
        fields: &["Id", "Product2.ProductCode", "Quantity", "UnitPrice"],
    }),
    repeat: SafeRepeat::ExternalId,
    shape: Some(shape),
    write,
};

/// The answer to a sub-select, `{"records": [..]}` or `null`, becomes the list of its records.
fn shape() -> Result<Shape> {
    Ok(Box::new(|record| {
        if let Some(lines) = record.get_mut(LINES) {
            *lines = lines.get_mut("records").map_or_else(|| Json::Array(Vec::new()), Json::take);
        }
    }))
}

fn write(object: &Object, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
    for intent in &intents {
        if json::object(&intent.data)?.contains_key(LINES) {
            let text = format!("the lines of an opportunity are read only: take `{LINES}` out of what is written");
            return Err(Failure::Misconfigured(text));
        }
    }
    collections::write(object, intents)
}
