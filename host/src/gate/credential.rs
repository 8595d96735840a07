//! What the gate attaches to a request, and how it gets it. A credential in clear exists only in this folder.

use crate::gate::Error;
use crate::gate::journal::Journal;
use crate::gate::oauth::OAuth;
use crate::gate::scrub::Scrubber;
use crate::gate::vault::Vault;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, PoisonError, RwLock};
use tollgate_core::model::{At, ConnectionName, Tenant};
use zeroize::Zeroizing;

/// A token, ready to be attached and to be looked for in answers.
pub(super) struct Token {
    /// The value of `authorization`; marked sensitive, so that no debug output shows it.
    pub(super) header: HeaderValue,
    pub(super) scrubber: Scrubber,
    /// From then on it is no longer used; none if it does not end by itself.
    pub(super) renew_at: Option<At>,
}

impl Token {
    /// A bearer token (RFC 6750 section 2.1).
    ///
    /// # Errors
    /// It holds characters that no header can carry.
    pub(super) fn bearer(token: &str, renew_at: Option<At>) -> Result<Self, &'static str> {
        if token.is_empty() || !token.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
            return Err("it is empty or holds characters that no header can carry");
        }
        let value = Zeroizing::new(format!("Bearer {token}"));
        let mut header = HeaderValue::from_str(&value).map_err(|_| "no header can carry it")?;
        header.set_sensitive(true);
        Ok(Self { header, scrubber: Scrubber::new(token), renew_at })
    }

    /// Whether it may still be used.
    pub(super) fn is_fresh(&self, now: At) -> bool {
        self.renew_at.is_none_or(|renew_at| now < renew_at)
    }
}

/// Where a credential belongs, and how its secrets are opened.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) vault: Arc<Vault>,
    pub(super) tenant: Tenant,
    pub(super) connection: ConnectionName,
    /// The credential's name in the manifest.
    pub(super) credential: String,
}

impl Place {
    pub(super) async fn secret(&self, name: &str) -> Result<SecretString, Error> {
        self.vault.get(&self.tenant, &self.connection, name).await
    }

    pub(super) fn unusable(&self, reason: impl Into<String>) -> Error {
        Error::CredentialUnusable {
            connection: self.connection.clone(),
            credential: self.credential.clone(),
            reason: reason.into(),
        }
    }
}

/// One credential of one connection.
pub(super) enum Credential {
    Bearer(Bearer),
    OAuth(Arc<OAuth>),
}

impl Credential {
    /// The token to attach now.
    ///
    /// # Errors
    /// Its secrets are missing or refused, or the token endpoint does not answer.
    pub(super) async fn token(&self, journal: &Journal) -> Result<Arc<Token>, Error> {
        match self {
            Credential::Bearer(bearer) => bearer.token().await,
            Credential::OAuth(oauth) => oauth.token(journal).await,
        }
    }

    /// Another token than the one that was just refused; none if there is no other.
    ///
    /// # Errors
    /// As [`Credential::token`].
    pub(super) async fn another(&self, refused: &Arc<Token>, journal: &Journal) -> Result<Option<Arc<Token>>, Error> {
        match self {
            Credential::Bearer(bearer) => bearer.another(refused).await,
            Credential::OAuth(oauth) => oauth.another(refused, journal).await,
        }
    }
}

/// A token that somebody gave us, the secret `token`.
pub(super) struct Bearer {
    place: Place,
    current: RwLock<Option<Arc<Token>>>,
}

impl Bearer {
    pub(super) fn new(place: Place) -> Self {
        Self { place, current: RwLock::default() }
    }

    async fn token(&self) -> Result<Arc<Token>, Error> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        match current {
            Some(token) => Ok(token),
            None => self.read().await,
        }
    }

    /// Somebody may have set a new one since.
    async fn another(&self, refused: &Arc<Token>) -> Result<Option<Arc<Token>>, Error> {
        let read = self.read().await?;
        Ok((read.header != refused.header).then_some(read))
    }

    async fn read(&self) -> Result<Arc<Token>, Error> {
        let secret = self.place.secret("token").await?;
        let token = Token::bearer(secret.expose_secret(), None);
        let token = Arc::new(token.map_err(|reason| self.place.unusable(format!("secret `token`: {reason}")))?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }
}
