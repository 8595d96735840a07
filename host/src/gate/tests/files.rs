//! A connection's folder through the gate: what a plugin names stays inside, whatever lies there, and all of it is written
//! down.

use super::*;
use crate::gate::folder::{Fault, Folder, MARK};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tollgate_core::model::files::Error as FileError;

/// A granted folder beside one that is not, both holding a file.
struct Drop {
    world: World,
    top: tempfile::TempDir,
}

impl Drop {
    async fn new() -> Self {
        let drop = Self { world: World::new(ok).await, top: tempfile::tempdir().unwrap() };
        for folder in ["drop/in", "outside"] {
            std::fs::create_dir_all(drop.top.path().join(folder)).unwrap();
        }
        std::fs::write(drop.path(MARK), "").unwrap();
        std::fs::write(drop.path("in/a.csv"), "0123456789").unwrap();
        std::fs::write(drop.outside(), "secret").unwrap();
        drop
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.top.path().join("drop").join(name)
    }

    fn outside(&self) -> std::path::PathBuf {
        self.top.path().join("outside/secret.csv")
    }

    fn line(&self) -> Arc<Line> {
        let folder = self.path("").display().to_string();
        self.world.gate.open(granted(Some(&folder)), asking(), self.world.tenant.clone()).unwrap()
    }

    fn door(&self, purpose: Purpose) -> Arc<Door> {
        self.world.door(&self.line(), purpose)
    }

    async fn last(&self) -> JournalEntry {
        self.world.journal().await.pop().unwrap()
    }
}

fn granted(folder: Option<&str>) -> Connection {
    let files = folder.map(|folder| serde_json::json!({ "folder": folder }));
    let connection = serde_json::json!({
        "connection": "vendor", "plugin": "vendor/drop", "account": "acme", "endpoints": {}, "files": files,
    });
    serde_json::from_value(connection).unwrap()
}

fn asking() -> Manifest {
    let text = r#"
        [plugin]
        name = "vendor/drop"
        version = "1.0.0"
        contract = "0.1"
        cursor_format = 1
        about = "For tests."
        exports = ["setup", "source", "target"]
        capabilities = ["files"]
    "#;
    Manifest::parse(text).unwrap()
}

