//! What all records share: reading by time of change and id, look-up, one data shape made of flat rows.
//!
//! Each page is a query of its own that starts behind the last record, so offsets never slide and the bound of 100,000
//! rows a query is none.

use crate::suiteql::{self, Row};
use crate::{describe, write};
use std::collections::BTreeMap;
use tollgate_sdk::{
    Change, Condition, Failure, FieldType, Intent, Outcome, Page, ReadRequest, Result, SafeRepeat, Serve, Stream,
    json::{self, Json, Map},
    paging::{Keyset, Place, Rest},
    query, time,
};

/// Most rows of a page of a query, as the system says.
pub(crate) const ROWS_MAX: u32 = 1_000;
/// Most keys of a look-up, as the contract says.
const LOOKUP_MAX: u32 = 200;

/// A record's data while it is put together, with its key.
pub(crate) type Draft = (String, Map<String, Json>);

/// One record type: its stream's name, and what is its own.
pub(crate) struct Record {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// The letter of its table in statements.
    pub(crate) letter: &'static str,
    pub(crate) from: &'static str,
    /// What always stands in the `WHERE`.
    pub(crate) filter: Option<&'static str>,
    pub(crate) columns: &'static [Column],
    /// The fields of its lines, which `complete` adds.
    pub(crate) lines: &'static [(&'static str, FieldType)],
    /// How the names of its custom fields start.
    pub(crate) custom: &'static str,
    /// Records of one page.
    pub(crate) page: u32,
    /// Adds what stands in other tables.
    pub(crate) complete: fn(&mut [Draft]) -> Result<()>,
    /// How it is written; none if it is not.
    pub(crate) write: Option<write::Rest>,
    pub(crate) repeat: SafeRepeat,
}

/// A column of a statement and its place in the data. A path that starts with `#` is for the connector alone.
pub(crate) struct Column {
    pub(crate) path: &'static str,
    pub(crate) sql: &'static str,
    pub(crate) of: FieldType,
}

/// A column in short.
pub(crate) const fn column(path: &'static str, sql: &'static str, of: FieldType) -> Column {
    Column { path, sql, of }
}

impl Column {
    /// Its name in rows: the last part of the path in lower case.
    fn alias(&self) -> String {
        let path = self.path.trim_start_matches('#');
        path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase()
    }

    pub(crate) fn is_hidden(&self) -> bool {
        self.path.starts_with('#')
    }
}

/// A column beyond the base: its place in the data and its kind.
pub(crate) struct Extra {
    pub(crate) path: String,
    pub(crate) of: FieldType,
}

/// A column's text as the value of its kind.
fn value(of: FieldType, text: String) -> Json {
    match of {
        FieldType::Boolean => Json::Bool(text == "T"),
        FieldType::Decimal | FieldType::Integer => json::number(&text).unwrap_or(Json::String(text)),
        // The status of an order is printed with its record type.
        FieldType::Choice => text.rsplit(':').next().unwrap_or_default().into(),
        _ => text.into(),
    }
}

impl Serve for Record {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self) -> Result<Stream> {
        describe::stream(self)
    }

    fn read(&self, request: ReadRequest) -> Result<Page> {
        let keyset = Keyset::of(&request)?;
        let (at, id) = (format!("{}.lastmodifieddate", self.letter), format!("{}.id", self.letter));
        let place = keyset.place()?;
        if let Place::Behind { id, .. } = &place
            && !suiteql::is_id(id)
        {
            return Err(Failure::CursorExpired("the cursor names no record of NetSuite".into()));
        }
        let place = place.condition((&at, &id), suiteql::instant, str::to_owned);
        let pushed = query::pushed(&request.only, |condition| self.condition(condition))?;
        let conditions = place.into_iter().chain(pushed).collect();
        let asked = (!request.fields.is_empty()).then(|| self.beyond_base(&request.fields));
        let extra = describe::extra(self, asked)?;
        let rows = suiteql::query(&self.select(&extra, conditions, &format!("{at}, {id}")), self.page, 0)?;
        let rest = if rows.has_more { Rest::More } else { Rest::Nothing };
        keyset.page(self.changes(rows.items, &extra)?, rest)
    }

    fn write(&self, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
        let unsupported = || Failure::Unsupported(format!("writing `{}`", self.name));
        write::write(self, self.write.as_ref().ok_or_else(unsupported)?, &intents)
    }

    fn fetch(&self, keys: Vec<String>) -> Result<Vec<Option<Change>>> {
        let ids: Vec<_> = keys.iter().map(String::as_str).filter(|key| suiteql::is_id(key)).collect();
        let found = match &ids[..] {
            [] => Vec::new(),
            ids => self.look_up(vec![format!("{}.id IN ({})", self.letter, ids.join(", "))], LOOKUP_MAX)?,
        };
        Ok(keys.iter().map(|key| found.iter().find(|change| change.key == *key).cloned()).collect())
    }

    fn search(&self, only: Vec<Condition>, most: u32) -> Result<Vec<Change>> {
        self.look_up(query::every(&only, |condition| self.condition(condition))?, most.min(LOOKUP_MAX))
    }
}

