//! Tokens by somebody's consent: the refresh grant (RFC 6749 section 6).
//!
//! A refresh token may be good for one use, and its second use may make the system withdraw everything (RFC 9700 section
//! 4.14.2). So one node at a time uses it, under a lease, and the next one that an answer holds is stored before the access
//! token beside it is used. It is stored only in place of the one that was read: a new consent is never overwritten.
//!
//! What remains: a process that dies after the system has answered and before the commit has lost the next refresh token.
//! The system then refuses the stored one, the connection stops with [`Error::ConsentNeeded`], and somebody consents again.
//! No record is lost by that: flows go on where they stood.

use crate::gate::credential::{Place, Token};
use crate::gate::journal::Journal;
use crate::gate::token_endpoint::{Form, TokenEndpoint};
use crate::gate::{Error, Inner};
use crate::store::{ConsentState, ConsentStep, Store};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Mutex, PoisonError};
use tollgate_core::model::manifest::ConsentClient;
use tollgate_core::model::{Fence, audit, limits};

/// The secret that holds the refresh token.
pub(super) const REFRESH_TOKEN: &str = "refresh_token";
const HOLDER_BYTES: usize = 16;

/// What is asked of the person who consents.
pub(super) struct Asking {
    /// The page of consent, without a query.
    pub(super) page: String,
    /// The scope asked, if any.
    pub(super) scope: Option<String>,
}

/// A credential that acts by consent.
pub(super) struct Consented {
    pub(super) asking: Asking,
    client: ConsentClient,
    rotates: bool,
    store: Store,
    /// Who holds the lease: this credential in this process. One that was opened anew beside it is another one.
    holder: String,
    /// The sealed refresh token that the system refused: it is not offered again.
    refused: Mutex<Option<Vec<u8>>>,
}

impl Consented {
    pub(super) fn new(gate: &Inner, (client, rotates): (ConsentClient, bool), asking: Asking) -> Self {
        let mut holder = [0; HOLDER_BYTES];
        gate.clock.fill_random(&mut holder);
        let (store, holder) = (gate.store.clone(), hex::encode(holder));
        Self { asking, client, rotates, store, holder, refused: Mutex::default() }
    }

    /// Adds what proves the client.
    ///
    /// # Errors
    /// [`Error::SecretMissing`], [`Error::SecretSealed`].
    pub(super) async fn prove(&self, form: Form, place: &Place) -> Result<Form, Error> {
        let form = form.secret("client_id", place.secret("client_id").await?);
        match self.client {
            ConsentClient::Secret {} => Ok(form.secret("client_secret", place.secret("client_secret").await?)),
            ConsentClient::None {} => Ok(form),
        }
    }

    /// A new access token for the stored refresh token.
    ///
    /// # Errors
    /// [`Error::ConsentNeeded`]: nobody has consented, or the system no longer takes it; as [`TokenEndpoint::ask`].
    pub(super) async fn token(&self, endpoint: &TokenEndpoint, journal: &Journal) -> Result<Token, Error> {
        let turn = if self.rotates { Some(self.take_turn(endpoint).await?) } else { None };
        let token = self.refresh(endpoint, journal).await;
        if let Some(fence) = turn
            && let Err(error) = self.store.release(&endpoint.place.tenant, &lease(&endpoint.place), fence).await
        {
            tracing::warn!(%error, "the lease of a refresh token ends only by itself");
        }
        token
    }

    /// Waits until no other node uses the refresh token.
    async fn take_turn(&self, endpoint: &TokenEndpoint) -> Result<Fence, Error> {
        let (place, clock) = (&endpoint.place, &endpoint.clock);
        let lease = lease(place);
        let started = clock.now();
        loop {
            let now = clock.now();
            let claimed = self.store.claim(&place.tenant, &lease, &self.holder, now, limits::REFRESH_LEASE_MS);
            if let Some(fence) = claimed.await? {
                return Ok(fence);
            }
            if now.since_ms(started) >= limits::REFRESH_WAIT_MS_MAX {
                return Err(endpoint.passing("another node is renewing it"));
            }
            clock.sleep_ms(limits::REFRESH_LOOK_MS).await;
        }
    }

