//! What can go wrong in this room, named by what the caller does next.

use crate::store;
use tollgate_core::model::{ConnectionName, EndpointName};

/// Why a connection cannot be used. Cheap to clone: one refused token answers many callers. No variant holds a secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The connection does not fit its plugin: an admin must change it.
    #[error("connection `{connection}`: {faults}")]
    Connection {
        /// Which one.
        connection: ConnectionName,
        /// Everything that is wrong with it.
        faults: String,
    },
    /// A secret was never set.
    #[error(
        "connection `{connection}`: secret `{secret}` is not set: set it with `tollgate secret set {connection} {secret}`"
    )]
    SecretMissing {
        /// Whose.
        connection: ConnectionName,
        /// Its name.
        secret: String,
    },
    /// A secret is stored and cannot be opened.
    #[error(
        "connection `{connection}`: secret `{secret}` cannot be opened: {reason}; restore the key file or set it anew"
    )]
    SecretSealed {
        /// Whose.
        connection: ConnectionName,
        /// Its name.
        secret: String,
        /// Why.
        reason: String,
    },
    /// A secret is empty or too long.
    #[error("connection `{connection}`: secret `{secret}` has {bytes} bytes: 1 to 65536 are stored")]
    SecretLength {
        /// Whose.
        connection: ConnectionName,
        /// Its name.
        secret: String,
        /// Its length.
        bytes: usize,
    },
    /// The system refused the credential: set its secrets anew, or mend them there.
    #[error(
        "connection `{connection}`: credential `{credential}` was refused by its token endpoint: status {status}, {code}"
    )]
    CredentialRefused {
        /// Whose.
        connection: ConnectionName,
        /// Its name in the manifest.
        credential: String,
        /// The token endpoint's status.
        status: u16,
        /// Its OAuth error code.
        code: String,
    },
    /// Somebody must consent, for the first time or again.
    #[error(
        "connection `{connection}`: credential `{credential}`: {reason}: consent again: tollgate connection consent {connection}"
    )]
    ConsentNeeded {
        /// Whose.
        connection: ConnectionName,
        /// Its name in the manifest.
        credential: String,
        /// Why.
        reason: String,
    },
    /// The plugin has no credential that anybody could consent to.
    #[error("connection `{connection}`: its plugin asks for no consent: set its secrets instead")]
    NoConsent {
        /// Which one.
        connection: ConnectionName,
    },
    /// The consent was overtaken by a newer one of the same connection.
    #[error("connection `{connection}`: a newer consent was asked for meanwhile: answer that one")]
    ConsentOvertaken {
        /// Which one.
        connection: ConnectionName,
    },
    /// The credential, or what its token endpoint answers, is not what it must be.
    #[error("connection `{connection}`: credential `{credential}` is not usable: {reason}")]
    CredentialUnusable {
        /// Whose.
        connection: ConnectionName,
        /// Its name in the manifest.
        credential: String,
        /// What is wrong.
        reason: String,
    },
    /// The token endpoint gave no answer, or one that may pass: try later.
    #[error("connection `{connection}`: no token for credential `{credential}`: {reason}")]
    TokenUnavailable {
        /// Whose.
        connection: ConnectionName,
        /// Its name in the manifest.
        credential: String,
        /// Why.
        reason: String,
    },
    /// A token answer names an origin that the connection may not reach: pause it and ask a person.
    #[error(
        "connection `{connection}`: the origin that the token names for endpoint `{endpoint}` is refused: {reason}"
    )]
    OriginRefused {
        /// Whose.
        connection: ConnectionName,
        /// Which endpoint.
        endpoint: EndpointName,
        /// Why.
        reason: String,
    },
    /// The key that seals secrets.
    #[error("key file `{path}`: {reason}")]
    Key {
        /// Where it is, or should be.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The network's extra roots.
    #[error("an additional root certificate is not usable: {0}")]
    Trust(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Whether the same request may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::TokenUnavailable { .. } => true,
            Error::Store(error) => error.is_transient(),
            _ => false,
        }
    }
}
