//! Reads a record's JSON into a record: what the vendor accepts, and how it says no.

use super::errors::Error;
use super::schema::{ADDRESS_FIELDS, Field, Kind, RecordType, is_country};
use super::store::{Address, Line, Record, Store};
use crate::sims::{Json, time};
use http::StatusCode;
use rust_decimal::Decimal;
use serde_json::Map;

/// How a body is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The kind of record.
    pub kind: RecordType,
    /// Whether unknown fields are refused (the default), or dropped as the caller asked.
    pub is_strict: bool,
    /// Whether the sublist of items is replaced as a whole.
    pub replaces_items: bool,
    /// Whether the sublist of addresses is replaced as a whole.
    pub replaces_addresses: bool,
    /// Whether external ids exist in this account.
    pub has_external_ids: bool,
}

/// Applies a body to a record.
///
/// # Errors
/// The first thing that does not fit, with its place in the body.
pub fn apply(store: &mut Store, reading: Reading, record: &mut Record, body: &Map<String, Json>) -> Result<(), Error> {
    for (name, value) in body {
        match (reading.kind, name.as_str()) {
            (_, "links" | "id") => {}
            (_, "externalId") if reading.has_external_ids => record.external_id = text(value, name, 255)?,
            (RecordType::Customer, "addressBook" | "addressbook") => addresses(store, reading, record, value)?,
            (RecordType::SalesOrder, "item") => items(store, reading, record, value)?,
            _ => set(store, reading, record, (name, value))?,
        }
    }
    Ok(())
}

fn set(store: &Store, reading: Reading, record: &mut Record, (name, value): (&str, &Json)) -> Result<(), Error> {
    let standard = reading.kind.fields().iter().find(|(known, ..)| *known == name);
    let custom: Field = ("", "", Kind::Text(300));
    let field = match standard {
        Some(field) => field,
        None if store.is_custom_field(reading.kind, name) => &custom,
        None if !reading.is_strict => return Ok(()),
        None => {
            let detail = format!("Error while accessing a resource. Unknown reference or field: {name}.");
            return Err(Error::body("INVALID_CONTENT", detail, name));
        }
    };
    if field.2 == Kind::ReadOnly {
        return Ok(());
    }
    match read(store, field.2, name, value)? {
        Some(value) => drop(record.fields.insert(name.to_owned(), value)),
        None => drop(record.fields.remove(name)),
    }
    Ok(())
}

/// A value as it is stored; none clears the field.
fn read(store: &Store, kind: Kind, name: &str, value: &Json) -> Result<Option<Json>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    let stored = match kind {
        Kind::Text(length) => text(value, name, length)?.map(Json::String),
        Kind::Email => match text(value, name, 254)? {
            Some(mail) if !is_mail(&mail) => {
                return Err(Error::user("Please enter a valid email address."));
            }
            mail => mail.map(Json::String),
        },
        Kind::Phone => match text(value, name, 32)? {
            Some(phone) if phone.chars().filter(char::is_ascii_digit).count() < 7 => {
                return Err(Error::user("Phone number should have seven digits or more."));
            }
            phone => phone.map(Json::String),
        },
        Kind::Boolean => Some(Json::Bool(value.as_bool().ok_or_else(|| invalid(name))?)),
        Kind::Number => {
            decimal(value).ok_or_else(|| invalid(name))?;
            Some(value.clone())
        }
        Kind::Date => {
            let day = value.as_str().and_then(|text| text.get(..10)).filter(|day| time::is_date(day));
            Some(Json::String(day.ok_or_else(|| invalid(name))?.to_owned()))
        }
        Kind::List(entries) => {
            let id = reference(value, name)?;
            if !entries.iter().any(|(known, _)| *known == id) {
                return Err(bad_value(&id, name, name));
            }
            Some(Json::String(id))
        }
        Kind::Customer => Some(Json::String(record_id(store, RecordType::Customer, value, (name, name))?.to_string())),
        Kind::ReadOnly => None,
    };
    Ok(stored)
}

fn is_mail(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(' ')
    })
}

fn invalid(path: &str) -> Error {
    let detail = format!("Invalid value for the resource or sub-resource field '{path}'. Provide a valid value.");
    Error::body("INVALID_CONTENT", detail, path)
}

fn bad_value(value: &str, field: &str, path: &str) -> Error {
    let detail = format!(
        "Error while accessing a resource. You have entered an Invalid Field Value {value} for the following field: {field}"
    );
    Error::body("INVALID_CONTENT", detail, path)
}

