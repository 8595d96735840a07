//! Answers of the REST API: query pages, and errors, which are always a list of codes.

use serde::Deserialize;
use tollgate_sdk::{
    Failure, Result, error,
    http::{self, Response},
    json::RawValue,
};

/// A page of a query.
#[derive(Debug, Deserialize)]
pub(crate) struct Records {
    /// Each as its text: most of them are passed on as they are.
    pub(crate) records: Vec<Box<RawValue>>,
    #[serde(rename = "nextRecordsUrl")]
    pub(crate) next: Option<String>,
}

/// An error of a call (`errorCode`) or of a record of a call (`statusCode`).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Problem {
    #[serde(alias = "errorCode", alias = "statusCode")]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) fields: Vec<String>,
}

/// What a code calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reaction {
    Transient,
    RateLimited,
    Unauthorized,
    Misconfigured,
    CursorExpired,
    /// The record is not there.
    Gone,
    /// The record, or the request, is wrong.
    Refuse,
}

/// The reaction to a code; one that is not known refuses the record.
pub(crate) fn reaction(code: &str) -> Reaction {
    match code {
        "UNABLE_TO_LOCK_ROW"
        | "SERVER_UNAVAILABLE"
        | "QUERY_TIMEOUT"
        | "REQUEST_RUNNING_TOO_LONG"
        | "UNKNOWN_EXCEPTION"
        | "CONCURRENT_REQUEST_LIMIT_EXCEEDED"
        | "TXN_SECURITY_METERING_ERROR" => Reaction::Transient,
        "REQUEST_LIMIT_EXCEEDED" => Reaction::RateLimited,
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => Reaction::Unauthorized,
        "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED"
        | "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => Reaction::Misconfigured,
        "INVALID_QUERY_LOCATOR" => Reaction::CursorExpired,
        "ENTITY_IS_DELETED" | "NOT_FOUND" => Reaction::Gone,
        _ => Reaction::Refuse,
    }
}

/// Runs a statement. An answer that is too large for the host is asked for again in smaller pages.
pub(crate) fn query(statement: &str) -> Result<Records> {
    let request = http::request("query").query("q", statement);
    let answer = match request.send() {
        Err(http::Error::TooLarge(_)) => request.header("sforce-query-options", "batchSize=200").send()?,
        answer => answer?,
    };
    ok(answer)?.json()
}

/// The next page of a query; none if the link is no longer known or its page is too large.
pub(crate) fn more(link: &str) -> Result<Option<Records>> {
    let answer = match http::follow("query-more", link) {
        Err(http::Error::TooLarge(_)) => return Ok(None),
        answer => answer?,
    };
    match ok(answer) {
        Err(Failure::CursorExpired(_)) => Ok(None),
        answer => answer?.json().map(Some),
    }
}

/// The answer itself if it is a success.
///
/// # Errors
/// What the codes of the answer call for.
pub(crate) fn ok(answer: Response) -> Result<Response> {
    if answer.is_ok() { Ok(answer) } else { Err(failure(&answer)) }
}

/// Why a whole call failed.
pub(crate) fn failure(answer: &Response) -> Failure {
    let problems: Vec<Problem> = answer.json().unwrap_or_default();
    let Some(first) = problems.first() else {
        return error::of_status(answer.status(), &format!("Salesforce answered {}", answer.status()));
    };
    let text = error::brief(&format!("{}: {}", first.code, first.message));
    match (reaction(&first.code), first.code.as_str()) {
        (Reaction::Transient, _) => Failure::Transient(text),
        (Reaction::RateLimited, _) => Failure::RateLimited(None),
        (Reaction::Unauthorized, _) => Failure::Unauthorized(text),
        (Reaction::CursorExpired, _) => Failure::CursorExpired(text),
        // Of a whole call these speak of the object or the field that it names, not of a record.
        (Reaction::Misconfigured | Reaction::Gone, _) | (_, "INVALID_FIELD" | "INVALID_TYPE") => {
            Failure::Misconfigured(text)
        }
        (Reaction::Refuse, _) => error::of_status(answer.status(), &text),
    }
}
