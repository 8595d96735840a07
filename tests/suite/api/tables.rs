//! Translation tables over HTTP: lists, history, removal.

use super::Stage;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tollgate::app::access::Role;
use tollgate_tests::on_both_databases;

on_both_databases! {
    /// Rows are listed page by page, removed under their version, and every value that one had is kept with who set it. A table
    /// that nothing names is refused with the one that was probably meant.
    async fn rows_are_listed_and_removed(database: Database) {
        let stage = Stage::set(&database, None).await;
        let steward = stage.client_as(Role::Operator).await;
        let put = async |path: &str, to: &str| steward.send(Method::PUT, path, &json!({ "to": to })).await;
        let tables = steward.get("/v1/tables").await;
        assert_eq!(tables.items(), [json!({ "name": "country", "rows": 0 }), json!({ "name": "product", "rows": 0 })]);
        let wrong = put("/v1/tables/prodct/rows/x", "y").await;
        assert_eq!((wrong.code(), wrong.status.as_u16()), ("refused", 422));
        assert!(wrong.json["message"].as_str().is_some_and(|text| text.contains("did you mean `product`?")), "{wrong:?}");
        for (from, to) in [("a", "1"), ("b", "2"), ("c", "3"), ("b", "4")] {
            assert_eq!(put(&format!("/v1/tables/product/rows/{from}"), to).await.status, StatusCode::OK);
        }
        let first = steward.get("/v1/tables/product/rows?limit=2").await;
        let rows = [json!({ "from": "a", "to": "1", "version": 1 }), json!({ "from": "b", "to": "4", "version": 2 })];
        assert_eq!((first.items(), &first.json["next"]), (&rows[..], &json!("b")));
        let rest = steward.get("/v1/tables/product/rows?limit=2&after=b").await;
        assert_eq!((rest.items().len(), &rest.items()[0]["from"], &rest.json["next"]), (1, &json!("c"), &Value::Null));

        let path = "/v1/tables/product/rows/b";
        let remove = async |tag: &str| steward.call(Method::DELETE, path, &[("if-match", tag)], Bytes::new()).await;
        assert_eq!(remove("\"1\"").await.code(), "version-moved");
        assert_eq!(remove("\"2\"").await.status, StatusCode::NO_CONTENT);
        assert_eq!(remove("\"3\"").await.code(), "absent");
        let history = steward.get(&format!("{path}/history")).await;
        let values: Vec<_> = history.items().iter().map(|row| (&row["version"], row.get("to").cloned())).collect();
        let expected = [(&json!(3), None), (&json!(2), Some(json!("4"))), (&json!(1), Some(json!("2")))];
        assert_eq!(values, expected);
        assert!(history.items().iter().all(|row| row["actor"].as_str().is_some_and(|actor| actor.starts_with("token:"))));
        assert_eq!(steward.get("/v1/tables/product/rows/nobody/history").await.code(), "absent");
        assert_eq!(steward.get("/v1/tables/nobody/rows").await.code(), "absent");
        assert_eq!(steward.get("/v1/tables").await.items()[1], json!({ "name": "product", "rows": 2 }));
        stage.stop().await;
    }
}
