//! The tables that queries see: flat, and built from the records as they stand.

use crate::sims::Json;
use crate::sims::netsuite::schema::{ADDRESS_FIELDS, Kind, RecordType};
use crate::sims::netsuite::store::{Record, Store};
use rust_decimal::Decimal;
use std::borrow::Cow;

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `customer`, `item` or `transaction`.
    Records(RecordType),
    /// `transactionline`: a main line and one for each item.
    Lines,
    /// `customeraddressbook`.
    AddressBook,
    /// `customeraddressbookentityaddress`.
    Addresses,
    /// `itemprice`: the base price of each item.
    Prices,
    /// `dual`: one row without columns.
    Dual,
}

/// A row of a table, by its place in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The missing side of a left join.
    None,
    /// A record.
    Record(RecordType, usize),
    /// A line of an order: its place, none for the main line.
    Line(usize, Option<usize>),
    /// An address of a customer.
    Address(usize, usize),
    /// The base price of an item.
    Price(usize),
    /// The row of `dual`.
    Dual,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The internal id.
    Id,
    /// The external id.
    ExternalId,
    /// When it was made.
    Created,
    /// When it was last changed.
    Modified,
    /// The same for all rows.
    Constant(&'static str),
    /// A field of the record.
    Field(String, Kind),
    /// What an order comes to.
    Total,
    /// A column of another table, by its name.
    Other(&'static str),
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A number.
    Number(Decimal),
    /// Text.
    Text(Cow<'a, str>),
    /// An instant, milliseconds since 1970.
    Time(i64),
    /// A day, `YYYY-MM-DD`.
    Day(&'a str),
}

const LINE_COLUMNS: [&str; 12] = [
    "transaction",
    "id",
    "linesequencenumber",
    "uniquekey",
    "item",
    "quantity",
    "rate",
    "netamount",
    "foreignamount",
    "mainline",
    "taxline",
    "memo",
];
const BOOK_COLUMNS: [&str; 7] =
    ["entity", "internalid", "addressbookaddress", "defaultbilling", "defaultshipping", "label", "id"];
const PRICE_COLUMNS: [&str; 5] = ["item", "price", "pricelevel", "pricelevelname", "quantity"];

impl Table {
    /// The table of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "customer" => Self::Records(RecordType::Customer),
            "item" => Self::Records(RecordType::InventoryItem),
            "transaction" => Self::Records(RecordType::SalesOrder),
            "transactionline" => Self::Lines,
            "customeraddressbook" => Self::AddressBook,
            "customeraddressbookentityaddress" => Self::Addresses,
            "itemprice" => Self::Prices,
            "dual" => Self::Dual,
            _ => return None,
        })
    }

    /// The column of this name.
    #[must_use]
    pub fn column(self, store: &Store, name: &str) -> Option<Column> {
        let known = |names: &[&'static str]| names.iter().find(|known| **known == name).map(|name| Column::Other(name));
        match self {
            Self::Records(kind) => record_column(store, kind, name),
            Self::Lines => known(&LINE_COLUMNS),
            Self::AddressBook => known(&BOOK_COLUMNS),
            Self::Addresses if matches!(name, "nkey" | "recordid") => Some(Column::Other("nkey")),
            Self::Addresses if name == "country" => Some(Column::Other("country")),
            Self::Addresses => {
                let field = ADDRESS_FIELDS.iter().find(|(field, _)| field.eq_ignore_ascii_case(name))?;
                Some(Column::Other(field.0))
            }
            Self::Prices => known(&PRICE_COLUMNS),
            Self::Dual => None,
        }
    }

    /// All rows of the table, in the order they were made.
    #[must_use]
    pub fn rows(self, store: &Store) -> Vec<Row> {
        let count = |kind| 0..store.table(kind).rows.len();
        match self {
            Self::Records(kind) => count(kind).map(|place| Row::Record(kind, place)).collect(),
            Self::Lines => count(RecordType::SalesOrder).flat_map(|place| lines_of(store, place)).collect(),
            Self::AddressBook | Self::Addresses => {
                count(RecordType::Customer).flat_map(|place| addresses_of(store, place)).collect()
            }
            Self::Prices => count(RecordType::InventoryItem).map(Row::Price).collect(),
            Self::Dual => vec![Row::Dual],
        }
    }

    /// The rows whose column has this value, where the store can tell without looking at all.
    #[must_use]
    pub fn find(self, store: &Store, column: &Column, value: &Value<'_>) -> Option<Vec<Row>> {
        let id = match value {
            Value::Number(number) => u64::try_from(*number).ok(),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        };
        let place = |kind| id.and_then(|id| store.by_id(kind, id));
        match (self, column) {
            (Self::Records(kind), Column::Id) => {
                Some(place(kind).map(|place| Row::Record(kind, place)).into_iter().collect())
            }
            (Self::Records(kind), Column::ExternalId) => {
                let Value::Text(key) = value else { return None };
                let found = store.table(kind).by_external.get(key.as_ref());
                Some(found.map(|place| Row::Record(kind, *place)).into_iter().collect())
            }
            (Self::Lines, Column::Other("transaction")) => {
                Some(place(RecordType::SalesOrder).map(|place| lines_of(store, place)).unwrap_or_default())
            }
            (Self::AddressBook, Column::Other("entity")) => {
                Some(place(RecordType::Customer).map(|place| addresses_of(store, place)).unwrap_or_default())
            }
            (Self::Prices, Column::Other("item")) => {
                Some(place(RecordType::InventoryItem).map(Row::Price).into_iter().collect())
            }
            _ => None,
        }
    }
}

fn lines_of(store: &Store, place: usize) -> Vec<Row> {
    let count = store.row(RecordType::SalesOrder, place).lines.len();
    std::iter::once(Row::Line(place, None)).chain((0..count).map(|n| Row::Line(place, Some(n)))).collect()
}

fn addresses_of(store: &Store, place: usize) -> Vec<Row> {
    (0..store.row(RecordType::Customer, place).addresses.len()).map(|n| Row::Address(place, n)).collect()
}

fn record_column(store: &Store, kind: RecordType, name: &str) -> Option<Column> {
    let column = match (kind, name) {
        (_, "id") => Column::Id,
        (_, "externalid") => Column::ExternalId,
        (_, "lastmodifieddate") => Column::Modified,
        (RecordType::Customer, "datecreated") | (_, "createddate") => Column::Created,
        (RecordType::InventoryItem, "itemtype") => Column::Constant("InvtPart"),
        (RecordType::SalesOrder, "type") => Column::Constant("SalesOrd"),
        (RecordType::SalesOrder, "recordtype") => Column::Constant("salesorder"),
        (RecordType::SalesOrder, "foreigntotal") => Column::Total,
        (RecordType::SalesOrder, "status") => Column::Field("orderStatus".to_owned(), Kind::Text(1)),
        (RecordType::Customer, "altname") => Column::Field("companyName".to_owned(), Kind::Text(83)),
        // The base price is a row of `itemprice`, an address a row of its table: neither is a column here.
        (RecordType::InventoryItem, "baseprice") => return None,
        _ if store.is_custom_field(kind, name) => Column::Field(name.to_owned(), Kind::Text(300)),
        _ => {
            let mut fields = kind.fields().iter().filter(|(_, _, kind)| *kind != Kind::ReadOnly);
            let (field, _, of) = fields.find(|(field, ..)| field.eq_ignore_ascii_case(name))?;
            Column::Field((*field).to_owned(), *of)
        }
    };
    Some(column)
}

/// A row's value of a column.
#[must_use]
pub fn value<'a>(store: &'a Store, row: Row, column: &Column) -> Value<'a> {
    match row {
        Row::None | Row::Dual => Value::Null,
        Row::Record(kind, place) => record_value(store.row(kind, place), Store::id(kind, place), column),
        Row::Line(place, n) => line_value(store, place, n, column),
        Row::Address(place, n) => address_value(store, place, n, column),
        Row::Price(place) => match (column, store.row(RecordType::InventoryItem, place).decimal("basePrice")) {
            (Column::Other("item"), _) => number(Store::id(RecordType::InventoryItem, place)),
            (Column::Other("price"), Some(price)) => Value::Number(price),
            (Column::Other("pricelevel"), _) => Value::Number(Decimal::ONE),
            (Column::Other("pricelevelname"), _) => Value::Text("Base Price".into()),
            _ => Value::Null,
        },
    }
}

