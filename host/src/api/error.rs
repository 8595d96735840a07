//! What a caller is told when something did not work: one shape for all answers, with a code that stays.
//!
//! What is ours alone (addresses, statements, causes) goes to the log under the request's id, never into an answer.

use crate::app::StepError;
use crate::app::access::Denied;
use crate::app::documents::Fault;
use crate::{app, gate, store};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::error::Error as _;
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident;)*) => {
        /// What went wrong, for programs: a name that never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// Its name in answers.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The status that it comes with.
            pub fn status(self) -> StatusCode {
                match self { $(Code::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    /// The request cannot be read: its JSON, a parameter or a header.
    Malformed = "malformed", BAD_REQUEST;
    /// There is no token in the request.
    TokenMissing = "token-missing", UNAUTHORIZED;
    /// The token is not one of this host.
    TokenUnknown = "token-unknown", UNAUTHORIZED;
    /// The token's time is over.
    TokenExpired = "token-expired", UNAUTHORIZED;
    /// The token was revoked.
    TokenRevoked = "token-revoked", UNAUTHORIZED;
    /// The token's role does not have the right.
    Forbidden = "forbidden", FORBIDDEN;
    /// There is no such route.
    NoRoute = "no-route", NOT_FOUND;
    /// There is no such thing.
    Absent = "absent", NOT_FOUND;
    /// The route does not know the method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED;
    /// The thing has another version than the caller saw.
    VersionMoved = "version-moved", PRECONDITION_FAILED;
    /// The body is longer than is read.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE;
    /// The request can be read, and what it asks for is refused.
    Refused = "refused", UNPROCESSABLE_ENTITY;
    /// The flow is paused: resume it first.
    Paused = "paused", CONFLICT;
    /// The connection leads to another account than an admin confirmed.
    AccountChanged = "account-changed", CONFLICT;
    /// The connection's plugin, credential or system did not do its part.
    ConnectionFailed = "connection-failed", BAD_GATEWAY;
    /// A bug or damage; the log says more under the request's id.
    Internal = "internal", INTERNAL_SERVER_ERROR;
    /// Too much at once: come back.
    Busy = "busy", SERVICE_UNAVAILABLE;
    /// The database cannot be reached, or the host is stopping: come back.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE;
    /// The request took longer than one may; an act that it began goes on.
    TimedOut = "timed-out", GATEWAY_TIMEOUT;
}

/// An answer that says what did not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct Error {
    /// What went wrong, for programs.
    pub code: Code,
    /// What went wrong and what to do next, for people.
    pub message: String,
    /// Where in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What is wrong with which file, where configuration is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<FaultView>>,
}

/// What is wrong with a file of configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fault)]
pub struct FaultView {
    /// The file as the caller named it; `KIND/NAME` for a document that is stored.
    pub file: String,
    /// From 1; 0 if it is the file as a whole.
    pub line: u64,
    /// In characters, from 1; 0 as above.
    pub column: u64,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl From<Fault> for FaultView {
    fn from(fault: Fault) -> Self {
        Self { file: fault.file, line: fault.line, column: fault.column, message: fault.message }
    }
}

impl Error {
    /// An answer with this code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), at: None, faults: None }
    }

    /// The same answer, with the place that it is about.
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = Some(at.into());
        self
    }

    fn internal(cause: &dyn std::error::Error) -> Self {
        let mut chain = cause.to_string();
        let mut next = cause.source();
        while let Some(source) = next {
            chain = format!("{chain}: {source}");
            next = source.source();
        }
        tracing::error!(cause = chain, "a request failed inside");
        Self::inside()
    }

    /// What a caller is told when only the log may say more.
    pub(super) fn inside() -> Self {
        Self::new(Code::Internal, "the host failed at this; its log says why, under the id in `x-request-id`")
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let mut response = (status, axum::Json(self)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::Unknown => Code::TokenUnknown,
            Denied::Expired => Code::TokenExpired,
            Denied::Revoked => Code::TokenRevoked,
        };
        Self::new(code, denied.to_string())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unreachable { .. } => {
                tracing::warn!(%error, "a request found no database");
                Self::new(Code::Unavailable, "the database cannot be reached: try again later")
            }
            store::Error::Contended { .. } => Self::new(Code::Busy, "another writer was in the way: try again"),
            store::Error::Closed => Self::new(Code::Unavailable, "the host is stopping"),
            store::Error::Unstorable { .. } => Self::new(Code::Malformed, error.to_string()),
            error => Self::internal(&error),
        }
    }
}

