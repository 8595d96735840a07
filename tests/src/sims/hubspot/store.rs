//! The records of the account, and the search index that learns of each change a while later.

use super::Options;
use super::schema::{CREATED, ID, ObjectType, Property};
use crate::sims::Json;
use crate::sims::time::{LOADED_MS, Stamper, civil};
use crate::sims::writes::Writes;
use serde_json::{Map, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// One record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its id.
    pub id: u64,
    /// Its values; what is empty is not here.
    pub values: BTreeMap<&'static str, String>,
    /// When it was made.
    pub created_ms: i64,
    /// When it was last written.
    pub modified_ms: i64,
    /// When it was archived.
    pub archived_ms: Option<i64>,
}

impl Record {
    /// A property's text.
    #[must_use]
    pub fn value(&self, kind: ObjectType, name: &str) -> Option<Cow<'_, str>> {
        match name {
            ID => Some(self.id.to_string().into()),
            CREATED => Some(instant(self.created_ms).into()),
            name if name == kind.modified() => Some(instant(self.modified_ms).into()),
            name => self.values.get(name).map(|value| value.as_str().into()),
        }
    }

    /// The record as an answer shows it, with these properties and those that it always has.
    #[must_use]
    pub fn show<'a>(&self, kind: ObjectType, asked: impl IntoIterator<Item = &'a str>) -> Json {
        let always = [CREATED, kind.modified(), ID];
        let shown = asked.into_iter().chain(always).map(|name| (name.to_owned(), json!(self.value(kind, name))));
        let mut shown = json!({
            "id": self.id.to_string(), "properties": shown.collect::<Map<_, _>>(),
            "createdAt": instant(self.created_ms), "updatedAt": instant(self.modified_ms),
            "archived": self.archived_ms.is_some(),
        });
        if let Some(at) = self.archived_ms {
            shown["archivedAt"] = json!(instant(at));
        }
        shown
    }
}

/// `2026-11-21T10:00:00.000Z`.
#[must_use]
pub fn instant(ms: i64) -> String {
    let at = civil(ms);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.millisecond
    )
}

/// All records of a kind.
#[derive(Default)]
pub struct Table {
    /// In the order of their ids.
    pub rows: Vec<Arc<Record>>,
    /// What was written.
    pub writes: Writes,
    /// Place by unique property and value.
    unique: HashMap<(&'static str, String), usize>,
    /// As search knows them; by place.
    indexed: Vec<Option<Arc<Record>>>,
    /// What search learns at these instants.
    pending: VecDeque<(i64, usize, Arc<Record>)>,
}

/// The account's data.
pub struct Store {
    tables: BTreeMap<ObjectType, Table>,
    properties: BTreeMap<ObjectType, Vec<Property>>,
    /// The clock behind the records' instants.
    pub stamper: Stamper,
    search_lag_ms: i64,
}

impl Store {
    /// An account without records.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let custom = |kind| options.custom.iter().filter(move |(of, _)| *of == kind).map(|(_, property)| *property);
        let properties =
            ObjectType::ALL.map(|kind| (kind, kind.properties().iter().copied().chain(custom(kind)).collect()));
        Self {
            tables: ObjectType::ALL.map(|kind| (kind, Table::default())).into(),
            properties: properties.into(),
            stamper: Stamper::new(options.clock.clone(), options.stamps, LOADED_MS),
            search_lag_ms: i64::try_from(options.search_lag.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// The properties of a kind.
    #[must_use]
    pub fn properties(&self, kind: ObjectType) -> &[Property] {
        &self.properties[&kind]
    }

    /// A property of a kind.
    #[must_use]
    pub fn property(&self, kind: ObjectType, name: &str) -> Option<&Property> {
        self.properties(kind).iter().find(|property| property.name == name)
    }

    /// The records of a kind.
    #[must_use]
    pub fn table(&self, kind: ObjectType) -> &Table {
        &self.tables[&kind]
    }

    /// The records of a kind, to count writes.
    ///
    /// # Panics
    /// Never: each kind has a table.
    pub fn table_mut(&mut self, kind: ObjectType) -> &mut Table {
        self.tables.get_mut(&kind).expect("each kind has a table")
    }

    /// The record with this id, archived or not.
    #[must_use]
    pub fn by_id(&self, kind: ObjectType, id: &str) -> Option<&Arc<Record>> {
        let place = usize::try_from(id.parse::<u64>().ok()?.checked_sub(kind.first_id())?).ok()?;
        self.table(kind).rows.get(place).filter(|record| record.id.to_string() == id)
    }

    /// The record that holds this value of a unique property. Text is compared without regard to case.
    #[must_use]
    pub fn by_unique(&self, kind: ObjectType, property: &'static str, value: &str) -> Option<&Arc<Record>> {
        let table = self.table(kind);
        table.unique.get(&(property, value.to_lowercase())).map(|place| &table.rows[*place])
    }

    /// The next record's id.
    #[must_use]
    pub fn next_id(&self, kind: ObjectType) -> u64 {
        kind.first_id() + self.table(kind).rows.len() as u64
    }

    /// Stores a record under its id; search learns of it after the lag.
    ///
    /// # Panics
    /// The id is neither that of a record nor the next one: a defect of the simulator.
    pub fn put(&mut self, kind: ObjectType, record: Record) {
        let visible_ms = self.stamper.clock().now_ms().saturating_add(self.search_lag_ms);
        let unique: Vec<_> = self.properties(kind).iter().filter(|property| property.unique).map(|p| p.name).collect();
        let table = self.table_mut(kind);
        let place = usize::try_from(record.id - kind.first_id()).expect("a place in memory");
        assert!(place <= table.rows.len(), "ids have no holes");
        let record = Arc::new(record);
        for name in unique {
            if let Some(value) = table.rows.get(place).and_then(|before| before.values.get(name)) {
                table.unique.remove(&(name, value.to_lowercase()));
            }
            if let Some(value) = record.values.get(name).filter(|_| record.archived_ms.is_none()) {
                table.unique.insert((name, value.to_lowercase()), place);
            }
        }
        table.pending.push_back((visible_ms, place, record.clone()));
        match table.rows.get_mut(place) {
            Some(row) => *row = record,
            None => table.rows.push(record),
        }
    }

    /// The records as search knows them now.
    pub fn searched(&mut self, kind: ObjectType) -> impl Iterator<Item = &Arc<Record>> {
        let now_ms = self.stamper.clock().now_ms();
        self.table_mut(kind).index(now_ms);
        self.table(kind).indexed.iter().flatten()
    }

    /// Makes search know the record that was stored last, before all that wait.
    pub fn show_last(&mut self, kind: ObjectType) {
        let table = self.table_mut(kind);
        if let Some((_, place, record)) = table.pending.pop_back() {
            table.show(place, record);
        }
    }
}

impl Table {
    fn index(&mut self, now_ms: i64) {
        while let Some((_, place, record)) = self.pending.pop_front_if(|(at, ..)| *at <= now_ms) {
            self.show(place, record);
        }
    }

    fn show(&mut self, place: usize, record: Arc<Record>) {
        if self.indexed.len() <= place {
            self.indexed.resize(place + 1, None);
        }
        self.indexed[place] = Some(record).filter(|record| record.archived_ms.is_none());
    }
}
