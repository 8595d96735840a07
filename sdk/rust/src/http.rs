//! Requests by route. The manifest says which endpoint, method and path a route is; the gate attaches the credential.

use crate::bindings::tollgate::plugin::http as raw;
use crate::{Failure, Outcome, Result, error, host};
use serde::{Deserialize, Serialize};

/// Why there is no answer. `?` turns it into the [`Failure`] of a read; a write uses [`Error::outcome`].
pub use raw::HttpError as Error;

/// A request that is being put together.
#[derive(Clone, Debug, PartialEq)]
pub struct Request(raw::Request);

/// Starts a request on a route of the manifest.
pub fn request(route: &str) -> Request {
    Request(raw::Request {
        route: route.into(),
        params: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        intents: Vec::new(),
    })
}

impl Request {
    /// A value for a `{name}` of the route's path; the gate encodes it.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.params.push((name.into(), value.into()));
        self
    }

    /// A query parameter; the gate encodes it.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.query.push((name.into(), value.into()));
        self
    }

    /// A header that the gate does not own.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// A JSON body.
    ///
    /// # Panics
    /// The value has a map whose keys are no text, which JSON cannot hold.
    #[must_use]
    pub fn json(self, body: &impl Serialize) -> Self {
        self.body("application/json", crate::json::print(body))
    }

    /// A body of another kind, at most 8 MiB.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = Some(body.into());
        self.header("content-type", content_type)
    }

    /// The intents that it serves; a route with an effect needs them.
    #[must_use]
    pub fn intents(mut self, ids: impl IntoIterator<Item = u32>) -> Self {
        self.0.intents.extend(ids);
        self
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn into_raw(self) -> raw::Request {
        self.0
    }

    /// Sends it.
    ///
    /// # Errors
    /// There is no answer; a status of 400 and more is an answer.
    pub fn send(&self) -> std::result::Result<Response, Error> {
        host::send(&self.0).map(|answer| Response::new(&self.0.route, answer))
    }
}

/// Sends all of them, in parallel as budget and concurrency allow; answers in the order of the requests.
pub fn send_all(requests: Vec<Request>) -> Vec<std::result::Result<Response, Error>> {
    let requests: Vec<_> = requests.into_iter().map(|request| request.0).collect();
    let answers = host::send_all(&requests);
    requests.iter().zip(answers).map(|(request, answer)| answer.map(|raw| Response::new(&request.route, raw))).collect()
}

/// Follows a link that an answer of the route's endpoint gave.
///
/// # Errors
/// There is no answer.
pub fn follow(route: &str, link: &str) -> std::result::Result<Response, Error> {
    host::follow(route, link).map(|answer| Response::new(route, answer))
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    route: String,
    raw: raw::Response,
}

impl Response {
    fn new(route: &str, raw: raw::Response) -> Self {
        Self { route: route.into(), raw }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.raw.status
    }

    /// Whether the status is 2xx.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.raw.status)
    }

    /// A header that the route keeps; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.raw.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The decoded body.
    pub fn body(&self) -> &[u8] {
        &self.raw.body
    }

    /// The body as JSON, which may borrow from it.
    ///
    /// # Errors
    /// [`Failure::Fault`] names the route and where the text is wrong.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_slice(&self.raw.body).map_err(|error| {
            Failure::Fault(format!("the answer of route `{}` is not what it should be: {error}", self.route))
        })
    }

    /// The answer itself if its status is 2xx.
    ///
    /// # Errors
    /// What the status stands for ([`error::of_status`]), with the route and the status.
    pub fn ok(self) -> Result<Self> {
        if self.is_ok() {
            return Ok(self);
        }
        Err(error::of_status(self.status(), &format!("route `{}` answered {}", self.route, self.status())))
    }
}

impl Error {
    /// What became of the intents that the request served: unknown if it may have arrived, else not done.
    pub fn outcome(&self) -> Outcome {
        match self {
            Error::SentNoAnswer(text) => Outcome::Unknown(text.clone()),
            Error::TooLarge(bytes) => Outcome::Unknown(too_large(*bytes)),
            Error::Denied(_) | Error::Budget(_) | Error::NotSent(_) | Error::Deadline | Error::Other(_) => {
                Outcome::Failed(self.clone().into())
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(rule) => Failure::Misconfigured(rule),
            Error::Budget(ms) => Failure::RateLimited(Some(ms)),
            Error::NotSent(text) | Error::SentNoAnswer(text) => Failure::Transient(text),
            Error::TooLarge(bytes) => Failure::Fault(too_large(bytes)),
            Error::Deadline => Failure::Transient("the time of this call is over".into()),
            Error::Other(text) => Failure::Fault(text),
        }
    }
}

fn too_large(bytes: u64) -> String {
    format!("the answer is larger than {bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Json, json};
    use crate::testing::Host;

    /// A transport error of a write is unknown exactly where the request may have arrived.
    #[test]
    fn transport_errors() {
        let text = || "x".to_owned();
        for (error, failure, unknown) in [
            (Error::Denied(text()), Failure::Misconfigured(text()), false),
            (Error::Budget(7), Failure::RateLimited(Some(7)), false),
            (Error::NotSent(text()), Failure::Transient(text()), false),
            (Error::SentNoAnswer(text()), Failure::Transient(text()), true),
            (Error::TooLarge(9), Failure::Fault("the answer is larger than 9 bytes".into()), true),
            (Error::Deadline, Failure::Transient("the time of this call is over".into()), false),
            (Error::Other(text()), Failure::Fault(text()), false),
        ] {
            assert_eq!(Failure::from(error.clone()), failure, "{error:?}");
            assert_eq!(matches!(error.outcome(), Outcome::Unknown(_)), unknown, "{error:?}");
        }
    }

    /// What the author put together is what the host gets, and the answer's parts come back.
    #[test]
    fn a_request_and_its_answer() {
        let host = Host::new();
        host.answer_text("item", 201, r#"{"price": 1.50}"#).header("location", "/items/7");
        let answer = request("item")
            .param("id", "7")
            .query("q", "a b")
            .header("prefer", "transient")
            .json(&json!({"rate": 2.50}))
            .intents([4])
            .send()
            .unwrap();
        assert_eq!((answer.status(), answer.header("location")), (201, Some("/items/7")));
        assert_eq!(answer.json::<Json>().unwrap()["price"].to_string(), "1.50");
        let sent = &host.requests()[0];
        assert_eq!(
            (sent.param("id"), sent.query("q"), sent.header("prefer")),
            (Some("7"), Some("a b"), Some("transient"))
        );
        assert_eq!(sent.header("content-type"), Some("application/json"));
        assert_eq!((sent.json(), &sent.intents[..]), (json!({"rate": 2.50}), &[4][..]));
    }

    /// A status that is no success becomes a failure that names the route; a body that is no JSON too.
    #[test]
    fn bad_answers() {
        let host = Host::new();
        host.answer("me", 401, json!({}));
        host.answer_text("me", 200, "<html>");
        let Err(Failure::Unauthorized(text)) = request("me").send().unwrap().ok() else { panic!("401 is a failure") };
        assert!(text.contains("`me`"), "{text}");
        assert!(
            matches!(request("me").send().unwrap().json::<Json>(), Err(Failure::Fault(text)) if text.contains("`me`"))
        );
    }
}
