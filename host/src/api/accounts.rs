//! Remote accounts: what each has used of what it may use.

use super::error::Error;
use super::take::{Asked, PageAsked, limit};
use super::{List, Shared};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// One remote account, and what was spent from its budget.
#[derive(Serialize, ToSchema)]
pub(super) struct UsageView {
    /// The account, as the connections name it.
    account: String,
    /// The connections that share it.
    connections: Vec<String>,
    /// Calls in the last 24 hours; of all programs, where the vendor reports more than this host made.
    used: u64,
    /// Calls in 24 hours, if there is a bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_per_day: Option<u64>,
    /// Requests at the same time, at most.
    concurrency: u32,
    /// The most that there ever were at the same time since this host started.
    concurrency_peak: u32,
    /// Answers that said "too fast" since this host started.
    throttled: u64,
}

/// The remote accounts that connections name, by name, with what they have used.
#[utoipa::path(get, path = "/v1/accounts", tag = "connections",
    params(PageAsked), responses((status = 200, description = "One page", body = List<UsageView>)))]
pub(super) async fn list_accounts(
    service: Shared,
    Asked(asked): Asked<PageAsked>,
) -> Result<Json<List<UsageView>>, Error> {
    let limit = limit(asked.limit)?;
    let page = List::of_all(service.app.accounts().await?, (&asked.after, limit), |(account, ..)| account.to_string());
    Ok(Json(page.map(|(account, connections, usage)| UsageView {
        account: account.to_string(),
        connections: connections.iter().map(ToString::to_string).collect(),
        used: usage.used,
        limit_per_day: usage.limit_per_day,
        concurrency: usage.concurrency,
        concurrency_peak: usage.concurrency_peak,
        throttled: usage.throttled,
    })))
}
