//! Which files of a crate changed: looked at, not listened to, so that it works on every file system.

use crate::kit::Error;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// When each file of a crate was changed last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<PathBuf, SystemTime>);

impl Marks {
    /// The files that are new, gone or changed since.
    pub fn changed_since(&self, before: &Marks) -> Vec<PathBuf> {
        let paths = self.0.keys().chain(before.0.keys()).collect::<std::collections::BTreeSet<_>>();
        paths.into_iter().filter(|path| self.0.get(*path) != before.0.get(*path)).cloned().collect()
    }
}

/// Looks at every file of a crate but what cargo makes; of folders that are too deep only the upper part.
///
/// # Errors
/// The crate's folder cannot be read. What vanishes while it is looked at is left out.
pub fn marks(folder: &Path) -> Result<Marks, Error> {
    const DEPTH_MAX: usize = 8;
    let mut marks = Marks::default();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = folders.pop() {
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(source) if depth == 0 => return Err(Error::File { path, source }),
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if about.is_file()
                && let Ok(changed) = about.modified()
            {
                marks.0.insert(path, changed);
            }
        }
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A new, a changed and a removed file are noticed; what cargo makes is not looked at.
    #[test]
    fn changes_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(file("src")).unwrap();
        std::fs::create_dir_all(file("target")).unwrap();
        std::fs::write(file("src/lib.rs"), "one").unwrap();
        std::fs::write(file("plugin.toml"), "one").unwrap();
        let first = marks(folder.path()).unwrap();
        std::fs::write(file("target/x"), "made").unwrap();
        assert_eq!(marks(folder.path()).unwrap().changed_since(&first), Vec::<PathBuf>::new());
        let later = std::fs::metadata(file("src/lib.rs")).unwrap().modified().unwrap() + Duration::from_secs(5);
        std::fs::File::options().write(true).open(file("src/lib.rs")).unwrap().set_modified(later).unwrap();
        std::fs::write(file("src/new.rs"), "two").unwrap();
        std::fs::remove_file(file("plugin.toml")).unwrap();
        let second = marks(folder.path()).unwrap();
        assert_eq!(second.changed_since(&first), [file("plugin.toml"), file("src/lib.rs"), file("src/new.rs")]);
        assert!(marks(&file("nowhere")).is_err());
    }
}