impl Record {
    /// The rows that meet the conditions, in the order of their ids, without further columns.
    pub(crate) fn rows(&self, condition: String) -> Result<Vec<Row>> {
        let statement = self.select(&BTreeMap::new(), vec![condition], &format!("{}.id", self.letter));
        Ok(suiteql::query(&statement, ROWS_MAX, 0)?.items)
    }

    fn look_up(&self, conditions: Vec<String>, most: u32) -> Result<Vec<Change>> {
        let extra = describe::extra(self, None)?;
        let statement = self.select(&extra, conditions, &format!("{}.id", self.letter));
        self.changes(suiteql::query(&statement, most, 0)?.items, &extra)
    }

    /// The top-level fields that are asked and are not in the base.
    fn beyond_base(&self, asked: &[String]) -> Vec<String> {
        let top = |path: &str| path.split(['.', '[']).next().unwrap_or_default().to_owned();
        let base = self.columns.iter().map(|column| column.path).chain(self.lines.iter().map(|(path, _)| *path));
        let is_base = |name: &str| name == "id" || base.clone().any(|path| top(path) == name);
        asked.iter().map(|path| top(path)).filter(|name| !is_base(name)).collect()
    }

    fn select(&self, extra: &BTreeMap<String, Extra>, conditions: Vec<String>, order: &str) -> String {
        let letter = self.letter;
        let base = self.columns.iter().map(|column| format!("{} AS {}", column.sql, column.alias()));
        let extra = extra.keys().map(|name| format!("{letter}.{name} AS {name}"));
        let columns = base.chain(extra).collect::<Vec<_>>().join(", ");
        let conditions: Vec<_> = self.filter.map(str::to_owned).into_iter().chain(conditions).collect();
        format!(
            "SELECT {letter}.id AS id, TO_CHAR({letter}.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodified, \
             {columns} FROM {}{} ORDER BY {order}",
            self.from,
            query::filter(&conditions)
        )
    }

    fn condition(&self, condition: &Condition) -> Result<Option<String>> {
        if let Some(column) = self.columns.iter().find(|column| column.path == condition.field) {
            return suiteql::condition(column.sql, column.of, condition);
        }
        if condition.field.contains(['.', '[']) {
            return Ok(None);
        }
        let column = format!("{}.{}", self.letter, suiteql::name(&condition.field)?);
        suiteql::condition(&column, FieldType::Text, condition)
    }

    fn changes(&self, mut rows: Vec<Row>, extra: &BTreeMap<String, Extra>) -> Result<Vec<Change>> {
        // A join with several matches repeats the record: the first row is as good as the others.
        rows.dedup_by(|row, before| row.get("id") == before.get("id"));
        let mut drafts = rows.iter().map(|row| self.draft(row, extra)).collect::<Result<Vec<_>>>()?;
        (self.complete)(&mut drafts)?;
        rows.iter().zip(drafts).map(|(row, (key, data))| self.change(row, key, data)).collect()
    }

    fn draft(&self, row: &Row, extra: &BTreeMap<String, Extra>) -> Result<Draft> {
        let key = suiteql::text(row, "id").filter(|id| suiteql::is_id(id));
        let key = key.ok_or_else(|| Failure::Fault(format!("a row of {} has no id", self.name)))?;
        let mut data = Map::new();
        for column in self.columns.iter().filter(|column| !column.is_hidden()) {
            if let Some(text) = suiteql::text(row, &column.alias()) {
                json::set(&mut data, column.path, value(column.of, text));
            }
        }
        for (name, Extra { path, of }) in extra {
            if let Some(text) = suiteql::text(row, name) {
                data.insert(path.clone(), value(*of, text));
            }
        }
        Ok((key, data))
    }

    fn change(&self, row: &Row, key: String, data: Map<String, Json>) -> Result<Change> {
        let missing = || Failure::Fault(format!("{} {key} has no time of change", self.name));
        let modified = suiteql::text(row, "lastmodified").ok_or_else(missing)?;
        let at = time::rfc3339(&format!("{}Z", modified.replace(' ', "T")))?;
        Ok(Change::whole(self.name, key, &Json::Object(data)).at(modified, at))
    }
}
