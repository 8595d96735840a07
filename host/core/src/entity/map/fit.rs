//! Whether a map fits the systems that it names: their streams as they describe themselves, and a sample of what they hold.
//!
//! A pure judgement. What the map says of itself is verified when it is read ([`super::verify`]); here stands what only the
//! systems know.

use super::{EntityMap, Field, Kind};
use crate::entity::kind::{Scalar, Type};
use crate::entity::node::At;
use crate::entity::quote::quote;
use crate::entity::read::clean;
use crate::entity::table::Tables;
use crate::model::schema::{Field as Described, FieldType, Stream};
use crate::model::{Json, SystemName, json};
use std::collections::{BTreeMap, BTreeSet};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Records will fail, or a field will never travel.
    Fault,
    /// Some records may fail, or data is left behind.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// Its name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Fault => "fault",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The line of the map; 0 if it is about no line.
    pub line: u64,
    /// The system.
    pub system: SystemName,
    /// The field: of the map where a line says it, else of the stream.
    pub field: String,
    /// What is wrong and how to mend it.
    pub message: String,
    /// How many values of the sample it concerns.
    pub count: Option<u64>,
}

/// A system as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The stream of the entity.
    pub stream: &'a Stream,
    /// Some of its records; empty where none were read.
    pub sample: &'a [Json],
}

/// A field of the map at its place in one system.
struct Placed<'a> {
    field: &'a Field,
    /// As streams describe it: `item.items[].rate` for a field of a line.
    path: String,
    is_written: bool,
}

impl EntityMap {
    /// What does not fit, the worst first.
    pub fn fit(&self, places: &BTreeMap<SystemName, Place<'_>>, tables: &Tables) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (system, place) in places {
            let mut fit = Fit { map: self, system, place: *place, placed: self.placed(system), findings: Vec::new() };
            fit.fields();
            fit.link();
            fit.minimum();
            fit.unmapped();
            fit.values(tables);
            findings.append(&mut fit.findings);
        }
        findings.sort_by_key(|finding| finding.severity);
        findings
    }

    fn placed(&self, system: &SystemName) -> Vec<Placed<'_>> {
        let born = self.life.create.as_ref().filter(|create| create.is_initial && create.within.contains(system));
        let is_written = |field: &Field| {
            field.owner != *system || born.is_some_and(|create| field.places.contains_key(&create.from))
        };
        let own = self.fields.iter().map(|field| (field, String::new()));
        let of_lines = self.lines.iter().filter_map(|lines| Some((lines, lines.paths.get(system)?)));
        let of_lines =
            of_lines.flat_map(|(lines, path)| lines.each.iter().map(move |field| (field, format!("{path}[]."))));
        let placed = own.chain(of_lines).filter_map(|(field, prefix)| {
            let path = prefix + &field.places.get(system)?.path;
            Some(Placed { field, path, is_written: is_written(field) })
        });
        placed.collect()
    }
}

struct Fit<'a> {
    map: &'a EntityMap,
    system: &'a SystemName,
    place: Place<'a>,
    placed: Vec<Placed<'a>>,
    findings: Vec<Finding>,
}

