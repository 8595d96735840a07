//! A folder of this machine, opened as a handle: every step below it is taken from a handle and follows no link, so that
//! what is named stays below it, whatever is moved or linked meanwhile.
//!
//! Decision: `openat` part by part with `O_NOFOLLOW` and not a path library. Names have few parts, no link is of use in
//! a drop folder, and a rule without exceptions is checked in one look. (Rejected: cap-std, which follows links that stay
//! inside and costs a second view of the file system in the build.)
//!
//! Everything here blocks: it is called on threads for that.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use tollgate_core::model::files::{Entry, verify_part};
use tollgate_core::model::limits;

/// An empty file of this name says that the folder is meant for this use. It is made by whoever may write there, so that
/// no word in a configuration alone opens a folder of the machine; plugins cannot see it.
pub(super) const MARK: &str = ".tollgate";

/// Why nothing was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A rule forbids it: a short word for the journal, and a sentence.
    Denied(&'static str, String),
    NotFound,
    Exists,
    Other(String),
}

/// What a look into a folder shows.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Sorted by name, bytewise.
    pub(super) entries: Vec<Entry>,
    /// Names that are not offered: links, devices, pipes, and names that no ask could hold.
    pub(super) odd: u64,
}

/// An open folder.
pub(super) struct Folder(OwnedFd);

type Done<T> = Result<T, Fault>;

impl Folder {
    /// Opens the granted folder.
    ///
    /// # Errors
    /// [`Fault::Denied`] if it does not hold [`MARK`].
    pub(super) fn open(path: &Path) -> Done<Self> {
        let shown = path.display();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|error| Fault::Other(format!("the folder `{shown}` cannot be opened: {error}")))?;
        match rustix::fs::statat(&folder, MARK, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if is_file(&stat) => Ok(Self(folder)),
            _ => Err(Fault::Denied(
                "mark",
                format!("the folder `{shown}` holds no file `{MARK}`: make an empty one there if plugins may use it"),
            )),
        }
    }

    /// At most `most` files of a folder whose names come after `after`.
    pub(super) fn list(&self, folder: &str, after: &str, most: usize) -> Done<Listed> {
        let folder = if folder.is_empty() { self.again()? } else { self.walk(folder.split('/'), Missing::Refuse)? };
        let mut listed = Listed::default();
        let mut names = BTreeSet::new();
        for (count, entry) in Dir::read_from(&folder).map_err(fault)?.enumerate() {
            let entry = entry.map_err(fault)?;
            if count > limits::FILES_LISTED_MAX {
                return Err(Fault::Other(format!(
                    "the folder holds more than {} entries: take some out of it",
                    limits::FILES_LISTED_MAX
                )));
            }
            let name = entry.file_name().to_bytes();
            match std::str::from_utf8(name) {
                // Hidden on purpose: the mark, unfinished writes, and whatever else a person keeps there.
                _ if name.starts_with(b".") => {}
                Ok(name) if verify_part(name).is_ok() && is_offered(entry.file_type()) => {
                    if name > after {
                        names.insert(name.to_owned());
                    }
                    if names.len() > most {
                        names.pop_last();
                    }
                }
                Ok(_) if entry.file_type() == FileType::Directory => {}
                _ => listed.odd += 1,
            }
        }
        for name in names {
            match rustix::fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if is_file(&stat) => listed.entries.push(entry(name, &stat)),
                // Gone or replaced since.
                _ => listed.odd += 1,
            }
        }
        Ok(listed)
    }

    /// At most `most` bytes of a file from `offset` on; fewer only at its end.
    pub(super) fn read(&self, name: &str, offset: u64, most: usize) -> Done<Vec<u8>> {
        let (folder, name) = self.parent(name, Missing::Refuse)?;
        regular(&folder, name)?;
        // Not blocking: what was a file a moment ago may be a pipe by now.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, name, flags, Mode::empty()).map_err(fault)?;
        let stat = rustix::fs::fstat(&file).map_err(fault)?;
        if !is_file(&stat) {
            return Err(not_a_file());
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let most = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX).min(most);
        let (file, mut bytes, mut filled) = (File::from(file), vec![0; most], 0);
        while filled < bytes.len() {
            match file.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Other(error.to_string())),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Makes a file, whole or not at all, durable when it returns; folders on the way are made. `token` names the
    /// unfinished file.
    pub(super) fn create(&self, name: &str, content: &[u8], token: u64) -> Done<()> {
        let (folder, name) = self.parent(name, Missing::Make)?;
        let part = format!(".{token:016x}.part");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, &part, flags, Mode::from_raw_mode(0o640)).map_err(fault)?;
        let mut file = File::from(file);
        let written = file.write_all(content).and_then(|()| file.sync_all());
        let done = written
            .map_err(|error| Fault::Other(error.to_string()))
            .and_then(|()| place((&folder, &part), (&folder, name)));
        if done.is_err() {
            // What is left behind otherwise is hidden and never read.
            let _ = rustix::fs::unlinkat(&folder, &part, AtFlags::empty());
        }
        done
    }

    /// Gives a file another name, durable when it returns; replaces nothing, and makes the folders on the way.
    pub(super) fn rename(&self, from: &str, to: &str) -> Done<()> {
        let (source, from) = self.parent(from, Missing::Refuse)?;
        regular(&source, from)?;
        let (folder, to) = self.parent(to, Missing::Make)?;
        place((&source, from), (&folder, to))
    }

    fn again(&self) -> Done<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.0, ".", flags, Mode::empty()).map_err(fault)
    }

    /// The folder that a name stands in, and the name's last part.
    fn parent<'n>(&self, name: &'n str, missing: Missing) -> Done<(OwnedFd, &'n str)> {
        match name.rsplit_once('/') {
            Some((folder, name)) => Ok((self.walk(folder.split('/'), missing)?, name)),
            None => Ok((self.again()?, name)),
        }
    }

    fn walk<'n>(&self, parts: impl Iterator<Item = &'n str>, missing: Missing) -> Done<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = self.again()?;
        for part in parts {
            if missing == Missing::Make {
                match rustix::fs::mkdirat(&folder, part, Mode::from_raw_mode(0o750)) {
                    Ok(()) => rustix::fs::fsync(&folder).map_err(fault)?,
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(fault(error)),
                }
            }
            folder =
                rustix::fs::openat(&folder, part, flags, Mode::empty()).map_err(|error| {
                    match rustix::fs::statat(&folder, part, AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) if file_type(&stat) == FileType::Symlink => link(),
                        Ok(stat) if file_type(&stat) != FileType::Directory => {
                            Fault::Denied("folder", "a part of the name before its last is no folder".into())
                        }
                        _ => fault(error),
                    }
                })?;
        }
        Ok(folder)
    }
}

