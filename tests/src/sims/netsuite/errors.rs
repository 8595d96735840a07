//! The vendor's errors: one envelope, details with a code and the place.

use crate::sims::server::Answer;
use http::StatusCode;
use serde_json::json;

/// Where an error is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere in particular.
    None,
    /// In the body (`item.items[0].item`).
    Path(String),
    /// In a query parameter.
    Query(&'static str),
    /// In a header.
    Header(&'static str),
    /// In the path of the request.
    Url(String),
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The answer's status.
    pub status: StatusCode,
    /// The vendor's code.
    pub code: &'static str,
    /// The vendor's sentence.
    pub detail: String,
    /// Where it is.
    pub place: Place,
}

impl Error {
    /// An error with a status of its own.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), place: Place::None }
    }

    /// 400 about a place in the body.
    #[must_use]
    pub fn body(code: &'static str, detail: impl Into<String>, path: impl Into<String>) -> Self {
        Self { place: Place::Path(path.into()), ..Self::new(StatusCode::BAD_REQUEST, code, detail) }
    }

    /// 400 that a person's rule in the account causes.
    #[must_use]
    pub fn user(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "USER_ERROR", format!("Error while accessing a resource. {detail}"))
    }

    /// 400 about a query parameter.
    #[must_use]
    pub fn parameter(name: &'static str, detail: impl Into<String>) -> Self {
        Self { place: Place::Query(name), ..Self::new(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", detail) }
    }

    /// 404: the record that the path names is not there.
    #[must_use]
    pub fn no_record(path: &str) -> Self {
        let detail =
            "Error while accessing a resource. The record instance does not exist. Provide a valid record instance ID.";
        Self { place: Place::Url(path.to_owned()), ..Self::new(StatusCode::NOT_FOUND, "NONEXISTENT_ID", detail) }
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let mut detail = json!({ "detail": self.detail, "o:errorCode": self.code });
        match &self.place {
            Place::None => {}
            Place::Path(path) => detail["o:errorPath"] = json!(path),
            Place::Query(name) => detail["o:errorQueryParam"] = json!(name),
            Place::Header(name) => detail["o:errorHeader"] = json!(name),
            Place::Url(path) => detail["o:errorUrl"] = json!(path),
        }
        let status = self.status.as_u16();
        let section = match status {
            401 => "15.5.2",
            403 => "15.5.4",
            404 => "15.5.5",
            405 => "15.5.6",
            500 => "15.6.1",
            503 => "15.6.4",
            _ => "15.5.1",
        };
        let kind = match status {
            429 => "https://www.rfc-editor.org/rfc/rfc6585.html#section-4".to_owned(),
            _ => format!("https://www.rfc-editor.org/rfc/rfc9110.html#section-{section}"),
        };
        let body = json!({
            "type": kind, "title": self.status.canonical_reason().unwrap_or("Error"), "status": status,
            "o:errorDetails": [detail],
        });
        Answer::with_body(self.status, "application/vnd.oracle.resource+json; type=error", body.to_string())
    }
}
