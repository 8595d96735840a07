//! What people set: documents, plugins, secrets, translation tables.

use tollgate::store::{
    Checkpoint, Commit, ConsentRow, ConsentState, ConsentStep, Document, PluginRow, SealedSecret, Store,
};
use tollgate_core::model::{At, Digest, FlowName, TableName};
use tollgate_tests::database::{claim, record, tenant};
use tollgate_tests::on_both_databases;

async fn begin(store: &Store) -> Commit {
    store.begin(&tenant(), record(), At(7)).await.unwrap()
}

/// A commit that makes the next revision.
async fn revise(store: &Store) -> Commit {
    let next = store.newest_revision(&tenant()).await.unwrap() + 1;
    let mut commit = begin(store).await;
    assert!(commit.add_revision(next, "because").await.unwrap());
    commit
}

fn plugin(name: &str, bytes: &[u8]) -> PluginRow {
    PluginRow { digest: Digest::of(bytes), name: name.into(), version: "1.0".into(), manifest: "[plugin]".into() }
}

on_both_databases! {
    /// A document changes only when its text does, its versions go on counting through a removal, and each is kept.
    async fn documents_count_their_versions(db: Database) {
        let steps = [(Some("a"), true, 1), (Some("a"), false, 1), (Some("b"), true, 2), (None, true, 3), (Some("b"), true, 4)];
        for (body, is_change, version) in steps {
            let mut commit = revise(&db.store).await;
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
        let mut commit = revise(&db.store).await;
        for name in ["b", "B", "a-1", "a_1", "ä"] {
            commit.put_document("flow", name, "").await.unwrap();
        }
        commit.remove_document("flow", "nobody").await.unwrap();
        commit.finish().await.unwrap();
        let names: Vec<_> = db.store.documents(&tenant(), "flow").await.unwrap().into_iter().map(|d| d.name).collect();
        assert_eq!(names, ["B", "a-1", "a_1", "b", "ä"]);
    }

    /// Versions of a plugin stand beside each other, one of a name is active, and the one that was so before is known as long as
    /// it is installed. What was installed before stays as it is.
    async fn one_plugin_of_a_name_is_active(db: Database) {
        let (old, new, other) = (plugin("acme/crm", b"old"), plugin("acme/crm", b"new"), plugin("acme/erp", b"\0\xff"));
        let mut commit = begin(&db.store).await;
        for (row, bytes) in [(&old, &b"old"[..]), (&new, b"new"), (&other, b"\0\xff")] {
            assert!(commit.install_plugin(row, bytes).await.unwrap());
        }
        assert!(!commit.install_plugin(&old, b"old").await.unwrap());
        commit.activate_plugin("acme/erp", &other.digest).await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(db.store.plugins(&tenant()).await.unwrap(), std::slice::from_ref(&other));
        // Going back and forth: the one before is the other one each time.
        for (active, before) in [(&old, None), (&new, Some(&old)), (&old, Some(&new))] {
            let mut commit = begin(&db.store).await;
            commit.activate_plugin("acme/crm", &active.digest).await.unwrap();
            commit.finish().await.unwrap();
            assert_eq!(db.store.plugins(&tenant()).await.unwrap(), [active.clone(), other.clone()]);
            let found = db.store.plugin_before(&tenant(), "acme/crm").await.unwrap();
            assert_eq!(found, before.map(|row| row.digest));
        }
        for (row, bytes) in [(&old, &b"old"[..]), (&new, b"new"), (&other, b"\0\xff")] {
            assert_eq!(db.store.component(&tenant(), &row.digest).await.unwrap().as_deref(), Some(bytes));
        }
        let mut commit = begin(&db.store).await;
        commit.delete_plugin(&new.digest).await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(db.store.plugin_before(&tenant(), "acme/crm").await.unwrap(), None);
        assert_eq!(db.store.component(&tenant(), &new.digest).await.unwrap(), None);
        assert_eq!(db.store.installed_plugins(&tenant()).await.unwrap().len(), 2);
    }

    /// Each number of a revision is made once: of two that build on the same one, the second is told. What was so at each
    /// revision can be read, with what it changed and what was there before.
    async fn revisions_follow_each_other(db: Database) {
        let steps: [&[(&str, Option<&str>)]; 3] =
            [&[("a", Some("1")), ("b", Some("1"))], &[("a", Some("2")), ("b", None)], &[("b", Some("3"))]];
        for step in steps {
            let mut commit = revise(&db.store).await;
            for (name, body) in step {
                match body {
                    Some(body) => assert!(commit.put_document("flow", name, body).await.unwrap()),
                    None => commit.remove_document("flow", name).await.unwrap(),
                }
            }
            commit.finish().await.unwrap();
        }
        let mut late = begin(&db.store).await;
        assert!(!late.add_revision(3, "late").await.unwrap(), "somebody made it");
        drop(late);
        let numbers: Vec<_> = db.store.revisions(&tenant(), 3, 10).await.unwrap().iter().map(|row| row.number).collect();
        assert_eq!((numbers, db.store.newest_revision(&tenant()).await.unwrap()), (vec![2, 1], 3));
        let row = db.store.revision(&tenant(), 2).await.unwrap().unwrap();
        assert_eq!((row.at, row.actor.as_str(), row.note.as_str()), (At(7), "test", "because"));
        let flow = |name: &str, body: &str| ("flow".to_owned(), name.to_owned(), body.to_owned());
        for (number, expected) in [
            (0, vec![]),
            (1, vec![flow("a", "1"), flow("b", "1")]),
            (2, vec![flow("a", "2")]),
            (3, vec![flow("a", "2"), flow("b", "3")]),
        ] {
            assert_eq!(db.store.documents_at(&tenant(), number).await.unwrap(), expected, "revision {number}");
        }
        let changes = db.store.revision_changes(&tenant(), 2).await.unwrap();
        let texts: Vec<_> = changes.iter().map(|c| (c.name.as_str(), c.before.as_deref(), c.body.as_deref())).collect();
        assert_eq!(texts, [("a", Some("1"), Some("2")), ("b", Some("1"), None)]);
        let versions = db.store.document_versions(&tenant(), ("flow", "b"), i64::MAX, 2).await.unwrap();
        assert_eq!(versions.iter().map(|row| (row.version, row.revision)).collect::<Vec<_>>(), [(3, 3), (2, 2)]);
    }

    /// A flow has a checkpoint for each source and format that it has read, and moving one moves no other.
    async fn checkpoints_stand_beside_each_other(db: Database) {
        let flow = FlowName::from("orders");
        let fence = claim(&db.store, &flow).await;
        let checkpoint = |source: &str, cursor_format, cursor: &str| Checkpoint {
            source: source.into(),
            cursor_format,
            cursor: cursor.into(),
            is_caught_up: false,
        };
        for (source, format, cursor) in [("crm", 1, "a"), ("crm", 2, "b"), ("crm", 1, "c"), ("erp", 1, "d")] {
            let mut commit = tollgate_tests::database::begin(&db.store, &flow, fence).await;
            commit.put_checkpoint(&flow, &checkpoint(source, format, cursor), fence).await.unwrap();
            commit.finish().await.unwrap();
        }
        let mut found = db.store.checkpoints(&tenant(), &flow).await.unwrap();
        found.sort_by(|a, b| a.cursor.cmp(&b.cursor));
        assert_eq!(found, [checkpoint("crm", 2, "b"), checkpoint("crm", 1, "c"), checkpoint("erp", 1, "d")]);
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

    /// A secret is replaced only in place of the one that was seen, whatever came in between.
    async fn a_secret_is_replaced_only_if_it_was_seen(db: Database) {
        let crm = "crm".into();
        let replace = async |seen: &[u8], next: &[u8]| {
            let mut commit = begin(&db.store).await;
            let new = SealedSecret { kek_id: "k2".into(), sealed: next.to_vec() };
            let is_replaced = commit.replace_secret((&crm, "token"), &new, seen).await.unwrap();
            commit.finish().await.unwrap();
            is_replaced
        };
        assert!(!replace(&[], &[1]).await, "there is none");
        let mut commit = begin(&db.store).await;
        commit.put_secret(&crm, "token", "k1", &[1, 0]).await.unwrap();
        commit.put_secret(&crm, "other", "k1", &[1, 0]).await.unwrap();
        commit.finish().await.unwrap();
        assert!(!replace(&[1], &[2]).await);
        assert!(replace(&[1, 0], &[2]).await);
        assert!(!replace(&[1, 0], &[3]).await);
        let secret = db.store.secret(&tenant(), &crm, "token").await.unwrap().unwrap();
        assert_eq!((secret.kek_id.as_str(), secret.sealed.as_slice()), ("k2", &[2][..]));
        assert_eq!(db.store.secret(&tenant(), &crm, "other").await.unwrap().unwrap().sealed, [1, 0]);
    }

    /// A consent goes from asking to its end one step at a time, each step once; the next one takes its place, and what is
    /// known of the one before steps no further. What was sealed for its answer is gone with the first step.
    async fn consents_go_step_by_step(db: Database) {
        let row = |hash: u8| ConsentRow {
            connection: "crm".into(),
            state: ConsentState::Pending,
            state_hash: vec![hash, 0],
            kek_id: "k1".into(),
            sealed: vec![0, 255],
            actor: "ann".into(),
            reason: String::new(),
            began: At(5),
            expires: At(50),
            ended: None,
        };
        let put = async |row: &ConsentRow| {
            let mut commit = begin(&db.store).await;
            commit.put_consent(row).await.unwrap();
            commit.finish().await.unwrap();
        };
        let step = async |hash: u8, from, to| {
            let mut commit = begin(&db.store).await;
            let step = ConsentStep { from, to, reason: "why" };
            let is_taken = commit.step_consent(&"crm".into(), &[hash, 0], step).await.unwrap();
            commit.finish().await.unwrap();
            is_taken
        };
        let (pending, answered, done) = (ConsentState::Pending, ConsentState::Answered, ConsentState::Done);
        assert_eq!(db.store.consent(&tenant(), &"crm".into()).await.unwrap(), None);
        put(&row(1)).await;
        assert_eq!(db.store.consent(&tenant(), &"crm".into()).await.unwrap(), Some(row(1)));
        assert_eq!(db.store.consent_by_hash(&tenant(), &[1, 0]).await.unwrap(), Some(row(1)));
        assert_eq!(db.store.consent_by_hash(&tenant(), &[1]).await.unwrap(), None);
        assert_eq!(db.store.consent_by_hash(&"other".into(), &[1, 0]).await.unwrap(), None);
        assert!(!step(1, answered, done).await);
        assert!(step(1, pending, answered).await);
        assert!(!step(1, pending, answered).await, "it was taken before");
        let taken = db.store.consent(&tenant(), &"crm".into()).await.unwrap().unwrap();
        assert_eq!((taken.state, taken.sealed.len(), taken.ended), (answered, 0, None));
        put(&row(2)).await;
        assert!(!step(1, answered, done).await, "another one is in its place");
        assert!(step(2, pending, answered).await && step(2, answered, done).await);
        let ended = db.store.consent(&tenant(), &"crm".into()).await.unwrap().unwrap();
        assert_eq!((ended.state, ended.reason.as_str(), ended.ended), (done, "why", Some(At(7))));
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
