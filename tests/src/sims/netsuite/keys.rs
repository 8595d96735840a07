//! Who may ask for a token: the public half of the key pair that a test signs with.

use base64::Engine;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};

/// A public key that was mapped to the integration.
#[derive(Clone, Debug)]
pub enum PublicKey {
    /// An RSA key for PS256: the `RSAPublicKey` structure in DER.
    Rsa(Vec<u8>),
    /// A point on P-256 for ES256: 65 bytes, uncompressed.
    P256(Vec<u8>),
}

impl PublicKey {
    /// Whether the signature of `message` by `algorithm` (as a JWT names it) is by this key.
    #[must_use]
    pub fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let (with, key): (&'static dyn VerificationAlgorithm, &Vec<u8>) = match (self, algorithm) {
            (Self::Rsa(key), "PS256") => (&RSA_PSS_2048_8192_SHA256, key),
            (Self::P256(key), "ES256") => (&ECDSA_P256_SHA256_FIXED, key),
            _ => return false,
        };
        UnparsedPublicKey::new(with, key).verify(message, signature).is_ok()
    }
}

/// A private RSA key in PKCS#8 PEM for tests and the demo. It opens nothing but these simulators.
pub const TEST_PRIVATE_KEY_PEM: &str = include_str!("test_key.pem");

/// The pair of [`TEST_PRIVATE_KEY_PEM`].
///
/// # Panics
/// Never: the file beside this one is a key.
#[must_use]
pub fn test_key_pair() -> RsaKeyPair {
    let text: String = TEST_PRIVATE_KEY_PEM.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(text).expect("the test key is PEM");
    RsaKeyPair::from_pkcs8(&der).expect("the test key is PKCS#8")
}

/// The public half of [`TEST_PRIVATE_KEY_PEM`].
#[must_use]
pub fn test_public_key() -> PublicKey {
    PublicKey::Rsa(test_key_pair().public().as_ref().to_vec())
}
