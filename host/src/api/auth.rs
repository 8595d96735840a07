//! The door of the service: whose token it is, and whether its role may use the route.

use super::Service;
use super::error::{Code, Error};
use super::rules::{self, Rule, may};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use tollgate_core::model::limits;

/// Lets a request through to its handler, which finds the [`crate::app::access::Who`] in it.
pub(super) async fn admit(
    State(service): State<Arc<Service>>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let method = request.method().as_str();
    let Some(rule) = rules::find(method, path.as_str()) else {
        tracing::error!(method, path = path.as_str(), "a route has no rule");
        return Err(Error::new(Code::Forbidden, "nobody may use this route"));
    };
    let Rule::Needs(right) = rule else { return Ok(next.run(request).await) };
    let who = service.app.who(bearer(request.headers())?).await??;
    if !may(who.role, right) {
        tracing::warn!(token = who.id, role = %who.role, method, path = path.as_str(), "a request is forbidden");
        return Err(Error::new(Code::Forbidden, format!("the role `{}` may not do this", who.role)));
    }
    if right.is_act() {
        let path: String = request.uri().path().chars().take(limits::AUDIT_SUBJECT_CHARS_MAX).collect();
        service.app.note_request(&who.actor(), &format!("{method} {path}")).await?;
    }
    request.extensions_mut().insert(who);
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let missing = || Error::new(Code::TokenMissing, "send a token: `Authorization: Bearer tollgate_..`");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// A token is taken from a bearer header only, in any letter case of the scheme.
    #[test]
    fn tokens_are_taken_from_bearer_headers() {
        let cases = [
            ("Bearer tollgate_a", Some("tollgate_a")),
            ("bearer  tollgate_a ", Some("tollgate_a")),
            ("Basic tollgate_a", None),
            ("tollgate_a", None),
            ("", None),
        ];
        for (text, token) in cases {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(text))]);
            assert_eq!(bearer(&headers).ok(), token, "{text}");
        }
        assert_eq!(bearer(&HeaderMap::new()).unwrap_err().code, Code::TokenMissing);
    }
}
