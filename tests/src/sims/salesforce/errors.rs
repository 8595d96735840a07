//! The vendor's errors: always an array, even for one.

use crate::sims::Json;
use crate::sims::server::Answer;
use http::StatusCode;
use serde_json::json;

/// One error of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The vendor's code.
    pub code: &'static str,
    /// The vendor's sentence.
    pub message: String,
    /// The fields it is about.
    pub fields: Vec<String>,
}

impl ApiError {
    /// An error about no field in particular.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new() }
    }

    /// An error about these fields.
    #[must_use]
    pub fn about(code: &'static str, message: impl Into<String>, fields: &[&str]) -> Self {
        Self { code, message: message.into(), fields: fields.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// What the answer's status is when the whole request fails with this.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.code {
            "INVALID_SESSION_ID" => StatusCode::UNAUTHORIZED,
            "REQUEST_LIMIT_EXCEEDED" => StatusCode::FORBIDDEN,
            "NOT_FOUND" | "ENTITY_IS_DELETED" => StatusCode::NOT_FOUND,
            "METHOD_NOT_ALLOWED" => StatusCode::METHOD_NOT_ALLOWED,
            "UNSUPPORTED_MEDIA_TYPE" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "SERVER_UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
            "UNKNOWN_EXCEPTION" => StatusCode::INTERNAL_SERVER_ERROR,
            "TOO_MANY_REQUESTS" => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The answer of a request that fails as a whole.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let mut error = json!({ "message": self.message, "errorCode": self.code });
        if !self.fields.is_empty() {
            error["fields"] = json!(self.fields);
        }
        Answer::json(self.status(), &json!([error]))
    }

    /// The error of one record among several, which has other member names.
    #[must_use]
    pub fn of_record(&self) -> Json {
        json!({ "statusCode": self.code, "message": self.message, "fields": self.fields })
    }
}
