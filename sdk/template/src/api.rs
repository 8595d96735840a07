//! Answers of the API: records, pages, and the reasons for which it refuses a record.

use serde::Deserialize;
use tollgate_sdk::{Failure, Outcome, Violation, error, http::Response, json::Json};

/// Whose account it is.
#[derive(Deserialize)]
pub(crate) struct Me {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A page of records.
#[derive(Deserialize)]
pub(crate) struct Records {
    pub(crate) items: Vec<Json>,
    pub(crate) more: bool,
}

/// Why a record is refused.
#[derive(Deserialize)]
struct Problems {
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    field: Option<String>,
    code: String,
    message: String,
}

/// What became of a write that was answered. `is_repeatable`: the same request again changes nothing more.
pub(crate) fn outcome(answer: &Response, is_repeatable: bool) -> Outcome {
    match answer.status() {
        200 | 201 => match answer.json::<Json>() {
            Ok(record) => match record["id"].as_str() {
                Some(id) => Outcome::stored(id, answer.status() == 201),
                None => Outcome::Unknown("the record is stored, and the answer does not name it".into()),
            },
            Err(_) => Outcome::Unknown("the record is stored, and the answer is no JSON".into()),
        },
        404 => Outcome::Gone(None),
        422 => Outcome::Rejected(violations(answer)),
        status => {
            let failure = error::of_status(status, &format!("Acme answered {status}"));
            error::of_write(status, failure, is_repeatable)
        }
    }
}

fn violations(answer: &Response) -> Vec<Violation> {
    let problems = answer.json::<Problems>().map(|problems| problems.errors).unwrap_or_default();
    if problems.is_empty() {
        return vec![Violation::new("refused", "Acme refused the record and gave no reason")];
    }
    let violation = |problem: Problem| {
        let violation = Violation::new(problem.code, error::brief(&problem.message));
        problem.field.into_iter().fold(violation, Violation::on)
    };
    problems.into_iter().map(violation).collect()
}

/// One record of an answer; none if there is no such record.
pub(crate) fn found(answer: Response) -> Result<Option<Json>, Failure> {
    if answer.status() == 404 { Ok(None) } else { answer.ok()?.json().map(Some) }
}
