//! Sends what was admitted, in a task of its own, so that it ends and is written down even if the call is over.
//!
//! The order around a request with an effect is what makes a crash harmless: credential, lease, mark (durable), send,
//! answer (durable), plugin. Between mark and answer nobody knows what came of it, so there it is not sent again.

use crate::gate::credential::{Credential, Token};
use crate::gate::door::Lease;
use crate::gate::effect::{self, Effects, Key};
use crate::gate::exchange::{Ended, Exchange, Outgoing, lease_lost, text_of};
use crate::gate::journal::Journal;
use crate::gate::{Error, Inner};
use crate::store::JournalEntry;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tollgate_core::egress::CheckedRequest;
use tollgate_core::model::http;
use tollgate_core::model::manifest::{Effect, Route};

/// How often an answer is offered to a store that is busy; each time the store itself waits for its turn.
const STORE_TRIES_MAX: u32 = 3;

/// What all requests of one call share.
pub(super) struct Call {
    pub(super) gate: Arc<Inner>,
    pub(super) journal: Journal,
    pub(super) lease: Lease,
    /// The memory of a write; none for calls that may have no effect.
    pub(super) effects: Option<Effects>,
    /// Requests that left.
    pub(super) calls: AtomicU64,
    /// Bytes of answers that are left.
    pub(super) left: AtomicU64,
    /// Why the credential cannot be used. Set once: further requests of the call do not ask again.
    pub(super) refusal: Mutex<Option<Error>>,
    /// Requests under way.
    pub(super) under_way: watch::Sender<usize>,
}

/// A request of a call that is under way, until it is dropped.
pub(super) struct UnderWay(Arc<Call>);

impl UnderWay {
    pub(super) fn new(call: &Arc<Call>) -> Self {
        call.under_way.send_modify(|count| *count += 1);
        Self(call.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|count| *count -= 1);
    }
}

impl Call {
    /// Sends one request. `key` names it where its answer is remembered.
    pub(super) async fn send(&self, outgoing: Outgoing, key: Option<Key>) -> Result<http::Response, http::Error> {
        let Some(route) = self.journal.line.manifest.route(outgoing.checked().route().as_str()) else {
            return Err(http::Error::Other("the route is gone".into()));
        };
        let keyed = self.effects.as_ref().zip(key.as_ref());
        let credential = match self.token(route).await {
            Ok(credential) => credential,
            Err(error) => {
                if let Some((effects, key)) = keyed {
                    effects.release(key, false);
                }
                return Err(self.without_credential(route, outgoing.checked(), &error).await);
            }
        };
        match keyed {
            Some((effects, key)) => self.send_with_effect(route, outgoing, credential, (effects, key)).await,
            None => {
                let exchange = self.exchange(route, &|| true);
                let (ended, entry) = exchange.run(&outgoing, credential).await;
                self.journal.put(entry).await?;
                match ended {
                    Ended::Answered { response, .. } => Ok(response),
                    Ended::NotSent(error) | Ended::NoAnswer(error) => Err(error),
                }
            }
        }
    }

    async fn send_with_effect(
        &self,
        route: &Route,
        outgoing: Outgoing,
        credential: Option<(&Credential, Arc<Token>)>,
        (effects, key): (&Effects, &Key),
    ) -> Result<http::Response, http::Error> {
        let is_marked = route.effect == Effect::Once;
        if let Err(error) = self.prepare(effects, key, is_marked).await {
            effects.release(key, false);
            let mut entry = self.journal.entry_for(route);
            entry.origin = outgoing.checked().origin().to_string();
            entry.decision = "not-sent".into();
            entry.error = text_of(&error);
            self.journal.put(entry).await?;
            return Err(error);
        }
        effects.leaves(key, outgoing.checked().intents());
        let (ended, entry) = self.exchange(route, &*self.lease).run(&outgoing, credential).await;
        match ended {
            Ended::NotSent(error) => {
                self.release(effects, key, is_marked, entry).await;
                Err(error)
            }
            Ended::NoAnswer(error) => {
                self.journal.put(entry).await?;
                Err(error)
            }
            Ended::Answered { response, is_throttled } => {
                let is_untouched = is_throttled || matches!(response.status, 401 | 503);
                if is_untouched {
                    self.release(effects, key, is_marked, entry).await;
                } else if route.effect != Effect::Once && response.status >= 500 {
                    // It may be sent again, so its failure is not kept for the next time.
                    self.release(effects, key, false, entry).await;
                } else {
                    self.put_answer(effects, key, &response, entry).await?;
                    if !effect::is_unknown(route.effect, response.status) {
                        effects.answered(key);
                    }
                }
                Ok(response)
            }
        }
    }

