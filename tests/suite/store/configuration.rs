//! What people set: documents, plugins, secrets, translation tables.

use tollgate::store::{Commit, Document, PluginRow, Store};
use tollgate_core::model::{At, Digest, TableName};
use tollgate_tests::database::{record, tenant};
use tollgate_tests::on_both_databases;

async fn begin(store: &Store) -> Commit {
    store.begin(&tenant(), record(), At(7)).await.unwrap()
}

fn plugin(name: &str, bytes: &[u8]) -> PluginRow {
    PluginRow { digest: Digest::of(bytes), name: name.into(), version: "1.0".into(), manifest: "[plugin]".into() }
}

on_both_databases! {
    /// A document changes only when its text does, its versions go on counting through a removal, and each is kept.
    async fn documents_count_their_versions(db: Database) {
        let steps = [(Some("a"), true, 1), (Some("a"), false, 1), (Some("b"), true, 2), (None, true, 3), (Some("b"), true, 4)];
        for (body, is_change, version) in steps {
            let mut commit = begin(&db.store).await;
            match body {
                Some(body) => assert_eq!(commit.put_document("flow", "orders", body).await.unwrap(), is_change),
                None => commit.remove_document("flow", "orders").await.unwrap(),
            }
            commit.put_document("entity", "orders", "of another kind").await.unwrap();
            commit.finish().await.unwrap();
            let expected = body.map(|body| Document { name: "orders".into(), version, body: body.into() });
            assert_eq!(db.store.documents(&tenant(), "flow").await.unwrap(), expected.into_iter().collect::<Vec<_>>());
        }
        assert_eq!(db.count("document_history").await.unwrap(), 4 + 1);
    }

    /// Documents come in the order of their bytes, whatever the server's locale, and removing an unknown one is fine.
    async fn documents_are_sorted(db: Database) {
        let mut commit = begin(&db.store).await;
        for name in ["b", "B", "a-1", "a_1", "ä"] {
            commit.put_document("flow", name, "").await.unwrap();
        }
        commit.remove_document("flow", "nobody").await.unwrap();
        commit.finish().await.unwrap();
        let names: Vec<_> = db.store.documents(&tenant(), "flow").await.unwrap().into_iter().map(|d| d.name).collect();
        assert_eq!(names, ["B", "a-1", "a_1", "b", "ä"]);
    }

    /// The plugin that was installed last is the active one of its name; older bytes stay, and an old one can come
    /// back.
    async fn the_last_installed_plugin_is_active(db: Database) {
        let (old, new, other) = (plugin("acme/crm", b"old"), plugin("acme/crm", b"new"), plugin("acme/erp", b"\0\xff"));
        for (row, bytes) in [(&old, &b"old"[..]), (&new, b"new"), (&other, b"\0\xff")] {
            let mut commit = begin(&db.store).await;
            commit.install_plugin(row, bytes).await.unwrap();
            commit.finish().await.unwrap();
        }
        assert_eq!(db.store.plugins(&tenant()).await.unwrap(), [new.clone(), other.clone()]);
        let mut commit = begin(&db.store).await;
        commit.install_plugin(&old, b"old").await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(db.store.plugins(&tenant()).await.unwrap(), [old.clone(), other.clone()]);
        for (row, bytes) in [(old, &b"old"[..]), (new, b"new"), (other, b"\0\xff")] {
            assert_eq!(db.store.component(&tenant(), &row.digest).await.unwrap().as_deref(), Some(bytes));
        }
        assert_eq!(db.store.component(&tenant(), &Digest::of(b"none")).await.unwrap(), None);
    }

    /// Bytes that are not what their digest says are never handed out. Provoked by installing under a wrong digest.
    async fn a_changed_component_is_refused(db: Database) {
        let mut commit = begin(&db.store).await;
        commit.install_plugin(&plugin("acme/crm", b"right"), b"wrong").await.unwrap();
        commit.finish().await.unwrap();
        let error = db.store.component(&tenant(), &Digest::of(b"right")).await.unwrap_err().to_string();
        assert!(error.contains("sha256:") && error.contains("damaged"), "{error}");
    }

    /// A secret is replaced as a whole, and its bytes come back as they were, zeros too.
    async fn secrets_are_replaced(db: Database) {
        let crm = "crm".into();
        for (name, kek, sealed) in [("token", "k1", &[0, 255, 1][..]), ("b", "k1", &[]), ("token", "k2", &[9, 0])] {
            let mut commit = begin(&db.store).await;
            commit.put_secret(&crm, name, kek, sealed).await.unwrap();
            commit.finish().await.unwrap();
        }
        let secret = db.store.secret(&tenant(), &crm, "token").await.unwrap().unwrap();
        assert_eq!((secret.kek_id.as_str(), secret.sealed.as_slice()), ("k2", &[9, 0][..]));
        assert_eq!(db.store.secret_names(&tenant(), &crm).await.unwrap(), ["b", "token"]);
        assert_eq!(db.store.secret(&tenant(), &"erp".into(), "token").await.unwrap(), None);
    }

    /// Translations show what is now; history gets one row per change and none where nothing changed.
    async fn translations_keep_their_history(db: Database) {
        let table = TableName::from("status");
        let mut commit = begin(&db.store).await;
        for (from, to) in [("Open", "A"), ("Open", "A"), ("Open", "B"), ("Won", "C")] {
            commit.set_translation(&table, from, to).await.unwrap();
        }
        commit.remove_translation(&table, "Won").await.unwrap();
        commit.remove_translation(&table, "Won").await.unwrap();
        commit.finish().await.unwrap();
        let tables = db.store.translations(&tenant()).await.unwrap();
        assert_eq!(tables[&table].iter().collect::<Vec<_>>(), [(&"Open".to_owned(), &"B".to_owned())]);
        assert_eq!(db.count("translation_history WHERE actor = 'test' AND at = 7").await.unwrap(), 4);
        assert_eq!(db.count("translation_history WHERE to_value IS NULL").await.unwrap(), 1);
    }
}
