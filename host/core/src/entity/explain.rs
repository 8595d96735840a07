//! How one change came to its verdict, field by field: what `entity try` shows.
//!
//! Nothing is decided here. The change is read by [`Plan::read`], as every change is, and what became of each field is
//! taken from the draft; only the steps in between (the cleaned text, the table's row) are looked at once more, with the
//! functions that the reading itself uses. A flow that runs pays nothing for it.

use crate::entity::draft::{Cell, Draft, Rows, unresolved};
use crate::entity::kind::Scalar;
use crate::entity::map::Blank;
use crate::entity::plan::{List, Lookup, Plan, Step, Way};
use crate::entity::predicate::Predicate;
use crate::entity::read::{Reader, clean};
use crate::entity::table::Tables;
use crate::entity::verdict::{By, Reference, Stop};
use crate::model::limits::TRY_LINES_MAX;
use crate::model::{Change, EntityName, Json, Operation, TableName, json};

/// How a change came to its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The map's `when`; none if this direction has none, or the change has no data to decide it by.
    pub predicate: Option<Condition>,
    /// The fields that travel, in the order of the map.
    pub fields: Vec<FieldPath>,
    /// The lists of lines that travel.
    pub lists: Vec<ListPath>,
    /// The canonical natural key.
    pub natural: Option<String>,
    /// What finds a counterpart in the target: paths and values there.
    pub match_values: Vec<(String, Json)>,
}

/// The map's `when` and what it read.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The expression.
    pub text: String,
    /// The source's values that it reads, by path; null for one that is not there.
    pub values: Vec<(String, Json)>,
    /// Whether it holds; the error says why nobody can tell.
    pub holds: Result<bool, String>,
}

/// The way of one field from the source to the target.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldPath {
    /// Its name in the map.
    pub field: String,
    /// Its path in the source.
    pub from: String,
    /// The source's value; none if the data does not have the path.
    pub value: Option<Json>,
    /// The type or `reference`.
    pub reads: &'static str,
    /// The rules that clean the text, in order.
    pub rules: Vec<&'static str>,
    /// What the rules made of it, where that is another text.
    pub cleaned: Option<String>,
    /// The table that it goes through.
    pub table: Option<TableRead>,
    /// The record that it names.
    pub reference: Option<Refers>,
    /// What a blank value does: `keep`, `clear`, `reject`, `default`.
    pub blank: &'static str,
    /// Whether a record without it is refused.
    pub is_required: bool,
    /// Whether it travels with every change; otherwise only as the first value of a new record.
    pub is_owned: bool,
    /// Its path in the target.
    pub to: String,
    /// What became of it.
    pub end: FieldEnd,
}

/// A look into a translation table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRead {
    /// The table.
    pub table: TableName,
    /// What was looked up; none if there was nothing to look up.
    pub from: Option<String>,
    /// The row's other side; none if no row has it.
    pub to: Option<String>,
    /// Whether a value without a row passes as it is.
    pub keeps_unlisted: bool,
}

/// The record that a field names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refers {
    /// Its entity.
    pub entity: EntityName,
    /// Its key or its natural key, as the source names it.
    pub named: String,
    /// Its key in the target; none while it is not known there.
    pub key: Option<String>,
}

/// What became of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldEnd {
    /// This is sent.
    Sent(Json),
    /// The default is sent, and somebody is to look at it.
    Defaulted(Json),
    /// Nothing is sent; the target keeps what it has.
    Kept,
    /// The target's value is cleared.
    Cleared,
    /// The record is refused.
    Refused(Stop),
    /// The record waits.
    Waits(Stop),
    /// A partial change does not say; it only stops a creation.
    Unsaid(Stop),
}

/// The way of a list of lines.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPath {
    /// Its name in the map.
    pub list: String,
    /// Its path in the source.
    pub from: String,
    /// Its path in the target.
    pub to: String,
    /// Whether it travels with every change.
    pub is_owned: bool,
    /// How many lines there are.
    pub count: usize,
    /// The first [`TRY_LINES_MAX`] of them, field by field.
    pub lines: Vec<Vec<FieldPath>>,
    /// Why the list as a whole is refused.
    pub stop: Option<Stop>,
}

impl Plan {
    /// Reads a change as [`Plan::read`] does and says how each field came to what it is. `resolve`: as for
    /// [`Draft::finish`].
    pub fn explain(
        &self,
        change: &Change,
        tables: &Tables,
        resolve: &dyn Fn(&Reference) -> Option<String>,
    ) -> Explanation {
        let draft = self.read(change, tables);
        let is_partial = change.operation == Operation::Partial;
        let reader = Reader { parts: &self.parts, tables, is_partial };
        let data = json::parse(&change.data).unwrap_or(Json::Null);
        let teller = Teller { plan: self, reader, draft: &draft, resolve };
        // A record that ended, or whose data cannot be read, has no cells: then no field came to anything.
        let predicate = if draft.cells.is_empty() { None } else { teller.condition(&data) };
        let fields = self.parts.steps.iter().zip(&draft.cells);
        let lists = self.parts.lists.iter().zip(&draft.rows);
        Explanation {
            predicate,
            fields: fields.map(|(step, cell)| teller.field(step, cell, &data)).collect(),
            lists: lists.map(|(list, rows)| teller.list(list, rows, &data)).collect(),
            natural: draft.natural().map(str::to_owned),
            match_values: draft.match_values().to_vec(),
        }
    }
}

