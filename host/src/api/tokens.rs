//! Tokens: who has one, a new one, and the end of one. A token's text is in one answer only: the one that creates it.

use super::error::{Code, Error};
use super::take::{Asked, Body, Named, PageAsked, limit};
use super::{List, Shared};
use crate::app::access::{Role, TokenWish, Who};
use crate::store::TokenRow;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tollgate_core::model::limits;
use utoipa::ToSchema;

/// One token, without its text.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenView {
    /// What it is named by.
    id: String,
    /// What its admin calls it.
    name: String,
    /// `vendor`, `operator`, `approver`, `auditor` or `admin`.
    role: String,
    /// When it was created: RFC 3339, UTC, as all instants.
    created: String,
    /// From when on it is good for nothing.
    expires: String,
    /// When it was last seen, to about a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<String>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

impl From<TokenRow> for TokenView {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            role: row.role,
            created: row.created.to_string(),
            expires: row.expires.to_string(),
            used: row.used.map(|at| at.to_string()),
            revoked: row.revoked.map(|at| at.to_string()),
        }
    }
}

/// A token that is wished for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenAsked {
    /// What to call it, 1 to 100 bytes.
    name: String,
    /// `vendor`, `operator`, `approver`, `auditor` or `admin`.
    role: String,
    /// How long it is good, 1 to 365 days; 90 if absent.
    days: Option<u32>,
}

/// A token that was just created.
#[derive(Serialize, ToSchema)]
pub(super) struct NewTokenView {
    /// What to send as `Authorization: Bearer`; never shown again.
    token: String,
    /// The rest of it.
    about: TokenView,
}

/// The tokens, newest first.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens",
    params(PageAsked), responses((status = 200, description = "One page", body = List<TokenView>)))]
pub(super) async fn list_tokens(
    service: Shared,
    Asked(asked): Asked<PageAsked>,
) -> Result<Json<List<TokenView>>, Error> {
    let limit = limit(asked.limit)?;
    let rows = service.app.tokens(&asked.after, limit + 1).await?;
    Ok(Json(List::page(rows, limit, |row| row.id.clone()).map(TokenView::from)))
}

/// Creates a token and shows it, this once.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = TokenAsked,
    responses((status = 201, description = "The token", body = NewTokenView)))]
pub(super) async fn create_token(
    service: Shared,
    Extension(who): Extension<Who>,
    Body(TokenAsked { name, role, days }): Body<TokenAsked>,
) -> Result<(StatusCode, Json<NewTokenView>), Error> {
    let role: Role = role.parse().map_err(|reason: String| Error::new(Code::Refused, reason).at("role"))?;
    let days = days.unwrap_or(limits::API_TOKEN_DAYS_DEFAULT);
    let wish = TokenWish { name: &name, role, days, actor: &who.actor() };
    let new = service.app.create_token(wish).await?;
    Ok((StatusCode::CREATED, Json(NewTokenView { token: new.text, about: new.row.into() })))
}

/// Makes a token good for nothing, at once.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens",
    params(("id" = String, Path, description = "The token's id")),
    responses((status = 204, description = "It is revoked")))]
pub(super) async fn revoke_token(
    service: Shared,
    Extension(who): Extension<Who>,
    Named(id): Named<String>,
) -> Result<StatusCode, Error> {
    service.app.revoke_token(&id, &who.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