    /// The lease, then the mark, so that a mark is only written by who may send.
    async fn prepare(&self, effects: &Effects, key: &Key, is_marked: bool) -> Result<(), http::Error> {
        if !(self.lease)() {
            return Err(lease_lost());
        }
        if is_marked {
            let (tenant, at) = (self.journal.line.tenant(), self.gate.clock.now());
            self.gate.store.mark_sending(tenant, effects.batch(), key.as_str(), at).await.map_err(|error| {
                tracing::warn!(batch = %effects.batch(), %error, "a request could not be marked and was not sent");
                http::Error::NotSent(format!("it could not be marked as leaving: {error}"))
            })?;
        }
        Ok(())
    }

    /// What did nothing may be made again. In place of a mark the store gets the answer that says so.
    async fn release(&self, effects: &Effects, key: &Key, is_marked: bool, entry: JournalEntry) {
        let is_written = if is_marked {
            self.put_answer(effects, key, &effect::released(), entry).await.is_ok()
        } else {
            let _ = self.journal.put(entry).await;
            false
        };
        effects.release(key, is_written);
    }

    /// Durable when it returns.
    async fn put_answer(
        &self,
        effects: &Effects,
        key: &Key,
        response: &http::Response,
        entry: JournalEntry,
    ) -> Result<(), http::Error> {
        let (tenant, batch) = (self.journal.line.tenant(), effects.batch());
        let mut tries = 1;
        loop {
            match self.gate.store.put_answer(tenant, batch, key.as_str(), response, entry.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() && tries < STORE_TRIES_MAX => tries += 1,
                Err(error) => {
                    tracing::error!(%batch, %error, "an answer could not be stored");
                    return Err(http::Error::SentNoAnswer(
                        "it was answered, and the answer could not be stored".into(),
                    ));
                }
            }
        }
    }

    fn exchange<'a>(&'a self, route: &'a Route, may_leave: &'a (dyn Fn() -> bool + Send + Sync)) -> Exchange<'a> {
        Exchange {
            journal: &self.journal,
            budget: &*self.gate.budget,
            route,
            calls: &self.calls,
            left: &self.left,
            refusal: &self.refusal,
            may_leave,
        }
    }

    /// The endpoint's credential and its token; none where the manifest attaches none.
    pub(super) async fn token(&self, route: &Route) -> Result<Option<(&Credential, Arc<Token>)>, Error> {
        let Some(credential) = self.journal.line.credentials.get(&route.endpoint) else { return Ok(None) };
        if let Some(error) = self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(error);
        }
        match credential.token(&self.journal).await {
            Ok(token) => Ok(Some((credential, token))),
            Err(error) => {
                if !error.is_transient() {
                    tracing::warn!(%error, "requests wait for a usable credential");
                    *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
                }
                Err(error)
            }
        }
    }

    /// Writes down that a request was not sent for want of a credential, and says so to the plugin.
    pub(super) async fn without_credential(
        &self,
        route: &Route,
        checked: &CheckedRequest,
        error: &Error,
    ) -> http::Error {
        let mut entry = self.journal.entry_for(route);
        entry.origin = checked.origin().to_string();
        self.no_credential(entry, error).await
    }

    pub(super) async fn no_credential(&self, mut entry: JournalEntry, error: &Error) -> http::Error {
        let is_transient = error.is_transient();
        entry.decision = if is_transient { "not-sent" } else { "denied:credential" }.into();
        entry.error = error.to_string();
        if let Err(error) = self.journal.put(entry).await {
            return error;
        }
        match is_transient {
            true => http::Error::NotSent(error.to_string()),
            false => http::Error::Denied(format!("credential: {error}")),
        }
    }
}