fn text(value: &Json, path: &str, length: usize) -> Result<Option<String>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    let text = value.as_str().ok_or_else(|| invalid(path))?.trim();
    if text.chars().count() > length {
        let detail =
            format!("The field {path} contained more than the maximum number ( {length} ) of characters allowed.");
        let error =
            Error::new(StatusCode::BAD_REQUEST, "USER_ERROR", format!("Error while accessing a resource. {detail}"));
        return Err(Error { place: super::errors::Place::Path(path.to_owned()), ..error });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn decimal(value: &Json) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
}

/// The id that a reference names: an object with `id`, never bare text.
fn reference(value: &Json, path: &str) -> Result<String, Error> {
    match value.get("id") {
        Some(Json::String(id)) => Ok(id.clone()),
        Some(Json::Number(id)) => Ok(id.to_string()),
        _ => Err(invalid(path)),
    }
}

/// The internal id of a record that a reference names by its id or its external id.
fn record_id(store: &Store, kind: RecordType, value: &Json, (field, path): (&str, &str)) -> Result<u64, Error> {
    let (shown, place) = match value.get("externalId").and_then(Json::as_str) {
        Some(key) => (key.to_owned(), store.table(kind).by_external.get(key).copied()),
        None => {
            let id = reference(value, path)?;
            let place = match id.strip_prefix("eid:") {
                Some(key) => store.table(kind).by_external.get(key).copied(),
                None => id.parse().ok().and_then(|id| store.by_id(kind, id)),
            };
            (id, place)
        }
    };
    place.map(|place| Store::id(kind, place)).ok_or_else(|| bad_value(&shown, field, path))
}

fn sublist<'a>(value: &'a Json, path: &str) -> Result<&'a Vec<Json>, Error> {
    value.get("items").and_then(Json::as_array).ok_or_else(|| invalid(path))
}

fn items(store: &Store, reading: Reading, record: &mut Record, value: &Json) -> Result<(), Error> {
    let sent = sublist(value, "item")?;
    if reading.replaces_items {
        record.lines.clear();
    }
    for (n, sent) in sent.iter().enumerate() {
        let path = format!("item.items[{n}]");
        let known = sent.get("line").and_then(Json::as_u64);
        let place = known.and_then(|line| record.lines.iter().position(|known| known.line == line));
        let before = place.map(|place| record.lines[place].clone());
        let line = line(store, before, sent, &path)?;
        match place {
            Some(place) => record.lines[place] = Line { line: record.lines[place].line, ..line },
            // A line without a known number is a new one, also where the same item stands already: only
            // `replace=item` says otherwise.
            None => {
                let next = record.lines.iter().map(|line| line.line).max().unwrap_or(0) + 1;
                record.lines.push(Line { line: next, ..line });
            }
        }
    }
    Ok(())
}

fn line(store: &Store, before: Option<Line>, sent: &Json, path: &str) -> Result<Line, Error> {
    let members = sent.as_object().ok_or_else(|| invalid(path))?;
    let known = ["line", "item", "quantity", "rate", "amount", "description", "price", "links"];
    if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
        let detail = format!("Error while accessing a resource. Unknown reference or field: {name}.");
        return Err(Error::body("INVALID_CONTENT", detail, format!("{path}.{name}")));
    }
    let number = |name: &str| match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => decimal(value).map(Some).ok_or_else(|| invalid(&format!("{path}.{name}"))),
    };
    let item = match (members.get("item"), &before) {
        (Some(value), _) => record_id(store, RecordType::InventoryItem, value, ("item", &format!("{path}.item")))?,
        (None, Some(before)) => before.item,
        (None, None) => return Err(Error::user("Please enter value(s) for: Item")),
    };
    let quantity = number("quantity")?.or(before.as_ref().map(|line| line.quantity)).unwrap_or(Decimal::ONE);
    let amount = number("amount")?;
    let listed = || {
        let place = store.by_id(RecordType::InventoryItem, item)?;
        store.row(RecordType::InventoryItem, place).decimal("basePrice")
    };
    let rate = match (number("rate")?, amount) {
        (Some(rate), _) => rate,
        (None, Some(amount)) if !quantity.is_zero() => amount / quantity,
        _ => before.as_ref().map(|line| line.rate).or_else(listed).unwrap_or_default(),
    };
    let description = match members.get("description") {
        Some(value) => text(value, &format!("{path}.description"), 4_000)?,
        None => before.and_then(|line| line.description),
    };
    Ok(Line { line: 0, item, quantity, rate, amount: quantity * rate, description })
}

