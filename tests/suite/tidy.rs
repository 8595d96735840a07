//! The walls that the compiler does not see: which room may import which, where a third-party crate is at home, how
//! long a file may be, and that each says what it is for.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the root").to_owned()
}

/// Every file that we wrote, by its path from the root.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    let folders = ["host", "sdk", "plugins", "tests", "wit"];
    let mut folders: Vec<PathBuf> = folders.iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.is_file() {
                found.push(path.strip_prefix(root()).expect("below the root").display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file of the workspace, with its path from the root.
fn sources() -> Vec<(String, String)> {
    let read = |name: String| {
        let text = std::fs::read_to_string(root().join(&name)).expect("a source file");
        (name, text)
    };
    let found: Vec<_> = files().into_iter().filter(|name| name.ends_with(".rs")).map(read).collect();
    assert!(found.len() > 50, "the workspace was found");
    found
}

/// Fails with one line per finding.
fn none(findings: Vec<String>, what: &str) {
    let mut list = String::new();
    for finding in &findings {
        let _ = write!(list, "\n  {finding}");
    }
    assert!(findings.is_empty(), "{what}:{list}");
}

/// The code of a file without its tests and comments: walls hold for what ships.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let shipped = text.split("#[cfg(test)]").next().unwrap_or(text);
    shipped.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// What a room of the host must not name. The table of ARCHITECTURE.md, as far as modules can break it.
const ROOMS: &[(&str, &[&str])] = &[
    ("host/core/src/model/", &["crate::entity", "crate::retry"]),
    ("host/core/src/egress/", &["crate::entity", "crate::retry"]),
    ("host/core/src/entity/", &["crate::egress"]),
    (
        "host/src/clock.rs",
        &["crate::store", "crate::gate", "crate::engine", "crate::app", "crate::api", "crate::cli", "crate::pack"],
    ),
    (
        "host/src/store/",
        &["crate::clock", "crate::gate", "crate::engine", "crate::app", "crate::api", "crate::cli", "crate::pack"],
    ),
    ("host/src/gate/", &["crate::engine", "crate::app", "crate::api", "crate::cli", "crate::pack"]),
    ("host/src/engine/", &["crate::app", "crate::api", "crate::cli", "crate::pack"]),
    ("host/src/app/", &["crate::api", "crate::cli", "crate::pack"]),
    ("host/src/api/", &["crate::engine", "crate::cli", "crate::pack"]),
    ("host/src/kit/", &["crate::engine", "crate::app", "crate::api", "crate::cli"]),
    (
        "host/src/pack/",
        &["crate::store", "crate::gate", "crate::engine", "crate::app", "crate::api", "crate::cli", "crate::clock"],
    ),
];

/// Where a third-party crate is at home in what ships.
const HOMES: &[(&str, &[&str])] = &[
    ("sqlx::", &["host/src/store/"]),
    ("wasmtime::", &["host/sandbox/src/"]),
    ("hyper::", &["host/src/gate/"]),
    ("hyper_util::", &["host/src/gate/"]),
    ("tokio_rustls::", &["host/src/gate/"]),
    ("rustix::", &["host/src/gate/", "host/sandbox/src/"]),
    ("axum::", &["host/src/api/"]),
    ("similar::", &["host/src/app/"]),
    ("utoipa::", &["host/src/api/"]),
    ("utoipa_axum::", &["host/src/api/"]),
    ("clap::", &["host/src/cli/", "host/src/main.rs"]),
    ("clap_complete::", &["host/src/cli/"]),
    ("comfy_table::", &["host/src/cli/"]),
    ("indicatif::", &["host/src/cli/"]),
    ("ureq::", &["host/src/cli/"]),
    ("anyhow::", &["host/src/cli/", "host/src/main.rs"]),
    ("wit_component::", &["host/src/pack/"]),
    ("wit_bindgen::", &["sdk/rust/src/"]),
];

/// No room imports one that stands above it.
#[test]
fn rooms_import_in_one_direction() {
    let mut findings = Vec::new();
    for (name, text) in sources() {
        for (_, forbidden) in ROOMS.iter().filter(|(room, _)| name.starts_with(room)) {
            for line in code(&text) {
                findings.extend(forbidden.iter().filter(|f| line.contains(**f)).map(|f| format!("{name} names {f}")));
            }
        }
    }
    none(findings, "a room names one that it may not know");
}

/// A third-party crate is used in its one room only.
#[test]
fn third_party_crates_stay_at_home() {
    let mut findings = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| !name.starts_with("tests/")) {
        for (krate, homes) in HOMES.iter().filter(|(_, homes)| !homes.iter().any(|home| name.starts_with(home))) {
            let is_named = code(&text).any(|line| {
                line.match_indices(krate)
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
            });
            if is_named {
                findings.push(format!("{name} names {krate}, which is at home in {}", homes.join(", ")));
            }
        }
    }
    none(findings, "a crate is used outside its room");
}

/// Each file says first what it is for, and none is longer than 500 lines without its tests.
#[test]
fn files_are_introduced_and_short() {
    let mut findings = Vec::new();
    for (name, text) in sources() {
        if !text.starts_with("//!") {
            findings.push(format!("{name} does not start with `//!`"));
        }
        let lines = text.split("#[cfg(test)]\nmod").next().unwrap_or(&text).lines().count();
        if lines > 500 {
            findings.push(format!("{name} has {lines} lines"));
        }
    }
    none(findings, "files to mend");
}

/// Left-overs that no file may hold. The words are put together here so that this file does not find itself.
#[test]
fn nothing_is_left_over() {
    let marks =
        [["to", "do!("].concat(), ["unimple", "mented!("].concat(), ["FIX", "ME"].concat(), ["#[ig", "nore"].concat()];
    let mut findings = Vec::new();
    for (name, text) in sources() {
        findings.extend(marks.iter().filter(|mark| text.contains(mark.as_str())).map(|mark| format!("{name}: {mark}")));
    }
    none(findings, "left-overs");
}

/// No key is stored that could be made: the one that cannot protects nothing, and says so.
#[test]
fn no_keys_are_stored() {
    let is_key = |name: &String| [".pem", ".key", ".der", ".p12", ".pfx"].iter().any(|ending| name.ends_with(ending));
    let keys: Vec<_> = files().into_iter().filter(is_key).collect();
    assert_eq!(keys, ["host/src/gate/jwt_test_key.pem"]);
}

/// The workspace is formatted.
#[test]
fn code_is_formatted() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["fmt", "--all", "--check", "--", "--files-with-diff"])
        .current_dir(root())
        .output()
        .expect("cargo fmt runs");
    let files = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "run `cargo fmt --all`:\n{files}{}", String::from_utf8_lossy(&output.stderr));
}

/// The README's `cargo demo -- ..` reaches the demo, and not cargo: an alias that ends in `--` of its own would not.
#[test]
fn the_demo_takes_its_arguments() {
    let aliases = std::fs::read_to_string(root().join(".cargo/config.toml")).expect("the aliases");
    let demo = aliases.lines().find_map(|line| line.strip_prefix("demo = ")).expect("the alias `demo`");
    let words = demo.trim_matches('"').split_whitespace().chain(["--", "--help"]);
    // Cargo keeps what stands before the first `--` and hands on the rest.
    let args: Vec<&str> = words.skip_while(|word| *word != "--").skip(1).collect();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_demo")).args(&args).output().expect("the demo runs");
    let help = String::from_utf8_lossy(&output.stdout);
    assert!(
        help.contains("--data") && help.contains("--keep"),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