/// What lies beside the files that are meant: links out and within, to files and folders, a pipe, a socket, names that no ask
/// can hold. Each is refused by name with its rule, in the journal too, none is listed, and nothing of what is outside
/// comes through.
#[tokio::test]
async fn nothing_outside_is_reached() {
    let drop = Drop::new().await;
    std::os::unix::fs::symlink(drop.outside(), drop.path("in/link.csv")).unwrap();
    std::os::unix::fs::symlink(drop.path("in/a.csv"), drop.path("in/inner.csv")).unwrap();
    std::os::unix::fs::symlink(drop.top.path().join("outside"), drop.path("away")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        drop.path("in/pipe.csv"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(drop.path("in/socket.csv")).unwrap();
    for name in [&b"in/bad\xff.csv"[..], b"in/two\nlines.csv"] {
        std::fs::write(drop.path("").join(Path::new(std::ffi::OsStr::from_bytes(name))), "x").unwrap();
    }
    let long = "x".repeat(300);
    let absolute = drop.outside().display().to_string();
    let door = drop.door(write(1, HashMap::new()));
    for (name, rule) in [
        ("../outside/secret.csv", "name"),
        ("in/../../outside/secret.csv", "name"),
        (absolute.as_str(), "name"),
        ("in//a.csv", "name"),
        (".tollgate", "name"),
        ("in/a\0.csv", "name"),
        ("in/two\nlines.csv", "name"),
        (long.as_str(), "name"),
        ("", "name"),
        ("in/link.csv", "link"),
        ("in/inner.csv", "link"),
        ("away/secret.csv", "link"),
        ("in/pipe.csv", "file"),
        ("in/socket.csv", "file"),
        ("in", "file"),
        ("in/a.csv/b", "folder"),
    ] {
        let read = door.read_file(name.into(), 0, 100).await;
        let renamed = door.rename_file(name.into(), "in/stolen.csv".into()).await;
        for refused in [read.map(drop_bytes), renamed] {
            let Err(FileError::Denied(text)) = refused else { panic!("{name:?}: {refused:?}") };
            assert!(text.starts_with(&format!("{rule}: ")), "{name:?}: {text}");
        }
        let entry = drop.last().await;
        assert_eq!(
            (entry.route.as_str(), entry.decision.as_str()),
            ("files:rename", &*format!("denied:{rule}")),
            "{name:?}"
        );
        assert!(!entry.error.is_empty() && !entry.path.contains('\n'), "{entry:?}");
    }
    for to in ["../outside/new.csv", "away/new.csv", "/tmp/new.csv"] {
        let made = door.write_file(to.into(), b"x".to_vec()).await;
        let moved = door.rename_file("in/a.csv".into(), to.into()).await;
        assert!(matches!((&made, &moved), (Err(FileError::Denied(_)), Err(FileError::Denied(_)))), "{to}: {made:?}");
    }
    let listed = door.list_files("in".into(), String::new(), 100).await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["a.csv"]);
    let entry = drop.last().await;
    assert!(entry.error.starts_with("6 entries are not offered"), "{entry:?}");
    assert!(matches!(door.list_files("away".into(), String::new(), 1).await, Err(FileError::Denied(_))));
    assert_eq!(std::fs::read_dir(drop.top.path().join("outside")).unwrap().count(), 1);
}

fn drop_bytes(_: Vec<u8>) {}

/// A folder that becomes a link after the granted one was opened leads nowhere either, and a file that becomes a pipe is no
/// file: every step is taken from a handle, and looked at when it is open.
#[tokio::test]
async fn links_made_meanwhile_lead_nowhere() {
    let drop = Drop::new().await;
    let folder = Folder::open(&drop.path("")).unwrap();
    assert_eq!(folder.read("in/a.csv", 8, 10), Ok(b"89".to_vec()));
    std::fs::rename(drop.path("in"), drop.path("was")).unwrap();
    std::os::unix::fs::symlink(drop.top.path().join("outside"), drop.path("in")).unwrap();
    for done in [
        folder.read("in/secret.csv", 0, 10).map(drop_bytes),
        folder.rename("in/secret.csv", "was/b.csv"),
        folder.rename("was/a.csv", "in/b.csv"),
        folder.create("in/b.csv", b"x", 1),
        folder.list("in", "", 10).map(|_| ()),
    ] {
        assert!(matches!(done, Err(Fault::Denied("link", _))), "{done:?}");
    }
    // The granted folder itself was moved away and another put there: the handle still means the old one.
    std::fs::rename(drop.path(""), drop.top.path().join("moved")).unwrap();
    assert_eq!(folder.read("was/a.csv", 0, 2), Ok(b"01".to_vec()));
}

/// Every call may look; only a write makes files; a read renames from a checkpoint alone. Nothing is replaced, and a node
/// that lost its lease makes nothing.
#[tokio::test]
async fn effects_wait_for_their_time() {
    let drop = Drop::new().await;
    let names = || ("in/a.csv".to_owned(), "archive/a.csv".to_owned());
    for purpose in [Purpose::Check, Purpose::Discover, Purpose::Lookup, Purpose::Read] {
        let door = drop.door(purpose);
        assert_eq!(door.read_file("in/a.csv".into(), 2, 3).await, Ok(b"234".to_vec()));
        let (from, to) = names();
        let Err(FileError::Denied(text)) = door.rename_file(from, to).await else { panic!("renamed") };
        assert!(text.starts_with("effect: "), "{text}");
        assert_eq!(drop.last().await.decision, "denied:effect");
    }
    let door = drop.door(Purpose::ReadFromCheckpoint);
    assert!(matches!(door.write_file("x".into(), vec![]).await, Err(FileError::Denied(_))));
    let (from, to) = names();
    door.rename_file(from.clone(), to.clone()).await.unwrap();
    assert_eq!(door.rename_file(from, to).await, Err(FileError::NotFound));
    let entry = drop.last().await;
    assert_eq!((entry.path.as_str(), entry.decision.as_str()), ("in/a.csv -> archive/a.csv", "done"));
    assert_eq!(entry.error, "not found");

    let door = drop.door(write(1, HashMap::new()));
    door.write_file("out/b.csv".into(), b"abc".to_vec()).await.unwrap();
    assert_eq!(door.write_file("out/b.csv".into(), b"other".to_vec()).await, Err(FileError::Exists));
    assert_eq!(door.rename_file("out/b.csv".into(), "archive/a.csv".into()).await, Err(FileError::Exists));
    assert_eq!(std::fs::read(drop.path("out/b.csv")).unwrap(), b"abc");
    assert_eq!(std::fs::read_dir(drop.path("out")).unwrap().count(), 1, "nothing unfinished is left");
    drop.world.is_held.store(false, Ordering::SeqCst);
    let Err(FileError::Denied(text)) = door.write_file("late".into(), vec![]).await else { panic!("made") };
    assert!(text.starts_with("lease: "), "{text}");
}

/// Listings come in pages and in order; a read has at most its share and ends with the file; a call has only so many asks
/// and bytes; each stands in the journal with its bytes.
#[tokio::test]
async fn asks_are_bounded() {
    let drop = Drop::new().await;
    for name in ["in/b.csv", "in/c.csv"] {
        std::fs::write(drop.path(name), vec![b'x'; bounds::FILE_READ_BYTES_MAX + 5]).unwrap();
    }
    std::fs::create_dir(drop.path("in/sub")).unwrap();
    let door = drop.door(Purpose::Read);
    let page = door.list_files("in".into(), "a.csv".into(), 1).await.unwrap();
    assert_eq!((page.len(), page[0].name.as_str()), (1, "b.csv"));
    assert_eq!(page[0].bytes, bounds::FILE_READ_BYTES_MAX as u64 + 5);
    assert!(page[0].modified_at_ms > 1_600_000_000_000);
    let piece = door.read_file("in/b.csv".into(), 0, u32::MAX).await.unwrap();
    assert_eq!(piece.len(), bounds::FILE_READ_BYTES_MAX);
    assert_eq!(drop.last().await.response_bytes, bounds::FILE_READ_BYTES_MAX as u64);
    assert_eq!(door.read_file("in/b.csv".into(), bounds::FILE_READ_BYTES_MAX as u64, u32::MAX).await.unwrap().len(), 5);
    assert_eq!(door.read_file("in/b.csv".into(), u64::MAX, 1).await, Ok(vec![]));
    assert_eq!(door.left().response_bytes, bounds::CALL_RESPONSE_BYTES_MAX - bounds::FILE_READ_BYTES_MAX as u64 - 5);
    while door.left().requests > 0 {
        door.list_files(String::new(), String::new(), 1).await.unwrap();
    }
    let Err(FileError::Denied(text)) = door.read_file("in/a.csv".into(), 0, 1).await else { panic!("one too many") };
    assert!(text.starts_with("requests: "), "{text}");
}

/// A folder is used only if its owner marked it, and only by a plugin that asks for one; each case misses one of them.
#[tokio::test]
async fn folders_are_granted_twice() {
    let drop = Drop::new().await;
    std::fs::remove_file(drop.path(MARK)).unwrap();
    std::os::unix::fs::symlink(drop.outside(), drop.path(MARK)).unwrap();
    let Err(FileError::Denied(text)) = drop.door(Purpose::Read).list_files(String::new(), String::new(), 1).await
    else {
        panic!("a folder without a mark")
    };
    assert!(text.starts_with("mark: ") && text.contains(".tollgate"), "{text}");
    let other = drop.world.reader();
    let none = other.list_files(String::new(), String::new(), 1).await;
    assert!(matches!(&none, Err(FileError::Denied(text)) if text.starts_with("files: ")), "{none:?}");

    let mut plain = asking();
    plain.plugin.capabilities.clear();
    for (folder, manifest, says) in [
        (None, asking(), "name its folder"),
        (Some("drop"), asking(), "`drop` is not absolute"),
        (Some("/srv"), plain, "does not ask for `files`"),
    ] {
        let faults = crate::gate::verify_files(&granted(folder), &manifest);
        assert!(faults.len() == 1 && faults[0].contains(says), "{faults:?}");
    }
}