fn addresses(store: &mut Store, reading: Reading, record: &mut Record, value: &Json) -> Result<(), Error> {
    let sent = sublist(value, "addressBook")?;
    if reading.replaces_addresses {
        record.addresses.clear();
    }
    for (n, sent) in sent.iter().enumerate() {
        let path = format!("addressBook.items[{n}]");
        let known = ["internalId", "id"].iter().find_map(|name| sent.get(name));
        let known = known.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
        let place = match &known {
            None => None,
            Some(id) => {
                let place = record.addresses.iter().position(|address| address.id.to_string() == *id);
                Some(place.ok_or_else(|| bad_value(id, "internalId", &format!("{path}.internalId")))?)
            }
        };
        let mut address = match place {
            Some(place) => record.addresses[place].clone(),
            None => Address { id: store.next_address(), ..Address::default() },
        };
        self::address(&mut address, sent, &path)?;
        // There is one default of each kind: a new one takes over.
        for other in &mut record.addresses {
            other.is_billing &= !address.is_billing;
            other.is_shipping &= !address.is_shipping;
        }
        match place {
            Some(place) => record.addresses[place] = address,
            None => record.addresses.push(address),
        }
    }
    Ok(())
}

fn address(address: &mut Address, sent: &Json, path: &str) -> Result<(), Error> {
    let members = sent.as_object().ok_or_else(|| invalid(path))?;
    for (name, value) in members {
        let at = format!("{path}.{name}");
        let flag = || value.as_bool().ok_or_else(|| invalid(&at));
        match name.as_str() {
            "defaultBilling" => address.is_billing = flag()?,
            "defaultShipping" => address.is_shipping = flag()?,
            "label" => address.label = text(value, &at, 100)?,
            "addressBookAddress" | "addressbookAddress" => fields(address, value, &at)?,
            "internalId" | "id" | "isResidential" | "links" => {}
            _ => {
                let detail = format!("Error while accessing a resource. Unknown reference or field: {name}.");
                return Err(Error::body("INVALID_CONTENT", detail, at));
            }
        }
    }
    Ok(())
}

fn fields(address: &mut Address, value: &Json, path: &str) -> Result<(), Error> {
    let members = value.as_object().ok_or_else(|| invalid(path))?;
    for (name, value) in members {
        let at = format!("{path}.{name}");
        if name == "country" {
            let code = if value.is_null() { None } else { Some(reference(value, &at)?) };
            if let Some(code) = code.as_ref().filter(|code| !is_country(code)) {
                return Err(bad_value(code, "country", &at));
            }
            address.country = code;
            continue;
        }
        let Some((known, length)) = ADDRESS_FIELDS.iter().find(|(known, _)| known == name) else {
            if matches!(name.as_str(), "links" | "override" | "addrText") {
                continue;
            }
            let detail = format!("Error while accessing a resource. Unknown reference or field: {name}.");
            return Err(Error::body("INVALID_CONTENT", detail, at));
        };
        match text(value, &at, *length)? {
            Some(text) => drop(address.fields.insert(known, text)),
            None => drop(address.fields.remove(known)),
        }
    }
    Ok(())
}

/// What a record must have before it is saved.
///
/// # Errors
/// The vendor's words for what is missing.
pub fn complete(kind: RecordType, record: &Record) -> Result<(), Error> {
    let missing = |name: &str| record.text(name).is_none();
    let is_person = record.fields.get("isPerson") == Some(&Json::Bool(true));
    match kind {
        RecordType::Customer if is_person && (missing("firstName") || missing("lastName")) => {
            Err(Error::user("Please enter value(s) for: First Name, Last Name."))
        }
        RecordType::Customer if !is_person && missing("companyName") => {
            Err(Error::user("Please enter value(s) for: Company Name"))
        }
        RecordType::InventoryItem if missing("itemId") => {
            Err(Error::user("Please enter value(s) for: Item Name/Number"))
        }
        RecordType::SalesOrder if missing("entity") => Err(Error::user("Please enter value(s) for: Customer")),
        RecordType::SalesOrder if record.lines.is_empty() => {
            Err(Error::user("You must enter at least one line item for this transaction."))
        }
        _ => Ok(()),
    }
}
