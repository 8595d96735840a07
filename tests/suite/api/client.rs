//! A small HTTP client for these tests: one request, one answer, no interpretation but JSON.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;

/// Calls one service, with or without a token.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    token: Option<String>,
    http: legacy::Client<legacy::connect::HttpConnector, Full<Bytes>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    /// `null` where the body is empty, text where it is no JSON.
    pub(crate) json: Value,
}

impl Answer {
    /// The code of an answer that must have the shape of errors, whole and without anything else.
    pub(crate) fn code(&self) -> &str {
        let object = self.json.as_object().unwrap_or_else(|| panic!("an error without its shape: {self:?}"));
        assert!(object.keys().all(|key| ["code", "message", "at", "faults"].contains(&key.as_str())), "{self:?}");
        assert!(object["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        object["code"].as_str().expect("a code")
    }

    pub(crate) fn tag(&self) -> &str {
        self.headers[header::ETAG].to_str().expect("a tag is text")
    }

    /// The rows of a list.
    pub(crate) fn items(&self) -> &[Value] {
        self.json["items"].as_array().unwrap_or_else(|| panic!("no list: {self:?}"))
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, token: None, http: legacy::Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], Bytes::new()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.call(method, path, &[], body.to_string().into()).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("a request");
        let answer = self.http.request(request).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("the whole answer").to_bytes();
        let is_text = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/plain; charset=utf-8");
        let json = match body.is_empty() {
            true => Value::Null,
            false if is_text => Value::String(String::from_utf8(body.to_vec()).expect("UTF-8")),
            false => serde_json::from_slice(&body).expect("JSON"),
        };
        Answer { status: parts.status, headers: parts.headers, json }
    }
}
