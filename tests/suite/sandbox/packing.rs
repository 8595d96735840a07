//! Packing a vendor's crate: the guilty crate is named, and what is missing is said.

use std::path::Path;
use tollgate::pack;
use tollgate_core::model::Digest;
use tollgate_tests::guests;

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const CARGO_TOML: &str = "[package]\nname = \"innocent-plugin\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
    [lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nguilty-clock = { path = \"guilty\" }\n[workspace]\n";

/// A dependency that expects a function of the operating system must be named as the guilty crate, with the import: a
/// plugin calls it through an innocent function of its own.
#[test]
fn the_guilty_crate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Cargo.toml", CARGO_TOML);
    write(folder.path(), "plugin.toml", "");
    write(
        folder.path(),
        "src/lib.rs",
        "#[unsafe(no_mangle)]\npub extern \"C\" fn run() -> i32 { guilty_clock::now() }\n",
    );
    write(
        folder.path(),
        "guilty/Cargo.toml",
        "[package]\nname = \"guilty-clock\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    write(
        folder.path(),
        "guilty/src/lib.rs",
        "#[link(wasm_import_module = \"env\")]\nunsafe extern \"C\" { fn clock() -> i32; }\n\
         pub fn now() -> i32 { unsafe { clock() } }\n",
    );
    let options = pack::Options { target_dir: Some(folder.path().join("target")) };
    let error = pack::build(folder.path(), &options).unwrap_err();
    let pack::Error::Foreign(foreign) = &error else { panic!("{error}") };
    assert_eq!((foreign[0].module.as_str(), foreign[0].name.as_str()), ("env", "clock"));
    assert_eq!(foreign[0].crates, ["guilty_clock"]);
    assert!(error.to_string().contains("`clock` of `env`: called by the crate `guilty_clock`"), "{error}");
}

/// A folder that is no plugin must be told what is missing: no manifest, no cdylib, code that does not compile.
#[test]
fn what_is_missing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let build = || pack::build(folder.path(), &pack::Options::default()).unwrap_err().to_string();
    assert!(build().contains("plugin.toml"));
    write(folder.path(), "plugin.toml", "");
    write(folder.path(), "src/lib.rs", "");
    write(folder.path(), "Cargo.toml", "[package]\nname = \"plain\"\nedition = \"2024\"\n[workspace]\n");
    assert!(build().contains("crate-type = [\"cdylib\"]"));
    write(
        folder.path(),
        "Cargo.toml",
        "[package]\nname = \"plain\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n",
    );
    assert!(build().contains("exports nothing that a host could call"));
    write(folder.path(), "src/lib.rs", "fn broken(");
    let error = build();
    assert!(error.contains("`cargo build` failed") && error.contains("src/lib.rs"), "{error}");
}

/// A build that has nothing to do must give the same plugin again, as a file named by its digest's bytes.
#[test]
fn a_second_build_gives_the_same_plugin() {
    let first = guests::component("map");
    let built = pack::build(&guests::crate_dir("map"), &guests::options()).unwrap();
    assert_eq!(built.bytes, first);
    assert_eq!(std::fs::read(&built.component).unwrap(), first);
    assert_eq!(built.digest, Digest::of(&first));
}