impl Fit<'_> {
    fn find(&mut self, severity: Severity, (at, field): (Option<At>, &str), message: String) {
        let (line, system) = (at.map_or(0, |at| at.line), self.system.clone());
        self.findings.push(Finding { severity, line, system, field: field.to_owned(), message, count: None });
    }

    /// Whether something stands around this path that the stream describes only as a whole.
    fn is_within(&self, path: &str) -> bool {
        let fields = &self.place.stream.fields;
        let is_inside =
            |path: &str, outer: &str| path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']));
        fields.iter().any(|known| {
            let is_whole = !fields.iter().any(|other| is_inside(&other.path, &known.path));
            is_whole && matches!(known.of, FieldType::Object | FieldType::List) && is_inside(path, &known.path)
        })
    }

    /// Unknown and unwritable fields, and types that clash.
    fn fields(&mut self) {
        let stream = self.place.stream;
        let mut found = Vec::new();
        for Placed { field, path, is_written } in &self.placed {
            let at = (Some(field.at), field.name.clone());
            match stream.fields.iter().find(|known| known.path == *path) {
                None if self.is_within(path) => {}
                None => {
                    let near: Vec<&str> = stream.fields.iter().map(|known| known.path.as_str()).collect();
                    let said = crate::entity::yaml::unknown("field", path, &near);
                    found.push((Severity::Fault, at, format!("stream `{}`: {said}", stream.name)));
                }
                Some(known) if *is_written && !known.creatable && !known.updatable => {
                    let message = format!(
                        "`{path}` of `{}` cannot be written, and the map writes it; make `{}` its owner",
                        stream.name, self.system
                    );
                    found.push((Severity::Fault, at, message));
                }
                Some(known) => {
                    if let Some(message) = clash(field, known) {
                        found.push((Severity::Warning, at, message));
                    }
                }
            }
        }
        for (severity, (at, name), message) in found {
            self.find(severity, (at, &name), message);
        }
    }

    /// A link must be a field by which a record can be found again.
    fn link(&mut self) {
        let stream = self.place.stream;
        let Some(path) = self.map.identity.link.get(self.system) else { return };
        if !stream.matchable.contains(path) {
            let message =
                format!("`{path}` of `{}` is no field that a search can name, so no link can stand in it", stream.name);
            self.find(Severity::Fault, (Some(self.map.identity.at), "identity.link"), message);
        }
    }

    /// The minimum viable record (DQ-01): what the target refuses a new record without.
    fn minimum(&mut self) {
        let is_made = self.map.life.create.as_ref().is_some_and(|create| create.within.contains(self.system));
        if !is_made {
            return;
        }
        let stream = self.place.stream;
        let required: Vec<&Described> =
            stream.fields.iter().filter(|known| known.required && known.creatable).collect();
        for known in &required {
            let is_link = self.map.identity.link.get(self.system) == Some(&known.path);
            match self.placed.iter().find(|placed| placed.is_written && placed.path == known.path) {
                _ if is_link => {}
                None => {
                    let message = format!(
                        "`{}` refuses a record without `{}`, and no line of the map gives it a value",
                        stream.name, known.path
                    );
                    self.find(Severity::Fault, (None, &known.path), message);
                }
                Some(placed) if !placed.field.is_required && placed.field.default.is_none() => {
                    let message = format!(
                        "`{}` refuses a record without `{}`: add `required: true` or a `default`",
                        stream.name, known.path
                    );
                    let (at, name) = (placed.field.at, placed.field.name.clone());
                    self.find(Severity::Warning, (Some(at), &name), message);
                }
                Some(_) => {}
            }
        }
        let paths: Vec<String> = required.iter().map(|known| format!("`{}`", known.path)).collect();
        if !paths.is_empty() {
            let message = format!("a new record of `{}` needs {}", stream.name, paths.join(", "));
            self.find(Severity::Note, (None, ""), message);
        }
    }

    /// Fields with data that no line maps (MAP-10). What the system makes by itself is left out.
    fn unmapped(&mut self) {
        let stream = self.place.stream;
        let mapped: BTreeSet<String> = self.placed.iter().map(|placed| placed.path.clone()).collect();
        let is_writable = |known: &Described| known.creatable || known.updatable;
        let has_writable = stream.fields.iter().any(is_writable);
        let plain = stream.fields.iter().filter(|known| !matches!(known.of, FieldType::Object | FieldType::List));
        for known in plain.filter(|known| (is_writable(known) || !has_writable) && !mapped.contains(&known.path)) {
            let count = self
                .place
                .sample
                .iter()
                .flat_map(|record| at(record, &known.path))
                .filter(|value| !is_blank(value))
                .count();
            if count > 0 && self.map.identity.link.get(self.system) != Some(&known.path) {
                let message = format!("`{}` holds data that no line maps; it stays behind", known.path);
                self.find(Severity::Warning, (None, &known.path), message);
                self.counted(count);
            }
        }
    }

    /// Values that no row translates or that the type refuses.
    fn values(&mut self, tables: &Tables) {
        let mut found = Vec::new();
        for Placed { field, path, .. } in self.placed.iter().filter(|placed| placed.field.owner == *self.system) {
            let values = self.place.sample.iter().flat_map(|record| at(record, path));
            let mut missed: BTreeMap<String, usize> = BTreeMap::new();
            for value in values.filter(|value| !passes(field, self.system, value, tables)) {
                *missed.entry(quote(value.as_str().unwrap_or(&value.to_string()))).or_default() += 1;
            }
            if !missed.is_empty() {
                let first: Vec<&str> = missed.keys().take(5).map(String::as_str).collect();
                let mend = field
                    .table
                    .as_ref()
                    .map_or("mend them at the source".into(), |table| format!("add rows to table `{}`", table.name));
                let message =
                    format!("{} values of the sample are refused ({}): {mend}", missed.len(), first.join(", "));
                found.push((field.at, field.name.clone(), message, missed.values().sum()));
            }
        }
        for (at, name, message, count) in found {
            self.find(Severity::Warning, (Some(at), &name), message);
            self.counted(count);
        }
    }

    fn counted(&mut self, count: usize) {
        if let Some(last) = self.findings.last_mut() {
            last.count = Some(count as u64);
        }
    }
}

