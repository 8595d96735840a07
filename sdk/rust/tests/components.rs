//! A plugin's binary shows what it can do: it exports what `export!` named and imports what its code calls, nothing else.
//!
//! The guests are built with a target folder of their own, because a cargo inside a cargo would wait for its lock.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

const PLUGIN: &str = "tollgate:plugin/";

fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let inherited = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        name.to_str().is_some_and(|name| name.starts_with("CARGO_") && name != "CARGO_HOME" || name == "RUSTFLAGS")
    });
    for name in inherited {
        cargo.env_remove(name);
    }
    let output = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--target",
            "wasm32-unknown-unknown",
            "--profile",
            "guest",
            "--target-dir",
        ])
        .arg(&target)
        .args(["-p", "tollgate-sdk", "-p", "tollgate-plugin-salesforce", "-p", "tollgate-plugin-netsuite"])
        .args(["--lib", "--examples"])
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("wasm32-unknown-unknown/guest")
}

/// The imports and exports of a component, without package and version.
fn interfaces(component: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut imports, mut exports, mut depth) = (BTreeSet::new(), BTreeSet::new(), 0);
    let short = |name: &str| {
        let name = name.strip_prefix(PLUGIN).unwrap_or_else(|| panic!("`{name}` is not of {PLUGIN}"));
        name.split('@').next().unwrap_or(name).to_owned()
    };
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| short(import.unwrap().name.name)));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(section.into_iter().map(|export| short(export.unwrap().name.name)));
            }
            _ => {}
        }
    }
    (imports, exports)
}

/// Each guest encodes to a valid component with exactly these imports and exports. `types` holds no functions; `log` is
/// how a panic speaks.
#[test]
fn a_component_shows_what_it_can_do() {
    let folder = build();
    for (file, imports, exports) in [
        ("examples/reader.wasm", &["http", "log", "types"][..], &["setup", "source"][..]),
        ("examples/cleaner.wasm", &["log", "types"], &["transform"]),
        (
            "tollgate_plugin_salesforce.wasm",
            &["config", "http", "log", "types"],
            &["lookup", "setup", "source", "target"],
        ),
        ("tollgate_plugin_netsuite.wasm", &["http", "log", "types"], &["lookup", "setup", "source", "target"]),
    ] {
        let module = std::fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut encoder = ComponentEncoder::default();
        let component = encoder.validate(true).module(&module).and_then(|encoder| encoder.encode());
        let component = component.unwrap_or_else(|error| panic!("{file}: {error:?}"));
        let found = interfaces(&component);
        println!("{file}: {} bytes, imports {:?}, exports {:?}", component.len(), found.0, found.1);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(found, (names(imports), names(exports)), "{file}");
    }
}
