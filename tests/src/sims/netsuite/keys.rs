//! The key pair behind an integration's certificate: the client signs assertions with it, the account verifies them.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use std::sync::Arc;

/// A key pair on P-256 for ES256, made anew for each account.
#[derive(Clone, Debug)]
pub struct Key(Arc<rcgen::KeyPair>);

impl Key {
    /// Makes a pair.
    ///
    /// # Panics
    /// When the random source fails: no test can go on without one.
    #[must_use]
    pub fn generate() -> Self {
        Self(Arc::new(rcgen::KeyPair::generate().expect("the random source works")))
    }

    /// The private half as an admin gives it to the host: PKCS#8 PEM.
    #[must_use]
    pub fn private_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// Signs as ES256 does: two numbers of 32 bytes.
    ///
    /// # Panics
    /// When the random source fails.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair().sign(&SystemRandom::new(), message).expect("the random source works").as_ref().to_vec()
    }

    /// Whether the signature of `message` by `algorithm` (as a JWT names it) is by this key.
    #[must_use]
    pub fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, *self.pair().public_key());
        algorithm == "ES256" && public.verify(message, signature).is_ok()
    }

    fn pair(&self) -> EcdsaKeyPair {
        let document = self.0.serialized_der();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document, &SystemRandom::new())
            .expect("a fresh key is on P-256")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what this key signed with ES256 is good: another message, algorithm or key is not.
    #[test]
    fn only_its_own_signature_is_good() {
        let key = Key::generate();
        let signature = key.sign(b"header.payload");
        assert!(key.verifies("ES256", b"header.payload", &signature));
        assert!(!key.verifies("PS256", b"header.payload", &signature));
        assert!(!key.verifies("ES256", b"header.payloae", &signature));
        assert!(!Key::generate().verifies("ES256", b"header.payload", &signature));
    }
}