fn number(id: u64) -> Value<'static> {
    Value::Number(Decimal::from(id))
}

fn flag(value: bool) -> Value<'static> {
    Value::Text(if value { "T" } else { "F" }.into())
}

fn record_value<'a>(record: &'a Record, id: u64, column: &Column) -> Value<'a> {
    match column {
        Column::Id => number(id),
        Column::ExternalId => record.external_id.as_deref().map_or(Value::Null, |key| Value::Text(key.into())),
        Column::Created => Value::Time(record.created_ms),
        Column::Modified => Value::Time(record.modified_ms),
        Column::Constant(text) => Value::Text((*text).into()),
        Column::Total => Value::Number(record.total()),
        Column::Other(_) => Value::Null,
        Column::Field(name, kind) => match (kind, record.fields.get(name)) {
            (Kind::Boolean, value) => flag(value == Some(&Json::Bool(true))),
            (_, None | Some(Json::Null)) => Value::Null,
            (Kind::Date, Some(Json::String(day))) => Value::Day(day),
            (Kind::List(_) | Kind::Customer, Some(Json::String(id))) => match id.parse::<u64>() {
                Ok(id) => number(id),
                Err(_) => Value::Text(id.as_str().into()),
            },
            (_, Some(Json::String(text))) => Value::Text(text.as_str().into()),
            (_, Some(Json::Bool(value))) => flag(*value),
            (_, Some(_)) => record.decimal(name).map_or(Value::Null, Value::Number),
        },
    }
}

