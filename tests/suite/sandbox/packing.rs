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

/// Of all crates here. (The compiler refuses a crate that is called `wasm-bindgen` and older than 0.2.88.)
const VERSION: &str = "0.2.88";

/// A crate with one source file and path dependencies on crates beside it.
fn write_crate(folder: &Path, name: &str, depends_on: &[&str], source: &str) {
    let dependencies: String = depends_on.iter().map(|name| format!("{name} = {{ path = \"../{name}\" }}\n")).collect();
    let is_plugin = if name == "shop" { "[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n" } else { "" };
    let cargo_toml = format!(
        "[package]\nname = \"{name}\"\nversion = \"{VERSION}\"\nedition = \"2024\"\n{is_plugin}[dependencies]\n{dependencies}"
    );
    write(folder, &format!("{name}/Cargo.toml"), &cargo_toml);
    write(folder, &format!("{name}/src/lib.rs"), source);
}

fn foreign_function(module: &str, function: &str) -> String {
    format!(
        "#[link(wasm_import_module = \"{module}\")]\nunsafe extern \"C\" {{ fn {function}() -> i32; }}\n\
         pub fn now() -> i32 {{ unsafe {{ {function}() }} }}\n"
    )
}

/// A dependency that expects a world which is not there must be named as the guilty crate, with the import: first a
/// crate that calls a C function itself, then one that pulls in the bindings for browsers, which are a go-between and
/// not guilty. The plugin calls either through a function of its own.
#[test]
fn the_guilty_crate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    let options = pack::Options { target_dir: Some(folder.path().join("target")), ..pack::Options::default() };
    let source = "#[unsafe(no_mangle)]\npub extern \"C\" fn run() -> i32 { guilty_clock::now() }\n";
    write_crate(folder.path(), "shop", &["guilty-clock"], source);
    write(&shop, "plugin.toml", "");

    write_crate(folder.path(), "guilty-clock", &[], &foreign_function("env", "clock"));
    let error = pack::build(&shop, &options).unwrap_err().to_string();
    assert!(error.contains("`clock` of `env`: called by the crate `guilty_clock`"), "{error}");

    write_crate(folder.path(), "wasm-bindgen", &[], &foreign_function("__wbindgen_placeholder__", "__wbg_now"));
    write_crate(folder.path(), "guilty-clock", &["wasm-bindgen"], "pub fn now() -> i32 { wasm_bindgen::now() }\n");
    let error = pack::build(&shop, &options).unwrap_err().to_string();
    let call = "`__wbg_now` of `__wbindgen_placeholder__`: called by the crate `guilty_clock`";
    let tree = format!("wasm-bindgen is brought in by: guilty-clock v{VERSION} <- shop v{VERSION}");
    assert!(error.contains(call) && error.contains(&tree), "{error}");
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
