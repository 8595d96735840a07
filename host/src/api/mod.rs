//! The service: the product's verbs over HTTP, for the console and for programs.
//!
//! # The way through the room
//!
//! [`serve`] (`serve.rs`) listens and stops. A request passes the frame (`frame.rs`: an id, a place among those at the
//! same time, a time limit, a net under everything), then the door (`auth.rs`: whose token, which right), then the handler
//! of its resource: `health`, `plugins`, `connections`, `consent`, `flows`, `steward`, `tables`, `documents`, `tokens`. `take.rs` reads a
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

mod auth;
mod connections;
mod consent;
mod documents;
pub mod error;
mod flows;
mod frame;
mod health;
mod plugins;
mod public_url;
pub mod rules;
mod serve;
mod steward;
mod tables;
mod take;
mod tokens;

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
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
}

/// The service over this host, ready to be listened for.
pub fn router(app: Arc<App>, public_url: PublicUrl) -> Router {
    let (router, document) = routes().split_for_parts();
    let document = print(finish(document));
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
    print(finish(routes().split_for_parts().1))
}

fn print(document: OpenApi) -> String {
    document.to_pretty_json().expect("the document is plain data with text for keys")
}

fn routes() -> OpenApiRouter<Arc<Service>> {
    let info = InfoBuilder::new()
        .title("Tollgate")
        .version("v1")
        .description(Some("A self-hosted plugin host for connectors. Calls carry `Authorization: Bearer TOKEN`."));
    OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build())
        .routes(routes!(health::is_alive))
        .routes(routes!(health::is_ready))
        .routes(routes!(health::show_document))
        .routes(routes!(plugins::list_plugins))
        .routes(routes!(connections::list_connections))
        .routes(routes!(connections::check_connection))
        .routes(routes!(connections::set_secret))
        .routes(routes!(flows::list_flows))
        .routes(routes!(flows::show_flow))
        .routes(routes!(flows::read_anew))
        .routes(routes!(flows::list_set_aside))
        .routes(routes!(flows::list_flagged))
        .routes(routes!(steward::release))
        .routes(routes!(steward::discard))
        .routes(routes!(steward::correct))
        .routes(routes!(flows::list_runs))
        .routes(routes!(tables::show_row, tables::set_row))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::show_text))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .merge(consent_routes())
}

fn consent_routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(consent::show_consent, consent::begin_consent))
        .routes(routes!(consent::answer_consent))
}

/// Adds what all operations share: how a token is given, and the shape of errors.
fn finish(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let (name, schema) = (Error::name().into_owned(), <Error as utoipa::PartialSchema>::schema());
    components.schemas.insert(name, schema);
    components.schemas.insert(Code::name().into_owned(), <Code as utoipa::PartialSchema>::schema());
    for (path, item) in &mut document.paths.paths {
        let operations =
            [("GET", &mut item.get), ("PUT", &mut item.put), ("POST", &mut item.post), ("DELETE", &mut item.delete)];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let content = ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Error")))).build();
            let error = ResponseBuilder::new().description("What did not work").content("application/json", content);
            operation.responses.responses.insert("default".into(), RefOr::T(error.build()));
            if matches!(rules::find(method, path), Some(rules::Rule::Needs(_))) {
                operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
            }
        }
    }
    document
}
