//! The vendor's errors: a category, a sentence, a correlation id that is the same for the same error.

use crate::sims::Json;
use crate::sims::server::Answer;
use http::StatusCode;
use serde_json::json;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The answer's status.
    pub status: StatusCode,
    /// The vendor's category.
    pub category: &'static str,
    /// The vendor's sentence.
    pub message: String,
    /// What it is about.
    pub context: Json,
}

impl Error {
    /// An error about nothing in particular.
    #[must_use]
    pub fn new(status: StatusCode, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, category, message: message.into(), context: json!({}) }
    }

    /// 400: the request or a record in it is wrong.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
    }

    /// 400: the body is not what it should be.
    #[must_use]
    pub fn body(reason: impl std::fmt::Display) -> Self {
        Self::invalid(format!("Invalid input JSON: {reason}"))
    }

    /// 404: there is nothing at this path.
    #[must_use]
    pub fn no_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", "resource not found")
    }

    /// The same error, about this.
    #[must_use]
    pub fn about(self, context: Json) -> Self {
        Self { context, ..self }
    }

    /// The error as one of several in an answer.
    #[must_use]
    pub fn part(&self) -> Json {
        json!({ "status": "error", "category": self.category, "message": self.message, "context": self.context })
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let mut body = self.part();
        body["correlationId"] = json!(correlation(&self.message));
        Answer::json(self.status, &body)
    }
}

/// A correlation id: a UUID made of the message, so that two runs log the same.
#[must_use]
pub fn correlation(message: &str) -> String {
    let mut hasher = DefaultHasher::new();
    message.hash(&mut hasher);
    let n = hasher.finish();
    format!("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", n >> 32, n & 0xffff, n >> 20 & 0xfff, n & 0xfff, n >> 8)
}
