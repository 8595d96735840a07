//! The record API: one record a request.

use super::Options;
use super::errors::{Error, Place};
use super::schema::{ADDRESS_FIELDS, Kind, ORDER_STATUS, RecordType};
use super::store::{Record, Store, name_field};
use super::values::{self, Reading};
use crate::sims::server::{Answer, Request};
use crate::sims::time::{Stamper, civil};
use crate::sims::{Json, money};
use http::{Method, StatusCode};
use serde_json::{Map, json};

/// Where records live.
pub const BASE: &str = "/services/rest/record/v1/";
/// Ids of one list page: the most, and what is sent unless asked.
pub const PAGE_MAX: usize = 1_000;

/// Does what a request for one kind of record asks; `lock` asks for a record that someone else just changed.
///
/// # Errors
/// The vendor's error.
pub fn answer(
    store: &mut Store,
    options: &Options,
    request: &Request,
    (name, id): (&str, Option<&str>),
    lock: bool,
) -> Result<Answer, Error> {
    let kind = RecordType::named(name).ok_or_else(|| {
        let detail = format!("Record type '{name}' does not exist.");
        let error = Error::new(StatusCode::NOT_FOUND, "NONEXISTENT_RECORD_TYPE", detail);
        Error { place: Place::Url(request.path.clone()), ..error }
    })?;
    let (target, external_id) = match (request.method.clone(), id) {
        (Method::GET, None) => return list(store, options, request, kind),
        (Method::GET, Some(id)) => {
            let place = find(store, kind, id).ok_or_else(|| Error::no_record(&request.path))?;
            let is_whole = request.parameter("expandSubResources").as_deref() == Some("true");
            let body = record_json(store, options, (kind, place), is_whole);
            return Ok(Answer::with_body(StatusCode::OK, CONTENT, body.to_string()));
        }
        (Method::POST, None) => (None, None),
        (Method::PATCH, Some(id)) => {
            let place = find(store, kind, id).ok_or_else(|| Error::no_record(&request.path))?;
            (Some(place), None)
        }
        (Method::PUT, Some(id)) if !options.without_upsert && id.starts_with("eid:") => {
            (find(store, kind, id), id.strip_prefix("eid:").map(str::to_owned))
        }
        (method, _) => {
            let detail = format!("Method {method} is not allowed for the resource.");
            return Err(Error::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail));
        }
    };
    store.table_mut(kind).writes.received += 1;
    let done =
        if lock { Err(changed_by_another()) } else { save(store, options, request, (kind, target, external_id)) };
    let writes = &mut store.table_mut(kind).writes;
    match &done {
        Ok(_) if target.is_none() => writes.created += 1,
        Ok(_) => writes.updated += 1,
        Err(_) => writes.rejected += 1,
    }
    let place = done?;
    let link = format!("https://{}{BASE}{}/{}", options.host, kind.name(), Store::id(kind, place));
    Ok(Answer::empty(StatusCode::NO_CONTENT).header("location", &link))
}

const CONTENT: &str = "application/vnd.oracle.resource+json; type=singular";

fn changed_by_another() -> Error {
    let detail = "Error while accessing a resource. Record has been changed.";
    Error::new(StatusCode::BAD_REQUEST, "RCRD_HAS_BEEN_CHANGED", detail)
}

fn find(store: &Store, kind: RecordType, id: &str) -> Option<usize> {
    match id.strip_prefix("eid:") {
        Some(key) => store.table(kind).by_external.get(key).copied(),
        None => store.by_id(kind, id.parse().ok()?),
    }
}

/// Saves what a request sends and says where it is.
fn save(
    store: &mut Store,
    options: &Options,
    request: &Request,
    (kind, target, external_id): (RecordType, Option<usize>, Option<String>),
) -> Result<usize, Error> {
    let body: Map<String, Json> = serde_json::from_slice(&request.body)
        .map_err(|_| Error::new(StatusCode::BAD_REQUEST, "INVALID_CONTENT", "Invalid content in the request body."))?;
    let replaces = request.parameter("replace").unwrap_or_default();
    let replaces = |name: &str| replaces.split(',').any(|part| part.trim().eq_ignore_ascii_case(name));
    let validation = request.header("x-netsuite-propertynamevalidation");
    let reading = Reading {
        kind,
        is_strict: validation.is_empty() || validation.eq_ignore_ascii_case("error"),
        replaces_items: replaces("item"),
        replaces_addresses: replaces("addressBook"),
        has_external_ids: !options.without_upsert,
    };
    put(store, Put { reading, target, external_id, stamp: Stamper::write }, &body)
}

/// Where fields go, and how the record is stamped.
pub(super) struct Put {
    pub(super) reading: Reading,
    /// The record that is there; none makes one.
    pub(super) target: Option<usize>,
    /// The external id that the record gets whatever the fields say.
    pub(super) external_id: Option<String>,
    pub(super) stamp: fn(&mut Stamper) -> i64,
}

