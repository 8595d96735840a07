//! Opening: what cannot be opened says what is wrong and how to mend it, and never shows a password.

use std::error::Error as _;
use tollgate::store::{Error, Store};
use tollgate_core::model::At;
use tollgate_tests::database::{Kind, record, run, tenant};
use tollgate_tests::on_both_databases;
use tollgate_tests::postgres::Cluster;

fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// Opens an address that must not open; gives the error with its sources.
async fn refused(url: &str) -> (Error, String) {
    let error = Store::open(url).await.expect_err("this must not open");
    let text = with_sources(&error);
    assert!(!text.contains("hunter2"), "a password is shown: {text}");
    (error, text)
}

/// Each way in which a database cannot be opened is told apart and names the database: a table of them.
#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(
        path("text"),
        "this is a letter and no database, and it is long enough to be read as one".repeat(99),
    )
    .unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    let missing = path("missing/store.db");

    let (error, text) = refused(&format!("sqlite:{}", path("text"))).await;
    assert!(matches!(error, Error::Corrupt { .. }) && text.contains("text is damaged"), "{text}");
    for (path, why) in [(missing, "No such file"), (path("folder"), "Is a directory")] {
        let (error, text) = refused(&format!("sqlite:{path}")).await;
        assert!(matches!(error, Error::Unreachable { .. }), "{text}");
        assert!(text.contains(&path) && text.contains("folder must exist") && text.contains(why), "{text}");
    }
    let (error, text) = refused("postgres://me:hunter2@127.0.0.1:1/books?password=hunter2").await;
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_transient(), "{text}");
    assert!(text.contains("127.0.0.1:1/books") && text.contains("server must run"), "{text}");
    for url in ["mysql://me:hunter2@host/books", "hunter2", "sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro"] {
        let (error, text) = refused(url).await;
        assert!(matches!(error, Error::Unusable(_)), "{text}");
    }
}

/// A folder that takes no files is named. Provoked with `/proc`, which refuses root too.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_read_only_folder_is_named() {
    let (error, text) = refused("sqlite:/proc/store.db").await;
    assert!(matches!(error, Error::Unreachable { .. }) && text.contains("/proc/store.db"), "{text}");
    assert!(text.contains("let this process write"), "{text}");
}

/// A wrong database name on a server that runs is told like a server that does not run, with the server's own words.
#[test]
fn a_missing_database_is_named() {
    run(Kind::Postgres, async |db| {
        let (error, text) = refused(&db.url.replace("/test_", "/nothing_")).await;
        assert!(matches!(error, Error::Unreachable { .. }) && text.contains("does not exist"), "{text}");
    });
}

/// The file is for this user only, its logs too: it holds a customer's records.
#[test]
fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    run(Kind::Sqlite, async |db| {
        db.store.begin(&tenant(), record(), At(0)).await.unwrap().finish().await.unwrap();
        let path = db.url.strip_prefix("sqlite:").unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let mode = std::fs::metadata(format!("{path}{suffix}")).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "store.db{suffix} has mode {mode:o}");
        }
    });
}

/// A path keeps its characters, whatever they mean in an address, and two slashes before it change nothing.
#[tokio::test]
async fn a_path_may_hold_any_character() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b#c%41 ü.db");
    for prefix in ["sqlite:", "sqlite://"] {
        let store = Store::open(&format!("{prefix}{}", path.to_str().unwrap())).await.unwrap();
        store.begin(&tenant(), record(), At(0)).await.unwrap().finish().await.unwrap();
        store.close().await;
    }
    let store = Store::open(&format!("sqlite:{}", path.to_str().unwrap())).await.unwrap();
    assert_eq!(store.audit(&tenant(), 0, 10).await.unwrap().len(), 2);
    assert!(path.is_file());
}

on_both_databases! {
    /// Nodes that start together on a new database agree on its schema, and opening one that is up to date changes
    /// nothing. Provoked by eight stores at once on a database without a schema.
    async fn many_may_open_a_new_database_at_once(db: Database) {
        let url = match db.kind {
            Kind::Sqlite => format!("{}-new", db.url),
            Kind::Postgres => Cluster::shared().unwrap().empty_database().await.unwrap(),
        };
        let openings = (0..8).map(|_| Store::open(&url));
        for opened in futures_util::future::join_all(openings).await {
            opened.unwrap().begin(&tenant(), record(), At(0)).await.unwrap().finish().await.unwrap();
        }
        let store = Store::open(&url).await.unwrap();
        assert_eq!(store.audit(&tenant(), 0, 9).await.unwrap().len(), 8);
    }

    /// A database of a newer program is left alone.
    async fn a_newer_schema_is_refused(db: Database) {
        use sqlx::{Connection, Executor};
        let mut connection = sqlx::AnyConnection::connect(&db.url).await.unwrap();
        connection.execute("UPDATE schema_version SET version = 999").await.unwrap();
        connection.close().await.unwrap();
        let (error, text) = refused(&db.url).await;
        assert!(matches!(error, Error::Unusable(_)) && text.contains("999") && text.contains("newer tollgate"), "{text}");
    }
}
