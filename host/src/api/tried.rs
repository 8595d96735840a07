//! What would become of one record: the answer of `try`, as it is shown.

use crate::app::attempt::{Attempt, Taken};
use crate::store::RecordRow;
use serde::Serialize;
use serde_json::Value;
use tollgate_core::entity::explain::{Condition, FieldEnd, FieldPath, ListPath};
use tollgate_core::entity::{Skip, Stop, Verdict};
use tollgate_core::model::Action;
use utoipa::ToSchema;

/// What would become of a record, and why. Nothing was written, and nothing was sent that has an effect.
#[derive(Serialize, ToSchema)]
pub(super) struct TriedView {
    /// The record.
    record: TriedRecordView,
    /// What is known of it in the source; absent if the flow has never seen it.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<KnownView>,
    /// Its record in the target; absent if there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    counterpart: Option<CounterpartView>,
    /// What finds its counterpart in the target.
    matches: Vec<MatchView>,
    /// What is set aside of it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<WaitingView>,
    /// The map's `when`.
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate: Option<PredicateView>,
    /// The way of each field that travels, in the order of the map.
    fields: Vec<TriedFieldView>,
    /// The lists of lines that travel.
    lines: Vec<LinesView>,
    /// What would become of it.
    verdict: VerdictView,
}

/// The record that is tried.
#[derive(Serialize, ToSchema)]
struct TriedRecordView {
    /// Its key in the source.
    key: String,
    /// The source's stream.
    stream: String,
    /// `source`, or `set-aside` where the source cannot be asked for single records.
    taken_from: &'static str,
    /// The source's version of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// When the source says that it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_at: Option<String>,
}

/// What is known of the record in the source.
#[derive(Serialize, ToSchema)]
struct KnownView {
    /// The host's own id of the thing.
    entity_id: String,
    /// What became of it last.
    outcome: String,
    /// Whether it was one that is made in the target.
    is_matched: bool,
}

/// The target's record of the same thing.
#[derive(Serialize, ToSchema)]
struct CounterpartView {
    /// Its key in the target.
    key: String,
    /// `known`, or `found` by what recognises it: then it would be adopted.
    how: &'static str,
}

/// A value that finds the counterpart.
#[derive(Serialize, ToSchema)]
struct MatchView {
    /// The path in the target.
    to: String,
    /// The value there.
    value: Value,
}

/// What is set aside of the record.
#[derive(Serialize, ToSchema)]
struct WaitingView {
    /// `hold`, `exception` or `dead-letter`.
    kind: &'static str,
    /// The rule that decided so.
    rule: String,
    /// Since when.
    since: String,
}

/// The map's `when`.
#[derive(Serialize, ToSchema)]
struct PredicateView {
    /// The expression.
    text: String,
    /// Whether it holds; absent if nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<bool>,
    /// Why nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What it read.
    values: Vec<ValueView>,
}

/// A value of the source.
#[derive(Serialize, ToSchema)]
struct ValueView {
    /// Its path in the source.
    from: String,
    /// The value.
    value: Value,
}

/// The way of one field.
#[derive(Serialize, ToSchema)]
#[schema(no_recursion)]
struct TriedFieldView {
    /// Its name in the map.
    field: String,
    /// Its path in the source.
    from: String,
    /// The source's value; absent where the record has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// The rules that clean the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<&'static str>,
    /// What the rules made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cleaned: Option<String>,
    /// The table that it goes through.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<TriedTableView>,
    /// Its type, or `reference`.
    reads: &'static str,
    /// The record that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<RefersView>,
    /// What a blank value does: `keep`, `clear`, `reject` or `default`.
    blank: &'static str,
    /// Whether a record without it is refused.
    is_required: bool,
    /// Whether it travels with every change; otherwise only as the first value of a new record.
    is_owned: bool,
    /// Its path in the target.
    to: String,
    /// `sent`, `defaulted`, `kept`, `cleared`, `refused`, `waits` or `unsaid`.
    end: &'static str,
    /// What is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<Value>,
    /// What stops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<StopView>,
}

/// A look into a translation table.
#[derive(Serialize, ToSchema)]
struct TriedTableView {
    /// The table.
    name: String,
    /// What was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The row's other side; absent if there is no row.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Whether a value without a row passes as it is.
    keeps_unlisted: bool,
}