/// Puts fields into a record and says where it is: refuses what is missing or taken, fills in what a new one lacks.
pub(super) fn put(store: &mut Store, to: Put, fields: &Map<String, Json>) -> Result<usize, Error> {
    let kind = to.reading.kind;
    let mut record = to.target.map_or_else(Record::default, |place| store.row(kind, place).clone());
    record.external_id = to.external_id.or(record.external_id);
    values::apply(store, to.reading, &mut record, fields)?;
    values::complete(kind, &record)?;
    is_unique(store, kind, to.target, &record)?;
    record.modified_ms = (to.stamp)(&mut store.stamper);
    if to.target.is_none() {
        defaults(store, kind, &mut record);
        record.created_ms = record.modified_ms;
    }
    Ok(store.put(kind, to.target, record))
}

fn is_unique(store: &Store, kind: RecordType, place: Option<usize>, record: &Record) -> Result<(), Error> {
    let table = store.table(kind);
    let taken = |found: Option<&usize>| found.is_some_and(|other| Some(*other) != place);
    if taken(record.external_id.as_ref().and_then(|key| table.by_external.get(key))) {
        return Err(Error::user("This entity already exists."));
    }
    if taken(record.text(name_field(kind)).and_then(|name| table.by_name.get(name))) {
        let what = match kind {
            RecordType::Customer => {
                "A customer record with this ID already exists. You must enter a unique customer ID for each record you create."
            }
            RecordType::InventoryItem => {
                "Uniqueness error - There is already an item with that name or with that name and parent combination."
            }
            RecordType::SalesOrder => "This transaction number has already been used.",
        };
        return Err(Error::user(what));
    }
    Ok(())
}

/// What the account fills in when a record is made.
pub(super) fn defaults(store: &mut Store, kind: RecordType, record: &mut Record) {
    let place = store.table(kind).rows.len();
    let mut default = |name: &str, value: Json| {
        record.fields.entry(name.to_owned()).or_insert(value);
    };
    match kind {
        RecordType::Customer => default("entityId", json!(format!("CUST{}", Store::id(kind, place)))),
        RecordType::InventoryItem => {}
        RecordType::SalesOrder => {
            default("orderStatus", json!("B"));
            let today = civil(store.stamper.clock().now_ms());
            default("tranDate", json!(format!("{:04}-{:02}-{:02}", today.year, today.month, today.day)));
            if record.text("tranId").is_none() {
                let number = store.next_order_number();
                record.fields.insert("tranId".to_owned(), json!(number));
            }
        }
    }
    record.fields.entry("isInactive".to_owned()).or_insert(json!(false));
    if kind == RecordType::SalesOrder {
        record.fields.remove("isInactive");
    }
}

fn link(options: &Options, kind: RecordType, id: u64) -> Json {
    json!([{ "rel": "self", "href": format!("https://{}{BASE}{}/{id}", options.host, kind.name()) }])
}

fn list(store: &Store, options: &Options, request: &Request, kind: RecordType) -> Result<Answer, Error> {
    if request.parameter("q").is_some() {
        return Err(Error::parameter(
            "q",
            "Invalid query parameter 'q'. This account answers conditions with SuiteQL only.",
        ));
    }
    let (limit, offset) = page(request)?;
    let total = store.table(kind).rows.len();
    let end = (offset + limit).min(total);
    let ids: Vec<u64> = (offset.min(total)..end).map(|place| Store::id(kind, place)).collect();
    let items: Vec<Json> =
        ids.iter().map(|id| json!({ "links": link(options, kind, *id), "id": id.to_string() })).collect();
    let body = json!({
        "links": page_links(options, &request.path, (limit, offset, total)),
        "count": items.len(), "hasMore": end < total, "items": items, "offset": offset, "totalResults": total,
    });
    Ok(Answer::with_body(StatusCode::OK, "application/vnd.oracle.resource+json; type=collection", body.to_string()))
}

/// The `limit` and `offset` of a request.
///
/// # Errors
/// `INVALID_PARAMETER` outside the vendor's bounds.
pub fn page(request: &Request) -> Result<(usize, usize), Error> {
    let number = |name: &'static str, default: usize| match request.parameter(name) {
        None => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| Error::parameter(name, format!("Invalid value of the query parameter '{name}'.")))
        }
    };
    let (limit, offset) = (number("limit", PAGE_MAX)?, number("offset", 0)?);
    if limit == 0 || limit > PAGE_MAX {
        let detail = format!("The limit value is out of range. Provide a value between 1 and {PAGE_MAX}.");
        return Err(Error::parameter("limit", detail));
    }
    if offset % limit != 0 {
        return Err(Error::parameter("offset", "The offset number must be divisible by the limit number."));
    }
    Ok((limit, offset))
}

/// The links of a page: itself, and its neighbours where there are any.
#[must_use]
pub fn page_links(options: &Options, path: &str, (limit, offset, total): (usize, usize, usize)) -> Vec<Json> {
    let to = |rel: &str, offset: usize| json!({ "rel": rel, "href": format!("https://{}{path}?limit={limit}&offset={offset}", options.host) });
    let mut links = vec![to("self", offset)];
    if offset >= limit {
        links.insert(0, to("previous", offset - limit));
        links.insert(0, to("first", 0));
    }
    if offset + limit < total {
        links.push(to("next", offset + limit));
        links.push(to("last", (total - 1) / limit * limit));
    }
    links
}

