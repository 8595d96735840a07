//! The OpenAPI document: what the router says, and what holds for all operations.

use super::error::{Code, Error, FaultView};
use super::rules;
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

/// The document as JSON text.
pub(super) fn print(document: OpenApi) -> String {
    finish(document).to_pretty_json().expect("the document is plain data with text for keys")
}

/// What an operation may answer when it does not succeed: what its request can get wrong, and what any request can meet.
fn refusals<'a>(
    path: &str,
    operation: &Operation,
    needs_token: bool,
) -> impl Iterator<Item = &'a (&'static str, &'static str)> {
    const REFUSALS: &[(&str, &str)] = &[
        ("400", "The request cannot be read"),
        ("401", "The token is missing or not good"),
        ("403", "The token's role may not do this"),
        ("404", "There is no such thing"),
        ("412", "The thing has another version than the caller saw"),
        ("413", "The body is too long"),
        ("422", "The request can be read, and what it asks for is refused"),
        ("500", "The host failed at this"),
        ("502", "The connection's plugin, credential or system did not do its part"),
        ("503", "Too much at once, the database is away, or the host is stopping"),
        ("504", "It took too long; an act that it began goes on"),
    ];
    let parameters = operation.parameters.iter().flatten();
    let has_parameters = parameters.clone().next().is_some() || path.contains('{');
    let has_version = parameters.clone().any(|parameter| parameter.name == "If-Match");
    let has_body = operation.request_body.is_some();
    REFUSALS.iter().filter(move |(status, _)| match *status {
        "400" => has_parameters || has_body,
        "401" | "403" | "500" | "504" => needs_token,
        "404" | "422" | "502" => needs_token && (has_parameters || has_body),
        "412" => has_version,
        "413" => has_body,
        _ => true,
    })
}

/// Adds what all operations share: how a token is given, and the shape of errors.
fn finish(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let (name, schema) = (Error::name().into_owned(), <Error as utoipa::PartialSchema>::schema());
    components.schemas.insert(name, schema);
    components.schemas.insert(Code::name().into_owned(), <Code as utoipa::PartialSchema>::schema());
    let fault = <FaultView as utoipa::PartialSchema>::schema();
    components.schemas.insert(FaultView::name().into_owned(), fault);
    for (path, item) in &mut document.paths.paths {
        let operations =
            [("GET", &mut item.get), ("PUT", &mut item.put), ("POST", &mut item.post), ("DELETE", &mut item.delete)];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let needs_token = matches!(rules::find(method, path), Some(rules::Rule::Needs(_)));
            for (status, description) in refusals(path, operation, needs_token).collect::<Vec<_>>() {
                let content = ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Error")))).build();
                let error = ResponseBuilder::new().description(*description).content("application/json", content);
                operation.responses.responses.entry((*status).into()).or_insert(RefOr::T(error.build()));
            }
            if needs_token {
                operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
            }
        }
    }
    document
}
