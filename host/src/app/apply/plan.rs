//! What a change of configuration would do: purely from what is stored and what is given.

use crate::app::documents::{Document, Documents, Fault, KINDS};
use crate::store::InstalledPlugin;
use similar::TextDiff;
use std::collections::BTreeMap;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{FlowName, TableName, limits};

/// What becomes of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// There is none of this name.
    Create,
    /// Its text is another one.
    Change,
    /// It goes.
    Remove,
}

impl Act {
    /// Its name in answers and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Act::Create => "create",
            Act::Change => "change",
            Act::Remove => "remove",
        }
    }

    /// What the step from one text to another is; none stands for no document.
    pub fn of(before: Option<&str>, after: Option<&str>) -> Self {
        match (before, after) {
            (_, None) => Act::Remove,
            (None, Some(_)) => Act::Create,
            (Some(_), Some(_)) => Act::Change,
        }
    }
}

/// One document that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentChange {
    /// `connection`, `entity` or `flow`.
    pub kind: String,
    /// Its name, unique in its kind.
    pub name: String,
    /// What becomes of it.
    pub act: Act,
    /// The changed lines with some around them, in the unified format.
    pub difference: String,
}

/// One row of a translation table that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: TableName,
    /// What is translated.
    pub from: String,
    /// What it became before; none if there was no row.
    pub before: Option<String>,
    /// What it becomes.
    pub after: String,
}

/// What is stored now.
pub(in crate::app) struct Stored {
    pub(in crate::app) revision: i64,
    /// Kind, name and text.
    pub(in crate::app) documents: Vec<(String, String, String)>,
    pub(in crate::app) tables: BTreeMap<TableName, BTreeMap<String, String>>,
    pub(in crate::app) installed: Vec<InstalledPlugin>,
}

/// Which documents go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Removal<'a> {
    /// None.
    None,
    /// All that are not given.
    NotGiven,
    /// The one of this kind and name.
    One(&'a str, &'a str),
}

/// A change that may be made.
pub(in crate::app) struct Plan {
    pub(in crate::app) changes: Vec<DocumentChange>,
    /// The text of each change; none where the document goes.
    pub(in crate::app) texts: Vec<Option<String>>,
    pub(in crate::app) rows: Vec<RowChange>,
    /// Flows that there were and that come to have another basis.
    pub(in crate::app) reopened: Vec<FlowName>,
}

impl Plan {
    /// Whether all is as it should be already.
    pub(in crate::app) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.rows.is_empty()
    }
}

/// Decides what giving these files would do.
///
/// # Errors
/// Every fault of the files, and of what they would make of the configuration.
pub(in crate::app) fn plan(stored: &Stored, given: &[Document], removal: Removal<'_>) -> Result<Plan, Vec<Fault>> {
    let (mut documents, mut faults) = Documents::read(given);
    let before = Documents::read(&files(stored)).0;
    for (kind, name, text) in &stored.documents {
        let is_removed = match removal {
            Removal::None => false,
            Removal::NotGiven => true,
            Removal::One(removed_kind, removed_name) => kind == removed_kind && name == removed_name,
        };
        if !is_removed && !documents.contains(kind, name) {
            faults.extend(documents.add(&file(kind, name, text)));
        }
    }
    faults.extend(documents.verify(&stored.installed));
    if !faults.is_empty() {
        faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        faults.truncate(limits::CONFIG_FAULTS_MAX);
        return Err(faults);
    }
    let (changes, texts) = changes(stored, &documents).into_iter().unzip();
    Ok(Plan { changes, texts, rows: rows(stored, &documents), reopened: reopened(stored, &before, &documents) })
}

fn file(kind: &str, name: &str, text: &str) -> Document {
    Document { file: format!("{kind}/{name}"), text: text.to_owned() }
}

fn files(stored: &Stored) -> Vec<Document> {
    stored.documents.iter().map(|(kind, name, text)| file(kind, name, text)).collect()
}

/// A document's text before and after; none where there is no document.
type Step<'a> = (Option<&'a str>, Option<&'a str>);

fn changes(stored: &Stored, documents: &Documents) -> Vec<(DocumentChange, Option<String>)> {
    let mut texts: BTreeMap<(&str, &str), Step<'_>> = BTreeMap::new();
    for (kind, name, text) in &stored.documents {
        texts.entry((kind, name)).or_default().0 = Some(text);
    }
    for (kind, name, text) in documents.texts() {
        texts.entry((kind, name)).or_default().1 = Some(text);
    }
    let changed = texts.into_iter().filter(|(_, (before, after))| before != after);
    let change = |((kind, name), (before, after)): ((&str, &str), Step<'_>)| {
        let act = Act::of(before, after);
        let difference = difference(before, after);
        (DocumentChange { kind: kind.into(), name: name.into(), act, difference }, after.map(str::to_owned))
    };
    changed.map(change).collect()
}

/// The lines that differ, with some around them.
pub(in crate::app) fn difference(before: Option<&str>, after: Option<&str>) -> String {
    let difference = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    difference.unified_diff().context_radius(limits::DIFFERENCE_CONTEXT_LINES).missing_newline_hint(false).to_string()
}

fn rows(stored: &Stored, documents: &Documents) -> Vec<RowChange> {
    // Of two documents with the same row, the last one counts.
    let wanted: BTreeMap<(&TableName, &str), &str> =
        documents.translations().map(|(table, from, to)| ((table, from), to)).collect();
    let change = |((table, from), after): ((&TableName, &str), &str)| {
        let before = stored.tables.get(table).and_then(|rows| rows.get(from)).cloned();
        RowChange { table: table.clone(), from: from.to_owned(), before, after: after.to_owned() }
    };
    wanted.into_iter().map(change).filter(|row| row.before.as_ref() != Some(&row.after)).collect()
}

fn reopened(stored: &Stored, before: &Documents, after: &Documents) -> Vec<FlowName> {
    let active = |plugin: &&InstalledPlugin| plugin.is_active;
    let plugins: Vec<_> = stored.installed.iter().filter(active).map(|plugin| plugin.row.clone()).collect();
    let is_other = |flow: &&Flow| {
        let now = before.flow(&flow.flow);
        now.is_some_and(|now| before.basis(now, &plugins) != after.basis(flow, &plugins))
    };
    after.flows().filter(is_other).map(|flow| flow.flow.clone()).collect()
}

/// A line for the audit log: what changes, in a few words.
pub(in crate::app) fn summary(plan: &Plan) -> String {
    let documents =
        plan.changes.iter().map(|change| format!("{} {} {}", change.act.as_str(), change.kind, change.name));
    let rows = (!plan.rows.is_empty()).then(|| format!("{} rows", plan.rows.len()));
    let text = documents.chain(rows).collect::<Vec<_>>().join(", ");
    text.chars().take(limits::REVISION_DETAIL_CHARS_MAX).collect()
}

/// The kind as it is known, if it is one.
pub(in crate::app) fn known_kind(kind: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|known| *known == kind)
}