/// An instant as the record API prints it.
#[must_use]
pub fn instant(ms: i64) -> String {
    let t = civil(ms);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year, t.month, t.day, t.hour, t.minute, t.second)
}

/// A record as the record API prints it; the sublists only where asked.
#[must_use]
pub fn record_json(store: &Store, options: &Options, (kind, place): (RecordType, usize), is_whole: bool) -> Json {
    let record = store.row(kind, place);
    let id = Store::id(kind, place);
    let mut body = Map::new();
    body.insert("links".to_owned(), link(options, kind, id));
    body.insert("id".to_owned(), json!(id.to_string()));
    if let Some(key) = &record.external_id {
        body.insert("externalId".to_owned(), json!(key));
    }
    for (name, value) in &record.fields {
        let field = kind.fields().iter().find(|(known, ..)| known == name);
        let printed = match (field.map(|field| field.2), value.as_str()) {
            (Some(Kind::List(entries)), Some(id)) => {
                let named = entries.iter().find(|(known, _)| *known == id).map_or("", |(_, title)| title);
                json!({ "id": id, "refName": named })
            }
            (Some(Kind::Customer), Some(id)) => {
                let place = id.parse().ok().and_then(|id| store.by_id(RecordType::Customer, id));
                let named = place.and_then(|place| store.row(RecordType::Customer, place).text("companyName"));
                let number = id.parse().unwrap_or_default();
                json!({ "links": link(options, RecordType::Customer, number), "id": id, "refName": named })
            }
            _ => value.clone(),
        };
        body.insert(name.clone(), printed);
    }
    let (made, changed) = if kind == RecordType::Customer {
        ("dateCreated", "lastModifiedDate")
    } else {
        ("createdDate", "lastModifiedDate")
    };
    body.insert(made.to_owned(), json!(instant(record.created_ms)));
    body.insert(changed.to_owned(), json!(instant(record.modified_ms)));
    match kind {
        RecordType::Customer => {
            drop(body.insert("addressBook".to_owned(), address_book(options, id, record, is_whole)))
        }
        RecordType::InventoryItem => {}
        RecordType::SalesOrder => {
            let total: Json = serde_json::from_str(&money(record.total())).unwrap_or_default();
            body.insert("subtotal".to_owned(), total.clone());
            body.insert("total".to_owned(), total);
            let status = ORDER_STATUS.iter().find(|(known, _)| Some(*known) == record.text("orderStatus"));
            body.insert("status".to_owned(), json!(status.map(|(id, title)| json!({ "id": id, "refName": title }))));
            body.insert("item".to_owned(), item_list(store, options, id, record, is_whole));
        }
    }
    Json::Object(body)
}

fn sublist(options: &Options, (kind, id): (RecordType, u64), name: &str, items: Option<Vec<Json>>) -> Json {
    let href = format!("https://{}{BASE}{}/{id}/{name}", options.host, kind.name());
    let mut list = json!({ "links": [{ "rel": "self", "href": href }] });
    if let Some(items) = items {
        list["totalResults"] = json!(items.len());
        list["items"] = json!(items);
    }
    list
}

fn item_list(store: &Store, options: &Options, id: u64, record: &Record, is_whole: bool) -> Json {
    let line = |line: &super::store::Line| {
        let place = store.by_id(RecordType::InventoryItem, line.item);
        let named = place.and_then(|place| store.row(RecordType::InventoryItem, place).text("itemId"));
        let number =
            |value: rust_decimal::Decimal| -> Json { serde_json::from_str(&value.to_string()).unwrap_or_default() };
        json!({
            "line": line.line, "item": { "id": line.item.to_string(), "refName": named },
            "quantity": number(line.quantity), "rate": number(line.rate), "amount": number(line.amount),
            "description": line.description,
        })
    };
    let items = is_whole.then(|| record.lines.iter().map(line).collect());
    sublist(options, (RecordType::SalesOrder, id), "item", items)
}

fn address_book(options: &Options, id: u64, record: &Record, is_whole: bool) -> Json {
    let entry = |address: &super::store::Address| {
        let mut fields = Map::new();
        if let Some(code) = &address.country {
            fields.insert("country".to_owned(), json!({ "id": code }));
        }
        for (name, _) in ADDRESS_FIELDS {
            if let Some(text) = address.fields.get(name) {
                fields.insert((*name).to_owned(), json!(text));
            }
        }
        json!({
            "id": address.id, "internalId": address.id.to_string(), "label": address.label,
            "defaultBilling": address.is_billing, "defaultShipping": address.is_shipping, "addressBookAddress": fields,
        })
    };
    let items = is_whole.then(|| record.addresses.iter().map(entry).collect());
    sublist(options, (RecordType::Customer, id), "addressBook", items)
}