/// The values at a path as streams describe it; of a list, one for each line.
fn at<'v>(record: &'v Json, path: &str) -> Vec<&'v Json> {
    match path.split_once("[].") {
        None => json::at(record, path).into_iter().collect(),
        Some((list, inside)) => {
            let lines = json::at(record, list).and_then(Json::as_array).into_iter().flatten();
            lines.filter_map(|line| json::at(line, inside)).collect()
        }
    }
}

/// A box that nobody ticked says as little as an empty text.
fn is_blank(value: &Json) -> bool {
    matches!(Scalar::of(value), Ok(None)) || *value == Json::Bool(false)
}

/// Whether the value would go through table and type; a blank one has a rule of its own.
fn passes(field: &Field, system: &SystemName, value: &Json, tables: &Tables) -> bool {
    let Ok(scalar) = Scalar::of(value) else { return false };
    let Some(scalar) = scalar.and_then(|scalar| clean(&field.rules, scalar)) else { return true };
    let row =
        field.table.as_ref().and_then(|table| tables.get(&table.name)?.forward(&scalar.text()).map(str::to_owned));
    let is_missed = row.is_none() && field.table.as_ref().is_some_and(|table| !table.keeps_unlisted);
    let scalar = row.map_or(scalar, |row| Scalar::Text(row.into()));
    let (Kind::Value(of), Some(place)) = (&field.kind, field.places.get(system)) else { return !is_missed };
    !is_missed && of.read(&scalar, place.format).is_ok()
}

/// Types that cannot hold each other's values.
fn clash(field: &Field, known: &Described) -> Option<String> {
    let Kind::Value(of) = &field.kind else { return None };
    let fits = match of {
        Type::Text | Type::Country | Type::UsState | Type::Currency => true,
        Type::Integer | Type::Decimal | Type::Money => matches!(known.of, FieldType::Decimal | FieldType::Integer),
        Type::Boolean => known.of == FieldType::Boolean,
        Type::Date => known.of == FieldType::Date,
        Type::DateTime => known.of == FieldType::DateTime,
    };
    let whole = matches!(known.of, FieldType::List | FieldType::Object);
    let holds = format!("{:?}", known.of).to_lowercase();
    (!fits || whole).then(|| format!("the map says {}, and `{}` is described as {holds}", of.name(), known.path))
}

#[cfg(test)]
mod tests;
