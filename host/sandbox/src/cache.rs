//! Compiled code on disk, so that a plugin is compiled once and not at every start.
//!
//! Compiled code is native code: loading a foreign file would give it this process. So the folder belongs to this host
//! alone (mode 0700), each entry carries an HMAC over what it was compiled from, for which engine, and its bytes, and
//! the key (mode 0600) never leaves the folder. An entry that does not verify is treated as absent and replaced.
//!
//! An entry is written to a name of its own and renamed, so a reader sees a whole entry or none.

use ring::rand::SecureRandom;
use ring::{hmac, rand};
use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tollgate_core::model::{Digest, limits};

const KEY_FILE: &str = "key";
const KEY_BYTES: usize = 32;
const SUFFIX: &str = "compiled";
/// Changes with the layout of an entry: an entry is the HMAC and then the code.
const LAYOUT: &[u8] = b"tollgate compiled component 1";
const TAG_BYTES: usize = 32;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Others could write there.
    #[error(
        "the cache folder {path} has mode {mode:03o} and owner {owner}: it must belong to this user alone (chmod 700)"
    )]
    NotOurs {
        /// The folder or file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Its owner.
        owner: u32,
    },
    /// The file system refused.
    #[error("cannot {verb} {path}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The operating system gave no randomness for the key.
    #[error("the operating system gives no random bytes for the cache's key")]
    Random,
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { verb, path: path.to_owned(), source }
}

/// The folder of one engine's compiled code.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: hmac::Key,
    engine: [u8; 32],
}

impl Cache {
    /// Opens the folder, or makes it with a new key. `engine`: what compiled code depends on beside its source.
    ///
    /// # Errors
    /// The folder or its key can be written by others, or the file system refuses.
    pub(crate) fn open(folder: &Path, engine: impl Hash) -> Result<Self, Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("make the folder", folder))?;
        is_ours(folder)?;
        let secret = read_or_make_key(&folder.join(KEY_FILE))?;
        let mut hasher = Fingerprint::default();
        engine.hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, &secret), engine: hasher.digest() })
    }

    /// The code compiled from the component with this digest, if this host wrote it and it is unchanged.
    pub(crate) fn get(&self, digest: &Digest) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let mut entry = fs::read(&path).ok()?;
        let (tag, code) = entry.split_at_checked(TAG_BYTES)?;
        if hmac::verify(&self.key, &self.message(digest, code), tag).is_err() {
            tracing::warn!(plugin = %digest, path = %path.display(), "cached code does not verify; compiling anew");
            return None;
        }
        entry.drain(..TAG_BYTES);
        // Marks the entry as used; if that fails it is only forgotten earlier.
        #[expect(clippy::disallowed_methods, reason = "files are dated by the machine's clock")]
        let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(entry)
    }

    /// Stores the code compiled from the component with this digest, in place of what is there.
    ///
    /// # Errors
    /// The file system refuses; nothing has changed then.
    pub(crate) fn put(&self, digest: &Digest, code: &[u8]) -> Result<(), Error> {
        let path = self.path(digest);
        let unfinished = unfinished(&path);
        let tag = hmac::sign(&self.key, &self.message(digest, code));
        let written = private_file(&unfinished).and_then(|mut file| {
            file.write_all(tag.as_ref())?;
            file.write_all(code)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        });
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(failed("write", &path)(error));
        }
        self.forget_unused();
        Ok(())
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}-{}.{SUFFIX}", hex::encode(digest.0), hex::encode(&self.engine[..8])))
    }

    fn message(&self, digest: &Digest, code: &[u8]) -> Vec<u8> {
        [LAYOUT, &digest.0, &self.engine, code].concat()
    }

    /// Keeps the number of entries within the limit. Best effort: what cannot be read or removed stays.
    fn forget_unused(&self) {
        let Ok(files) = fs::read_dir(&self.folder) else { return };
        let mut entries: Vec<_> = files
            .flatten()
            .filter(|file| file.path().extension().is_some_and(|suffix| suffix == SUFFIX))
            .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())))
            .collect();
        entries.sort();
        let too_many = entries.len().saturating_sub(limits::COMPILED_ENTRIES_MAX);
        for (_, path) in &entries[..too_many] {
            let _ = fs::remove_file(path);
        }
    }
}

/// Nobody else can write there. Root may own it too: it could do anything anyway.
fn is_ours(path: &Path) -> Result<(), Error> {
    let about = fs::symlink_metadata(path).map_err(failed("look at", path))?;
    let mode = about.permissions().mode() & 0o777;
    let own = rustix::process::geteuid().as_raw();
    if about.is_symlink() || mode & 0o077 != 0 || about.uid() != own {
        return Err(Error::NotOurs { path: path.to_owned(), mode, owner: about.uid() });
    }
    Ok(())
}

