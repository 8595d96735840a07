//! The first step of a projection: a change becomes a draft. The JSON is parsed once; types, tables, rules and the
//! predicate are applied; what must be looked up is listed.

use crate::entity::draft::{Cell, Draft, Rows, State};
use crate::entity::kind::{Refusal, Scalar, Value};
use crate::entity::map::{self, Blank, Ending};
use crate::entity::need;
use crate::entity::plan::{List, Lookup, Match, Natural, Parts, Plan, Reads, Step, Watched, Way};
use crate::entity::predicate::{Predicate, Undecided};
use crate::entity::quote::quote;
use crate::entity::rule::{self, Rule};
use crate::entity::table::Tables;
use crate::entity::verdict::{By, Reference, Stop};
use crate::model::limits::{KEY_BYTES_MAX, LINES_MAX, NATURAL_BYTES_MAX, UNREADABLE_CHARS_MAX, VIOLATIONS_MAX};
use crate::model::text::is_deceptive;
use crate::model::{Change, Json, Operation, json};
use std::borrow::Cow;

impl Plan {
    /// Reads a change: everything that can be said of it without looking anything up.
    ///
    /// Of a partial change, a field that is absent is unknown: it is neither sent nor blank.
    pub fn read(&self, change: &Change, tables: &Tables) -> Draft {
        let mut draft = Draft::new(self.clone(), change.key.clone());
        let parts = &*self.parts;
        let ending = match &change.operation {
            Operation::Whole | Operation::Partial => None,
            Operation::Deleted => Some((parts.delete, "deleted", "was deleted in".to_owned())),
            Operation::MergedInto(key) => Some((parts.merge, "merged", format!("was merged into {} in", quote(key)))),
        };
        if let Some((ending, rule, happened)) = ending {
            let message =
                format!("the record {happened} `{}`; decide what becomes of it in `{}`", parts.from, parts.to);
            draft.ending = Some((ending == Ending::Hold).then(|| stop("", rule, message)));
            return draft;
        }
        match json::parse(&change.data) {
            Ok(data @ Json::Object(_)) => {
                Reader { parts, tables, is_partial: change.operation == Operation::Partial }.read(&data, &mut draft)
            }
            Ok(Json::String(why)) => {
                draft.malformed = Some(unreadable(&why));
            }
            Ok(_) => draft.malformed = Some(malformed("no object")),
            Err(refusal) => draft.malformed = Some(malformed(&refusal.to_string())),
        }
        draft
    }
}

/// A connector's word for why it could not read the record, fit to be stored and shown.
fn unreadable(why: &str) -> Stop {
    let fit = |c| if is_deceptive(c) { char::REPLACEMENT_CHARACTER } else { c };
    let why: String = why.chars().take(UNREADABLE_CHARS_MAX).map(fit).collect();
    stop("", "unreadable", format!("the source could not read the record: {why}"))
}

fn malformed(why: &str) -> Stop {
    stop(
        "",
        "json",
        format!("the record's data is not usable JSON: {why}; mend it at the source, or the connector that read it"),
    )
}

pub(super) fn stop(field: &str, rule: &str, message: impl Into<String>) -> Stop {
    Stop { field: field.into(), rule: rule.into(), message: message.into(), needs: Vec::new() }
}

pub(super) struct Reader<'a> {
    pub(super) parts: &'a Parts,
    pub(super) tables: &'a Tables,
    pub(super) is_partial: bool,
}

