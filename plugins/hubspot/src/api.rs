//! Errors of the CRM API: a category, a sentence, and what it is about.

use serde::Deserialize;
use tollgate_sdk::{
    Failure, Outcome, Result, Violation, error,
    http::Response,
    json::{self, Json},
};

/// An error of a call, or of records of a call.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Problem {
    category: String,
    message: String,
    pub(crate) context: Json,
    policy_name: String,
}

/// The answer itself if it is a success.
pub(crate) fn ok(answer: Response) -> Result<Response> {
    if answer.is_ok() { Ok(answer) } else { Err(failure(&answer)) }
}

/// Why a whole call failed.
pub(crate) fn failure(answer: &Response) -> Failure {
    let problem: Problem = answer.json().unwrap_or_default();
    let text = error::brief(&format!("HubSpot answered {}: {}", answer.status(), problem.message));
    match (answer.status(), problem.policy_name.as_str()) {
        // The day ends at midnight of the account's time zone; an hour is the longest that the host waits.
        (429, "DAILY") => Failure::RateLimited(Some(3_600_000)),
        (429, "TEN_SECONDLY_ROLLING") => Failure::RateLimited(Some(10_000)),
        (429, _) => Failure::RateLimited(Some(1_000)),
        // Locked by another process; the account is being moved to another region.
        (423 | 477, _) => Failure::Transient(text),
        (status, _) => error::of_status(status, &text),
    }
}

impl Problem {
    /// What became of a record that has this problem. An update names its record by id.
    pub(crate) fn outcome(&self, is_update: bool) -> Outcome {
        let text = || error::brief(&format!("{}: {}", self.category, self.message));
        match self.category.as_str() {
            "OBJECT_NOT_FOUND" if is_update => Outcome::Gone(None),
            "VALIDATION_ERROR" | "CONFLICT" | "OBJECT_NOT_FOUND" | "OBJECT_ALREADY_EXISTS" => {
                Outcome::Rejected(self.violations())
            }
            "RATE_LIMITS" => Outcome::Failed(Failure::RateLimited(None)),
            "MISSING_SCOPES" => Outcome::Failed(Failure::Misconfigured(text())),
            _ => Outcome::Failed(Failure::Transient(text())),
        }
    }

    /// The faults of single properties, which the sentence carries as JSON; else the sentence.
    fn violations(&self) -> Vec<Violation> {
        #[derive(Deserialize)]
        struct Fault {
            name: String,
            error: String,
            #[serde(default)]
            message: String,
        }
        let list = self.message.find('[').map_or("", |at| &self.message[at..]);
        let faults: Vec<Fault> = json::read(list).unwrap_or_default();
        let of_fault = |fault: Fault| Violation::new(rule(&fault.error), error::brief(&fault.message)).on(fault.name);
        let missing = self.context["properties"].as_array().into_iter().flatten().filter_map(json::text);
        let of_missing = |name| Violation::new("required", error::brief(&self.message)).on(name);
        let found: Vec<_> = faults.into_iter().map(of_fault).chain(missing.map(of_missing)).collect();
        match found.is_empty() {
            true => vec![Violation::new(rule(&self.category), error::brief(&self.message))],
            false => found,
        }
    }
}

fn rule(code: &str) -> String {
    match code {
        "INVALID_OPTION" => "choice".into(),
        "CONFLICT" | "CONFLICTING_UNIQUE_VALUE" | "OBJECT_ALREADY_EXISTS" => "duplicate".into(),
        "PROPERTY_VALUE_TOO_LONG" => "length".into(),
        code => code.to_ascii_lowercase().replace('_', "-"),
    }
}