/// The record that a field names.
#[derive(Serialize, ToSchema)]
struct RefersView {
    /// Its entity.
    entity: String,
    /// How the source names it.
    named: String,
    /// Its key in the target; absent while it is not known there.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// The way of a list of lines.
#[derive(Serialize, ToSchema)]
struct LinesView {
    /// Its name in the map.
    list: String,
    /// Its path in the source.
    from: String,
    /// Its path in the target.
    to: String,
    /// How many lines there are; of many, only the first are shown.
    count: usize,
    /// The lines, field by field.
    lines: Vec<Vec<TriedFieldView>>,
    /// What stops the list as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<StopView>,
}

/// One reason why a record is not written.
#[derive(Serialize, ToSchema)]
struct StopView {
    /// The field; empty if it is the whole record.
    field: String,
    /// A short stable word.
    rule: String,
    /// What is wrong and how to mend it.
    message: String,
    /// What could mend or release it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<String>,
}

/// What would become of the record.
#[derive(Serialize, ToSchema)]
struct VerdictView {
    /// `create`, `upsert`, `update`, `unchanged`, `echo`, `skipped`, `hold` or `exception`.
    is: &'static str,
    /// The same as a sentence.
    why: String,
    /// The target's key, for an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The target's path of the link and its value, for an upsert.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<MatchView>,
    /// What would be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    /// What a person should look at afterwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<String>,
    /// Why it is not written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stops: Vec<StopView>,
}

impl From<Attempt> for TriedView {
    fn from(attempt: Attempt) -> Self {
        let Attempt { change, taken, known, counterpart, adopted, set_aside, explanation, verdict, is_echo } = attempt;
        let how = |key, how| CounterpartView { key, how };
        let counterpart = counterpart.map(|row| how(row.key, "known")).or_else(|| adopted.map(|key| how(key, "found")));
        Self {
            record: TriedRecordView {
                key: change.key,
                stream: change.stream.to_string(),
                taken_from: if taken == Taken::Source { "source" } else { "set-aside" },
                version: change.version,
                modified_at: change.modified_at,
            },
            known: known.map(KnownView::from),
            counterpart,
            matches: explanation.match_values.into_iter().map(|(to, value)| MatchView { to, value }).collect(),
            set_aside: set_aside.map(|row| WaitingView {
                kind: row.kind.as_str(),
                rule: row.rule,
                since: row.since.to_string(),
            }),
            predicate: explanation.predicate.map(PredicateView::from),
            fields: explanation.fields.into_iter().map(TriedFieldView::from).collect(),
            lines: explanation.lists.into_iter().map(LinesView::from).collect(),
            verdict: verdict_view(verdict, is_echo),
        }
    }
}

impl From<RecordRow> for KnownView {
    fn from(row: RecordRow) -> Self {
        Self { entity_id: row.entity_id.to_string(), outcome: row.outcome, is_matched: row.is_matched }
    }
}

impl From<Condition> for PredicateView {
    fn from(condition: Condition) -> Self {
        let values = condition.values.into_iter().map(|(from, value)| ValueView { from, value }).collect();
        let why = condition.holds.as_ref().err().cloned();
        Self { text: condition.text, holds: condition.holds.ok(), why, values }
    }
}

impl From<ListPath> for LinesView {
    fn from(path: ListPath) -> Self {
        let line = |line: Vec<FieldPath>| line.into_iter().map(TriedFieldView::from).collect();
        Self {
            list: path.list,
            from: path.from,
            to: path.to,
            count: path.count,
            lines: path.lines.into_iter().map(line).collect(),
            stop: path.stop.map(StopView::from),
        }
    }
}

impl From<FieldPath> for TriedFieldView {
    fn from(path: FieldPath) -> Self {
        let (end, sent, stop) = match path.end {
            FieldEnd::Sent(value) => ("sent", Some(value), None),
            FieldEnd::Defaulted(value) => ("defaulted", Some(value), None),
            FieldEnd::Kept => ("kept", None, None),
            FieldEnd::Cleared => ("cleared", None, None),
            FieldEnd::Refused(stop) => ("refused", None, Some(stop)),
            FieldEnd::Waits(stop) => ("waits", None, Some(stop)),
            FieldEnd::Unsaid(stop) => ("unsaid", None, Some(stop)),
        };
        Self {
            field: path.field,
            from: path.from,
            value: path.value,
            rules: path.rules,
            cleaned: path.cleaned,
            table: path.table.map(|read| TriedTableView {
                name: read.table.to_string(),
                from: read.from,
                to: read.to,
                keeps_unlisted: read.keeps_unlisted,
            }),
            reads: path.reads,
            reference: path.reference.map(|refers| RefersView {
                entity: refers.entity.to_string(),
                named: refers.named,
                key: refers.key,
            }),
            blank: path.blank,
            is_required: path.is_required,
            is_owned: path.is_owned,
            to: path.to,
            end,
            sent,
            stop: stop.map(StopView::from),
        }
    }
}

impl From<Stop> for StopView {
    fn from(stop: Stop) -> Self {
        Self { field: stop.field, rule: stop.rule, message: stop.message, needs: stop.needs }
    }
}

fn verdict_view(verdict: Verdict, is_echo: bool) -> VerdictView {
    let plain = |is, why: &str| VerdictView {
        is,
        why: why.to_owned(),
        key: None,
        link: None,
        data: None,
        flags: Vec::new(),
        stops: Vec::new(),
    };
    let stopped = |stops: Vec<Stop>| stops.into_iter().map(StopView::from).collect();
    match verdict {
        Verdict::Skipped(Skip::Predicate) => {
            plain("skipped", "it has no counterpart, and this direction does not make it in the target")
        }
        Verdict::Skipped(Skip::Transform) => plain("skipped", "a transform puts nothing in its place"),
        Verdict::Unchanged if is_echo => plain("echo", "it is what the host itself wrote"),
        Verdict::Unchanged => plain("unchanged", "the target already holds exactly this"),
        Verdict::Held(stops) => VerdictView { stops: stopped(stops), ..plain("hold", "it waits") },
        Verdict::Refused(stops) => {
            VerdictView { stops: stopped(stops), ..plain("exception", "it is refused before anything is sent") }
        }
        Verdict::Write { action, key, external_id, data, flags, .. } => {
            let (is, why) = match action {
                Action::Create => ("create", "it is made in the target"),
                Action::Upsert => ("upsert", "it is made in the target, or changed where its link is there already"),
                Action::Update => ("update", "its counterpart is changed"),
                Action::Delete => ("delete", "its counterpart is removed"),
            };
            let link = external_id.map(|link| MatchView { to: link.field, value: link.value.into() });
            let flag = |flag: tollgate_core::model::Flag| match flag.whom {
                Some(whom) => format!("{} ({whom})", flag.flag),
                None => flag.flag,
            };
            let flags = flags.into_iter().map(flag).collect();
            VerdictView { key, link, data: Some(data), flags, ..plain(is, why) }
        }
    }
}