/// A name that no other writer uses, in this process or another.
fn unfinished(path: &Path) -> PathBuf {
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
    path.with_extension(format!("{}-{writer}.unfinished", std::process::id()))
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// The folder's key. Two processes that start at once agree: whoever links its key first wins, and both read that one.
fn read_or_make_key(path: &Path) -> Result<[u8; KEY_BYTES], Error> {
    if !path.exists() {
        let mut fresh = [0; KEY_BYTES];
        rand::SystemRandom::new().fill(&mut fresh).map_err(|_| Error::Random)?;
        let unfinished = unfinished(path);
        private_file(&unfinished)
            .and_then(|mut file| file.write_all(&fresh).and_then(|()| file.sync_all()))
            .map_err(failed("write", &unfinished))?;
        let linked = fs::hard_link(&unfinished, path);
        fs::remove_file(&unfinished).map_err(failed("remove", &unfinished))?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("write", path)(error)),
            _ => {}
        }
    }
    is_ours(path)?;
    let mut key = [0; KEY_BYTES];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut key)).map_err(failed("read", path))?;
    Ok(key)
}

/// SHA-256 as a [`Hasher`]: the same in every process and version, unlike the standard ones.
#[derive(Default)]
struct Fingerprint(sha2::Sha256);

impl Fingerprint {
    fn digest(self) -> [u8; 32] {
        use sha2::Digest as _;
        self.0.finalize().into()
    }
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        use sha2::Digest as _;
        let digest: [u8; 32] = self.0.clone().finalize().into();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_le_bytes(first)
    }

    fn write(&mut self, bytes: &[u8]) {
        use sha2::Digest as _;
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Cache {
        Cache::open(folder, "engine 1").unwrap()
    }

    fn only_entry(cache: &Cache, digest: &Digest) -> PathBuf {
        let path = cache.path(digest);
        assert!(path.exists());
        path
    }

    /// What was stored comes back, also after a restart; another component and another engine get nothing.
    #[test]
    fn returns_what_it_stored() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("compiled");
        let digest = Digest::of(b"a component");
        open(&place).put(&digest, b"code").unwrap();
        assert_eq!(open(&place).get(&digest).as_deref(), Some(&b"code"[..]));
        assert_eq!(open(&place).get(&Digest::of(b"another")), None);
        assert_eq!(Cache::open(&place, "engine 2").unwrap().get(&digest), None);
    }

    /// An entry that this host did not write as it stands is never returned: each case changes one stored entry.
    #[test]
    fn refuses_foreign_entries() {
        let digest = Digest::of(b"a component");
        type Change = fn(&mut Vec<u8>);
        let cases: &[(&str, Change)] = &[
            ("a changed byte of code", |entry| entry[TAG_BYTES] ^= 1),
            ("a changed byte of the tag", |entry| entry[0] ^= 1),
            ("a cut end", |entry| entry.truncate(entry.len() - 1)),
            ("only a tag's beginning", |entry| entry.truncate(5)),
            ("nothing", Vec::clear),
            ("something appended", |entry| entry.push(0)),
            ("native code without a tag", |entry| {
                *entry = b"\x7fELF and so on, for more than thirty-two bytes".to_vec()
            }),
        ];
        for (what, change) in cases {
            let folder = tempfile::tempdir().unwrap();
            let cache = open(&folder.path().join("compiled"));
            cache.put(&digest, b"code").unwrap();
            let path = only_entry(&cache, &digest);
            let mut entry = fs::read(&path).unwrap();
            change(&mut entry);
            fs::write(&path, entry).unwrap();
            assert_eq!(cache.get(&digest), None, "{what}");
        }
    }

    /// An entry of one component must not pass for another's, though both were written by this host.
    #[test]
    fn entries_cannot_be_exchanged() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("compiled"));
        let (good, bad) = (Digest::of(b"good"), Digest::of(b"bad"));
        cache.put(&good, b"good code").unwrap();
        cache.put(&bad, b"bad code").unwrap();
        fs::copy(cache.path(&bad), cache.path(&good)).unwrap();
        assert_eq!(cache.get(&good), None);
    }

    /// A folder or key that others can write to is refused, with the way to mend it; modes are set by hand.
    #[test]
    fn refuses_an_open_folder() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("compiled");
        open(&place);
        for path in [place.clone(), place.join(KEY_FILE)] {
            let before = fs::metadata(&path).unwrap().permissions();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
            let error = Cache::open(&place, "engine 1").unwrap_err();
            assert!(error.to_string().contains("chmod"), "{error}");
            fs::set_permissions(&path, before).unwrap();
        }
        open(&place);
    }

    /// The number of entries stays within its limit, the oldest go first; one more than the limit is stored.
    #[test]
    fn forgets_the_unused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("compiled"));
        let digest = |n: usize| Digest::of(&n.to_le_bytes());
        for n in 0..=limits::COMPILED_ENTRIES_MAX {
            cache.put(&digest(n), b"code").unwrap();
            if n == 0 {
                let old = fs::File::options().write(true).open(cache.path(&digest(0))).unwrap();
                old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            }
        }
        assert_eq!(cache.get(&digest(0)), None);
        assert!(cache.get(&digest(limits::COMPILED_ENTRIES_MAX)).is_some());
    }
}