impl Reader<'_> {
    fn read(&self, data: &Json, draft: &mut Draft) {
        let parts = self.parts;
        self.predicate(data, draft);
        draft.state = if self.is_partial {
            State::Partial(overlay(&parts.watched, data))
        } else {
            State::Whole(state(&parts.watched, data))
        };
        for field in &parts.matches {
            match_value(field, data, draft);
        }
        draft.cells.reserve_exact(parts.steps.len());
        for step in &parts.steps {
            let cell = self.cell(step, json::at(data, &step.source), &mut draft.references);
            draft.cells.push(cell);
        }
        for list in &parts.lists {
            let rows = self.rows(list, json::at(data, &list.source), &mut draft.references);
            draft.rows.push(rows);
        }
    }

    /// Whether the map's `when` holds of the data; true where there is none.
    pub(super) fn holds(&self, data: &Json) -> Result<bool, Undecided> {
        match &self.parts.when {
            None => Ok(true),
            Some(when) if self.is_partial => when.holds_of_part(data),
            Some(when) => when.holds(data),
        }
    }

    fn predicate(&self, data: &Json, draft: &mut Draft) {
        match self.holds(data) {
            Ok(holds) => draft.is_matched = self.parts.creates && holds,
            Err(undecided) => {
                let mend = if self.is_partial { "have the record read whole" } else { "give the field a value" };
                let message =
                    format!("`life.create.when` cannot be decided: {undecided}; {mend}, or mend the predicate");
                draft.undecided = Some(stop("", "predicate", message));
                let paths = self.parts.when.iter().flat_map(Predicate::paths);
                let (said, unsaid): (Vec<_>, Vec<_>) = paths.partition(|path| json::at(data, path).is_some());
                draft.is_unsaid = self.is_partial && !unsaid.is_empty();
                draft.keeps_match = draft.is_unsaid && said.is_empty();
            }
        }
    }

    fn cell(&self, step: &Step, value: Option<&Json>, references: &mut Vec<Reference>) -> Cell {
        if self.is_partial && value.is_none() {
            return if step.is_required { Cell::Unknown(required(&step.name)) } else { Cell::Keep };
        }
        let Ok(scalar) = value.map_or(Ok(None), Scalar::of) else {
            let message = "holds a list or an object; point its path at one value";
            return Cell::Stopped(stop(&step.name, step.reads.name(), format!("field `{}` {message}", step.name)));
        };
        match scalar.and_then(|scalar| clean(&step.rules, scalar)) {
            Some(scalar) if holds_null(&scalar) => Cell::Stopped(null_character(&step.name, step.reads.name())),
            Some(scalar) => self.value(step, scalar, references).unwrap_or_else(Cell::Stopped),
            None => self.blank(step).unwrap_or_else(Cell::Stopped),
        }
    }

    fn blank(&self, step: &Step) -> Result<Cell, Stop> {
        match (&step.default, step.blank) {
            (Some(default), _) => self.default(step, default).map(Cell::Defaulted),
            (None, Blank::Reject) => Err(required(&step.name)),
            (None, _) if step.is_required => Err(required(&step.name)),
            (None, Blank::Clear) => Ok(Cell::Clear),
            (None, Blank::Keep) => Ok(Cell::Keep),
        }
    }

    /// What the target gets for a default, which is read as if the owner had said it: a text goes through its table to
    /// every mirror, and as it is to the owner.
    fn default(&self, step: &Step, default: &map::Default) -> Result<Json, Stop> {
        let (Some(lookup), Value::Text(text)) = (&step.table, &default.value) else {
            return Ok(default.value.clone().print(step.target_format));
        };
        if lookup.way == Way::Backward {
            return Ok(Json::String(text.clone()));
        }
        let need = need::by_table(&lookup.table, text);
        let lookup = Lookup { way: Way::Forward, ..lookup.clone() };
        let translated = self.translate(step, &lookup, Scalar::Text(Cow::Borrowed(text)), &need)?;
        Ok(Json::String(translated.text().into_owned()))
    }

    fn value(&self, step: &Step, scalar: Scalar<'_>, references: &mut Vec<Reference>) -> Result<Cell, Stop> {
        let (scalar, table_need) = match &step.table {
            None => (scalar, None),
            Some(lookup) if lookup.way == Way::Same => (scalar, None),
            Some(lookup) => {
                let need = need::by_table(&lookup.table, &scalar.text());
                (self.translate(step, lookup, scalar, &need)?, Some(need))
            }
        };
        let refused = |refusal: Refusal, needs: &Option<String>| Stop {
            field: step.name.clone(),
            rule: refusal.rule.into(),
            message: refusal.message,
            needs: needs.iter().cloned().collect(),
        };
        let (entity, by) = match &step.reads {
            Reads::Value(of, format) => {
                let value = of.read(&scalar, *format).map_err(|refusal| refused(refusal, &table_need))?;
                return Ok(Cell::Ready(value.print(step.target_format)));
            }
            Reads::Key(entity) => (entity, By::Key(short(&step.name, scalar.text().into_owned(), KEY_BYTES_MAX)?)),
            Reads::Natural(entity, natural) => match natural_key(natural, scalar) {
                Ok(Some(value)) => (entity, By::Natural(short(&step.name, value, NATURAL_BYTES_MAX)?)),
                Ok(None) => return self.blank(step),
                Err(refusal) => return Err(refused(refusal, &table_need)),
            },
        };
        let reference = references.len();
        references.push(Reference { entity: entity.clone(), system: self.parts.from.clone(), by });
        Ok(Cell::Pending { reference, table_need })
    }

    /// The table's answer to a value; none if no row has it.
    pub(super) fn row(&self, lookup: &Lookup, text: &str) -> Option<&str> {
        let table = self.tables.get(&lookup.table)?;
        match lookup.way {
            Way::Backward => table.backward(text),
            Way::Forward | Way::Same => table.forward(text),
        }
    }

    /// What the table makes of the value; the value itself if it has no row and may pass.
    fn translate<'v>(&self, step: &Step, lookup: &Lookup, scalar: Scalar<'v>, need: &str) -> Result<Scalar<'v>, Stop> {
        let text = scalar.text();
        match self.row(lookup, &text) {
            Some(row) => Ok(Scalar::Text(Cow::Owned(row.to_owned()))),
            None if lookup.keeps_unlisted => {
                drop(text);
                Ok(scalar)
            }
            None => Err(Stop {
                field: step.name.clone(),
                rule: "table".into(),
                message: format!("table `{}` has no row for {scalar}; add one, or mend it at the source", lookup.table),
                needs: vec![need.to_owned()],
            }),
        }
    }

    /// An empty list clears the target's, unless the list is required: of a whole change absent is empty, and null is.
    fn rows(&self, list: &List, value: Option<&Json>, references: &mut Vec<Reference>) -> Rows {
        let lines = match value {
            None if self.is_partial && list.is_required => return Rows::Unknown(required(&list.name)),
            None if self.is_partial => return Rows::Keep,
            None | Some(Json::Null) => &[],
            Some(Json::Array(lines)) => lines.as_slice(),
            Some(_) => {
                let message = format!("`{}` holds no list of lines; point its path at one", list.name);
                return Rows::Stopped(stop(&list.name, "lines", message));
            }
        };
        if lines.is_empty() && list.is_required {
            return Rows::Stopped(required(&list.name));
        }
        if lines.len() > LINES_MAX {
            let message = format!(
                "`{}` has {} lines; at most {LINES_MAX} are moved; split the record at the source",
                list.name,
                lines.len()
            );
            return Rows::Stopped(stop(&list.name, "lines", message));
        }
        let mut stops = 0;
        let mut row = |line: &Json| {
            let cells = list.each.iter().map(|step| bare(self.line_cell(step, line, references), &mut stops));
            cells.collect()
        };
        Rows::Ready(lines.iter().map(&mut row).collect())
    }

    /// A line is always whole, even in a partial change: lists are not merged.
    fn line_cell(&self, step: &Step, line: &Json, references: &mut Vec<Reference>) -> Cell {
        if !line.is_object() {
            let message = "the line is no object; point the list's path at lines, or mend the connector that read it";
            return Cell::Stopped(stop(&step.name, "lines", message));
        }
        Reader { is_partial: false, ..*self }.cell(step, json::at(line, &step.source), references)
    }
}

