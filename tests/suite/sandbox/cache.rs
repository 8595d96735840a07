//! The compile cache: code is compiled once, and only our own is loaded.

use super::{Fake, SHORT, request};
use std::path::{Path, PathBuf};
use tollgate_sandbox::{Interruption, Options, Plugin, Sandbox, admit};
use tollgate_tests::guests;

fn sandbox(folder: &Path, interruption: Interruption) -> Sandbox {
    Sandbox::new(Options { cache_dir: folder.join("compiled"), interruption }).unwrap()
}

async fn load(sandbox: &Sandbox) -> Plugin {
    sandbox.load(admit(&guests::component("probe")).unwrap()).await.unwrap()
}

fn entry(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder.join("compiled")).unwrap().map(|file| file.unwrap().path());
    let entries: Vec<_> = files.filter(|path| path.extension().is_some_and(|suffix| suffix == "compiled")).collect();
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    entry.clone()
}

/// A plugin must be compiled once: a second load, and a load after a restart, take the code from the cache and work.
#[tokio::test]
async fn a_hit_is_not_a_compile() {
    let folder = tempfile::tempdir().unwrap();
    let first = sandbox(folder.path(), Interruption::Epoch);
    assert!(!load(&first).await.is_cached());
    assert!(load(&first).await.is_cached());
    drop(first);
    let probe = load(&sandbox(folder.path(), Interruption::Epoch)).await;
    assert!(probe.is_cached());
    assert_eq!(probe.read(&request("page"), Fake::new(), SHORT).await.unwrap().changes.len(), 3);
}

/// An entry that was changed must never be loaded: it is compiled anew and replaced.
#[tokio::test]
async fn a_changed_entry_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox(folder.path(), Interruption::Epoch);
    load(&sandbox).await;
    let path = entry(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let probe = load(&sandbox).await;
    assert!(!probe.is_cached());
    assert_ne!(std::fs::read(&path).unwrap(), bytes);
    assert!(load(&sandbox).await.is_cached());
    assert_eq!(probe.read(&request("page"), Fake::new(), SHORT).await.unwrap().changes.len(), 3);
}

/// Code of one kind of engine must not be taken for another's: the profile without interruption compiles for itself,
/// and its guests run at once and end at their wall time.
#[tokio::test]
async fn profiles_do_not_share_code() {
    let folder = tempfile::tempdir().unwrap();
    load(&sandbox(folder.path(), Interruption::Epoch)).await;
    let probe = load(&sandbox(folder.path(), Interruption::None)).await;
    assert!(!probe.is_cached());
    assert_eq!(probe.read(&request("page"), Fake::new(), SHORT).await.unwrap().changes.len(), 3);
}
