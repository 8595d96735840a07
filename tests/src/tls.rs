//! A certificate authority for tests: it signs the simulators' certificates, and its root is all that a test trusts.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::Arc;

/// A certificate authority that lives as long as one test.
pub struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl TestCa {
    /// Makes a fresh authority with a key of its own.
    ///
    /// # Panics
    /// When the random source fails: no test can go on without one.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no name is a valid list of names");
        params.distinguished_name.push(DnType::CommonName, "Tollgate test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("the random source works");
        let root = params.self_signed(&key).expect("a fresh key signs").der().clone();
        Self { issuer: Issuer::new(params, key), root }
    }

    /// The root certificate: what a client must trust to believe the simulators.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// A server's TLS settings with a certificate for exactly these DNS names, HTTP/1.1 only.
    ///
    /// # Panics
    /// When a name is no DNS name.
    #[must_use]
    pub fn server_config(&self, names: &[String]) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(names.to_vec()).expect("every name is a DNS name");
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("nameless", String::as_str));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("the random source works");
        let leaf = params.signed_by(&key, &self.issuer).expect("the authority signs").der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![leaf], key)
            .expect("the key belongs to the certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// A client's TLS settings that trust this root and no other.
///
/// # Errors
/// The root is no certificate.
pub fn client_config(root: CertificateDer<'static>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl Default for TestCa {
    fn default() -> Self {
        Self::new()
    }
}

/// The one TLS provider of the whole build, named so that no process-wide default is needed.
fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
