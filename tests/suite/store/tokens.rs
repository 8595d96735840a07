//! Tokens of the API, and the rows that people look at one by one.

use tollgate::store::{TokenRow, TranslationRow};
use tollgate_core::model::{At, TableName};
use tollgate_tests::database::{record, tenant};
use tollgate_tests::on_both_databases;

fn token(id: &str, created: i64) -> TokenRow {
    TokenRow {
        id: id.into(),
        name: "erp team".into(),
        role: "operator".into(),
        hash: vec![0, 255, 7],
        created: At(created),
        expires: At(created + 10),
        used: None,
        revoked: None,
    }
}

on_both_databases! {
    /// A token comes back as it was stored, its last use only moves forward, and the first revocation stays.
    async fn tokens_are_kept(db: Database) {
        for row in [token("a", 1), token("b", 2)] {
            let mut commit = db.store.begin(&tenant(), record(), At(7)).await.unwrap();
            commit.add_token(&row).await.unwrap();
            commit.finish().await.unwrap();
        }
        assert_eq!(db.store.tokens(&tenant(), "", 9).await.unwrap(), [token("b", 2), token("a", 1)]);
        assert_eq!(db.store.tokens(&tenant(), "", 1).await.unwrap(), [token("b", 2)]);
        assert_eq!(db.store.tokens(&tenant(), "b", 9).await.unwrap(), [token("a", 1)]);
        for at in [5, 9, 6] {
            db.store.touch_token(&tenant(), "a", At(at)).await.unwrap();
        }
        for (at, id, is_there) in [(11, "a", true), (12, "a", true), (13, "nobody", false)] {
            let mut commit = db.store.begin(&tenant(), record(), At(at)).await.unwrap();
            assert_eq!(commit.revoke_token(id).await.unwrap(), is_there);
            commit.finish().await.unwrap();
        }
        let expected = TokenRow { used: Some(At(9)), revoked: Some(At(11)), ..token("a", 1) };
        assert_eq!(db.store.token(&tenant(), "a").await.unwrap(), Some(expected));
        assert_eq!(db.store.token(&tenant(), "nobody").await.unwrap(), None);
    }

    /// No tenant sees or changes another's token, and an id is given out once.
    async fn tokens_belong_to_one_tenant(db: Database) {
        let mut commit = db.store.begin(&tenant(), record(), At(7)).await.unwrap();
        commit.add_token(&token("a", 1)).await.unwrap();
        commit.finish().await.unwrap();
        let other = "other".into();
        let mut commit = db.store.begin(&other, record(), At(7)).await.unwrap();
        assert!(!commit.revoke_token("a").await.unwrap());
        commit.finish().await.unwrap();
        db.store.touch_token(&other, "a", At(5)).await.unwrap();
        assert_eq!(db.store.token(&other, "a").await.unwrap(), None);
        assert_eq!(db.store.tokens(&other, "", 9).await.unwrap(), []);
        assert_eq!(db.store.token(&tenant(), "a").await.unwrap(), Some(token("a", 1)));
        let mut commit = db.store.begin(&tenant(), record(), At(8)).await.unwrap();
        assert!(commit.add_token(&token("a", 3)).await.is_err());
    }

    /// One row and one document are found with the version that they have now, in a commit and outside; removed ones are
    /// not.
    async fn single_rows_have_their_version(db: Database) {
        let table = TableName::from("product");
        let mut commit = db.store.begin(&tenant(), record(), At(7)).await.unwrap();
        assert!(commit.add_revision(1, "").await.unwrap());
        for to in ["A", "B"] {
            commit.set_translation(&table, "x", to).await.unwrap();
            commit.put_document("flow", "orders", to).await.unwrap();
        }
        let row = Some(TranslationRow { to: "B".into(), version: 2 });
        assert_eq!(commit.translation(&table, "x").await.unwrap(), row);
        commit.finish().await.unwrap();
        assert_eq!(db.store.translation(&tenant(), &table, "x").await.unwrap(), row);
        assert_eq!(db.store.translation(&tenant(), &table, "y").await.unwrap(), None);
        let document = db.store.document(&tenant(), "flow", "orders").await.unwrap().unwrap();
        assert_eq!((document.version, document.body.as_str()), (2, "B"));
        let mut commit = db.store.begin(&tenant(), record(), At(8)).await.unwrap();
        commit.remove_translation(&table, "x").await.unwrap();
        assert!(commit.add_revision(2, "").await.unwrap());
        commit.remove_document("flow", "orders").await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(db.store.translation(&tenant(), &table, "x").await.unwrap(), None);
        assert_eq!(db.store.document(&tenant(), "flow", "orders").await.unwrap(), None);
    }
}
