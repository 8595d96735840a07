//! One request and its answer: attach the credential, send, renew the credential once if it is refused, take the
//! credential out of the answer, read the signs about limits, keep the headers that the route keeps.

use crate::gate::Error;
use crate::gate::body::Bounds;
use crate::gate::budget::{Budget, Cost, Reported, WaitMs};
use crate::gate::client::{Answer, Failed};
use crate::gate::credential::{Credential, Token};
use crate::gate::journal::Journal;
use crate::store::JournalEntry;
use ::http::header::{AUTHORIZATION, HeaderName};
use ::http::{HeaderMap, HeaderValue, Method, Request};
use bytes::Bytes;
use http_body_util::Full;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_core::egress::{CheckedRequest, Denial, header, sign};
use tollgate_core::model::manifest::{Effect, Route};
use tollgate_core::model::{http, limits};

/// A request, ready to be sent; again if need be.
pub(super) struct Outgoing {
    checked: CheckedRequest,
    body: Option<Bytes>,
    idempotency: Option<(HeaderName, HeaderValue)>,
}

impl Outgoing {
    /// # Errors
    /// The route's idempotency header is no header.
    pub(super) fn new(mut checked: CheckedRequest, idempotency: Option<(&str, String)>) -> Result<Self, Denial> {
        let body = checked.take_body().map(Bytes::from);
        let unusable = |_| Denial::new("header", "the idempotency header is no header");
        let idempotency = match idempotency {
            Some((name, value)) => {
                let name = HeaderName::try_from(name).map_err(|_| unusable(()))?;
                Some((name, HeaderValue::try_from(value).map_err(|_| unusable(()))?))
            }
            None => None,
        };
        Ok(Self { checked, body, idempotency })
    }

    pub(super) fn checked(&self) -> &CheckedRequest {
        &self.checked
    }

    /// What goes on the wire. Only what was checked, the gate's own headers and the credential.
    fn request(&self, token: Option<&Token>) -> Result<Request<Full<Bytes>>, http::Error> {
        let refused = |what: &str| http::Error::Denied(Denial::new("header", what.to_owned()).to_string());
        let method =
            Method::from_bytes(self.checked.method().as_bytes()).map_err(|_| refused("the method is no method"))?;
        let mut request = Request::new(Full::new(self.body.clone().unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{}", self.checked.origin(), self.checked.target())
            .try_into()
            .map_err(|_| http::Error::Denied(Denial::new("target-length", "the target is no target").to_string()))?;
        let headers = request.headers_mut();
        for (name, value) in self.checked.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("a header's name is no name"))?;
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| refused("a header's value is no value"))?);
        }
        if let Some((name, value)) = &self.idempotency {
            headers.insert(name, value.clone());
        }
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.header.clone());
        }
        Ok(request)
    }
}

/// How an exchange ended.
pub(super) enum Ended {
    /// With an answer.
    Answered {
        /// What the plugin gets.
        response: http::Response,
        /// It says "too fast".
        is_throttled: bool,
    },
    /// Nothing left this host.
    NotSent(http::Error),
    /// It may have arrived.
    NoAnswer(http::Error),
}

/// What an exchange needs to know and to count.
pub(super) struct Exchange<'a> {
    pub(super) journal: &'a Journal,
    pub(super) budget: &'a dyn Budget,
    pub(super) route: &'a Route,
    /// Requests that left during this call.
    pub(super) calls: &'a AtomicU64,
    /// Bytes of answers that are left to this call.
    pub(super) left: &'a AtomicU64,
    /// Why the credential cannot be used, for the whole call.
    pub(super) refusal: &'a Mutex<Option<Error>>,
    /// Whether the work may still go on; asked right before each sending.
    pub(super) may_leave: &'a (dyn Fn() -> bool + Send + Sync),
}

