//! The simulators' own tests: the judges must be right before they judge.

mod data;
mod hubspot;
mod netsuite;
mod salesforce;
mod salesforce_consent;

use http::{Method, StatusCode};
use serde_json::Value as Json;
use tollgate_tests::sims::{Sim, Vendor};

/// 2026-11-21T10:00:00Z.
const NOW_MS: i64 = 1_795_255_200_000;

pub(crate) async fn control<V: Vendor>(sim: &Sim<V>, verb: &str, body: &Json) -> Json {
    plain(sim, Method::POST, verb, body.to_string()).await
}

pub(crate) async fn control_get<V: Vendor>(sim: &Sim<V>, verb: &str) -> Json {
    plain(sim, Method::GET, verb, String::new()).await
}

/// One request over the plain door.
async fn plain<V: Vendor>(sim: &Sim<V>, method: Method, verb: &str, body: String) -> Json {
    use http_body_util::{BodyExt, Full};
    let address = sim.control_url().strip_prefix("http://").unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::builder().method(method).uri(format!("/_sim/{verb}")).header("host", address);
    let response = sender.send_request(request.body(Full::new(bytes::Bytes::from(body))).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, StatusCode::OK, "{verb}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}
