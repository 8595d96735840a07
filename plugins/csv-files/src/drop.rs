//! The folder of a stream: which files lie there, which one is next, and putting away what is done.

use crate::config::{self, Stream};
use crate::place::{Done, Identity, Place};
use tollgate_sdk::files::{self, Entry, Error};
use tollgate_sdk::{Failure, Result, time};

/// Names that one listing asks for.
const LIST_MAX: u32 = 1_000;
/// Names that are tried in the archive for one file.
const NAMES_MAX: u32 = 10;

/// The files of the stream, by name.
pub(crate) fn list(stream: &Stream) -> Result<Vec<Entry>> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let after = all.last().map(|entry| entry.name.clone());
        let page = files::list(&stream.folder, after.as_deref(), LIST_MAX)?;
        let is_last = page.len() < LIST_MAX as usize;
        all.extend(page);
        if is_last {
            break;
        }
    }
    all.retain(|entry| fits(&stream.pattern, &entry.name));
    Ok(all)
}

/// The first file that is not done and has settled.
pub(crate) fn next(entries: &[Entry], place: &Place) -> Result<Option<Identity>> {
    let settled_ms = time::now_ms().saturating_sub(config::settle_ms()?);
    let is_done = |entry: &Entry| place.done.iter().any(|done| done.file == Identity::from(entry));
    Ok(entries.iter().find(|entry| entry.modified_at_ms <= settled_ms && !is_done(entry)).map(Identity::from))
}

/// Puts away what is done, as far as the host lets us, and forgets what is gone; `entries` is what lies there afterwards.
pub(crate) fn put_away(stream: &Stream, entries: &mut Vec<Entry>, place: &mut Place) -> Result<()> {
    let mut is_early = false;
    let mut left = Vec::new();
    for done in std::mem::take(&mut place.done) {
        let lies_there = entries.iter().any(|entry| Identity::from(entry) == done.file);
        if !lies_there {
            // Put away by a call whose page never came to be stored, or replaced by a new file, which is read as one.
            continue;
        }
        if is_early || !put_one_away(stream, &done)? {
            is_early = true;
            left.push(done);
        } else {
            entries.retain(|entry| entry.name != done.file.name);
        }
    }
    place.done = left;
    Ok(())
}

/// Whether the file is gone from the folder; not if the host says that it is too early.
fn put_one_away(stream: &Stream, done: &Done) -> Result<bool> {
    let folder = if done.is_rejected { "rejected" } else { "archive" };
    let name = &done.file.name;
    for number in 0..NAMES_MAX {
        let kept = match number {
            0 => name.clone(),
            1 => format!("{name}~{}", done.file.modified_at_ms),
            _ => format!("{name}~{}~{number}", done.file.modified_at_ms),
        };
        match files::rename(&stream.inside(name), &stream.inside(&format!("{folder}/{kept}"))) {
            Ok(()) | Err(Error::NotFound) => return Ok(true),
            Err(Error::Exists) => {}
            Err(error) if files::is_too_early(&error) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Misconfigured(format!("`{folder}/` holds too many files called `{name}`: empty it")))
}

/// Whether a name fits a pattern in which `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `*` stands for any characters, none included, and nothing else has a meaning.
    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*.csv", "a.csv", true),
            ("*.csv", ".csv", true),
            ("*.csv", "a.csv.part", false),
            ("a-*-*.csv", "a-1-2.csv", true),
            ("a-*-*.csv", "a-1.csv", false),
            ("a*a", "a", false),
            ("a.csv", "a.csv", true),
            ("a.csv", "xa.csv", false),
            ("*", "anything", true),
            ("a?.csv", "ab.csv", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