impl Exchange<'_> {
    /// Sends it; once more with another token after a 401, which had no effect (RFC 9110 section 15.5.2). The journal
    /// entry of the last sending comes back, to be written with what follows from it.
    pub(super) async fn run(
        &self,
        outgoing: &Outgoing,
        credential: Option<(&Credential, Arc<Token>)>,
    ) -> (Ended, JournalEntry) {
        let token = credential.as_ref().map(|(_, token)| token.clone());
        let (ended, entry) = self.once(outgoing, token.as_deref()).await;
        let (Ended::Answered { response, .. }, Some((credential, token))) = (&ended, credential) else {
            return (ended, entry);
        };
        if response.status != 401 || !(self.may_leave)() {
            return (ended, entry);
        }
        match credential.another(&token, self.journal).await {
            Ok(Some(another)) => {
                if let Err(error) = self.journal.put(entry).await {
                    return (Ended::NotSent(error), self.journal.entry_for(self.route));
                }
                match self.budget.charge(self.journal.line.payer(), &Cost::of(self.route)) {
                    Ok(()) => self.once(outgoing, Some(&another)).await,
                    Err(WaitMs(ms)) => {
                        let (error, entry) = no_budget(self.journal.entry_for(self.route), outgoing, ms);
                        (Ended::NotSent(error), entry)
                    }
                }
            }
            Ok(None) => (ended, entry),
            Err(error) => {
                // The plugin gets the 401 and says what it means; why there is no other token is for people.
                tracing::warn!(connection = %self.journal.line.connection(), %error, "the credential was refused and not renewed");
                let entry = JournalEntry { error: error.to_string(), ..entry };
                if let Error::ConsentNeeded { .. } = error {
                    *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
                (ended, entry)
            }
        }
    }

    async fn once(&self, outgoing: &Outgoing, token: Option<&Token>) -> (Ended, JournalEntry) {
        let mut entry = self.journal.entry_for(self.route);
        entry.method = outgoing.checked.method().to_owned();
        entry.origin = outgoing.checked.origin().to_string();
        entry.request_bytes = outgoing.body.as_ref().map_or(0, |body| body.len() as u64);
        let request = match outgoing.request(token) {
            Ok(request) => request,
            Err(error) => return self.not_sent(error, entry),
        };
        if let Err(error) = self.journal.count(entry.at, self.route.calls).await {
            return self.not_sent(error, entry);
        }
        if !(self.may_leave)() {
            return self.not_sent(lease_lost(), entry);
        }
        self.calls.fetch_add(u64::from(self.route.calls), Ordering::Relaxed);
        // A short answer to a request with an effect is taken even if the call has had its share: it decides an outcome.
        let reserve = match self.route.effect {
            Effect::None => 0,
            Effect::Repeatable | Effect::Once => limits::EFFECT_RESPONSE_BYTES_MIN,
        };
        let bounds = Bounds { bytes_max: limits::RESPONSE_BODY_BYTES_MAX as u64, left: Some(self.left), reserve };
        let answered = self.journal.line.client.send(request, bounds).await;
        self.journal.ended(&mut entry);
        entry.decision = "sent".into();
        match answered {
            Ok(answer) => self.answered(answer, outgoing, token, entry),
            Err(failed) => self.failed(failed, entry),
        }
    }

    fn answered(
        &self,
        mut answer: Answer,
        outgoing: &Outgoing,
        token: Option<&Token>,
        mut entry: JournalEntry,
    ) -> (Ended, JournalEntry) {
        entry.status = answer.status;
        entry.response_bytes = answer.body.len() as u64;
        let mut headers = self.kept(&answer.headers, outgoing);
        if let Some(token) = token {
            let mut is_found = token.scrubber.scrub(&mut answer.body);
            for (_, value) in &mut headers {
                is_found |= token.scrubber.scrub_text(value);
            }
            if is_found {
                entry.error = "the answer held the credential; it was removed".into();
                let (connection, route) = (self.journal.line.connection(), &self.route.name);
                tracing::warn!(%connection, %route, origin = entry.origin, "an answer held the credential; it was removed");
            }
        }
        let is_throttled = sign::is_throttled(self.route.throttled_when.as_ref(), answer.status, &answer.body);
        self.learn(&answer.headers, is_throttled);
        let response = http::Response { status: answer.status, headers, body: answer.body };
        (Ended::Answered { response, is_throttled }, entry)
    }

    fn kept(&self, headers: &HeaderMap, outgoing: &Outgoing) -> Vec<(String, String)> {
        let kept = headers.iter().filter(|(name, _)| header::is_kept(self.route, name.as_str()));
        kept.map(|(name, value)| {
            let mut text = latin1(value);
            if name == ::http::header::LOCATION {
                text = header::redacted_location(&text, outgoing.checked.origin());
            }
            (name.as_str().to_owned(), text)
        })
        .collect()
    }

    fn learn(&self, headers: &HeaderMap, is_throttled: bool) {
        let payer = self.journal.line.payer();
        if is_throttled {
            self.budget.throttled(payer);
        }
        if let Some(usage) = &self.route.usage
            && let Some(value) = headers.get(usage.header.as_str()).and_then(|value| value.to_str().ok())
            && let Some((used, limit)) = sign::usage(usage, value)
        {
            self.budget.learn(payer, Reported { used, limit }, self.route.calls);
        }
    }

    fn failed(&self, failed: Failed, mut entry: JournalEntry) -> (Ended, JournalEntry) {
        let ended = match failed {
            Failed::Denied(denial) => {
                entry.decision = format!("denied:{}", denial.rule);
                Ended::NotSent(http::Error::Denied(denial.to_string()))
            }
            Failed::NotSent(reason) => {
                entry.decision = "not-sent".into();
                Ended::NotSent(http::Error::NotSent(reason))
            }
            Failed::SentNoAnswer(reason) => Ended::NoAnswer(http::Error::SentNoAnswer(reason)),
            Failed::TooLarge(bytes) => Ended::NoAnswer(http::Error::TooLarge(bytes)),
        };
        entry.error = match &ended {
            Ended::NotSent(error) | Ended::NoAnswer(error) => text_of(error),
            Ended::Answered { .. } => String::new(),
        };
        (ended, entry)
    }

    fn not_sent(&self, error: http::Error, mut entry: JournalEntry) -> (Ended, JournalEntry) {
        entry.decision = "not-sent".into();
        entry.error = text_of(&error);
        self.journal.ended(&mut entry);
        (Ended::NotSent(error), entry)
    }
}

/// The work that this request belongs to is in other hands.
pub(super) fn lease_lost() -> http::Error {
    http::Error::NotSent("the lease of this run is no longer held here: nothing was sent".into())
}

/// There is no budget for it now: what the plugin gets, and what is written down.
pub(super) fn no_budget(mut entry: JournalEntry, outgoing: &Outgoing, ms: u64) -> (http::Error, JournalEntry) {
    entry.origin = outgoing.checked.origin().to_string();
    entry.decision = "denied:budget".into();
    entry.error = format!("no budget for {ms} ms");
    (http::Error::Budget(ms), entry)
}

/// What an error says, for the journal.
pub(super) fn text_of(error: &http::Error) -> String {
    match error {
        http::Error::Denied(text)
        | http::Error::NotSent(text)
        | http::Error::SentNoAnswer(text)
        | http::Error::Other(text) => text.clone(),
        http::Error::Budget(ms) => format!("no budget for {ms} ms"),
        http::Error::TooLarge(bytes) => format!("the answer is larger than {bytes} bytes"),
        http::Error::Deadline => "the time of the call is over".into(),
    }
}

/// A header's bytes as text: what is not ASCII is read as ISO 8859-1, as servers mean it.
fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}
