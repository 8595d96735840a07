//! The part of SuiteQL that connectors use: parsed, bound to the tables, run over the store.
//!
//! Columns, literals, arithmetic, `TO_CHAR`, `TO_TIMESTAMP`, `TO_DATE`; inner and left joins; `AND`, `OR`, `NOT`,
//! parentheses, comparisons, `IN`, `IS NULL`; `ORDER BY`. Values come as text, names in lower case, empty columns not at
//! all. Everything else gets the vendor's own error.

pub mod bind;
pub mod parse;
pub mod run;
pub mod tables;
pub mod token;

use super::errors::{Error, Place};
use super::store::Store;
use super::{Options, records};
use crate::sims::Json;
use crate::sims::server::{Answer, Request};
use http::StatusCode;
use serde_json::json;

/// Where queries go.
pub const PATH: &str = "/services/rest/query/v1/suiteql";
/// Rows that one query may reach.
const ROWS_MAX: usize = 100_000;

/// Answers one page of a query.
///
/// # Errors
/// The vendor's error.
pub fn answer(store: &Store, options: &Options, request: &Request) -> Result<Answer, Error> {
    if !request.header("prefer").split(',').any(|part| part.trim().eq_ignore_ascii_case("transient")) {
        let detail =
            "The required request header 'Prefer' is missing or has an invalid value. Provide the value 'transient'.";
        let error = Error::new(StatusCode::BAD_REQUEST, "INVALID_HEADER", detail);
        return Err(Error { place: Place::Header("Prefer"), ..error });
    }
    let (limit, offset) = records::page(request)?;
    if offset + limit > ROWS_MAX {
        let detail = format!("The query reaches beyond {ROWS_MAX} rows, which is the most that it may.");
        return Err(Error::parameter("offset", detail));
    }
    let body: Json = serde_json::from_slice(&request.body)
        .map_err(|_| Error::new(StatusCode::BAD_REQUEST, "INVALID_CONTENT", "Invalid content in the request body."))?;
    let text = body.get("q").and_then(Json::as_str).filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Error::body("INVALID_CONTENT", "The query is missing.", "q"))?;
    let plan = bind::bind(store, &parse::parse(text)?)?;
    let page = run::run(store, &plan, (limit, offset));
    let links = json!(records::page_links(options, PATH, (limit, offset, page.total)));
    let mut out = String::with_capacity(page.items.len() + 512);
    out.push_str(&format!(
        "{{\"links\":{links},\"count\":{},\"hasMore\":{},\"items\":",
        page.count,
        offset + page.count < page.total
    ));
    out.push_str(&page.items);
    out.push_str(&format!(",\"offset\":{offset},\"totalResults\":{}}}", page.total));
    Ok(Answer::with_body(StatusCode::OK, "application/vnd.oracle.resource+json; type=collection", out))
}

/// The vendor's error for a query that it does not understand.
fn invalid(why: &str) -> Error {
    let detail = format!("Invalid search query. Detailed unprocessed description follows. {why}");
    Error::parameter("q", detail)
}
