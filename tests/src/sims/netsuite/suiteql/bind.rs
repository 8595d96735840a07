//! The tree of a query bound to the tables: names become places.

use super::invalid;
use super::parse::{Condition, Expression, Named, Query};
use super::tables::{Column, Table};
use crate::sims::netsuite::errors::Error;
use crate::sims::netsuite::store::Store;

/// A column by its place: which table of the `FROM`, and which column there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The table's place in the `FROM`.
    pub source: usize,
    /// The column.
    pub column: Column,
}

/// A joined table.
#[derive(Clone, Debug)]
pub struct Join {
    /// The table.
    pub table: Table,
    /// How its rows join those before it.
    pub on: Condition<Placed>,
    /// Whether rows without a match stay.
    pub is_left: bool,
}

/// A query that can be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The values of an item and their names.
    pub select: Vec<(Expression<Placed>, String)>,
    /// The first table.
    pub base: Table,
    /// The joined ones.
    pub joins: Vec<Join>,
    /// Which rows.
    pub test: Option<Condition<Placed>>,
    /// In which order.
    pub order: Vec<(Expression<Placed>, bool)>,
}

/// Binds a query to the tables.
///
/// # Errors
/// `INVALID_PARAMETER` for an unknown table or column.
pub fn bind(store: &Store, query: &Query) -> Result<Plan, Error> {
    let mut binder = Binder { store, sources: Vec::new() };
    let mut tables = Vec::new();
    let mut joins = Vec::new();
    for source in &query.from {
        let table = Table::named(&source.table);
        let table = table
            .ok_or_else(|| invalid(&format!("Search error occurred: Record '{}' was not found.", source.table)))?;
        binder.sources.push((source.alias.clone(), table));
        tables.push(table);
        if let Some(on) = &source.on {
            joins.push(Join { table, on: binder.condition(on)?, is_left: source.is_left });
        }
    }
    let named = |(value, name): &(Expression<Named>, String)| Ok((binder.value(value)?, name.clone()));
    let select = query.select.iter().map(named).collect::<Result<_, Error>>()?;
    let test = query.condition.as_ref().map(|condition| binder.condition(condition)).transpose()?;
    let key = |(value, is_descending): &(Expression<Named>, bool)| Ok((binder.value(value)?, *is_descending));
    let order = query.order.iter().map(key).collect::<Result<_, Error>>()?;
    Ok(Plan { select, base: tables[0], joins, test, order })
}

struct Binder<'a> {
    store: &'a Store,
    sources: Vec<(String, Table)>,
}

impl Binder<'_> {
    fn column(&self, named: &Named) -> Result<Placed, Error> {
        let mut found = None;
        for (source, (alias, table)) in self.sources.iter().enumerate() {
            if named.table.as_ref().is_some_and(|name| name != alias) {
                continue;
            }
            if let Some(column) = table.column(self.store, &named.column) {
                if found.is_some() {
                    return Err(invalid(&format!("Search error occurred: Field '{}' is ambiguous.", named.column)));
                }
                found = Some(Placed { source, column });
            }
        }
        found.ok_or_else(|| {
            let table = named.table.as_deref().or(self.sources.first().map(|(alias, _)| alias.as_str()));
            let why = format!(
                "Search error occurred: Field '{}' for record '{}' was not found.",
                named.column,
                table.unwrap_or_default()
            );
            invalid(&why)
        })
    }

    fn value(&self, value: &Expression<Named>) -> Result<Expression<Placed>, Error> {
        Ok(match value {
            Expression::Column(named) => Expression::Column(self.column(named)?),
            Expression::Text(text) => Expression::Text(text.clone()),
            Expression::Number(number) => Expression::Number(*number),
            Expression::ToChar(value, format) => Expression::ToChar(Box::new(self.value(value)?), format.clone()),
            Expression::ToTime(value, format) => Expression::ToTime(Box::new(self.value(value)?), format.clone()),
            Expression::Math(left, sign, right) => {
                Expression::Math(Box::new(self.value(left)?), *sign, Box::new(self.value(right)?))
            }
        })
    }

    fn condition(&self, condition: &Condition<Named>) -> Result<Condition<Placed>, Error> {
        let all = |parts: &[Condition<Named>]| parts.iter().map(|part| self.condition(part)).collect::<Result<_, _>>();
        Ok(match condition {
            Condition::And(parts) => Condition::And(all(parts)?),
            Condition::Or(parts) => Condition::Or(all(parts)?),
            Condition::Not(inner) => Condition::Not(Box::new(self.condition(inner)?)),
            Condition::Compare(left, comparison, right) => {
                Condition::Compare(self.value(left)?, *comparison, self.value(right)?)
            }
            Condition::In(value, list) => {
                let list = list.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?;
                Condition::In(self.value(value)?, list)
            }
            Condition::IsNull(value) => Condition::IsNull(self.value(value)?),
        })
    }
}
