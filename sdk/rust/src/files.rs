//! The connection's folder. Names are relative to it and joined with `/`; no part begins with a dot, and links lead nowhere.
//! Nothing is ever deleted, and nothing is replaced.

use crate::bindings::tollgate::plugin::files as raw;
use crate::{Failure, host};

pub use raw::{Entry, FileError as Error};

/// What an ask of the folder ends with. `?` turns its error into the [`Failure`] of a read.
pub type Result<T> = std::result::Result<T, Error>;

/// At most `most` files of a folder (`""` for the granted one itself) after the one of this name, sorted by name.
///
/// # Errors
/// [`Error::NotFound`] if there is no such folder.
pub fn list(folder: &str, after: Option<&str>, most: u32) -> Result<Vec<Entry>> {
    host::list_names(folder, after, most)
}

/// At most `most` bytes of a file from `offset` on, at most 1 MiB a call; none at its end.
///
/// # Errors
/// [`Error::NotFound`], and [`Error::TooLarge`] when the call has had its share of bytes.
pub fn read(name: &str, offset: u64, most: u32) -> Result<Vec<u8>> {
    host::read_file(name, offset, most)
}

/// Makes a file, whole or not at all; folders on the way are made. In `write` and `settle` only.
///
/// # Errors
/// [`Error::Exists`] if there is one of this name: after a crash, perhaps this call's own.
pub fn write(name: &str, content: &[u8]) -> Result<()> {
    host::write_file(name, content)
}

/// Gives a file another name; folders on the way are made. In `write`, `settle`, and a `read` whose cursor is a checkpoint.
///
/// # Errors
/// [`Error::Exists`] if the new name is taken; [`is_too_early`] tells the refusal that a later `read` need not meet.
pub fn rename(from: &str, to: &str) -> Result<()> {
    host::rename_file(from, to)
}

/// Whether a rename was refused only because the cursor of this `read` is not durable yet: leave the file where it is and
/// try at a later one.
pub fn is_too_early(error: &Error) -> bool {
    matches!(error, Error::Denied(rule) if rule.starts_with("effect:"))
}

impl From<Error> for Failure {
    /// What a person must set right is misconfigured; a folder that does not answer may answer later.
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(rule) => Self::Misconfigured(format!("files: {rule}")),
            Error::NotFound => Self::Misconfigured("files: there is no such file or folder".into()),
            Error::Exists => Self::Misconfigured("files: there is a file of this name already".into()),
            Error::TooLarge(bytes) => Self::Fault(format!("files: more than {bytes} bytes")),
            Error::Other(message) => Self::Transient(format!("files: {message}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    /// The scripted folder does what a host's does: pages in order, pieces of a file, nothing replaced, renames refused
    /// while the cursor is not durable.
    #[test]
    fn the_scripted_folder() {
        let host = Host::new();
        for name in ["in/b", "in/a", "in/sub/c", "top"] {
            host.file(name, "0123456789");
        }
        let names = |after| list("in", after, 10).unwrap().into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        assert_eq!((names(None), names(Some("a"))), (vec!["a".to_owned(), "b".into()], vec!["b".to_owned()]));
        assert_eq!(list("", None, 10).unwrap()[0].name, "top");
        assert_eq!(read("in/a", 8, 10).unwrap(), b"89");
        assert_eq!(read("in/a", 10, 10).unwrap(), b"");
        assert_eq!(read("in/x", 0, 1), Err(Error::NotFound));

        assert_eq!(rename("in/a", "in/b"), Err(Error::Exists));
        host.hold_renames(true);
        assert!(is_too_early(&rename("in/a", "out/a").unwrap_err()));
        host.hold_renames(false);
        rename("in/a", "out/a").unwrap();
        assert_eq!(host.files(), ["in/b", "in/sub/c", "out/a", "top"]);
        assert_eq!(write("top", b""), Err(Error::Exists));
        assert!(matches!(Failure::from(Error::NotFound), Failure::Misconfigured(_)));
    }
}