/// The cell; beyond [`VIOLATIONS_MAX`] stops of a list, which are not listed, a stop keeps only what would mend it.
fn bare(cell: Cell, stops: &mut usize) -> Cell {
    let Cell::Stopped(stop) = cell else { return cell };
    *stops += 1;
    if *stops <= VIOLATIONS_MAX {
        return Cell::Stopped(stop);
    }
    Cell::Stopped(Stop { field: String::new(), rule: String::new(), message: String::new(), needs: stop.needs })
}

/// Cleans a text; `None` if nothing is left of it.
pub(super) fn clean<'v>(rules: &[Rule], scalar: Scalar<'v>) -> Option<Scalar<'v>> {
    match scalar {
        Scalar::Text(text) if !rules.is_empty() => {
            let text = rule::clean(rules, text);
            (!text.is_empty()).then_some(Scalar::Text(text))
        }
        other => Some(other),
    }
}

fn required(field: &str) -> Stop {
    stop(
        field,
        "required",
        format!("`{field}` has no value, and the record is not written without it; fill it in at the source"),
    )
}

fn natural_key(natural: &Natural, scalar: Scalar<'_>) -> Result<Option<String>, Refusal> {
    let Some(scalar) = clean(&natural.rules, scalar) else { return Ok(None) };
    natural.of.read(&scalar, natural.format).map(|value| Some(value.canonical().into_owned()))
}

