//! What holds for every request, whatever it asks for: an id, a place among those at the same time, an end.

use super::Service;
use super::error::{Code, Error};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tollgate_core::model::limits;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ID_BYTES: usize = 8;

/// Gives the request an id that its answer and its log lines carry, bounds it, and answers where its handler cannot.
pub(super) async fn hold(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let clock = service.app.clock().clone();
    let mut id = [0; ID_BYTES];
    clock.fill_random(&mut id);
    let id = hex::encode(id);
    let span = tracing::info_span!("request", id);
    // Whoever asks whether the process lives must not be told that it is busy, and restart it.
    let needs_slot = request.uri().path() != "/healthz";
    let answer = async {
        let slot = service.slots.try_acquire();
        if needs_slot && slot.is_err() {
            return Error::new(Code::Busy, "too many requests at the same time: try again").into_response();
        }
        let work = AssertUnwindSafe(next.run(request)).catch_unwind();
        tokio::select! {
            biased;
            answer = work => answer.unwrap_or_else(|_| {
                tracing::error!("a handler ended badly");
                Error::inside().into_response()
            }),
            () = clock.sleep_ms(limits::API_REQUEST_MS_MAX) => {
                Error::new(Code::TimedOut, "this took too long; an act that it began goes on").into_response()
            }
        }
    };
    let mut answer = answer.instrument(span).await;
    if let Ok(id) = HeaderValue::try_from(id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    answer
}

/// Tells browsers and proxies to keep nothing and to guess nothing.
pub(super) async fn mark(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
