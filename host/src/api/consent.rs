//! Consent of a person to what a connection may do: asked for by an admin, answered by a browser, looked at until it is
//! there.
//!
//! The callback takes no token: what a browser brings is known by its `state`. It tells a person, in plain text, only
//! whether it worked; nothing of the request and nothing of a tenant is in it. Why something failed stands with the
//! connection, for those who may read that.

use super::error::Error;
use super::take::Named;
use super::{Service, Shared};
use crate::app::access::Who;
use crate::app::consent::{Answer, Answered};
use crate::store::{ConsentRow, ConsentState};
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tollgate_core::model::{At, ConnectionName};
use utoipa::ToSchema;

const CALLBACK: &str = "/v1/consent/callback";

/// A consent that was asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct ConsentAsked {
    /// The page on which a person consents; open it in a browser.
    url: String,
    /// From then on no answer is taken.
    expires: String,
}

/// How far a connection's consent has come.
#[derive(Serialize, ToSchema)]
pub(super) struct ConsentView {
    /// `none`, `pending`, `done` or `failed`.
    state: &'static str,
    /// Since when it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Until when an answer is taken, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// What the system has the browser bring; whatever else it adds is left alone.
#[derive(Deserialize)]
pub(super) struct Brought {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// Asks for consent in place of whatever was asked for before: answers with the page for a browser.
#[utoipa::path(post, path = "/v1/connections/{name}/consent", tag = "connections",
    params(("name" = String, Path, description = "The connection")),
    responses((status = 201, description = "Open this page in a browser", body = ConsentAsked)))]
pub(super) async fn begin_consent(
    service: Shared,
    Extension(who): Extension<Who>,
    Named(name): Named<ConnectionName>,
) -> Result<(StatusCode, Json<ConsentAsked>), Error> {
    service.app.require_connection(&name).await?;
    let redirect_uri = service.public_url.of(CALLBACK);
    let begun = service.act(async move |app| Ok(app.begin_consent(&name, &redirect_uri, &who.actor()).await?)).await?;
    Ok((StatusCode::CREATED, Json(ConsentAsked { url: begun.url, expires: begun.expires.to_string() })))
}

/// How far the consent that was last asked for has come.
#[utoipa::path(get, path = "/v1/connections/{name}/consent", tag = "connections",
    params(("name" = String, Path, description = "The connection")),
    responses((status = 200, description = "How far it has come", body = ConsentView)))]
pub(super) async fn show_consent(
    service: Shared,
    Named(name): Named<ConnectionName>,
) -> Result<Json<ConsentView>, Error> {
    let row = service.app.consent(&name).await?;
    Ok(Json(view(row, service.app.clock().now())))
}

/// Takes what a system has a browser bring after a consent. Answers in plain text, for people.
#[utoipa::path(get, path = "/v1/consent/callback", tag = "connections",
    params(("state" = Option<String>, Query, description = "What was asked"),
           ("code" = Option<String>, Query, description = "What it is exchanged for a token with"),
           ("error" = Option<String>, Query, description = "Why there is none")),
    responses((status = 200, description = "The consent is given", body = String, content_type = "text/plain"),
              (status = 400, description = "It answers nothing that was asked", body = String, content_type = "text/plain"),
              (status = 403, description = "It was not agreed to", body = String, content_type = "text/plain"),
              (status = 502, description = "It came to nothing", body = String, content_type = "text/plain")))]
pub(super) async fn answer_consent(service: Shared, brought: Result<Query<Brought>, QueryRejection>) -> Response {
    let Ok(Query(brought)) = brought else { return page(Answered::Unknown) };
    match answered(&service, brought).await {
        Ok(answered) => page(answered),
        Err(error) => {
            let text = "The host cannot take this now. Ask for the consent again.\n";
            (error.code.status(), PLAIN, text).into_response()
        }
    }
}

async fn answered(service: &Arc<Service>, brought: Brought) -> Result<Answered, Error> {
    let Brought { state: Some(state), code, error } = brought else { return Ok(Answered::Unknown) };
    let act = async move |app: Arc<crate::app::App>| {
        let answer = match (&error, &code) {
            (Some(error), _) => Answer::Refused(error),
            (None, Some(code)) => Answer::Code(code),
            (None, None) => return Ok(Answered::Unknown),
        };
        Ok(app.answer_consent(&state, answer).await?)
    };
    service.act(act).await
}

const PLAIN: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];

fn page(answered: Answered) -> Response {
    let (status, text) = match answered {
        Answered::Given => (StatusCode::OK, "Done. You can close this window.\n"),
        Answered::Unknown => (
            StatusCode::BAD_REQUEST,
            "This answers no consent that is waited for. Ask for a new one and open its page.\n",
        ),
        Answered::Refused => (StatusCode::FORBIDDEN, "The consent was not given. You can close this window.\n"),
        Answered::Failed => {
            (StatusCode::BAD_GATEWAY, "The consent came to nothing; the connection says why. Ask for a new one.\n")
        }
    };
    (status, PLAIN, text).into_response()
}

fn view(row: Option<ConsentRow>, now: At) -> ConsentView {
    let Some(row) = row else {
        return ConsentView { state: "none", since: None, by: None, reason: None, expires: None };
    };
    let is_over = row.ended.is_none() && now >= row.expires;
    let (state, reason) = match row.state {
        ConsentState::Pending if is_over => ("failed", Some("nobody answered in time".to_owned())),
        ConsentState::Answered if is_over => ("failed", Some("the host stopped while it was answered".to_owned())),
        ConsentState::Pending | ConsentState::Answered => ("pending", None),
        ConsentState::Done => ("done", None),
        ConsentState::Failed => ("failed", Some(row.reason)),
    };
    let since = row.ended.unwrap_or(if is_over { row.expires } else { row.began });
    ConsentView {
        state,
        since: Some(since.to_string()),
        by: Some(row.actor),
        reason,
        expires: (state == "pending").then(|| row.expires.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each state says what it is and since when; what nobody ended is over when its time is. A table of rows, looked at
    /// before and after they expire.
    #[test]
    fn states_are_shown() {
        use ConsentState::{Answered, Done, Failed, Pending};
        for (state, ended, now, shown, since) in [
            (Pending, None, 19, "pending", 10),
            (Pending, None, 20, "failed", 20),
            (Answered, None, 19, "pending", 10),
            (Answered, None, 20, "failed", 20),
            (Done, Some(15), 99, "done", 15),
            (Failed, Some(15), 16, "failed", 15),
        ] {
            let row = ConsentRow {
                connection: "crm".into(),
                state,
                state_hash: vec![],
                kek_id: String::new(),
                sealed: vec![],
                actor: "ann".into(),
                reason: "why".into(),
                began: At(10),
                expires: At(20),
                ended: ended.map(At),
            };
            let view = view(Some(row), At(now));
            assert_eq!((view.state, view.since), (shown, Some(At(since).to_string())), "{state:?} at {now}");
            assert_eq!((view.reason.is_some(), view.expires.is_some()), (shown == "failed", shown == "pending"));
        }
        assert_eq!(view(None, At(0)).state, "none");
    }
}
