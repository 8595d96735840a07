//! The organisation's data: one table per object, with the indexes that queries need.

use super::cell::Cell;
use super::ids;
use super::schema::{FieldIndex, Kind, ObjectIndex, Place, Schema};
use crate::sims::time::Stamper;
use crate::sims::writes::Writes;
use std::collections::{BTreeSet, HashMap};

/// The user whom the integration runs as.
pub const USER_ID: &str = "005gK000000000BQAQ";

/// One record.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its values, in the order of [`Place::Stored`].
    pub cells: Vec<Cell>,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last changed.
    pub modified_ms: i64,
    /// Whether it is in the recycle bin.
    pub is_deleted: bool,
}

/// A value as a query sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number with its digits.
    Number(&'a str),
    /// Text, a date or an id.
    Text(&'a str),
    /// An instant.
    Time(i64),
    /// The record's own id.
    Own(&'static str, u32),
}

/// The records of one object.
#[derive(Debug, Default)]
pub struct Table {
    /// The records; their place gives their id.
    pub rows: Vec<Row>,
    /// (modified, place) of all that are not deleted.
    pub by_modified: BTreeSet<(i64, u32)>,
    /// Per unique field: its value in lower case to the place.
    pub unique: HashMap<FieldIndex, HashMap<String, u32>>,
    /// Per reference with a child relation: the parent's id to the places of its children.
    pub children: HashMap<FieldIndex, HashMap<Box<str>, Vec<u32>>>,
    /// What was done to it.
    pub writes: Writes,
}

/// All data of the organisation.
pub struct Store {
    /// The objects.
    pub schema: Schema,
    /// Their records, in the order of the schema.
    pub tables: Vec<Table>,
    /// The stamps.
    pub stamper: Stamper,
}

/// A record as it was before a write, to undo it.
pub struct Before {
    object: ObjectIndex,
    slot: u32,
    row: Option<Row>,
}

impl Store {
    /// An organisation without records.
    #[must_use]
    pub fn new(schema: Schema, stamper: Stamper) -> Self {
        let mut tables: Vec<Table> = schema.objects.iter().map(|_| Table::default()).collect();
        for (table, object) in tables.iter_mut().zip(&schema.objects) {
            for (index, field) in object.fields.iter().enumerate() {
                if field.is_external_id {
                    table.unique.insert(index, HashMap::new());
                }
            }
        }
        for child in schema.objects.iter().flat_map(|object| &object.children) {
            tables[child.object].children.insert(child.field, HashMap::new());
        }
        Self { schema, tables, stamper }
    }

    /// The place of an object.
    ///
    /// # Panics
    /// When there is none of this name: a defect of the simulator.
    #[must_use]
    pub fn object(&self, name: &str) -> ObjectIndex {
        self.schema.object(name).unwrap_or_else(|| panic!("{name} is no object of this organisation"))
    }

    /// The id of a record.
    #[must_use]
    pub fn id(&self, object: ObjectIndex, slot: u32) -> String {
        ids::id(self.schema.objects[object].prefix, slot)
    }

    /// The place of the record with this id, deleted or not.
    #[must_use]
    pub fn find(&self, object: ObjectIndex, id: &str) -> Option<u32> {
        let slot = ids::slot(self.schema.objects[object].prefix, id)?;
        ((slot as usize) < self.tables[object].rows.len()).then_some(slot)
    }

    /// A record.
    #[must_use]
    pub fn row(&self, object: ObjectIndex, slot: u32) -> &Row {
        &self.tables[object].rows[slot as usize]
    }

    /// A value of a record.
    #[must_use]
    pub fn value(&self, object: ObjectIndex, slot: u32, field: FieldIndex) -> Value<'_> {
        let described = &self.schema.objects[object];
        let row = &self.tables[object].rows[slot as usize];
        match described.fields[field].place {
            Place::Id => Value::Own(described.prefix, slot),
            Place::Deleted => Value::Bool(row.is_deleted),
            Place::Created => Value::Time(row.created_ms),
            Place::Modified => Value::Time(row.modified_ms),
            Place::User => Value::Text(USER_ID),
            Place::Stored(place) => match &row.cells[place] {
                Cell::Null => Value::Null,
                Cell::Bool(value) => Value::Bool(*value),
                Cell::Number(text) => Value::Number(text),
                Cell::Text(text) => Value::Text(text),
            },
        }
    }

    /// The record that a reference of a record points to.
    #[must_use]
    pub fn follow(&self, object: ObjectIndex, slot: u32, field: FieldIndex) -> Option<(ObjectIndex, u32)> {
        let Kind::Reference { to, .. } = self.schema.objects[object].fields[field].kind else { return None };
        let Value::Text(id) = self.value(object, slot, field) else { return None };
        let target = self.schema.object(to)?;
        Some((target, self.find(target, id)?))
    }

    /// The places of the records that point to `id`, in the order they were made.
    #[must_use]
    pub fn children(&self, object: ObjectIndex, field: FieldIndex, id: &str) -> &[u32] {
        self.tables[object].children.get(&field).and_then(|by| by.get(id)).map_or(&[], Vec::as_slice)
    }

    /// The place of the record with this value of a unique field.
    #[must_use]
    pub fn by_unique(&self, object: ObjectIndex, field: FieldIndex, value: &str) -> Option<u32> {
        self.tables[object].unique.get(&field)?.get(&value.to_lowercase()).copied()
    }

    /// Adds a record and says where.
    ///
    /// # Panics
    /// Beyond four billion records of one object.
    pub fn insert(&mut self, object: ObjectIndex, cells: Vec<Cell>, stamp_ms: i64) -> u32 {
        let slot = u32::try_from(self.tables[object].rows.len()).expect("fewer than four billion records");
        self.tables[object].rows.push(Row { cells, created_ms: stamp_ms, modified_ms: stamp_ms, is_deleted: false });
        self.index(object, slot);
        slot
    }

    /// Changes a record; the indexes follow.
    pub fn change(&mut self, object: ObjectIndex, slot: u32, change: impl FnOnce(&mut Row)) {
        self.unindex(object, slot);
        change(&mut self.tables[object].rows[slot as usize]);
        self.index(object, slot);
    }

    /// Remembers a record before a write; `None` where it does not exist yet.
    #[must_use]
    pub fn before(&self, object: ObjectIndex, slot: Option<u32>) -> Before {
        match slot {
            Some(slot) => Before { object, slot, row: Some(self.row(object, slot).clone()) },
            None => Before { object, slot: u32::MAX, row: None },
        }
    }

    /// Takes writes back, the last one first.
    pub fn undo(&mut self, done: Vec<Before>) {
        for before in done.into_iter().rev() {
            match before.row {
                Some(row) => self.change(before.object, before.slot, |place| *place = row),
                None => {
                    let last = self.tables[before.object].rows.len() - 1;
                    self.unindex(before.object, u32::try_from(last).unwrap_or(u32::MAX));
                    self.tables[before.object].rows.pop();
                }
            }
        }
    }

    fn keys(&self, object: ObjectIndex, slot: u32, field: FieldIndex) -> Option<Box<str>> {
        match self.value(object, slot, field) {
            Value::Text(text) => Some(text.into()),
            Value::Number(text) => Some(text.into()),
            _ => None,
        }
    }

    fn index(&mut self, object: ObjectIndex, slot: u32) {
        if self.row(object, slot).is_deleted {
            return;
        }
        let stamp = self.row(object, slot).modified_ms;
        self.tables[object].by_modified.insert((stamp, slot));
        let unique: Vec<FieldIndex> = self.tables[object].unique.keys().copied().collect();
        for field in unique {
            if let Some(key) = self.keys(object, slot, field) {
                self.tables[object].unique.entry(field).or_default().insert(key.to_lowercase(), slot);
            }
        }
        let references: Vec<FieldIndex> = self.tables[object].children.keys().copied().collect();
        for field in references {
            if let Some(key) = self.keys(object, slot, field) {
                let places = self.tables[object].children.entry(field).or_default().entry(key).or_default();
                let at = places.partition_point(|place| *place < slot);
                places.insert(at, slot);
            }
        }
    }

    fn unindex(&mut self, object: ObjectIndex, slot: u32) {
        if self.row(object, slot).is_deleted {
            return;
        }
        let stamp = self.row(object, slot).modified_ms;
        self.tables[object].by_modified.remove(&(stamp, slot));
        let unique: Vec<FieldIndex> = self.tables[object].unique.keys().copied().collect();
        for field in unique {
            if let Some(key) = self.keys(object, slot, field) {
                self.tables[object].unique.entry(field).or_default().remove(&key.to_lowercase());
            }
        }
        let references: Vec<FieldIndex> = self.tables[object].children.keys().copied().collect();
        for field in references {
            let Some(key) = self.keys(object, slot, field) else { continue };
            if let Some(places) = self.tables[object].children.entry(field).or_default().get_mut(&key) {
                places.retain(|place| *place != slot);
            }
        }
    }
}
