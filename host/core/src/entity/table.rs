//! Translation tables: data that a steward edits, read in both directions.

use crate::model::TableName;
use std::collections::BTreeMap;

/// One table: what each value of the owner becomes in the mirror.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    rows: BTreeMap<String, String>,
    /// Backwards; `None` where two rows have the same right side.
    back: BTreeMap<String, Option<String>>,
}

/// All tables of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables(BTreeMap<TableName, Table>);

impl Table {
    /// What the table makes of a value of the owner.
    pub fn forward(&self, value: &str) -> Option<&str> {
        self.rows.get(value).map(String::as_str)
    }

    /// The owner's value that becomes this one; none if no row or more than one has it.
    pub fn backward(&self, value: &str) -> Option<&str> {
        self.back.get(value)?.as_deref()
    }
}

impl FromIterator<(String, String)> for Table {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(rows: I) -> Self {
        let rows: BTreeMap<String, String> = rows.into_iter().collect();
        let mut back = BTreeMap::new();
        for (from, to) in &rows {
            back.entry(to.clone()).and_modify(|found| *found = None).or_insert_with(|| Some(from.clone()));
        }
        Self { rows, back }
    }
}

impl Tables {
    /// The table of this name.
    pub fn get(&self, name: &TableName) -> Option<&Table> {
        self.0.get(name)
    }

    /// Puts a table in, in place of the one of this name.
    pub fn insert(&mut self, name: TableName, table: Table) {
        self.0.insert(name, table);
    }
}

impl FromIterator<(TableName, Table)> for Tables {
    fn from_iter<I: IntoIterator<Item = (TableName, Table)>>(tables: I) -> Self {
        Self(tables.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table reads forwards, and backwards only where there is one answer (MAP-03).
    #[test]
    fn both_ways() {
        let rows = [("A", "Open"), ("B", "Billed"), ("H", "Open")];
        let table: Table = rows.map(|(from, to)| (from.to_owned(), to.to_owned())).into_iter().collect();
        assert_eq!(table.forward("A"), Some("Open"));
        assert_eq!(table.forward("Z"), None);
        assert_eq!(table.backward("Billed"), Some("B"));
        assert_eq!(table.backward("Open"), None);
    }
}
