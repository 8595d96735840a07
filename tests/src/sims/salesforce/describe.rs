//! The shape of objects, as `describe` shows it.

use super::schema::{Field, Kind, Object, ObjectIndex, Schema};
use super::soql::bind::type_name;
use crate::sims::Json;
use crate::sims::server::Answer;
use http::StatusCode;
use serde_json::json;

/// All objects, briefly.
#[must_use]
pub fn global(schema: &Schema, version: &str) -> Answer {
    let objects: Vec<Json> = schema.objects.iter().map(|object| brief(object, version)).collect();
    let body = json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects });
    Answer::json(StatusCode::OK, &body)
}

/// One object with its fields and child relations.
#[must_use]
pub fn object(schema: &Schema, index: ObjectIndex, version: &str) -> Answer {
    let object = &schema.objects[index];
    let mut body = brief(object, version);
    body["fields"] = object.fields.iter().map(field).collect();
    body["childRelationships"] = object
        .children
        .iter()
        .map(|child| {
            let of = &schema.objects[child.object];
            json!({
                "childSObject": of.name, "field": of.fields[child.field].name,
                "relationshipName": child.relation, "cascadeDelete": false, "deprecatedAndHidden": false,
            })
        })
        .collect();
    Answer::json(StatusCode::OK, &body)
}

fn brief(object: &Object, version: &str) -> Json {
    let is_writable = object.name != "Organization";
    let url = format!("/services/data/{version}/sobjects/{}", object.name);
    json!({
        "name": object.name, "label": object.name, "labelPlural": format!("{}s", object.name),
        "keyPrefix": object.prefix, "custom": false, "queryable": true, "retrieveable": true,
        "createable": is_writable, "updateable": is_writable, "deletable": is_writable,
        "urls": { "sobject": url, "describe": format!("{url}/describe"), "rowTemplate": format!("{url}/{{ID}}") },
    })
}

fn field(field: &Field) -> Json {
    let (length, precision, scale) = match field.kind {
        Kind::Id | Kind::Reference { .. } => (18, 0, 0),
        Kind::Text(length) | Kind::Picklist(length) => (length, 0, 0),
        Kind::Decimal { precision, scale, .. } => (0, precision, scale),
        Kind::Int => (0, 0, 0),
        Kind::Boolean | Kind::Date | Kind::DateTime => (0, 0, 0),
    };
    let (to, relation) = match field.kind {
        Kind::Reference { to, relation } => (vec![to], Some(relation).filter(|name| !name.is_empty())),
        _ => (Vec::new(), None),
    };
    let kind = if field.kind == Kind::DateTime { "datetime" } else { type_name(field.kind) };
    let is_nillable = !field.is_required && (field.is_createable || field.is_updateable) && field.kind != Kind::Boolean;
    json!({
        "name": field.name, "label": label(field.name), "type": kind, "length": length, "byteLength": length * 3,
        "precision": precision, "scale": scale, "digits": if field.kind == Kind::Int { 9 } else { 0 },
        "nillable": is_nillable, "defaultedOnCreate": field.kind == Kind::Boolean, "custom": field.name.ends_with("__c"),
        "createable": field.is_createable, "updateable": field.is_updateable, "calculated": false,
        "externalId": field.is_external_id, "unique": field.is_external_id, "idLookup": field.is_external_id || field.kind == Kind::Id,
        "caseSensitive": false, "filterable": true, "sortable": true, "referenceTo": to, "relationshipName": relation,
        "picklistValues": picklist(field), "restrictedPicklist": false, "deprecatedAndHidden": false,
    })
}

fn picklist(field: &Field) -> Vec<Json> {
    if field.name != "StageName" {
        return Vec::new();
    }
    let value = |stage: &(&str, u32, &str, bool, bool)| json!({ "active": true, "defaultValue": false, "label": stage.0, "value": stage.0 });
    super::derive::STAGES.iter().map(value).collect()
}

/// `BillingCountry` reads `Billing Country`, `ERP_Id__c` reads `ERP Id`.
fn label(name: &str) -> String {
    let name = name.trim_end_matches("__c").replace('_', " ");
    let mut label = String::with_capacity(name.len() + 4);
    let mut before_is_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && before_is_lower {
            label.push(' ');
        }
        before_is_lower = character.is_lowercase() || character.is_ascii_digit();
        label.push(character);
    }
    label
}