    async fn refresh(&self, endpoint: &TokenEndpoint, journal: &Journal) -> Result<Token, Error> {
        let place = &endpoint.place;
        let (refresh, seal) = match place.vault.get_sealed(&place.tenant, &place.connection, REFRESH_TOKEN).await {
            Err(Error::SecretMissing { .. }) => return Err(needed(place, "nobody has consented yet")),
            opened => opened?,
        };
        if self.refused.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&seal) {
            return Err(needed(place, NO_LONGER));
        }
        let form = Form::new("refresh_token").secret(REFRESH_TOKEN, refresh.clone());
        let granted = match endpoint.ask(self.prove(form, place).await?, journal).await {
            Err(Error::CredentialRefused { code, .. }) if code == "invalid_grant" => {
                return Err(self.give_up(endpoint, seal).await);
            }
            granted => granted?,
        };
        if let Some(next) = granted.refresh.filter(|next| next.expose_secret() != refresh.expose_secret()) {
            store_next(endpoint, &next, &seal).await?;
        }
        endpoint.accept(granted.rest?)
    }

    /// The system refused the refresh token. If it is still the stored one, the consent is worth nothing any more.
    async fn give_up(&self, endpoint: &TokenEndpoint, seal: Vec<u8>) -> Error {
        let place = &endpoint.place;
        match place.vault.get_sealed(&place.tenant, &place.connection, REFRESH_TOKEN).await {
            Ok((_, stored)) if stored != seal => return endpoint.passing("another refresh token took its place"),
            Ok(_) => {}
            Err(error) => return error,
        }
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(seal);
        if let Err(error) = self.write_down(endpoint).await {
            tracing::warn!(%error, "it could not be written down that a consent is no longer good");
        }
        needed(place, NO_LONGER)
    }

    /// Writes down, once, that the consent is no longer good.
    async fn write_down(&self, endpoint: &TokenEndpoint) -> Result<(), Error> {
        let (tenant, connection) = (&endpoint.place.tenant, &endpoint.place.connection);
        let consent = self.store.consent(tenant, connection).await?;
        let Some(consent) = consent.filter(|consent| consent.state == ConsentState::Done) else { return Ok(()) };
        let record = audit::Record::new("gate", "consent.fail", format!("connection:{connection}"), NO_LONGER);
        let mut commit = self.store.begin(tenant, record, endpoint.clock.now()).await?;
        let step = ConsentStep { from: ConsentState::Done, to: ConsentState::Failed, reason: NO_LONGER };
        if commit.step_consent(connection, &consent.state_hash, step).await? {
            commit.finish().await?;
        }
        Ok(())
    }
}

const NO_LONGER: &str = "the system no longer takes the consent (invalid_grant)";

fn lease(place: &Place) -> String {
    format!("refresh:{}", place.connection)
}

fn needed(place: &Place, reason: &str) -> Error {
    let (connection, credential) = (place.connection.clone(), place.credential.clone());
    Error::ConsentNeeded { connection, credential, reason: reason.into() }
}

/// Stores the next refresh token before anything else happens: the one before it may be spent.
async fn store_next(endpoint: &TokenEndpoint, next: &SecretString, seen: &[u8]) -> Result<(), Error> {
    let place = &endpoint.place;
    let mut tries = 1;
    loop {
        let replaced = place.vault.replace(&place.tenant, (&place.connection, REFRESH_TOKEN), next, seen).await;
        match replaced {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(endpoint.passing("another refresh token took its place")),
            Err(error) if error.is_transient() && tries < limits::REFRESH_STORE_TRIES_MAX => tries += 1,
            Err(error) => {
                tracing::error!(connection = %place.connection, %error, "a refresh token could not be stored; somebody may have to consent again");
                return Err(error);
            }
        }
    }
}