/// PostgreSQL stores no text with U+0000, and few systems do.
fn holds_null(scalar: &Scalar<'_>) -> bool {
    matches!(scalar, Scalar::Text(text) if text.contains('\0'))
}

fn null_character(field: &str, rule: &str) -> Stop {
    stop(
        field,
        rule,
        format!("`{field}` holds the character U+0000, which cannot be stored; take it out at the source"),
    )
}

/// What names a record, if it is short enough to name one.
fn short(field: &str, value: String, bytes_max: usize) -> Result<String, Stop> {
    match value.len() {
        bytes if bytes > bytes_max => Err(stop(
            field,
            "length",
            format!(
                "`{field}` has {bytes} bytes ({}), and what names a record has at most {bytes_max}; shorten it at the source",
                quote(&value)
            ),
        )),
        _ => Ok(value),
    }
}

/// A match field that its type refuses finds nothing; where it travels, it is refused as a field. A natural key that
/// cannot be remembered is refused wherever it stands.
fn match_value(field: &Match, data: &Json, draft: &mut Draft) {
    let scalar = json::at(data, &field.source).and_then(|value| Scalar::of(value).ok().flatten());
    let Some(scalar) = scalar.and_then(|scalar| clean(&field.rules, scalar)) else { return };
    if holds_null(&scalar) {
        draft.unnamed = field.is_natural.then(|| null_character(&field.field, field.of.name()));
        return;
    }
    let Ok(value) = field.of.read(&scalar, field.format) else { return };
    if field.is_natural {
        match short(&field.field, value.canonical().into_owned(), NATURAL_BYTES_MAX) {
            Ok(natural) => draft.natural = Some(natural),
            Err(stop) => {
                draft.unnamed = Some(stop);
                return;
            }
        }
    }
    if let Some((path, format)) = &field.target {
        draft.match_values.push((path.clone(), value.print(*format)));
    }
}

/// The canonical text of all watched values that are there, written without building them.
fn state(watched: &[Watched], data: &Json) -> String {
    let mut text = String::with_capacity(512);
    text.push('{');
    for watched in watched {
        let Some(value) = json::at(data, &watched.path).filter(|value| !value.is_null()) else { continue };
        member(&watched.name, &mut text);
        match (&watched.each, value) {
            (Some(each), Json::Array(lines)) => {
                text.push('[');
                for (index, line) in lines.iter().enumerate() {
                    text.push_str(if index > 0 { ",{" } else { "{" });
                    write_line(each, line, &mut text);
                    text.push('}');
                }
                text.push(']');
            }
            _ => json::write_canonical(value, &mut text),
        }
    }
    text.push('}');
    text
}

fn write_line(each: &[(String, String)], line: &Json, text: &mut String) {
    for (name, path) in each {
        if let Some(value) = json::at(line, path).filter(|value| !value.is_null()) {
            member(name, text);
            json::write_canonical(value, text);
        }
    }
}

/// Begins a member of an object.
fn member(name: &str, text: &mut String) {
    if !text.ends_with('{') {
        text.push(',');
    }
    json::write_text(name, text);
    text.push(':');
}

/// What a partial change says: values that are there, `None` for those that it empties.
fn overlay(watched: &[Watched], data: &Json) -> Vec<(String, Option<Json>)> {
    let said = watched.iter().filter_map(|watched| Some((watched, json::at(data, &watched.path)?)));
    said.map(|(watched, value)| {
        let value = match (&watched.each, value) {
            (_, Json::Null) => None,
            (Some(each), Json::Array(lines)) => Some(Json::Array(lines.iter().map(|line| pick(each, line)).collect())),
            _ => Some(value.clone()),
        };
        (watched.name.clone(), value)
    })
    .collect()
}

fn pick(each: &[(String, String)], line: &Json) -> Json {
    let member = |(name, path): &(String, String)| {
        Some((name.clone(), json::at(line, path).filter(|value| !value.is_null())?.clone()))
    };
    Json::Object(each.iter().filter_map(member).collect())
}
