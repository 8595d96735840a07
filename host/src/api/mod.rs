//! The service: the product's verbs over HTTP, for the console and for programs.
//!
//! # The way through the room
//!
//! [`serve`] (`serve.rs`) listens and stops. A request passes the frame (`frame.rs`: an id, a place among those at the
//! same time, a time limit, a net under everything), then the door (`auth.rs`: whose token, which right), then the handler
//! of its resource, one file each. `take.rs` reads a
//! request's parts, `error.rs` is what a caller is told when something did not work, `rules.rs` who may do what.
//!
//! # Invariants
//!
//! - No route without a row in [`rules::RULES`], and none that is not in the OpenAPI document: both come from one router,
//!   and a test compares them.
//! - Every answer that is no success has the shape of [`error::Error`]; only what a browser is told after a consent is text.
//! - No secret is ever in an answer, except a token's text in the answer that creates it.
//! - An act is written down in the audit log, with who asked, before it is done.
//! - What a request began ends, whether its caller waits or not ([`Service::act`]).
//!
//! # Decisions
//!
//! - *The document is generated from the handlers*, not the handlers from a document: the types that are answered are the
//!   ones that are described. A copy in the tests shows every change of it.
//! - *Plain HTTP on the loopback address.* Certificates belong to whatever stands in front; the command says so when it is
//!   told to listen elsewhere.
//! - *Versions are entity tags*: a change that names one is refused when somebody else was faster. A change that names none
//!   is taken, as scripts need it.

mod accounts;
mod audit;
mod auth;
mod configuration;
mod connections;
mod consent;
mod control;
mod discover;
mod documents;
mod entities;
pub mod error;
mod flows;
mod frame;
mod health;
mod openapi;
mod plugins;
mod public_url;
mod records;
mod routes;
pub mod rules;
mod runs;
mod serve;
mod set_aside;
mod status;
mod steward;
mod tables;
mod take;
mod tokens;
mod tried;

pub use error::{Code, Error};
pub use public_url::PublicUrl;
pub use serve::{serve, serve_at};

use crate::app::App;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use serde::Serialize;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tollgate_core::model::limits;
use utoipa::ToSchema;

/// What all handlers share.
pub struct Service {
    app: Arc<App>,
    /// The OpenAPI document, as it is answered.
    document: String,
    /// Where browsers are sent back to.
    public_url: PublicUrl,
    slots: Semaphore,
}

type Shared = axum::extract::State<Arc<Service>>;

impl Service {
    /// Does something to its end even if the caller goes away: a half-done act would leave a flow stopped.
    async fn act<T, F>(self: &Arc<Self>, act: impl FnOnce(Arc<App>) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        match tokio::spawn(act(self.app.clone())).await {
            Ok(result) => result,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only a runtime that shuts down ends a task that nobody holds.
                Err(_) => Err(Error::new(Code::Unavailable, "the host is stopping")),
            },
        }
    }
}

/// A list, whole or one page of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The rows.
    items: Vec<T>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<T> List<T> {
    fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page of `limit` rows from one row more than that, if there are so many: the further one tells that a next page
    /// exists. `place` names a row for `after`.
    fn page(mut items: Vec<T>, limit: u32, place: impl Fn(&T) -> String) -> Self {
        let is_last = items.len() <= limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| !is_last).map(place);
        Self { items, next }
    }

    /// A page of what is all there, in order of the places.
    fn of_all(mut items: Vec<T>, (after, limit): (&str, u32), place: impl Fn(&T) -> String) -> Self {
        items.sort_by_key(&place);
        items.retain(|item| after.is_empty() || place(item).as_str() > after);
        Self::page(items, limit, place)
    }

    fn map<U>(self, view: impl Fn(T) -> U) -> List<U> {
        List { items: self.items.into_iter().map(view).collect(), next: self.next }
    }
}

/// The service over this host, ready to be listened for.
pub fn router(app: Arc<App>, public_url: PublicUrl) -> Router {
    let (router, document) = routes::all().split_for_parts();
    let document = openapi::print(document);
    let service = Arc::new(Service { app, document, public_url, slots: Semaphore::new(limits::API_REQUESTS_MAX) });
    router
        .route_layer(from_fn_with_state(service.clone(), auth::admit))
        .method_not_allowed_fallback(async || Error::new(Code::MethodNotAllowed, "this route does not know the method"))
        .fallback(async || Error::new(Code::NoRoute, "there is no such route: see /v1/openapi.json"))
        .layer(from_fn(frame::mark))
        .layer(from_fn_with_state(service.clone(), frame::hold))
        .with_state(service)
}

/// The OpenAPI document, as JSON text.
pub fn document() -> String {
    openapi::print(routes::all().split_for_parts().1)
}