/// A sale's lines are credits: their quantities and amounts are negative, the main line is the sum they balance.
fn line_value<'a>(store: &'a Store, place: usize, n: Option<usize>, column: &Column) -> Value<'a> {
    let order = store.row(RecordType::SalesOrder, place);
    let line = n.map(|n| &order.lines[n]);
    let Column::Other(name) = column else { return Value::Null };
    match (*name, line) {
        ("transaction", _) => number(Store::id(RecordType::SalesOrder, place)),
        ("id" | "linesequencenumber", line) => number(line.map_or(0, |line| line.line)),
        ("uniquekey", line) => {
            number(Store::id(RecordType::SalesOrder, place) * 1_000 + line.map_or(0, |line| line.line))
        }
        ("mainline", line) => flag(line.is_none()),
        ("taxline", _) => flag(false),
        ("netamount" | "foreignamount", None) => Value::Number(order.total()),
        ("netamount" | "foreignamount", Some(line)) => Value::Number(-line.amount),
        ("item", Some(line)) => number(line.item),
        ("quantity", Some(line)) => Value::Number(-line.quantity),
        ("rate", Some(line)) => Value::Number(line.rate),
        ("memo", Some(line)) => line.description.as_deref().map_or(Value::Null, |text| Value::Text(text.into())),
        ("memo", None) => order.text(name).map_or(Value::Null, |text| Value::Text(text.into())),
        _ => Value::Null,
    }
}

fn address_value<'a>(store: &'a Store, place: usize, n: usize, column: &Column) -> Value<'a> {
    let address = &store.row(RecordType::Customer, place).addresses[n];
    let text = |text: Option<&'a String>| text.map_or(Value::Null, |text| Value::Text(text.as_str().into()));
    let Column::Other(name) = column else { return Value::Null };
    match *name {
        "entity" => number(Store::id(RecordType::Customer, place)),
        "internalid" | "id" | "addressbookaddress" | "nkey" => number(address.id),
        "defaultbilling" => flag(address.is_billing),
        "defaultshipping" => flag(address.is_shipping),
        "label" => text(address.label.as_ref()),
        "country" => text(address.country.as_ref()),
        field => text(address.fields.get(field)),
    }
}
