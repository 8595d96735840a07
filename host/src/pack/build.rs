//! Compiles a vendor's crate and packs it.

use super::{Error, encode, guilty};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tollgate_core::model::Digest;

const TARGET: &str = "wasm32-unknown-unknown";

/// Guests are compiled for speed: `s` costs 35-48 % of it and saves 12-21 % of the bytes (measured). Given on the command
/// line, so that a vendor's workspace need not define the profile and cannot spoil it.
const PROFILE: &[&str] = &[
    "profile.guest.inherits=\"release\"",
    "profile.guest.opt-level=3",
    "profile.guest.lto=true",
    "profile.guest.codegen-units=1",
    "profile.guest.panic=\"abort\"",
    "profile.guest.debug=false",
    "profile.guest.strip=true",
];

/// For finding the guilty only: names are kept and nothing is inlined, so that each crate's functions are still there.
const NAMED_PROFILE: &[&str] = &[
    "profile.guest.opt-level=0",
    "profile.guest.lto=false",
    "profile.guest.codegen-units=16",
    "profile.guest.strip=false",
];

/// How to build.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The folder for everything compiled; by default `guests` in the crate's own target folder, so that this build and
    /// an outer one never wait for each other.
    pub target_dir: Option<PathBuf>,
    /// The version that the plugin says it has, in place of the one in its plugin.toml.
    pub version: Option<String>,
}

/// A finished plugin.
#[derive(Clone, Debug)]
pub struct Built {
    /// The file, beside the compiled module, named `<crate>.plugin.wasm`.
    pub component: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is named by.
    pub digest: Digest,
}

/// Builds the plugin of the crate in `crate_dir`, which has a `plugin.toml` beside its `Cargo.toml`.
///
/// # Errors
/// The tools are missing, the crate does not compile, or a host would not admit what comes out; the message says which
/// and how to mend it.
pub fn build(crate_dir: &Path, options: &Options) -> Result<Built, Error> {
    let manifest_path = crate_dir.join("plugin.toml");
    let mut manifest_text =
        read_text(&manifest_path, "every plugin explains itself in plugin.toml beside its Cargo.toml")?;
    if let Some(version) = &options.version {
        manifest_text = with_version(&manifest_text, version);
    }
    let package = Package::of(crate_dir)?;
    let target_dir = options.target_dir.clone().unwrap_or_else(|| package.target_dir.join("guests"));
    ensure_target(crate_dir)?;

    let module_path = compile(&package, &target_dir, &[])?;
    let module = read_module(&module_path)?;
    let bytes = match encode(&module, &manifest_text) {
        Err(Error::Foreign(foreign)) => return Err(Error::Foreign(name_the_guilty(foreign, &package, &target_dir))),
        encoded => encoded?,
    };
    tollgate_sandbox::admit(&bytes)?;
    let component = module_path.with_extension("plugin.wasm");
    std::fs::write(&component, &bytes).map_err(|source| Error::Write { path: component.clone(), source })?;
    Ok(Built { component, digest: Digest::of(&bytes), bytes })
}

/// The same manifest with another version. Admission reads what comes out: a version that is none is refused there.
fn with_version(manifest: &str, version: &str) -> String {
    let mut table = "";
    let line = |line: &'_ str| {
        if line.starts_with('[') {
            table = if line.trim_end() == "[plugin]" { "plugin" } else { "" };
        }
        let is_version = table == "plugin" && line.split('=').next().is_some_and(|key| key.trim() == "version");
        if is_version { format!("version = {version:?}\n") } else { format!("{line}\n") }
    };
    manifest.lines().map(line).collect()
}

fn read_text(path: &Path, hint: &'static str) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), hint, source })
}

fn read_module(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), hint: "cargo said it was there", source })
}

/// What cargo knows of the crate.
struct Package {
    dir: PathBuf,
    target_dir: PathBuf,
    /// The library's name as it stands in file names.
    library: String,
}

