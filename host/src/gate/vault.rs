//! Secrets, sealed at rest: the only place where a stored secret is opened.
//!
//! XChaCha20-Poly1305 with a fresh nonce each time. The tenant, connection and name are authenticated with the secret, so
//! that a row that was moved to another place in the database does not open there. The key lies in a file beside the
//! database, not in it: a copy of the database alone tells nothing.
//!
//! Keys and nonces come from the operating system and not from [`crate::clock::Clock`]: randomness that a test can repeat
//! is not a secret.

use crate::clock::SharedClock;
use crate::gate::Error;
use crate::store::{SealedSecret, Store};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use tollgate_core::model::{ConnectionName, Tenant, audit, limits};
use zeroize::{Zeroize, Zeroizing};

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// The key that seals secrets, and its name: what a sealed secret says it was sealed with.
pub struct Kek {
    id: String,
    key: SecretBox<[u8; KEY_BYTES]>,
}

impl Kek {
    /// Reads the key from this file, 64 hexadecimal digits; makes the file with a fresh key where there is none, readable
    /// by its owner only.
    ///
    /// # Errors
    /// [`Error::Key`]: the file cannot be read or made, others may read it, or it holds no key.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        let error = |reason: String| Error::Key { path: path.display().to_string(), reason };
        match create(path) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(error(format!("it cannot be made: {cause}"))),
        }
        let mode = std::fs::metadata(path).map_err(|cause| error(cause.to_string()))?.mode();
        if mode & 0o077 != 0 {
            return Err(error(format!("others may read it (mode {:o}): run `chmod 600` on it", mode & 0o777)));
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|cause| error(cause.to_string()))?);
        let mut key = Box::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim_end(), &mut *key)
            .map_err(|_| error("it does not hold 64 hexadecimal digits: restore it from a backup".into()))?;
        Ok(Self::new(key))
    }

    fn new(key: Box<[u8; KEY_BYTES]>) -> Self {
        let digest = Sha256::new().chain_update("tollgate key id").chain_update(*key).finalize();
        Self { id: hex::encode(&digest[..8]), key: SecretBox::new(key) }
    }

    /// The key's name; tells nothing of the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.expose_secret().into())
    }
}

/// Writes a fresh key beside its place and links it there: a reader sees a whole key or none, and of two processes that
/// start at once one wins.
fn create(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    random(&mut *key);
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = Path::new(&draft);
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    let written = file
        .write_all(Zeroizing::new(hex::encode(*key)).as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(draft, path));
    std::fs::remove_file(draft)?;
    written
}

/// Randomness that nobody can repeat.
pub(super) fn random(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the operating system gives random bytes");
}

/// Seals secrets into the store and opens them for the gate.
pub struct Vault {
    store: Store,
    kek: Kek,
    clock: SharedClock,
}

impl Vault {
    /// A vault over this store.
    pub fn new(store: Store, kek: Kek, clock: SharedClock) -> Self {
        Self { store, kek, clock }
    }

    /// Seals a secret of a connection in place of the one with this name, and says whether there was one; audited by name.
    /// Durable when it returns. One line break at the end is not part of it: that is how files and terminals hand it over.
    ///
    /// # Errors
    /// [`Error::SecretLength`], [`Error::Store`].
    pub async fn put(
        &self,
        tenant: &Tenant,
        (connection, name): (&ConnectionName, &str),
        value: &str,
        actor: &str,
    ) -> Result<bool, Error> {
        let value = value.strip_suffix('\n').map_or(value, |value| value.strip_suffix('\r').unwrap_or(value));
        let sealed = self.seal_secret(tenant, (connection, name), value)?;
        let subject = format!("connection:{connection}");
        let record = audit::Record::new(actor, "secret.set", subject, format!("`{name}` under key {}", self.kek.id));
        let mut commit = self.store.begin(tenant, record, self.clock.now()).await?;
        let is_replaced = commit.has_secret(connection, name).await?;
        commit.put_secret(connection, name, &sealed.kek_id, &sealed.sealed).await?;
        commit.finish().await?;
        Ok(is_replaced)
    }

