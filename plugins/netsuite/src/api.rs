//! Errors of the REST API: one object with a list of details, each with a code and often a path.

use serde::Deserialize;
use tollgate_sdk::{Failure, Outcome, Result, Violation, error, http::Response};

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(rename = "o:errorDetails", default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    detail: String,
    #[serde(rename = "o:errorCode", default)]
    code: String,
    #[serde(rename = "o:errorPath")]
    path: Option<String>,
}

/// The answer itself if it is a success.
///
/// # Errors
/// What the answer's code, or else its status, calls for.
pub(crate) fn ok(answer: Response) -> Result<Response> {
    if answer.is_ok() {
        return Ok(answer);
    }
    let details = details(&answer);
    let text = text(&answer, &details);
    Err(match reaction(&answer, &details) {
        Some(failure) => failure,
        // A statement, a record or a field that this account does not have.
        None if matches!(answer.status(), 400 | 404) => Failure::Misconfigured(text),
        None => error::of_status(answer.status(), &text),
    })
}

/// What became of the intent that a failed write served. `is_update`: the record was named by its key.
pub(crate) fn outcome(answer: &Response, is_update: bool, is_repeatable: bool) -> Outcome {
    let details = details(answer);
    let text = text(answer, &details);
    match (reaction(answer, &details), answer.status()) {
        (Some(failure), status) => error::of_write(status, failure, is_repeatable),
        (None, 404) if is_update => Outcome::Gone(None),
        (None, 400) if !details.is_empty() => Outcome::Rejected(details.iter().map(violation).collect()),
        (None, 404) => Outcome::Failed(Failure::Misconfigured(text)),
        (None, status) => error::of_write(status, error::of_status(status, &text), is_repeatable),
    }
}

fn details(answer: &Response) -> Vec<Detail> {
    answer.json::<Problem>().unwrap_or_default().details
}

fn text(answer: &Response, details: &[Detail]) -> String {
    let first = details.first().map(|first| format!(": {}: {}", first.code, first.detail)).unwrap_or_default();
    error::brief(&format!("NetSuite answered {}{first}", answer.status()))
}

/// What a code calls for where that is neither the record's fault nor plain from the status.
fn reaction(answer: &Response, details: &[Detail]) -> Option<Failure> {
    let of = |code: &str| match code {
        "RCRD_HAS_BEEN_CHANGED" | "UNEXPECTED_ERROR" => Some(Failure::Transient(text(answer, details))),
        "SSS_REQUEST_LIMIT_EXCEEDED" | "WS_REQUEST_BLOCKED" | "CONCURRENCY_LIMIT_EXCEEDED" => {
            Some(Failure::RateLimited(None))
        }
        "INVALID_LOGIN" | "INVALID_LOGIN_ATTEMPT" => Some(Failure::Unauthorized(text(answer, details))),
        "INSUFFICIENT_PERMISSION" => Some(Failure::Misconfigured(text(answer, details))),
        _ => None,
    };
    details.iter().find_map(|detail| of(&detail.code))
}

fn violation(detail: &Detail) -> Violation {
    let rule = match detail.code.as_str() {
        "NONEXISTENT_ID" | "INVALID_KEY_OR_REF" => "reference".into(),
        "" => "refused".into(),
        code => code.to_ascii_lowercase().replace('_', "-"),
    };
    let violation = Violation::new(rule, error::brief(&detail.detail));
    match &detail.path {
        Some(path) => violation.on(field(path)),
        None => violation,
    }
}

/// The stream's word for a path of a REST body.
fn field(path: &str) -> String {
    let path = path.strip_suffix(".id").unwrap_or(path);
    match path.strip_prefix("addressBook").map(|rest| rest.rsplit_once("addressBookAddress")) {
        None => path.into(),
        Some(Some((_, member))) => format!("defaultAddress{member}"),
        Some(None) => "defaultAddress".into(),
    }
}