/// What becomes of folders that are not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Refuse,
    Make,
}

/// Moves an entry to a free name and makes both folders durable.
fn place((source, from): (&OwnedFd, &str), (folder, to): (&OwnedFd, &str)) -> Done<()> {
    rustix::fs::renameat_with(source, from, folder, to, RenameFlags::NOREPLACE).map_err(fault)?;
    rustix::fs::fsync(folder).map_err(fault)?;
    rustix::fs::fsync(source).map_err(fault)
}

/// Refuses what is no plain file, and says what it is: before it is opened, because opening a device may do something.
fn regular(folder: &OwnedFd, name: &str) -> Done<()> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)?;
    match file_type(&stat) {
        FileType::RegularFile => Ok(()),
        FileType::Symlink => Err(link()),
        _ => Err(not_a_file()),
    }
}

fn link() -> Fault {
    Fault::Denied("link", "the name is or leads over a symbolic link; none is followed".into())
}

fn not_a_file() -> Fault {
    Fault::Denied("file", "the name is no plain file (a folder, a pipe, a device or a socket)".into())
}

fn fault(error: Errno) -> Fault {
    match error {
        Errno::NOENT => Fault::NotFound,
        Errno::EXIST => Fault::Exists,
        Errno::LOOP => link(),
        Errno::NXIO => not_a_file(),
        error => Fault::Other(error.to_string()),
    }
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn is_file(stat: &Stat) -> bool {
    file_type(stat) == FileType::RegularFile
}

/// Some file systems do not say in their listing; then the look at the file itself does.
fn is_offered(kind: FileType) -> bool {
    matches!(kind, FileType::RegularFile | FileType::Unknown)
}

fn entry(name: String, stat: &Stat) -> Entry {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
    let modified_at_ms = seconds.saturating_mul(1_000).saturating_add(stat.st_mtime_nsec / 1_000_000);
    Entry { name, bytes: u64::try_from(stat.st_size).unwrap_or(0), modified_at_ms }
}
