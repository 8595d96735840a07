//! What is set aside of a flow: lists, counts, and one change whole.

use super::error::{Code, Error};
use super::take::{Asked, Named, limit};
use super::{List, Shared};
use crate::store::{Kind, SetAsideFilter, SetAsideLine, SetAsideRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use tollgate_core::model::{At, Change, FlowName, Operation};
use utoipa::{IntoParams, ToSchema};

/// One set-aside change, without its data.
#[derive(Serialize, ToSchema)]
pub(super) struct SetAsideView {
    /// The record's key in the source.
    key: String,
    /// `hold`, `exception` or `dead-letter`.
    kind: &'static str,
    /// The rule that decided so, a short stable word.
    rule: String,
    /// Record, field, rule, what is wrong and how to mend it.
    reason: String,
    /// How often its write was tried.
    attempts: u32,
    /// Since when: RFC 3339, UTC.
    since: String,
}

impl From<SetAsideLine> for SetAsideView {
    fn from(row: SetAsideLine) -> Self {
        Self {
            key: row.key,
            kind: row.kind.as_str(),
            rule: row.rule,
            reason: row.reason,
            attempts: row.attempts,
            since: row.since.to_string(),
        }
    }
}

/// One set-aside change, whole.
#[derive(Serialize, ToSchema)]
pub(super) struct SetAsideWhole {
    /// The record's key in the source.
    key: String,
    /// `hold`, `exception` or `dead-letter`.
    kind: &'static str,
    /// The rule that decided so, a short stable word.
    rule: String,
    /// Record, field, rule, what is wrong and how to mend it.
    reason: String,
    /// The same, one by one.
    reasons: Vec<ReasonView>,
    /// What it waits for; any of these has it decided again. Empty: a person decides.
    needs: Vec<String>,
    /// The change that was read, as it was or as a person corrected it.
    change: KeptChangeView,
    /// How often its write was tried.
    attempts: u32,
    /// The last of these tries, oldest first.
    tries: Vec<TryView>,
    /// The run that decided so; its calls are under `/v1/runs/{run}/calls`.
    run: String,
    /// The version of the entity map that decided.
    map_version: i64,
    /// The plugin that read the change, by digest.
    reader: String,
    /// The plugin that writes, by digest.
    writer: String,
    /// Since when: RFC 3339, UTC.
    since: String,
}

/// One reason why a change is set aside.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct ReasonView {
    /// The field of the entity map, `items[0].rate` for a field of a line; empty if it is the whole record.
    field: String,
    /// The rule, a short stable word.
    rule: String,
    /// What is wrong and how to mend it.
    message: String,
    /// What would mend it; empty if only the source or a person can.
    needs: Vec<String>,
}

/// A change as it was read.
#[derive(Serialize, ToSchema)]
pub(super) struct KeptChangeView {
    /// The stream that it came from.
    stream: String,
    /// `whole`, `partial`, `deleted` or `merged`.
    operation: &'static str,
    /// The record's version in the source, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// When it was changed there, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_at: Option<String>,
    /// The record's data: JSON text, so that numbers keep their digits.
    data: String,
}

impl From<Change> for KeptChangeView {
    fn from(change: Change) -> Self {
        let operation = match change.operation {
            Operation::Whole => "whole",
            Operation::Partial => "partial",
            Operation::Deleted => "deleted",
            Operation::MergedInto(_) => "merged",
        };
        Self {
            stream: change.stream.to_string(),
            operation,
            version: change.version,
            modified_at: change.modified_at,
            data: change.data,
        }
    }
}

/// One try to write a change.
#[derive(Serialize, ToSchema)]
pub(super) struct TryView {
    /// When its end was known: RFC 3339, UTC.
    at: String,
    /// How it ended.
    reason: String,
}

/// How many changes one rule has set aside.
#[derive(Serialize, ToSchema)]
pub(super) struct RuleCount {
    /// `hold`, `exception` or `dead-letter`.
    kind: &'static str,
    /// The rule.
    rule: String,
    /// How many.
    count: u64,
}

