//! The account's data: one table per kind of record, with the indexes that reads need.

use super::schema::RecordType;
use crate::sims::Json;
use crate::sims::time::Stamper;
use crate::sims::writes::Writes;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One line of a sales order.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number in the order: the key of the sublist.
    pub line: u64,
    /// The internal id of the item.
    pub item: u64,
    /// How many.
    pub quantity: Decimal,
    /// The price of one.
    pub rate: Decimal,
    /// What the line comes to: exact.
    pub amount: Decimal,
    /// Its own words.
    pub description: Option<String>,
}

/// One address of a customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Address {
    /// Its internal id: the key of the sublist, and of the address behind it.
    pub id: u64,
    /// Whether bills go there.
    pub is_billing: bool,
    /// Whether goods go there.
    pub is_shipping: bool,
    /// Its own name.
    pub label: Option<String>,
    /// The country's code.
    pub country: Option<String>,
    /// The other fields, by their REST names.
    pub fields: BTreeMap<&'static str, String>,
}

/// One record.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its external id.
    pub external_id: Option<String>,
    /// Its body fields by their REST names: text, numbers with their digits, true or false, or the id that a reference
    /// holds.
    pub fields: BTreeMap<String, Json>,
    /// A customer's addresses.
    pub addresses: Vec<Address>,
    /// An order's lines.
    pub lines: Vec<Line>,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last changed.
    pub modified_ms: i64,
}

impl Record {
    /// A field's text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Json::as_str)
    }

    /// A field's number.
    #[must_use]
    pub fn decimal(&self, name: &str) -> Option<Decimal> {
        self.fields.get(name).and_then(|value| Decimal::from_str_exact(&value.to_string()).ok())
    }

    /// The internal id that a reference field holds.
    #[must_use]
    pub fn reference(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(|id| id.parse().ok())
    }

    /// What an order's lines come to: exact.
    #[must_use]
    pub fn total(&self) -> Decimal {
        self.lines.iter().map(|line| line.amount).sum()
    }
}

/// The records of one kind.
#[derive(Debug, Default)]
pub struct Table {
    /// The records; their place gives their internal id.
    pub rows: Vec<Record>,
    /// (modified, place).
    pub by_modified: BTreeSet<(i64, usize)>,
    /// External id to place.
    pub by_external: HashMap<String, usize>,
    /// The account's own name for it (`entityId`, `itemId`, `tranId`) to place.
    pub by_name: HashMap<String, usize>,
    /// What was done to it.
    pub writes: Writes,
}

/// All data of the account.
pub struct Store {
    customers: Table,
    items: Table,
    orders: Table,
    /// The stamps.
    pub stamper: Stamper,
    next_address: u64,
    next_order_number: u64,
    custom: HashMap<RecordType, BTreeSet<String>>,
}

impl Store {
    /// An account without records, with the standard custom fields and these ones.
    #[must_use]
    pub fn new(stamper: Stamper, custom: &[(RecordType, String)]) -> Self {
        let mut fields: HashMap<RecordType, BTreeSet<String>> = HashMap::new();
        for kind in RecordType::ALL {
            fields.insert(kind, kind.custom_fields().iter().map(|name| (*name).to_owned()).collect());
        }
        for (kind, name) in custom {
            fields.entry(*kind).or_default().insert(name.clone());
        }
        Self {
            customers: Table::default(),
            items: Table::default(),
            orders: Table::default(),
            stamper,
            next_address: 51,
            next_order_number: 1_001,
            custom: fields,
        }
    }

    /// The records of a kind.
    #[must_use]
    pub fn table(&self, kind: RecordType) -> &Table {
        match kind {
            RecordType::Customer => &self.customers,
            RecordType::InventoryItem => &self.items,
            RecordType::SalesOrder => &self.orders,
        }
    }

    /// The records of a kind, to count writes.
    pub fn table_mut(&mut self, kind: RecordType) -> &mut Table {
        match kind {
            RecordType::Customer => &mut self.customers,
            RecordType::InventoryItem => &mut self.items,
            RecordType::SalesOrder => &mut self.orders,
        }
    }

    /// The custom fields of a kind, in alphabetical order.
    pub fn custom_fields(&self, kind: RecordType) -> impl Iterator<Item = &str> {
        self.custom.get(&kind).into_iter().flatten().map(String::as_str)
    }

    /// Whether a kind has this custom field.
    #[must_use]
    pub fn is_custom_field(&self, kind: RecordType, name: &str) -> bool {
        self.custom.get(&kind).is_some_and(|fields| fields.contains(name))
    }

    /// The place of a record by its internal id.
    #[must_use]
    pub fn by_id(&self, kind: RecordType, id: u64) -> Option<usize> {
        let place = usize::try_from(id.checked_sub(kind.first_id())?).ok()?;
        (place < self.table(kind).rows.len()).then_some(place)
    }

    /// A record by its place.
    #[must_use]
    pub fn row(&self, kind: RecordType, place: usize) -> &Record {
        &self.table(kind).rows[place]
    }

    /// The internal id of a place.
    #[must_use]
    pub fn id(kind: RecordType, place: usize) -> u64 {
        kind.first_id() + place as u64
    }

    /// The next address's internal id.
    pub fn next_address(&mut self) -> u64 {
        self.next_address += 1;
        self.next_address - 1
    }

    /// The next sales order's number.
    pub fn next_order_number(&mut self) -> String {
        self.next_order_number += 1;
        format!("SO{}", self.next_order_number - 1)
    }

    /// Adds or replaces a record and says where it is.
    pub fn put(&mut self, kind: RecordType, place: Option<usize>, record: Record) -> usize {
        let table = self.table_mut(kind);
        let place = match place {
            Some(place) => {
                let before = &table.rows[place];
                table.by_modified.remove(&(before.modified_ms, place));
                if let Some(key) = &before.external_id {
                    table.by_external.remove(key);
                }
                if let Some(name) = before.text(name_field(kind)) {
                    table.by_name.remove(name);
                }
                table.rows[place] = record;
                place
            }
            None => {
                table.rows.push(record);
                table.rows.len() - 1
            }
        };
        let record = &table.rows[place];
        table.by_modified.insert((record.modified_ms, place));
        if let Some(key) = record.external_id.clone() {
            table.by_external.insert(key, place);
        }
        if let Some(name) = record.text(name_field(kind)).map(str::to_owned) {
            table.by_name.insert(name, place);
        }
        place
    }
}

/// The field that holds the account's own name for a record.
#[must_use]
pub fn name_field(kind: RecordType) -> &'static str {
    match kind {
        RecordType::Customer => "entityId",
        RecordType::InventoryItem => "itemId",
        RecordType::SalesOrder => "tranId",
    }
}
