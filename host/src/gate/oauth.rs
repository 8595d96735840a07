//! OAuth 2.0 tokens: kept, and renewed when they are spent or refused, by client credentials (RFC 6749 section 4.4) or by
//! what somebody consented to (`refresh.rs`).
//!
//! Of all who need a token at the same time one asks for it and the others wait for what comes of it, also when it is a
//! refusal: a hundred requests with a wrong password lock an account. Who asks does so in a task of its own: a call that
//! ends early must not leave a refresh token spent and the next one unread.

use crate::gate::Error;
use crate::gate::credential::Token;
use crate::gate::journal::Journal;
use crate::gate::jwt;
use crate::gate::refresh::Consented;
use crate::gate::token_endpoint::{Form, TokenEndpoint};
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;
use tollgate_core::model::manifest::Client as Proof;
use tollgate_core::model::{At, limits};

/// What entitles to a token.
pub(super) enum Grant {
    /// The client itself.
    Client {
        /// How it proves itself.
        proof: Proof,
        /// The scope asked, if any.
        scope: Option<String>,
    },
    /// Somebody's consent.
    Consent(Consented),
}

/// One OAuth credential of one connection.
pub(super) struct OAuth {
    pub(super) endpoint: TokenEndpoint,
    pub(super) grant: Grant,
    pub(super) state: State,
}

/// What is known of the token.
#[derive(Default)]
pub(super) struct State {
    /// The token and when it was got.
    current: RwLock<Option<(Arc<Token>, At)>>,
    /// Requests to the token endpoint that have ended.
    ended: AtomicU64,
    /// Held while one is under way; what the last one failed with.
    flight: Mutex<Option<Error>>,
}

impl OAuth {
    pub(super) async fn token(self: &Arc<Self>, journal: &Journal) -> Result<Arc<Token>, Error> {
        match self.fresh() {
            Some(token) => Ok(token),
            None => self.fetch_apart(None, journal).await,
        }
    }

    /// None where the refused token has just been got: it is not for its age that it was refused, and each request that
    /// is refused would get one more.
    pub(super) async fn another(
        self: &Arc<Self>,
        refused: &Arc<Token>,
        journal: &Journal,
    ) -> Result<Option<Arc<Token>>, Error> {
        if self.age_ms(refused).is_some_and(|age_ms| age_ms < limits::TOKEN_AGE_MS_MIN) {
            return Ok(None);
        }
        self.fetch_apart(Some(refused), journal).await.map(Some)
    }

    /// Takes a token over that came with a consent; what was got before belongs to an earlier one.
    pub(super) fn adopt(&self, token: Token) {
        self.keep(Some(Arc::new(token)));
    }

    fn keep(&self, token: Option<Arc<Token>>) {
        let now = self.endpoint.clock.now();
        *self.state.current.write().unwrap_or_else(PoisonError::into_inner) = token.map(|token| (token, now));
    }

    fn fresh(&self) -> Option<Arc<Token>> {
        let current = self.state.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(|(token, _)| token).filter(|token| token.is_fresh(self.endpoint.clock.now())).cloned()
    }

    /// How long ago this token was got; none if another one is in its place.
    fn age_ms(&self, token: &Arc<Token>) -> Option<u64> {
        let current = self.state.current.read().unwrap_or_else(PoisonError::into_inner);
        let (_, got_at) = current.as_ref().filter(|(current, _)| Arc::ptr_eq(current, token))?;
        Some(self.endpoint.clock.now().since_ms(*got_at))
    }

    /// In a task of its own, which ends whether its caller waits or not.
    async fn fetch_apart(
        self: &Arc<Self>,
        refused: Option<&Arc<Token>>,
        journal: &Journal,
    ) -> Result<Arc<Token>, Error> {
        let (oauth, refused, journal) = (self.clone(), refused.cloned(), journal.clone());
        let task = tokio::spawn(async move { oauth.fetch_once(refused.as_ref(), &journal).await });
        match task.await {
            Ok(fetched) => fetched,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only a runtime that shuts down ends a task that nobody holds.
                Err(_) => Err(self.endpoint.passing("the host is stopping")),
            },
        }
    }

    /// A token other than the refused one: from the request of somebody who was faster, or from an own one.
    async fn fetch_once(&self, refused: Option<&Arc<Token>>, journal: &Journal) -> Result<Arc<Token>, Error> {
        let ended = self.state.ended.load(Ordering::Acquire);
        let mut failure = self.state.flight.lock().await;
        let is_other = |token: &Arc<Token>| refused.is_none_or(|refused| !Arc::ptr_eq(refused, token));
        if let Some(token) = self.fresh().filter(is_other) {
            return Ok(token);
        }
        if let Some(error) = failure.as_ref()
            && self.state.ended.load(Ordering::Acquire) > ended
        {
            return Err(error.clone());
        }
        let fetched = self.fetch(journal).await;
        *failure = fetched.as_ref().err().cloned();
        match &fetched {
            Ok(token) => self.keep(Some(token.clone())),
            // Nothing renews it any more, so that the next request hears at once what has to be done.
            Err(Error::ConsentNeeded { .. }) => self.keep(None),
            Err(_) => {}
        }
        self.state.ended.fetch_add(1, Ordering::Release);
        fetched
    }

    async fn fetch(&self, journal: &Journal) -> Result<Arc<Token>, Error> {
        let token = match &self.grant {
            Grant::Client { proof, scope } => {
                let form = self.form(proof, scope.as_deref()).await?;
                self.endpoint.accept(self.endpoint.ask(form, journal).await?.rest?)
            }
            Grant::Consent(consented) => consented.token(&self.endpoint, journal).await,
        };
        token.map(Arc::new)
    }

    /// The form that asks for a token by client credentials.
    async fn form(&self, proof: &Proof, scope: Option<&str>) -> Result<Form, Error> {
        let place = &self.endpoint.place;
        let client_id = place.secret("client_id").await?;
        let form = Form::new("client_credentials");
        match proof {
            Proof::Secret {} => {
                let form = form.secret("client_id", client_id);
                let form = form.secret("client_secret", place.secret("client_secret").await?);
                Ok(if let Some(scope) = scope { form.plain("scope", scope) } else { form })
            }
            Proof::Jwt { algorithm } => {
                let assertion = self.assertion(algorithm, &client_id, scope).await?;
                let form = form.hide(client_id);
                let form =
                    form.plain("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                Ok(form.secret("client_assertion", assertion))
            }
        }
    }

    async fn assertion(
        &self,
        algorithm: &str,
        client_id: &SecretString,
        scope: Option<&str>,
    ) -> Result<SecretString, Error> {
        let endpoint = &self.endpoint;
        let key_id = endpoint.place.secret("key_id").await?;
        let private_key = endpoint.place.secret("private_key").await?;
        let claims = jwt::Claims {
            issuer: client_id.expose_secret(),
            key_id: key_id.expose_secret(),
            scope,
            audience: &format!("{}{}", endpoint.origin, endpoint.path),
            issued_at_s: endpoint.clock.now().0.div_euclid(1_000),
        };
        let signed = jwt::sign(algorithm, &private_key, &claims);
        signed.map(SecretString::from).map_err(|reason| endpoint.place.unusable(reason))
    }
}