/// Which set-aside changes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SetAsideAsked {
    /// Only `hold`, `exception` or `dead-letter`.
    kind: Option<String>,
    /// Only those of this rule.
    rule: Option<String>,
    /// Only those set aside at this instant or later: RFC 3339.
    since: Option<String>,
    /// Rows of one answer, 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    after: String,
}

/// The kind of this name.
///
/// # Errors
/// There is none; `place` is where it was named.
pub(super) fn kind(name: &str, place: &str) -> Result<Kind, Error> {
    let unknown = || Error::new(Code::Malformed, "`kind` must be `hold`, `exception` or `dead-letter`").at(place);
    Kind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(unknown)
}

/// What is set aside of a flow, by key.
#[utoipa::path(get, path = "/v1/flows/{flow}/set-aside", tag = "set-aside",
    params(("flow" = String, Path, description = "The flow"), SetAsideAsked),
    responses((status = 200, description = "One page", body = List<SetAsideView>)))]
pub(super) async fn list_set_aside(
    service: Shared,
    Named(flow): Named<FlowName>,
    Asked(asked): Asked<SetAsideAsked>,
) -> Result<Json<List<SetAsideView>>, Error> {
    let kind = asked.kind.as_deref().map(|name| kind(name, "query")).transpose()?;
    let malformed = |wanted| Error::new(Code::Malformed, format!("`since` takes {wanted}")).at("query");
    let since = asked.since.map(|text| text.parse::<At>()).transpose().map_err(malformed)?;
    let filter = SetAsideFilter { kind, rule: asked.rule, since };
    let limit = limit(asked.limit)?;
    let rows = service.app.set_aside_after((&flow, &filter), &asked.after, limit + 1).await?;
    Ok(Json(List::page(rows, limit, |row| row.key.clone()).map(SetAsideView::from)))
}

/// How many changes of a flow are set aside, by kind and rule.
#[utoipa::path(get, path = "/v1/flows/{flow}/set-aside/counts", tag = "set-aside",
    params(("flow" = String, Path, description = "The flow")),
    responses((status = 200, description = "The counts", body = List<RuleCount>)))]
pub(super) async fn count_set_aside(
    service: Shared,
    Named(flow): Named<FlowName>,
) -> Result<Json<List<RuleCount>>, Error> {
    service.app.flow(&flow).await?;
    let counts = service.app.set_aside_by_rule(&flow).await?.into_iter();
    let view = |(kind, rule, count): (Kind, String, u64)| RuleCount { kind: kind.as_str(), rule, count };
    Ok(Json(List::whole(counts.map(view).collect())))
}

/// One set-aside change, whole: what was read, why it waits, what was tried.
#[utoipa::path(get, path = "/v1/flows/{flow}/set-aside/{key}", tag = "set-aside",
    params(("flow" = String, Path, description = "The flow"), ("key" = String, Path, description = "The record's key in the source")),
    responses((status = 200, description = "The change", body = SetAsideWhole)))]
pub(super) async fn show_set_aside(
    service: Shared,
    Named((flow, key)): Named<(FlowName, String)>,
) -> Result<Json<SetAsideWhole>, Error> {
    let (row, change) = service.app.set_aside_one(&flow, &key).await?;
    Ok(Json(whole(row, change)))
}

fn whole(row: SetAsideRow, change: Change) -> SetAsideWhole {
    SetAsideWhole {
        kind: row.kind.as_str(),
        // Written by this host; one that cannot be read is told by the sentence that stands beside it.
        reasons: serde_json::from_str(&row.detail).unwrap_or_default(),
        change: change.into(),
        attempts: row.tries.count,
        tries: row.tries.last.into_iter().map(|one| TryView { at: one.at.to_string(), reason: one.reason }).collect(),
        run: row.basis.run.to_string(),
        map_version: row.basis.map_version,
        reader: row.basis.reader,
        writer: row.basis.writer,
        since: row.since.to_string(),
        key: row.key,
        rule: row.rule,
        reason: row.reason,
        needs: row.needs,
    }
}
