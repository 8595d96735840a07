//! The audit log: who did what to what, and when.

use super::error::{Code, Error};
use super::take::{Asked, limit, number};
use super::{List, Shared};
use crate::store::{AuditFilter, AuditRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use tollgate_core::model::At;
use utoipa::{IntoParams, ToSchema};

/// One act of the host or of a person.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditView {
    /// Its number; there are no gaps.
    seq: i64,
    /// When: RFC 3339, UTC.
    at: String,
    /// Who: `engine`, `admin`, `token:ID (NAME)`.
    actor: String,
    /// What was done.
    action: String,
    /// To what.
    subject: String,
    /// Counts and names.
    detail: String,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        let AuditRow { seq, at, record } = row;
        Self {
            seq,
            at: at.to_string(),
            actor: record.actor,
            action: record.action,
            subject: record.subject,
            detail: record.detail,
        }
    }
}

/// Which acts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditAsked {
    /// Only those whose actor begins so: `token:0011223344556677`.
    actor: Option<String>,
    /// Only this action: `flow.pause`.
    action: Option<String>,
    /// Only those whose subject begins so: `flow:orders`.
    subject: Option<String>,
    /// Only those at this instant or later: RFC 3339.
    since: Option<String>,
    /// Rows of one answer, 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// The audit log, newest first. An answer looks through a bounded part of it: one with few rows, or none, and a `next` is
/// not the end.
#[utoipa::path(get, path = "/v1/audit", tag = "audit",
    params(AuditAsked), responses((status = 200, description = "One page", body = List<AuditView>)))]
pub(super) async fn list_audit(
    service: Shared,
    Asked(asked): Asked<AuditAsked>,
) -> Result<Json<List<AuditView>>, Error> {
    let malformed = |wanted| Error::new(Code::Malformed, format!("`since` takes {wanted}")).at("query");
    let filter = AuditFilter {
        actor: asked.actor.unwrap_or_default(),
        action: asked.action,
        subject: asked.subject.unwrap_or_default(),
        since: asked.since.map(|text| text.parse::<At>()).transpose().map_err(malformed)?,
    };
    let before = number(asked.after.as_deref())?;
    let (rows, next) = service.app.audit(&filter, before, limit(asked.limit)?).await?;
    let items = rows.into_iter().map(AuditView::from).collect();
    Ok(Json(List { items, next: next.map(|next| next.to_string()) }))
}
