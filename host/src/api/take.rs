//! How a request's parts are read: path, query, body, versions. What cannot be read is told in the one shape of errors,
//! with the place.

use super::error::{Code, Error};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::error::Error as _;
use tollgate_core::model::limits;
use utoipa::IntoParams;

/// The variable parts of the path.
pub(super) struct Named<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|error| Error::new(Code::Malformed, error.body_text()).at("path"))
    }
}

/// The query.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let query = Query::from_request_parts(parts, state).await;
        query
            .map(|Query(value)| Self(value))
            .map_err(|error| Error::new(Code::Malformed, error.body_text()).at("query"))
    }
}

/// The body, as JSON; at most `MOST` bytes.
pub(super) struct Body<T, const MOST: usize = { limits::API_BODY_BYTES_MAX }>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned, const MOST: usize> FromRequest<S> for Body<T, MOST> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        let bytes = read(request, MOST).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            // The text of the error may quote the body; a secret could be in it.
            let message = "the body is not the JSON that this route takes: see /v1/openapi.json";
            Error::new(Code::Malformed, message).at(format!("body, line {}, column {}", error.line(), error.column()))
        })
    }
}

/// The body as it is; at most `MOST` bytes.
pub(super) struct Raw<const MOST: usize>(pub(super) Bytes);

impl<S: Send + Sync, const MOST: usize> FromRequest<S> for Raw<MOST> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        read(request, MOST).await.map(Self)
    }
}

async fn read(request: Request, most: usize) -> Result<Bytes, Error> {
    let too_large = || Error::new(Code::TooLarge, format!("the body has more than {most} bytes")).at("body");
    let stated = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if stated.is_some_and(|length: u64| length > most as u64) {
        // Taken and thrown away, within reason: a caller that is still sending would not get to read the answer.
        let _ = axum::body::to_bytes(request.into_body(), 4 * most).await;
        return Err(too_large());
    }
    axum::body::to_bytes(request.into_body(), most).await.map_err(|error| {
        let is_length = error.source().is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if is_length { too_large() } else { Error::new(Code::Malformed, "the body ended early").at("body") }
    })
}

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageAsked {
    /// Rows of one answer, 1 to 1,000; 100 if absent.
    pub(super) limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    pub(super) after: String,
}

/// How many rows an answer may have: 1 to [`limits::API_ROWS_MAX`].
///
/// # Errors
/// Another number.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Error> {
    let limit = asked.unwrap_or(limits::API_ROWS_DEFAULT);
    if (1..=limits::API_ROWS_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Error::new(Code::Malformed, format!("`limit` must be 1 to {}", limits::API_ROWS_MAX)).at("query"))
}

/// The number in an `after`, where pages go by number.
///
/// # Errors
/// It is none.
pub(super) fn number(after: Option<&str>) -> Result<Option<i64>, Error> {
    let Some(text) = after.filter(|text| !text.is_empty()) else { return Ok(None) };
    let malformed = || Error::new(Code::Malformed, "`after` takes the `next` of the page before").at("query");
    text.parse().map(Some).map_err(|_| malformed())
}

/// A version as an entity tag.
pub(super) fn tag(version: i64) -> (HeaderName, HeaderValue) {
    // Digits in quotes are always a header's value.
    (header::ETAG, HeaderValue::try_from(format!("\"{version}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\"")))
}

/// Whether the caller has this version already.
pub(super) fn is_known(headers: &HeaderMap, version: i64) -> bool {
    let tag = format!("\"{version}\"");
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag)
}

/// The version that a thing must have to be changed; none if the caller does not say.
///
/// # Errors
/// The header is there and is no tag that this host gives out.
pub(super) fn required_version(headers: &HeaderMap) -> Result<Option<i64>, Error> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let version = value.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    let malformed =
        || Error::new(Code::Malformed, "`If-Match` takes one tag as it came in `ETag`").at("header if-match");
    version.map(Some).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only a tag that the host gave out is a version; anything else is refused and not taken for "no condition".
    #[test]
    fn versions_are_read_strictly() {
        let cases =
            [("\"7\"", Some(7)), ("7", None), ("W/\"7\"", None), ("*", None), ("\"7\", \"8\"", None), ("", None)];
        for (text, version) in cases {
            let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(text))]);
            assert_eq!(required_version(&headers).ok().flatten(), version, "{text}");
            assert_eq!(required_version(&headers).is_err(), version.is_none(), "{text}");
        }
        assert_eq!(required_version(&HeaderMap::new()), Ok(None));
    }

    /// A caller that has one of several versions is told so, whether it compares weakly or not.
    #[test]
    fn known_versions_are_recognised() {
        for (text, is) in [("\"7\"", true), ("W/\"7\"", true), ("\"6\", \"7\"", true), ("\"70\"", false), ("7", false)]
        {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(text))]);
            assert_eq!(is_known(&headers, 7), is, "{text}");
        }
    }
}
