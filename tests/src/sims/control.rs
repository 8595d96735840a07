//! The test's own door: plain HTTP on loopback, the same verbs as the methods of [`super::Sim`].
//!
//! | request | effect |
//! |---|---|
//! | `GET /_sim/ledger` | what truly happened |
//! | `GET /_sim/faults` | the rules and how often each happened |
//! | `POST /_sim/faults` | replaces the rules |
//! | `POST /_sim/expire_tokens` | makes all tokens invalid |
//! | `POST /_sim/reset` | sets the counters to nothing |
//! | `POST /_sim/{verb}` | an edit of the vendor's data: see its `edit.rs` |

use super::Json;
use super::faults::Faults;
use super::server::{Answer, Lost, Outgoing, Request, Vendor, Wire, read};
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use std::sync::Arc;

pub(super) async fn serve<V: Vendor>(
    wire: Arc<Wire<V>>,
    request: http::Request<Incoming>,
) -> Result<Response<Outgoing>, Lost> {
    let request = read(request).await.map_err(|_| Lost)?;
    let answer = answer(&wire, &request)
        .unwrap_or_else(|reason| Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": reason })));
    let mut response = Response::new(Outgoing::whole(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

fn answer<V: Vendor>(wire: &Wire<V>, request: &Request) -> Result<Answer, String> {
    let verb = request.path.strip_prefix("/_sim/").ok_or("the paths of this door start with /_sim/")?;
    let done = match (&request.method, verb) {
        (&Method::GET, "ledger") => wire.ledger(),
        (&Method::GET, "faults") => json!(&*wire.faults()),
        (&Method::POST, "faults") => {
            *wire.faults() = serde_json::from_slice::<Faults>(&request.body).map_err(|error| error.to_string())?;
            json!({ "done": "faults" })
        }
        (&Method::POST, "expire_tokens") => {
            wire.vendor.expire_tokens();
            json!({ "done": "expire_tokens" })
        }
        (&Method::POST, "reset") => {
            wire.traffic.reset();
            wire.vendor.reset_counts();
            json!({ "done": "reset" })
        }
        (&Method::POST, verb) => wire.vendor.edit(verb, &body(request)?)?,
        (method, verb) => return Err(format!("{method} /_sim/{verb} is not known")),
    };
    Ok(Answer::json(StatusCode::OK, &done))
}

fn body(request: &Request) -> Result<Json, String> {
    if request.body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&request.body).map_err(|error| format!("the body is no JSON: {error}"))
}

/// A text member of an edit's body.
///
/// # Errors
/// When it is missing or no text.
pub fn text<'a>(body: &'a Json, name: &str) -> Result<&'a str, String> {
    body.get(name).and_then(Json::as_str).ok_or_else(|| format!("the body needs a text \"{name}\""))
}
