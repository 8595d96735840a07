//! Secrets are looked for wherever the host writes (promise 5): its files, its database, its log at the most talkative.

use crate::node::{Node, write_host};
use std::path::Path;
use tollgate_tests::data;
use tollgate_tests::database::Kind;
use tollgate_tests::on_both_databases;
use tollgate_tests::world::World;

on_both_databases! {
    /// Neither a secret that the host was given nor a token that a vendor gave it is in any file, table or line of the log,
    /// while it runs, after its tokens were refused and fetched anew, and after it ended.
    async fn no_secret_is_written_anywhere(database: Database) {
        let folder = tempfile::tempdir().expect("a folder");
        let crm = data::generator_sample();
        let world = World::start().await.expect("both vendors start");
        world.load(&crm);
        let file = write_host(&world, &database, folder.path());
        let mut secrets = Vec::new();
        let mut written = Vec::new();
        for life in ["one", "two"] {
            let mut node = Node::start_talkative(&file, &folder.path().join(format!("{life}.log")));
            tokio::task::block_in_place(|| node.wait_for_rest());
            secrets.extend(world.secrets());
            world.crm.expire_tokens();
            written.extend(all_that_is_written(folder.path(), &database).await);
            node.kill();
        }
        written.extend(all_that_is_written(folder.path(), &database).await);

        secrets.sort();
        secrets.dedup();
        assert!(secrets.len() >= 5, "client secret, private key, and three tokens: {}", secrets.len());
        assert!(written.iter().any(|(name, bytes)| name.ends_with("one.log") && bytes.len() > 10_000), "a log");
        for (name, bytes) in written {
            for secret in &secrets {
                let hit = memchr::memmem::find(&bytes, secret.as_bytes()).is_some();
                assert!(!hit, "{name} holds a secret that begins with {:?}", &secret[..6]);
            }
        }
    }
}

pub(crate) async fn all_that_is_written(
    folder: &Path,
    database: &tollgate_tests::database::Database,
) -> Vec<(String, Vec<u8>)> {
    let mut written = files(folder);
    match database.kind {
        Kind::Postgres => {
            let tables = database.text().await.expect("the tables");
            assert!(tables.iter().any(|(table, _)| table == "journal"), "the host wrote into this database");
            written.extend(tables.into_iter().map(|(table, text)| (format!("table {table}"), text.into_bytes())));
        }
        Kind::Sqlite => {
            // The file lies in a folder of its own, and its write-ahead log beside it.
            let file = Path::new(database.url.strip_prefix("sqlite:").expect("a file"));
            let stored = files(file.parent().expect("a folder"));
            let is_used =
                |(_, bytes): &(String, Vec<u8>)| memchr::memmem::find(bytes, b"configuration.apply").is_some();
            assert!(stored.iter().any(is_used), "the host wrote into this database");
            written.extend(stored);
        }
    }
    written
}

/// Every file below a folder, with its bytes; without the one that tells the host its secrets.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("host.json") {
            found.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
    found
}