impl From<gate::Error> for Error {
    fn from(error: gate::Error) -> Self {
        match error {
            gate::Error::Store(error) => error.into(),
            gate::Error::SecretLength { .. } => Self::new(Code::Refused, error.to_string()).at("value"),
            gate::Error::NoConsent { .. } | gate::Error::ConsentOvertaken { .. } => {
                Self::new(Code::Refused, error.to_string())
            }
            gate::Error::Key { .. } | gate::Error::Trust(_) => Self::internal(&error),
            gate::Error::Connection { .. }
            | gate::Error::SecretMissing { .. }
            | gate::Error::SecretSealed { .. }
            | gate::Error::CredentialRefused { .. }
            | gate::Error::ConsentNeeded { .. }
            | gate::Error::CredentialUnusable { .. }
            | gate::Error::TokenUnavailable { .. }
            | gate::Error::OriginRefused { .. } => Self::new(Code::ConnectionFailed, error.to_string()),
        }
    }
}

impl From<StepError> for Error {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error) => error.into(),
            StepError::Gate(error) => error.into(),
            StepError::Read { .. }
            | StepError::Search { .. }
            | StepError::Fetch { .. }
            | StepError::Transform { .. } => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                Self::new(Code::ConnectionFailed, format!("{error}{cause}"))
            }
            StepError::Fenced(_) => Self::new(Code::Busy, error.to_string()),
            StepError::Corrupt { .. } => Self::internal(&error),
        }
    }
}

impl From<app::Error> for Error {
    fn from(error: app::Error) -> Self {
        match error {
            app::Error::Store(error) => error.into(),
            app::Error::Gate(error) => error.into(),
            app::Error::Step(error) => error.into(),
            app::Error::Absent { .. } => Self::new(Code::Absent, error.to_string()),
            app::Error::Paused { .. } => Self::new(Code::Paused, error.to_string()),
            app::Error::AccountChanged { .. } => Self::new(Code::AccountChanged, error.to_string()),
            app::Error::Unfit { what, .. } => Self::new(Code::Refused, error.to_string()).at(what),
            app::Error::Configuration(faults) => Self {
                faults: Some(faults.into_iter().map(FaultView::from).collect()),
                ..Self::new(Code::Refused, "the configuration is refused, nothing was changed: see `faults`")
            },
            app::Error::Refused(_) | app::Error::Fault(_) | app::Error::InUseBy { .. } => {
                Self::new(Code::Refused, error.to_string())
            }
            app::Error::Moved { .. } => Self::new(Code::VersionMoved, error.to_string()).at("header if-match"),
            app::Error::Stream { .. } => Self::new(Code::ConnectionFailed, error.to_string()),
            app::Error::Call { .. } => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                Self::new(Code::ConnectionFailed, format!("{error}{cause}"))
            }
            app::Error::DataDir { .. } | app::Error::InUse(_) | app::Error::Sandbox(_) => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Codes and their statuses are a promise to programs: each is written out here a second time.
    #[test]
    fn codes_stay() {
        let cases = [
            ("malformed", 400),
            ("token-missing", 401),
            ("token-unknown", 401),
            ("token-expired", 401),
            ("token-revoked", 401),
            ("forbidden", 403),
            ("no-route", 404),
            ("absent", 404),
            ("method-not-allowed", 405),
            ("version-moved", 412),
            ("too-large", 413),
            ("refused", 422),
            ("paused", 409),
            ("account-changed", 409),
            ("connection-failed", 502),
            ("internal", 500),
            ("busy", 503),
            ("unavailable", 503),
            ("timed-out", 504),
        ];
        let codes: Vec<_> = Code::ALL.iter().map(|code| (code.as_str(), code.status().as_u16())).collect();
        assert_eq!(codes, cases);
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    /// What the store says of itself stays inside: errors that name an address and a statement are turned into answers.
    #[test]
    fn nothing_of_the_inside_is_told() {
        let database: Arc<str> = "postgres://db.internal/tollgate".into();
        let source: Arc<dyn std::error::Error + Send + Sync> = Arc::from(Box::from("password refused for user sa"));
        let cases = [
            (
                store::Error::Unreachable { database: database.clone(), hint: "h", source: source.clone() },
                "unavailable",
            ),
            (store::Error::Contended { database: database.clone(), source: source.clone() }, "busy"),
            (store::Error::Corrupt { what: "row".into(), database: database.clone() }, "internal"),
            (store::Error::Full { database: database.clone() }, "internal"),
            (store::Error::Database { database, statement: "SELECT hash".into(), source }, "internal"),
            (store::Error::Closed, "unavailable"),
        ];
        for (error, code) in cases {
            let answer = Error::from(app::Error::from(error));
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(answer.code.as_str(), code);
            assert!(!["db.internal", "SELECT", "password"].iter().any(|inside| text.contains(inside)), "{text}");
        }
    }
}