struct Teller<'a> {
    plan: &'a Plan,
    reader: Reader<'a>,
    draft: &'a Draft,
    resolve: &'a dyn Fn(&Reference) -> Option<String>,
}

impl Teller<'_> {
    fn condition(&self, data: &Json) -> Option<Condition> {
        let when = self.plan.parts.when.as_ref()?;
        let value = |path: &str| (path.to_owned(), json::at(data, path).cloned().unwrap_or_default());
        Some(Condition {
            text: when.text().to_owned(),
            values: Predicate::paths(when).into_iter().map(value).collect(),
            holds: self.reader.holds(data).map_err(|undecided| undecided.to_string()),
        })
    }

    fn list(&self, list: &List, rows: &Rows, data: &Json) -> ListPath {
        let (stop, ready) = match rows {
            Rows::Stopped(stop) | Rows::Unknown(stop) => (Some(stop.clone()), &[][..]),
            Rows::Ready(rows) => (None, rows.as_slice()),
            Rows::Keep => (None, &[][..]),
        };
        let source = json::at(data, &list.source).and_then(Json::as_array);
        let lines = ready.iter().zip(source.into_iter().flatten()).take(TRY_LINES_MAX);
        let line = |(cells, line): (&Vec<Cell>, &Json)| {
            list.each.iter().zip(cells).map(|(step, cell)| self.field(step, cell, line)).collect()
        };
        ListPath {
            list: list.name.clone(),
            from: list.source.clone(),
            to: list.target.clone(),
            is_owned: list.is_owned,
            count: source.map_or(0, Vec::len),
            lines: lines.map(line).collect(),
            stop,
        }
    }

    fn field(&self, step: &Step, cell: &Cell, data: &Json) -> FieldPath {
        let value = json::at(data, &step.source);
        let scalar = value.and_then(|value| Scalar::of(value).ok().flatten());
        let before = scalar.as_ref().map(|scalar| scalar.text().into_owned());
        let cleaned = scalar.and_then(|scalar| clean(&step.rules, scalar));
        let text = cleaned.as_ref().map(|scalar| scalar.text().into_owned());
        let is_changed = before.is_some() && before != text;
        FieldPath {
            field: step.name.clone(),
            from: step.source.clone(),
            value: value.cloned(),
            reads: step.reads.name(),
            rules: step.rules.iter().map(|rule| rule.name()).collect(),
            table: step.table.as_ref().map(|lookup| self.table(lookup, text.as_deref())),
            cleaned: is_changed.then(|| text.unwrap_or_default()),
            reference: self.refers(cell),
            blank: blank(step),
            is_required: step.is_required,
            is_owned: step.is_owned,
            to: step.target.clone(),
            end: self.end(step, cell),
        }
    }

    fn table(&self, lookup: &Lookup, text: Option<&str>) -> TableRead {
        let asked = text.filter(|_| lookup.way != Way::Same);
        TableRead {
            table: lookup.table.clone(),
            from: asked.map(str::to_owned),
            to: asked.and_then(|text| self.reader.row(lookup, text)).map(str::to_owned),
            keeps_unlisted: lookup.keeps_unlisted,
        }
    }

    fn refers(&self, cell: &Cell) -> Option<Refers> {
        let Cell::Pending { reference, .. } = cell else { return None };
        let reference = &self.draft.references()[*reference];
        let (By::Key(named) | By::Natural(named)) = &reference.by;
        Some(Refers { entity: reference.entity.clone(), named: named.clone(), key: (self.resolve)(reference) })
    }

    fn end(&self, step: &Step, cell: &Cell) -> FieldEnd {
        match cell {
            Cell::Keep => FieldEnd::Kept,
            Cell::Clear => FieldEnd::Cleared,
            Cell::Ready(value) => FieldEnd::Sent(value.clone()),
            Cell::Defaulted(value) => FieldEnd::Defaulted(value.clone()),
            Cell::Stopped(stop) => FieldEnd::Refused(stop.clone()),
            Cell::Unknown(stop) => FieldEnd::Unsaid(stop.clone()),
            Cell::Pending { reference, table_need } => {
                let reference = &self.draft.references()[*reference];
                match (self.resolve)(reference) {
                    Some(key) => FieldEnd::Sent(Json::String(key)),
                    None => FieldEnd::Waits(unresolved(self.plan, step, reference, table_need.as_ref())),
                }
            }
        }
    }
}

fn blank(step: &Step) -> &'static str {
    match (&step.default, step.blank) {
        (Some(_), _) => "default",
        (None, Blank::Reject) => "reject",
        (None, Blank::Clear) => "clear",
        (None, Blank::Keep) => "keep",
    }
}
