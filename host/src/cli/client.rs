//! The client of the host's own API: where it is, with which token, and what an answer means.
//!
//! No proxy and no redirect: a token goes to the host that was named and nowhere else. Calls block: a command does one
//! thing at a time.

use super::ask::{Body, Call};
use anyhow::{Context, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tollgate_core::model::limits;
use url::Url;

/// Where the host is, and who asks it.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct HostAddress {
    /// Where the host answers
    #[arg(long, env = "TOLLGATE_URL", default_value = "http://127.0.0.1:7310", global = true, help_heading = "Host")]
    url: Url,
    /// File with the token; TOLLGATE_TOKEN may hold the token itself; by default the admin's token in the data folder
    #[arg(long, env = "TOLLGATE_TOKEN_FILE", global = true, help_heading = "Host")]
    token_file: Option<PathBuf>,
    /// Print the host's answer as JSON
    #[arg(long, global = true, help_heading = "Host")]
    pub(super) json: bool,
}

/// The name of the file in the data folder that holds the token which the host made for its admin.
pub(super) const ADMIN_TOKEN_FILE: &str = "admin-token";

/// What the host answered.
pub(super) struct Answer {
    /// The version of the thing, as `If-Match` takes it.
    pub(super) tag: Option<String>,
    /// Null where there was nothing to say.
    pub(super) body: Value,
}

/// A call that the host did not do.
#[derive(Debug, thiserror::Error)]
#[error("{}", said(.0))]
pub(super) struct Refused(
    /// The host's answer, in its one shape of errors.
    pub(super) Value,
);

fn said(error: &Value) -> String {
    let text = |name: &str| error[name].as_str();
    let mut said = text("message").unwrap_or("the host said nothing that can be read").to_owned();
    for fault in error["faults"].as_array().into_iter().flatten() {
        let place = format!("{}:{}:{}", fault["file"].as_str().unwrap_or(""), fault["line"], fault["column"]);
        said.push_str(&format!("\n  {place}: {}", fault["message"].as_str().unwrap_or("")));
    }
    if let Some(at) = text("at") {
        said.push_str(&format!(" (at {at})"));
    }
    if let Some(code) = text("code") {
        said.push_str(&format!(" [{code}]"));
    }
    said
}

/// A connection to the host.
pub(super) struct Client {
    agent: ureq::Agent,
    url: Url,
    token: String,
}

impl Client {
    /// Finds the token; calls nobody yet.
    ///
    /// # Errors
    /// There is no token, or its file cannot be read.
    pub(super) fn new(address: &HostAddress) -> anyhow::Result<Self> {
        if address.url.cannot_be_a_base() || !["http", "https"].contains(&address.url.scheme()) {
            bail!("`{}` is no address of a host: http://NAME:PORT or https://NAME", address.url);
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            // Longer than the host gives a request: its own answer says more than ours would.
            .timeout_global(Some(Duration::from_millis(2 * limits::API_REQUEST_MS_MAX)))
            .build();
        Ok(Self { agent: config.into(), url: address.url.clone(), token: token(address)? })
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`Refused`] with what the host said; nobody answers.
    pub(super) fn send(&self, call: &Call) -> anyhow::Result<Answer> {
        self.read(self.run(call)?)
    }

    fn run(&self, call: &Call) -> anyhow::Result<http::Response<ureq::Body>> {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(call.segments());
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let (kind, body) = match &call.body {
            Body::Empty => (None, Vec::new()),
            Body::Json(value) => (Some("application/json"), value.to_string().into_bytes()),
            Body::Component(bytes) => (Some("application/wasm"), bytes.clone()),
        };
        let mut request = http::Request::builder().method(call.method).uri(url.as_str());
        request = request.header("authorization", format!("Bearer {}", self.token));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        if let Some(tag) = &call.if_match {
            request = request.header("if-match", tag);
        }
        let answer = if body.is_empty() {
            self.agent.run(request.body(()).context("the request")?)
        } else {
            self.agent.run(request.body(body).context("the request")?)
        };
        answer.map_err(|error| self.unanswered(&error))
    }

    fn unanswered(&self, error: &ureq::Error) -> anyhow::Error {
        let at = self.url.as_str().trim_end_matches('/');
        match error {
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                anyhow::anyhow!(
                    "no host answers at {at}: start one with `tollgate serve`, or say where it is with --url"
                )
            }
            error => anyhow::anyhow!("the host at {at} did not answer: {error}"),
        }
    }

    fn read(&self, mut answer: http::Response<ureq::Body>) -> anyhow::Result<Answer> {
        let status = answer.status();
        let tag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let bytes = answer.body_mut().with_config().limit(limits::CLI_ANSWER_BYTES_MAX).read_to_vec();
        let bytes = bytes.context("the host's answer broke off")?;
        let is_empty = bytes.is_empty();
        let body = if is_empty { Some(Value::Null) } else { serde_json::from_slice(&bytes).ok() };
        match body {
            Some(body) if status.is_success() => Ok(Answer { tag, body }),
            Some(body) if body["code"].is_string() => Err(Refused(body).into()),
            _ => bail!("{} answers with status {status}, and not as a host does: is --url right?", self.url),
        }
    }
}

fn token(address: &HostAddress) -> anyhow::Result<String> {
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path).with_context(|| format!("the token in {}", path.display()))?;
        Ok(text.trim().to_owned())
    };
    if let Some(path) = &address.token_file {
        return read(path);
    }
    if let Some(token) = std::env::var("TOLLGATE_TOKEN").ok().filter(|token| !token.is_empty()) {
        return Ok(token);
    }
    let data = std::env::var_os("TOLLGATE_DATA").map_or_else(|| super::DATA_FOLDER.into(), PathBuf::from);
    let path = data.join(ADMIN_TOKEN_FILE);
    if path.exists() {
        return read(&path);
    }
    bail!(
        "no token to call the host with: put one into TOLLGATE_TOKEN, name its file with --token-file, or run this where \
         {} is (`tollgate serve` writes it)",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What the host refuses reads as its message with every fault on a line of its own, and ends with the code.
    #[test]
    fn refusals_are_read_out() {
        let fault = json!({"file": "a.yaml", "line": 3, "column": 5, "message": "no such key"});
        let cases = [
            (json!({"code": "absent", "message": "there is no flow"}), "there is no flow [absent]"),
            (json!({"code": "malformed", "message": "no", "at": "query"}), "no (at query) [malformed]"),
            (
                json!({"code": "refused", "message": "nothing was changed", "faults": [fault]}),
                "nothing was changed\n  a.yaml:3:5: no such key [refused]",
            ),
            (json!({}), "the host said nothing that can be read"),
        ];
        for (answer, text) in cases {
            assert_eq!(Refused(answer).to_string(), text);
        }
    }
}
