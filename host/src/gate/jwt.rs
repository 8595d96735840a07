//! Signed assertions: a client proves that it holds a private key (RFC 7523 section 2.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tollgate_core::model::limits;

/// What an assertion says.
pub(super) struct Claims<'a> {
    /// The client's id: who says it.
    pub(super) issuer: &'a str,
    /// The certificate's or key's id at the vendor.
    pub(super) key_id: &'a str,
    /// The scope asked, if any.
    pub(super) scope: Option<&'a str>,
    /// The token endpoint's URL: whom it is said to.
    pub(super) audience: &'a str,
    /// Seconds since 1970.
    pub(super) issued_at_s: i64,
}

/// A compact JWT, valid for [`limits::ASSERTION_LIFE_S`].
///
/// # Errors
/// What is wrong with the key; never a part of it.
pub(super) fn sign(
    algorithm: &str,
    private_key_pem: &SecretString,
    claims: &Claims<'_>,
) -> Result<String, &'static str> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(private_key_pem.expose_secret().as_bytes()).map_err(
        |_| "`private_key` is no PEM block `PRIVATE KEY` (PKCS#8): convert it with `openssl pkcs8 -topk8 -nocrypt`",
    )?;
    let header = json!({ "typ": "JWT", "alg": algorithm, "kid": claims.key_id });
    let mut payload = json!({
        "iss": claims.issuer,
        "aud": claims.audience,
        "iat": claims.issued_at_s,
        "exp": claims.issued_at_s.saturating_add_unsigned(limits::ASSERTION_LIFE_S),
    });
    if let Some(scope) = claims.scope {
        payload["scope"] = scope.into();
    }
    let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(payload.to_string()));
    let signature = match algorithm {
        "ES256" => es256(der.secret_pkcs8_der(), text.as_bytes())?,
        "PS256" => ps256(der.secret_pkcs8_der(), text.as_bytes())?,
        _ => return Err("the algorithm is neither ES256 nor PS256"),
    };
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(text)
}

fn es256(key: &[u8], message: &[u8]) -> Result<Vec<u8>, &'static str> {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &random)
        .map_err(|_| "`private_key` is no key for ES256: it needs a P-256 key")?;
    Ok(key.sign(&random, message).map_err(|_| "signing with ES256 failed")?.as_ref().to_vec())
}

fn ps256(key: &[u8], message: &[u8]) -> Result<Vec<u8>, &'static str> {
    let key = RsaKeyPair::from_pkcs8(key)
        .map_err(|_| "`private_key` is no key for PS256: it needs an RSA key of 2,048 to 4,096 bits")?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| "signing with PS256 failed")?;
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    fn claims() -> Claims<'static> {
        Claims {
            issuer: "client",
            key_id: "kid-1",
            scope: Some("rest_webservices"),
            audience: "https://login.vendor.example/token",
            issued_at_s: 1_000,
        }
    }

    fn part(text: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    }

    /// The vendor can verify what is signed, and reads exactly what the standard names: checked with the public key.
    #[test]
    fn es256_verifies() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let token = sign("ES256", &pair.serialize_pem().into(), &claims()).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(part(parts[0]), json!({"typ": "JWT", "alg": "ES256", "kid": "kid-1"}));
        assert_eq!(
            part(parts[1]),
            json!({"iss": "client", "scope": "rest_webservices", "aud": "https://login.vendor.example/token", "iat": 1000, "exp": 1300})
        );
        let random = SystemRandom::new();
        let public =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der(), &random).unwrap();
        let signed = format!("{}.{}", parts[0], parts[1]);
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .unwrap();
    }

    /// The same with RSA. ring cannot make such keys, so this one is stored beside the code; it protects nothing.
    #[test]
    fn ps256_verifies() {
        let pem = include_str!("jwt_test_key.pem");
        let token = sign("PS256", &pem.into(), &claims()).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(part(signed.split('.').next().unwrap())["alg"], "PS256");
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public().as_ref())
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
    }

    /// A key of the wrong kind is named as such, and no part of it is in the sentence.
    #[test]
    fn wrong_keys() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let pem = pair.serialize_pem();
        for (algorithm, pem, expected) in [
            ("PS256", pem.as_str(), "RSA"),
            ("RS256", pem.as_str(), "neither"),
            ("ES256", "canary", "PKCS#8"),
            ("ES256", "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----", "P-256"),
            ("ES256", "-----BEGIN EC PRIVATE KEY-----\nY2FuYXJ5\n-----END EC PRIVATE KEY-----", "PKCS#8"),
        ] {
            let error = sign(algorithm, &pem.into(), &claims()).unwrap_err();
            assert!(error.contains(expected) && !error.contains("canary"), "{error}");
        }
    }
}
