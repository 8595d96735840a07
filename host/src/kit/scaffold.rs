//! A new plugin crate: the template of `sdk/template` with names filled in. It compiles, has tests, and passes the kit from
//! its own cassette before a line of it is changed.

use crate::kit::{Error, openapi};
use std::path::{Path, PathBuf};

/// Every file of the template: its place in the new crate, and its text.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../sdk/template/Cargo.toml.in")),
    (".gitignore", include_str!("../../../sdk/template/gitignore")),
    ("README.md", include_str!("../../../sdk/template/README.md")),
    ("plugin.toml", include_str!("../../../sdk/template/plugin.toml")),
    ("kit.toml", include_str!("../../../sdk/template/kit.toml")),
    ("src/lib.rs", include_str!("../../../sdk/template/src/lib.rs")),
    ("src/api.rs", include_str!("../../../sdk/template/src/api.rs")),
    ("src/contact.rs", include_str!("../../../sdk/template/src/contact.rs")),
    ("src/tests.rs", include_str!("../../../sdk/template/src/tests.rs")),
    ("cassettes/kit.jsonl", include_str!("../../../sdk/template/cassettes/kit.jsonl")),
];

/// What a plugin begun from a description has in place of the template's own connector.
const BEGUN: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../sdk/template/Cargo.toml.in")),
    (".gitignore", include_str!("../../../sdk/template/gitignore")),
    ("src/lib.rs", include_str!("../../../sdk/template/openapi/lib.rs")),
    ("src/table.rs", include_str!("../../../sdk/template/openapi/table.rs")),
];

/// Bytes of a plugin's name.
const NAME_BYTES_MAX: usize = 40;

/// What to make.
#[derive(Clone, Debug)]
pub struct New {
    /// The system's name: small letters, digits, `-`.
    pub name: String,
    /// The folder in which the crate's own folder is made.
    pub into: PathBuf,
    /// Where the SDK's crate stands; by default beside the source of this program, else the published version.
    pub sdk: Option<PathBuf>,
    /// The vendor's OpenAPI 3 document, JSON or YAML, to begin from; else the template's own connector is made.
    pub openapi: Option<PathBuf>,
}

/// What was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The crate's folder.
    pub folder: PathBuf,
    /// What of the vendor's document was not taken over, or must be confirmed; NOTES.md says it too.
    pub notes: Vec<String>,
}

/// Makes the crate and says in which folder.
///
/// # Errors
/// The name is none, the folder exists already, the document is not one that is read, or a file cannot be written.
pub fn create(new: &New) -> Result<Made, Error> {
    verify(&new.name)?;
    let folder = new.into.join(&new.name);
    if folder.exists() {
        return Err(Error::Scaffold(format!("{} exists already: choose another name or folder", folder.display())));
    }
    let sdk = sdk(new.sdk.as_deref())?;
    let api = new.openapi.as_deref().map(openapi::read).transpose()?;
    for (file, text) in if api.is_some() { BEGUN } else { FILES } {
        write(&folder.join(file), &named(text, &new.name).replace("{ SDK }", &format!("{{ {sdk} }}")))?;
    }
    let Some(api) = api else { return Ok(Made { folder, notes: Vec::new() }) };
    write(&folder.join("plugin.toml"), &openapi::manifest(&api, &new.name))?;
    write(&folder.join("src/streams.rs"), &openapi::streams(&api))?;
    write(&folder.join("NOTES.md"), &openapi::notes(&api))?;
    Ok(Made { folder, notes: api.notes })
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

fn verify(name: &str) -> Result<(), Error> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-') && !name.contains("--");
    if is_plain && is_word && name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    let text = format!("`{name}` is no name: at most {NAME_BYTES_MAX} small letters, digits and `-`, a letter first");
    Err(Error::Scaffold(text))
}

/// The template's text with this name in place of its own: `acme` in words and hosts, `Acme` in Rust.
fn named(text: &str, name: &str) -> String {
    text.replace("acme", name).replace("Acme", &camel(name))
}

fn camel(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(word).collect()
}

/// How the new crate names the SDK.
fn sdk(given: Option<&Path>) -> Result<String, Error> {
    let by_path = |path: &Path| format!("path = {:?}", path.display().to_string());
    if let Some(path) = given {
        let path = path.canonicalize().map_err(|source| Error::File { path: path.to_owned(), source })?;
        if !path.join("Cargo.toml").is_file() {
            return Err(Error::Scaffold(format!("{} is no crate: give the folder of the SDK", path.display())));
        }
        return Ok(by_path(&path));
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/rust");
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join("sdk/rust"));
    let places = std::iter::once(source).chain(beside).filter_map(|place| place.canonicalize().ok());
    let found = places.into_iter().find(|place| place.join("Cargo.toml").is_file());
    Ok(found.map_or_else(|| format!("version = \"{}\"", env!("CARGO_PKG_VERSION")), |path| by_path(&path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new crate bears its own name everywhere and is made once; what is no name makes nothing.
    #[test]
    fn new_crates() {
        let folder = tempfile::tempdir().unwrap();
        let new = |name: &str| New { name: name.into(), into: folder.path().to_owned(), sdk: None, openapi: None };
        let made = create(&new("north-wind2")).unwrap().folder;
        for (file, _) in FILES {
            let text = std::fs::read_to_string(made.join(file)).unwrap();
            assert!(!text.to_ascii_lowercase().contains("acme") && !text.contains("SDK }"), "{file}: {text}");
        }
        let text = |file: &str| std::fs::read_to_string(made.join(file)).unwrap();
        assert!(text("src/lib.rs").contains("struct NorthWind2;"));
        assert!(text("plugin.toml").contains("\"*.north-wind2.example\""));
        assert!(text("Cargo.toml").contains("sdk/rust\" }"));
        assert!(create(&new("north-wind2")).unwrap_err().to_string().contains("exists already"));
        for bad in ["", "Acme", "2x", "a--b", "a-", "a b", "../a", &"x".repeat(41)] {
            assert!(create(&new(bad)).is_err(), "{bad}");
        }
    }

    /// The SDK is named by the folder that is given, which must be a crate.
    #[test]
    fn the_sdk_is_found() {
        let folder = tempfile::tempdir().unwrap();
        assert!(sdk(Some(folder.path())).is_err());
        std::fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        assert!(sdk(Some(folder.path())).unwrap().starts_with("path = "));
    }
}