impl Package {
    fn of(crate_dir: &Path) -> Result<Self, Error> {
        let dir = crate_dir.canonicalize().map_err(|source| Error::Read {
            path: crate_dir.to_owned(),
            hint: "the folder of the plugin's crate",
            source,
        })?;
        let output = run(cargo(&dir).args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| Error::Tool(format!("cargo metadata answers what is no JSON: {error}")))?;
        let manifest = dir.join("Cargo.toml");
        let library = metadata["packages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|package| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
            .flat_map(|package| package["targets"].as_array().into_iter().flatten())
            .find(|target| target["crate_types"].as_array().is_some_and(|types| types.iter().any(|t| t == "cdylib")))
            .and_then(|target| target["name"].as_str());
        let (Some(library), Some(target_dir)) = (library, metadata["target_directory"].as_str()) else {
            let manifest = manifest.display();
            return Err(Error::Tool(format!("{manifest}: a plugin is a library with `crate-type = [\"cdylib\"]`")));
        };
        // The caller's folder, where one is set for everything, is scrubbed from cargo's environment.
        let target_dir = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| target_dir.into(), PathBuf::from);
        Ok(Self { target_dir, library: library.replace('-', "_"), dir })
    }
}

/// Compiles the crate and returns the path of its module.
fn compile(package: &Package, target_dir: &Path, profile: &[&str]) -> Result<PathBuf, Error> {
    let mut command = cargo(&package.dir);
    command.args(["build", "--lib", "--target", TARGET, "--profile", "guest", "--target-dir"]).arg(target_dir);
    for setting in PROFILE.iter().chain(profile) {
        command.args(["--config", setting]);
    }
    run(&mut command)?;
    Ok(target_dir.join(TARGET).join("guest").join(&package.library).with_extension("wasm"))
}

/// A second build with names, to say who is to blame. If it fails, what is known already is good enough.
fn name_the_guilty(mut foreign: Vec<guilty::Foreign>, package: &Package, target_dir: &Path) -> Vec<guilty::Foreign> {
    let named = compile(package, &target_dir.join("named"), NAMED_PROFILE)
        .and_then(|path| read_module(&path))
        .ok()
        .and_then(|module| guilty::find(&module).ok());
    for one in &mut foreign {
        let same = named.iter().flatten().find(|named| (&named.module, &named.name) == (&one.module, &one.name));
        if let Some(same) = same {
            one.crates.clone_from(&same.crates);
        }
    }
    guilty::ask_cargo(&mut foreign, &package.dir);
    foreign
}

/// Cargo in the crate's folder, without what an outer cargo or a developer's shell has set for another build: that would
/// change the flags of this one. What says where things are and how the network is reached stays.
pub(super) fn cargo(dir: &Path) -> Command {
    const KEPT: &[&str] = &["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_"];
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir);
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let is_builds =
            ["CARGO_", "RUSTFLAGS", "RUSTDOCFLAGS", "RUSTC_", "__CARGO"].iter().any(|p| text.starts_with(p));
        if (is_builds || text == "CARGO") && !KEPT.iter().any(|kept| text.starts_with(kept)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a program to its end.
fn run(command: &mut Command) -> Result<Output, Error> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Error::Tool(format!("`{program}` does not run: {error}")))?;
    if output.status.success() {
        return Ok(output);
    }
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).take(1).collect();
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Tool(format!("`{program} {}` failed:\n{}", arguments.join(" "), said.trim_end())))
}

/// The compiler can make WebAssembly; if not, rustup is asked to teach it.
fn ensure_target(dir: &Path) -> Result<(), Error> {
    let printed = run(rustc(dir).args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(String::from_utf8_lossy(&printed.stdout).trim()).is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup").current_dir(dir).args(["target", "add", TARGET]).output();
    match added {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Error::Tool(format!("`rustup target add {TARGET}` failed: {}", said.trim())))
        }
        Err(_) => Err(Error::Tool(format!(
            "the compiler has no target {TARGET} and there is no rustup to add it: install the target with your toolchain"
        ))),
    }
}

fn rustc(dir: &Path) -> Command {
    let mut command = Command::new("rustc");
    command.current_dir(dir);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only the plugin's own version changes, wherever else a line begins with that word.
    #[test]
    fn a_version_is_replaced() {
        let manifest = "# a plugin\n[plugin]\nname = \"a/b\"\nversion = \"0.1.0\"\n[[route]]\nversion = \"x\"\n";
        let changed = "# a plugin\n[plugin]\nname = \"a/b\"\nversion = \"2.0.0\"\n[[route]]\nversion = \"x\"\n";
        assert_eq!(with_version(manifest, "2.0.0"), changed);
    }
}