    /// Seals a secret in place of the one that was `seen` sealed; false, and nothing changed, if somebody else has put
    /// another one there since. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::SecretLength`], [`Error::Store`].
    pub(super) async fn replace(
        &self,
        tenant: &Tenant,
        (connection, name): (&ConnectionName, &str),
        value: &SecretString,
        seen: &[u8],
    ) -> Result<bool, Error> {
        let sealed = self.seal_secret(tenant, (connection, name), value.expose_secret())?;
        let subject = format!("connection:{connection}");
        let record =
            audit::Record::new("gate", "secret.rotate", subject, format!("`{name}` under key {}", self.kek.id));
        let mut commit = self.store.begin(tenant, record, self.clock.now()).await?;
        if !commit.replace_secret((connection, name), &sealed, seen).await? {
            return Ok(false);
        }
        commit.finish().await?;
        Ok(true)
    }

    /// A secret of a connection, sealed in its place and not yet stored.
    ///
    /// # Errors
    /// [`Error::SecretLength`].
    pub(super) fn seal_secret(
        &self,
        tenant: &Tenant,
        (connection, name): (&ConnectionName, &str),
        value: &str,
    ) -> Result<SealedSecret, Error> {
        if value.is_empty() || value.len() > limits::SECRET_BYTES_MAX {
            let (connection, secret) = (connection.clone(), name.to_owned());
            return Err(Error::SecretLength { connection, secret, bytes: value.len() });
        }
        Ok(self.seal_at(&[tenant.as_str(), connection.as_str(), name], value))
    }

    /// Seals something that belongs to the place of these names.
    pub(super) fn seal_at(&self, names: &[&str], value: &str) -> SealedSecret {
        SealedSecret { kek_id: self.kek.id.clone(), sealed: self.seal(&place(names), value.as_bytes()) }
    }

    /// Opens what was sealed at the place of these names; none if it was sealed with another key, changed or moved.
    pub(super) fn open_at(&self, names: &[&str], sealed: &SealedSecret) -> Option<SecretString> {
        if sealed.kek_id != self.kek.id {
            return None;
        }
        self.open(&place(names), &sealed.sealed)
    }

    /// Opens a secret.
    ///
    /// # Errors
    /// [`Error::SecretMissing`] where none was set; [`Error::SecretSealed`] where this key does not open it.
    pub(super) async fn get(
        &self,
        tenant: &Tenant,
        connection: &ConnectionName,
        name: &str,
    ) -> Result<SecretString, Error> {
        self.get_sealed(tenant, connection, name).await.map(|(secret, _)| secret)
    }

    /// Opens a secret, and gives back the bytes that sealed it, for [`Vault::replace`].
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub(super) async fn get_sealed(
        &self,
        tenant: &Tenant,
        connection: &ConnectionName,
        name: &str,
    ) -> Result<(SecretString, Vec<u8>), Error> {
        let Some(secret) = self.store.secret(tenant, connection, name).await? else {
            return Err(Error::SecretMissing { connection: connection.clone(), secret: name.to_owned() });
        };
        let sealed =
            |reason: String| Error::SecretSealed { connection: connection.clone(), secret: name.to_owned(), reason };
        if secret.kek_id != self.kek.id {
            let (theirs, ours) = (&secret.kek_id, &self.kek.id);
            return Err(sealed(format!("it is sealed with key {theirs}, this host has key {ours}")));
        }
        let opened = self.open_at(&[tenant.as_str(), connection.as_str(), name], &secret);
        let opened = opened.ok_or_else(|| sealed("it was changed or moved since it was sealed".into()))?;
        Ok((opened, secret.sealed))
    }

    fn seal(&self, place: &[u8], secret: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce);
        let payload = Payload { msg: secret, aad: place };
        let sealed =
            self.kek.cipher().encrypt(&XNonce::from(nonce), payload).expect("a secret is far below the cipher's bound");
        [&nonce[..], &sealed].concat()
    }

    fn open(&self, place: &[u8], sealed: &[u8]) -> Option<SecretString> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let opened = self.kek.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: place }).ok()?;
        match String::from_utf8(opened) {
            Ok(secret) => Some(secret.into()),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }
}

