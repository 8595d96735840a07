//! What is read without searching: lists of records, one record, and the definitions of properties.

use super::errors::Error;
use super::schema::{Kind, ObjectType, Property};
use super::store::Store;
use crate::sims::Json;
use crate::sims::server::{Answer, Request};
use http::StatusCode;
use serde_json::json;

/// Records of a page.
const LIMIT_MAX: usize = 100;

/// A page of a list, in the order of ids.
///
/// # Errors
/// A limit or a cursor that is none.
pub fn list(store: &Store, kind: ObjectType, request: &Request) -> Result<Answer, Error> {
    let limit = request.parameter("limit").map_or(Ok(10), |text| text.parse());
    let limit = limit.ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    let limit = limit.ok_or_else(|| Error::invalid(format!("limit must be between 1 and {LIMIT_MAX}")))?;
    let after = request.parameter("after").map_or(Ok(0), |text| text.parse::<u64>());
    let after = after.map_err(|_| Error::invalid("after is not a valid cursor"))?;
    let is_archived = request.parameter("archived").as_deref() == Some("true");
    let rows = store.table(kind).rows.iter().filter(|row| row.archived_ms.is_some() == is_archived);
    let mut rows = rows.filter(|row| row.id >= after);
    let asked = asked(kind, request);
    let page: Vec<_> = rows.by_ref().take(limit).map(|row| row.show(kind, asked.iter().map(String::as_str))).collect();
    let mut body = json!({ "results": page });
    if let Some(next) = rows.next() {
        let after = next.id.to_string();
        body["paging"] = json!({ "next": { "after": after, "link": format!("https://api.hubapi.com{}?after={after}", request.path) } });
    }
    Ok(Answer::json(StatusCode::OK, &body))
}

/// One record.
///
/// # Errors
/// It is not there, or archived.
pub fn one(store: &Store, kind: ObjectType, id: &str, request: &Request) -> Result<Answer, Error> {
    let record = store.by_id(kind, id).filter(|record| record.archived_ms.is_none());
    let record = record.ok_or_else(Error::no_path)?;
    Ok(Answer::json(StatusCode::OK, &record.show(kind, asked(kind, request).iter().map(String::as_str))))
}

fn asked(kind: ObjectType, request: &Request) -> Vec<String> {
    let asked = request.parameter("properties").unwrap_or_default();
    let asked: Vec<_> = asked.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if asked.is_empty() { kind.defaults().iter().map(|name| (*name).to_owned()).collect() } else { asked }
}

/// The definitions of all properties, or of one.
///
/// # Errors
/// There is no such property.
pub fn properties(store: &Store, kind: ObjectType, name: Option<&str>) -> Result<Answer, Error> {
    let body = match name {
        None => json!({ "results": store.properties(kind).iter().map(definition).collect::<Vec<_>>() }),
        Some(name) => definition(store.property(kind, name).ok_or_else(Error::no_path)?),
    };
    Ok(Answer::json(StatusCode::OK, &body))
}

fn definition(property: &Property) -> Json {
    let (of, field) = property.kind.names();
    let choices: &[&str] = match property.kind {
        Kind::Choice(choices) => choices,
        Kind::Boolean => &["true", "false"],
        _ => &[],
    };
    let option = |value: &&str| json!({ "label": value, "value": value, "displayOrder": -1, "hidden": false });
    json!({
        "name": property.name, "label": property.label, "type": of, "fieldType": field, "description": "",
        "groupName": "information", "options": choices.iter().map(option).collect::<Vec<_>>(), "hidden": false,
        "hasUniqueValue": property.unique, "calculated": false, "externalOptions": false, "formField": true,
        "hubspotDefined": !property.custom,
        "modificationMetadata": { "archivable": property.custom, "readOnlyDefinition": !property.custom,
                                  "readOnlyValue": property.read_only },
    })
}
