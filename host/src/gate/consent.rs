//! Consent: a person lets a connection act for them, in a browser (RFC 6749 section 4.1 with PKCE, RFC 7636).
//!
//! [`Gate::begin_consent`] makes the address of the system's page. The system sends the browser back with the `state` that
//! was in the address and a code; [`Gate::take_consent`] finds what was asked by the hash of that state, once, and
//! [`Gate::exchange_code`] turns the code into a refresh token. The vault has it before anything uses the access token
//! beside it. Every step is a commit whose audit record names who asked.
//!
//! Who holds the address can answer it, for whatever account they are signed in to; that is why it is given only to those
//! who may set secrets, ends after [`limits::CONSENT_MS`], and is worth nothing without the verifier, which never leaves
//! the host. `connection check` says which account it became.

use crate::gate::journal::Journal;
use crate::gate::refresh::REFRESH_TOKEN;
use crate::gate::token_endpoint::{Form, plain};
use crate::gate::vault::random;
use crate::gate::{Error, Gate, Line};
use crate::store::{Commit, ConsentRow, ConsentState, ConsentStep, SealedSecret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tollgate_core::model::{At, ConnectionName, Tenant, audit, limits};
use url::form_urlencoded::Serializer;

/// Of a state and of a verifier: as much as a key has.
const SECRET_BYTES: usize = 32;

/// A consent that was just asked for.
pub struct Begun {
    /// The system's page, for a browser.
    pub url: String,
    /// From then on no answer is taken.
    pub expires: At,
}

/// A consent that somebody is answering; nobody else can any more.
pub struct Taken {
    row: ConsentRow,
    tenant: Tenant,
}

impl Taken {
    /// Whose it is.
    pub fn connection(&self) -> &ConnectionName {
        &self.row.connection
    }
}

impl Gate {
    /// Asks for consent in place of whatever was asked for before: the address of the page, which leads back to
    /// `redirect_uri`.
    ///
    /// # Errors
    /// [`Error::NoConsent`]; [`Error::SecretMissing`] for `client_id`; the store.
    pub async fn begin_consent(&self, line: &Line, redirect_uri: &str, actor: &str) -> Result<Begun, Error> {
        let gate = &self.0;
        let Some((oauth, consented)) = line.by_consent() else {
            return Err(Error::NoConsent { connection: line.connection().clone() });
        };
        let client_id = oauth.endpoint.place.secret("client_id").await?;
        let (state, verifier) = (secret(), secret());
        let state_hash = hash(&state);
        let (tenant, connection) = (line.tenant(), line.connection());
        let sealed = gate.vault.seal_at(
            &place(tenant, connection, &hex::encode(&state_hash)),
            &format!("{}\n{redirect_uri}", verifier.expose_secret()),
        );
        let now = gate.clock.now();
        let row = ConsentRow {
            connection: connection.clone(),
            state: ConsentState::Pending,
            state_hash,
            kek_id: sealed.kek_id,
            sealed: sealed.sealed,
            actor: actor.to_owned(),
            reason: String::new(),
            began: now,
            expires: now.plus_ms(limits::CONSENT_MS),
            ended: None,
        };
        let record = audit::Record::new(actor, "consent.begin", subject(connection), format!("until {}", row.expires));
        let mut commit = gate.store.begin(tenant, record, now).await?;
        commit.put_consent(&row).await?;
        commit.finish().await?;

        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret()));
        let mut query = Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id.expose_secret())
            .append_pair("redirect_uri", redirect_uri);
        if let Some(scope) = &consented.asking.scope {
            query.append_pair("scope", scope);
        }
        query
            .append_pair("state", state.expose_secret())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Begun { url: format!("{}?{}", consented.asking.page, query.finish()), expires: row.expires })
    }

    /// Takes the consent that this state answers, so that nobody else can; none where it is not one of ours, was answered
    /// before, or comes too late.
    ///
    /// # Errors
    /// The store.
    pub async fn take_consent(&self, tenant: &Tenant, state: &str) -> Result<Option<Taken>, Error> {
        let state_hash = hash(&state.into());
        let found = self.0.store.consent_by_hash(tenant, &state_hash).await?;
        let found = found.filter(|row| bool::from(row.state_hash.ct_eq(&state_hash)));
        let Some(row) = found.filter(|row| row.state == ConsentState::Pending) else { return Ok(None) };
        let taken = Taken { row, tenant: tenant.clone() };
        if self.0.clock.now() >= taken.row.expires {
            self.step(&taken, ConsentState::Pending, Some("it was answered too late")).await?;
            return Ok(None);
        }
        let mut commit = self.commit(&taken, "consent.answer", "").await?;
        let step = ConsentStep { from: ConsentState::Pending, to: ConsentState::Answered, reason: "" };
        if !commit.step_consent(taken.connection(), &taken.row.state_hash, step).await? {
            return Ok(None);
        }
        commit.finish().await?;
        Ok(Some(taken))
    }

    /// Exchanges the code that came with an answer for a refresh token and stores it; the connection's next requests act
    /// by it.
    ///
    /// # Errors
    /// What the token endpoint refused; [`Error::CredentialUnusable`] where it gave no refresh token;
    /// [`Error::ConsentOvertaken`]; the store. [`Gate::fail_consent`] is for the caller to call then.
    pub async fn exchange_code(&self, line: &Arc<Line>, taken: &Taken, code: SecretString) -> Result<(), Error> {
        let gate = &self.0;
        let connection = taken.connection();
        let Some((oauth, consented)) = line.by_consent() else {
            return Err(Error::NoConsent { connection: connection.clone() });
        };
        let unusable = |reason: &str| oauth.endpoint.place.unusable(reason);
        let sealed = SealedSecret { kek_id: taken.row.kek_id.clone(), sealed: taken.row.sealed.clone() };
        let names = hex::encode(&taken.row.state_hash);
        let opened = gate.vault.open_at(&place(&taken.tenant, connection, &names), &sealed);
        let opened = opened.ok_or_else(|| unusable("what was asked was sealed with another key, or was changed"))?;
        let asked = opened.expose_secret().split_once('\n');
        let (verifier, redirect_uri) = asked.ok_or_else(|| unusable("what was asked cannot be read"))?;

        let form = Form::new("authorization_code").secret("code", code).plain("redirect_uri", redirect_uri);
        let form = consented.prove(form.secret("code_verifier", verifier.into()), &oauth.endpoint.place).await?;
        let (store, clock) = (gate.store.clone(), gate.clock.clone());
        let journal = Journal { store, clock, line: line.clone(), run: "consent".into() };
        let granted = oauth.endpoint.ask(form, &journal).await?;
        // Judged before it is stored: a consent for the wrong account must not take the place of a good one.
        let fresh = granted.rest?;
        let refresh = granted.refresh.ok_or_else(|| {
            unusable(
                "the token endpoint gave no refresh token: allow offline access in the system, or ask for its scope",
            )
        })?;
        let named = (connection, REFRESH_TOKEN);
        let sealed = gate.vault.seal_secret(&taken.tenant, named, refresh.expose_secret())?;
        let mut commit = self.commit(taken, "consent.give", "").await?;
        let step = ConsentStep { from: ConsentState::Answered, to: ConsentState::Done, reason: "" };
        if !commit.step_consent(connection, &taken.row.state_hash, step).await? {
            return Err(Error::ConsentOvertaken { connection: connection.clone() });
        }
        commit.put_secret(connection, REFRESH_TOKEN, &sealed.kek_id, &sealed.sealed).await?;
        commit.finish().await?;
        oauth.adopt(oauth.endpoint.accept(fresh)?);
        Ok(())
    }

    /// Writes down that a consent which was taken did not come to be, and why.
    ///
    /// # Errors
    /// The store.
    pub async fn fail_consent(&self, taken: &Taken, reason: &str) -> Result<(), Error> {
        self.step(taken, ConsentState::Answered, Some(reason)).await
    }

    async fn step(&self, taken: &Taken, from: ConsentState, reason: Option<&str>) -> Result<(), Error> {
        let reason: String = reason.unwrap_or_default().chars().take(limits::CONSENT_REASON_CHARS_MAX).collect();
        let mut commit = self.commit(taken, "consent.fail", &reason).await?;
        let step = ConsentStep { from, to: ConsentState::Failed, reason: &reason };
        if commit.step_consent(taken.connection(), &taken.row.state_hash, step).await? {
            commit.finish().await?;
        }
        Ok(())
    }

    async fn commit(&self, taken: &Taken, action: &str, detail: &str) -> Result<Commit, Error> {
        let record = audit::Record::new(&taken.row.actor, action, subject(taken.connection()), detail);
        Ok(self.0.store.begin(&taken.tenant, record, self.0.clock.now()).await?)
    }
}

/// The error code of an answer that carries none but this, fit for people: as the standard spells codes, or not shown.
pub fn shown_code(code: &str) -> String {
    plain(code, &[])
}

/// Randomness as text that stands in a URL as it is (RFC 7636 section 4.1).
fn secret() -> SecretString {
    let mut bytes = [0; SECRET_BYTES];
    random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes).into()
}

fn hash(state: &SecretString) -> Vec<u8> {
    Sha256::digest(state.expose_secret()).to_vec()
}

/// Where what was asked is sealed: no secret has a place of four names.
fn place<'a>(tenant: &'a Tenant, connection: &'a ConnectionName, state_hash: &'a str) -> [&'a str; 4] {
    ["consent", tenant.as_str(), connection.as_str(), state_hash]
}

fn subject(connection: &ConnectionName) -> String {
    format!("connection:{connection}")
}