/// Where something sealed belongs: for a secret its tenant, connection and name. Each part carries its length, so that no
/// two places read the same.
fn place(names: &[&str]) -> Vec<u8> {
    let mut place = Vec::new();
    for part in names {
        place.extend_from_slice(&(part.len() as u64).to_le_bytes());
        place.extend_from_slice(part.as_bytes());
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    const SECRET: &str = "canary-5f2e91";

    async fn vault(folder: &Path) -> Vault {
        let store = Store::open(&format!("sqlite:{}", folder.join("t.db").display())).await.unwrap();
        Vault::new(store, Kek::load_or_create(&folder.join("key")).unwrap(), Arc::new(SystemClock))
    }

    /// A secret comes back only in its own place, and the database holds it only sealed: each wrong place is tried.
    #[tokio::test]
    async fn sealed_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path()).await;
        let (tenant, connection) = (Tenant::from("t"), ConnectionName::from("c"));
        vault.put(&tenant, (&connection, "token"), &format!("{SECRET}\r\n"), "ann").await.unwrap();
        let opened = vault.get(&tenant, &connection, "token").await.unwrap();
        assert_eq!(opened.expose_secret(), SECRET);
        assert!(!format!("{opened:?}").contains(SECRET));

        let row = vault.store.secret(&tenant, &connection, "token").await.unwrap().unwrap();
        assert!(!row.sealed.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()));
        assert!(vault.open(&place(&["t", "c", "token"]), &row.sealed).is_some());
        for (tenant, connection, name) in
            [("u", "c", "token"), ("t", "d", "token"), ("t", "c", "other"), ("tc", "", "token")]
        {
            assert!(vault.open(&place(&[tenant, connection, name]), &row.sealed).is_none());
        }
        let mut changed = row.sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(vault.open(&place(&["t", "c", "token"]), &changed).is_none());
        assert!(vault.open(&place(&["t", "c", "token"]), &changed[..10]).is_none());
        assert!(matches!(vault.get(&tenant, &connection, "none").await, Err(Error::SecretMissing { .. })));
        for bad in ["", "\n", &"x".repeat(limits::SECRET_BYTES_MAX + 1)] {
            assert!(matches!(
                vault.put(&tenant, (&connection, "x"), bad, "ann").await,
                Err(Error::SecretLength { .. })
            ));
        }
    }

    /// A secret is replaced only if it is still the one that was seen, so that of two who renew it one wins. Provoked by
    /// replacing twice what was read once.
    #[tokio::test]
    async fn replaced_once() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path()).await;
        let (tenant, connection) = (Tenant::from("t"), ConnectionName::from("c"));
        vault.put(&tenant, (&connection, "refresh_token"), "same", "ann").await.unwrap();
        let (_, seen) = vault.get_sealed(&tenant, &connection, "refresh_token").await.unwrap();
        let replace = async |value: &str| {
            vault.replace(&tenant, (&connection, "refresh_token"), &value.into(), &seen).await.unwrap()
        };
        assert!(replace("same").await, "it is the one that was seen");
        assert!(!replace("other").await, "the same text, sealed anew, is another one");
        assert_eq!(vault.get(&tenant, &connection, "refresh_token").await.unwrap().expose_secret(), "same");
    }

    /// A host with another key says so instead of "wrong password": both keys are named, neither is shown.
    #[tokio::test]
    async fn another_key_is_named() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let vault = vault(one.path()).await;
        let (tenant, connection) = (Tenant::from("t"), ConnectionName::from("c"));
        vault.put(&tenant, (&connection, "token"), SECRET, "ann").await.unwrap();
        let other = Kek::load_or_create(&two.path().join("key")).unwrap();
        let other = Vault::new(vault.store.clone(), other, Arc::new(SystemClock));
        let error = other.get(&tenant, &connection, "token").await.unwrap_err().to_string();
        assert!(error.contains(vault.kek.id()) && error.contains(other.kek.id()), "{error}");
    }

    /// The key file is made once, for its owner only, and refused when others may read it or when it is damaged.
    #[test]
    fn key_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = Kek::load_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Kek::load_or_create(&path).unwrap().id(), first.id());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(Kek::load_or_create(&path), Err(Error::Key { .. })));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&path, "abc").unwrap();
        assert!(matches!(Kek::load_or_create(&path), Err(Error::Key { .. })));
        assert!(matches!(Kek::load_or_create(&folder.path().join("no/key")), Err(Error::Key { .. })));
    }
}
