//! A plugin's view of its folder. Mirrors `files` in `wit/imports.wit`.

use crate::model::limits;
use crate::model::text::is_deceptive;

/// A file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without the folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written, in milliseconds since 1970.
    pub modified_at_ms: u64,
}

/// Why an ask has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not granted; names the rule.
    Denied(String),
    /// There is no such file or folder.
    NotFound,
    /// There is one of this name already.
    Exists,
    /// Larger than this many bytes.
    TooLarge(u64),
    /// Anything else.
    Other(String),
}

/// Whether a name can only mean a file below the granted folder: parts joined with `/`, none of which is empty, begins with
/// a dot, or holds what a person or another system could read as something else.
///
/// # Errors
/// The rule that it breaks, in words.
pub fn verify_name(name: &str) -> Result<(), String> {
    if name.len() > limits::FILE_NAME_BYTES_MAX {
        return Err(format!("the name has {} bytes; at most {}", name.len(), limits::FILE_NAME_BYTES_MAX));
    }
    if name.starts_with('/') {
        return Err("the name is absolute; names start at the granted folder".into());
    }
    if name.split('/').count() > limits::FILE_PARTS_MAX {
        return Err(format!("the name has more than {} parts", limits::FILE_PARTS_MAX));
    }
    name.split('/').try_for_each(verify_part)
}

/// Whether a part of a name may stand between two `/`.
///
/// # Errors
/// As [`verify_name`].
pub fn verify_part(part: &str) -> Result<(), String> {
    if part.is_empty() {
        return Err("the name has an empty part".into());
    }
    if part == ".." {
        return Err("the name has a part `..`, which leads out of the folder".into());
    }
    if part.starts_with('.') {
        return Err("a part of the name begins with a dot: such files are not offered".into());
    }
    if part.len() > limits::FILE_PART_BYTES_MAX {
        return Err(format!("a part of the name has {} bytes; at most {}", part.len(), limits::FILE_PART_BYTES_MAX));
    }
    match part.chars().find(|c| is_deceptive(*c) || *c == '\\') {
        Some(c) => Err(format!("the name holds the character {}", c.escape_unicode())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name leads to one file below the folder or is refused: each case is one way out, or one way to look like another
    /// name, beside names that are in daily use.
    #[test]
    fn names_lead_nowhere_else() {
        let long = "x".repeat(limits::FILE_PART_BYTES_MAX + 1);
        let deep = "a/".repeat(limits::FILE_PARTS_MAX) + "a";
        let far = format!("{}/", "x".repeat(200)).repeat(6);
        for (name, word) in [
            ("", "empty"),
            ("/etc/passwd", "absolute"),
            ("..", "`..`"),
            ("../up.csv", "`..`"),
            ("a/../../up.csv", "`..`"),
            ("a//b.csv", "empty"),
            ("a/", "empty"),
            ("./a.csv", "dot"),
            (".ssh/id", "dot"),
            ("a/.hidden", "dot"),
            ("a\0.csv", "character \\u{0}"),
            ("a\n.csv", "character \\u{a}"),
            ("a\u{202e}vsc.exe", "character \\u{202e}"),
            ("a\\..\\b", "character \\u{5c}"),
            (long.as_str(), "bytes"),
            (deep.as_str(), "parts"),
            (far.as_str(), "bytes"),
        ] {
            let refused = verify_name(name).expect_err(name);
            assert!(refused.contains(word), "{name:?}: {refused}");
        }
        for name in ["a.csv", "in/accounts 2026-11-21.csv", "Müller & Söhne (1).csv", "archive/a.csv~2"] {
            assert_eq!(verify_name(name), Ok(()), "{name}");
        }
    }
}
