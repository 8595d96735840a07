//! The metadata catalogue: what records there are, and the JSON schema of each.

use super::Options;
use super::errors::Error;
use super::schema::{ADDRESS_FIELDS, Kind, RecordType};
use super::store::Store;
use crate::sims::Json;
use crate::sims::server::{Answer, Request};
use http::StatusCode;
use serde_json::{Map, json};

/// Where the catalogue lives.
pub const BASE: &str = "/services/rest/record/v1/metadata-catalog";

/// Answers for the whole catalogue or one record.
///
/// # Errors
/// 404 for an unknown record; 406 where no schema is asked for.
pub fn answer(store: &Store, options: &Options, request: &Request, name: Option<&str>) -> Result<Answer, Error> {
    let Some(name) = name else {
        let items: Vec<Json> = RecordType::ALL
            .iter()
            .map(|kind| {
                let href = format!("https://{}{BASE}/{}", options.host, kind.name());
                json!({ "name": kind.name(), "links": [{ "rel": "canonical", "href": href, "mediaType": "application/json" }] })
            })
            .collect();
        return Ok(Answer::json(StatusCode::OK, &json!({ "items": items })));
    };
    let kind = RecordType::named(name).ok_or_else(|| Error::no_record(&request.path))?;
    if !request.header("accept").contains("schema+json") {
        let detail = "Only the media type 'application/schema+json' is answered here.";
        return Err(Error::new(StatusCode::NOT_ACCEPTABLE, "INVALID_HEADER", detail));
    }
    let body = schema(store, kind);
    Ok(Answer::with_body(StatusCode::OK, "application/schema+json", body.to_string()))
}

fn schema(store: &Store, kind: RecordType) -> Json {
    let mut properties = Map::new();
    let text =
        |title: &str, length: usize| json!({ "title": title, "type": "string", "nullable": true, "maxLength": length });
    properties.insert("id".to_owned(), json!({ "title": "Internal ID", "type": "string", "nullable": true }));
    properties.insert("externalId".to_owned(), text("External ID", 255));
    for (name, title, kind) in kind.fields() {
        properties.insert((*name).to_owned(), property(title, *kind));
    }
    for name in store.custom_fields(kind) {
        properties.insert(name.to_owned(), text(&title(name), 300));
    }
    let instant = |title: &str| json!({ "title": title, "type": "string", "format": "date-time", "nullable": true, "readOnly": true });
    properties.insert("lastModifiedDate".to_owned(), instant("Last Modified Date"));
    match kind {
        RecordType::Customer => {
            let mut address = Map::new();
            address.insert("country".to_owned(), reference("Country"));
            for (name, length) in ADDRESS_FIELDS {
                address.insert((*name).to_owned(), text(name, *length));
            }
            let line = json!({
                "internalId": text("Internal ID", 20), "defaultBilling": { "title": "Default Billing", "type": "boolean" },
                "defaultShipping": { "title": "Default Shipping", "type": "boolean" }, "label": text("Label", 100),
                "addressBookAddress": { "title": "Address", "type": "object", "properties": address },
            });
            properties.insert("addressBook".to_owned(), sublist("Address Book", &line));
        }
        RecordType::InventoryItem => {}
        RecordType::SalesOrder => {
            let line = json!({
                "line": { "title": "Line", "type": "integer", "format": "int64" }, "item": reference("Item"),
                "quantity": number("Quantity"), "rate": number("Rate"), "amount": number("Amount"),
                "description": text("Description", 4_000),
            });
            properties.insert("item".to_owned(), sublist("Item", &line));
        }
    }
    json!({
        "$schema": "http://json-schema.org/draft-06/hyper-schema#", "type": "object", "properties": properties,
        "x-ns-filterable": ["id", "externalId"],
    })
}

fn property(title: &str, kind: Kind) -> Json {
    match kind {
        Kind::Text(length) => json!({ "title": title, "type": "string", "nullable": true, "maxLength": length }),
        Kind::Email => {
            json!({ "title": title, "type": "string", "format": "email", "nullable": true, "maxLength": 254 })
        }
        Kind::Phone => json!({ "title": title, "type": "string", "nullable": true, "maxLength": 32 }),
        Kind::Boolean => json!({ "title": title, "type": "boolean" }),
        Kind::Number => number(title),
        Kind::Date => json!({ "title": title, "type": "string", "format": "date", "nullable": true }),
        Kind::List(entries) => {
            let mut property = reference(title);
            let ids: Vec<&str> = entries.iter().map(|(id, _)| *id).collect();
            property["properties"]["id"]["enum"] = json!(ids);
            property
        }
        Kind::Customer => reference(title),
        Kind::ReadOnly => json!({ "title": title, "type": "string", "nullable": true, "readOnly": true }),
    }
}

fn number(title: &str) -> Json {
    json!({ "title": title, "type": "number", "format": "double", "nullable": true })
}

fn reference(title: &str) -> Json {
    json!({
        "title": title, "type": "object",
        "properties": {
            "id": { "title": "Internal identifier", "type": "string" },
            "externalId": { "title": "External identifier", "type": "string" },
            "refName": { "title": "Reference Name", "type": "string", "readOnly": true },
        },
    })
}

fn sublist(title: &str, line: &Json) -> Json {
    json!({
        "title": title, "type": "object",
        "properties": { "items": { "type": "array", "items": { "type": "object", "properties": line } } },
    })
}

/// `custentity_year_established` reads `Year Established`.
fn title(name: &str) -> String {
    let words = name.split_once('_').map_or(name, |(_, words)| words).split('_');
    let capital = |word: &str| word.get(..1).map(|first| first.to_uppercase() + &word[1..]).unwrap_or_default();
    words.map(capital).collect::<Vec<_>>().join(" ")
}
