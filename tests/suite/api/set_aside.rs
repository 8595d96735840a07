//! What is set aside, whole and in bulk: every field that tells why, and decisions about many at once (RET-06, RET-07).

use super::Stage;
use http::{Method, StatusCode};
use serde_json::json;
use tollgate::app::access::Role;
use tollgate_tests::data::generator_sample;
use tollgate_tests::on_both_databases;

on_both_databases! {
    /// An exception shows payload, reason, run, map version and plugins; its sentence names record, field and rule (DQ-03). Of
    /// many, all of a kind are released at once and come back unmended, then all of a rule are discarded with a reason;
    /// counts and tally agree throughout. Wishes that make no sense are refused.
    async fn many_are_decided_at_once(database: Database) {
        let stage = Stage::set(&database, Some(&generator_sample())).await;
        stage.app.start().await.expect("the flows start");
        stage.app.rest().await.expect("the host comes to rest");
        let steward = stage.client_as(Role::Operator).await;
        let path = "/v1/flows/customers/set-aside";
        let listed = steward.get(&format!("{path}?kind=exception&rule=country")).await;
        let count = listed.items().len();
        assert!(count >= 2 && listed.items().iter().all(|row| row["kind"] == "exception"), "{listed:?}");
        assert_eq!(steward.get(&format!("{path}?since=2999-01-01T00:00:00Z")).await.items().len(), 0);
        assert_eq!(steward.get(&format!("{path}?kind=odd")).await.code(), "malformed");
        let counts = steward.get(&format!("{path}/counts")).await;
        assert!(counts.items().contains(&json!({ "kind": "exception", "rule": "country", "count": count })), "{counts:?}");

        let key = listed.items()[0]["key"].as_str().expect("a key");
        let whole = steward.get(&format!("{path}/{key}")).await.json;
        let said = whole["reason"].as_str().expect("a sentence");
        assert!(said.contains(&format!("record `{key}`")) && said.contains("field `") && said.contains("rule `country`"), "{said}");
        assert!(whole["change"]["data"].as_str().is_some_and(|data| data.contains("BillingCountry")), "{whole}");
        assert_eq!((&whole["map_version"], &whole["reasons"][0]["rule"]), (&json!(1), &json!("country")), "{whole}");
        assert!(whole["writer"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{whole}");
        let run = whole["run"].as_str().expect("a run");
        assert_eq!(steward.get(&format!("/v1/runs/{run}")).await.json["flow"], "customers");
        assert_eq!(steward.get(&format!("{path}/nobody")).await.code(), "absent");

        let many = async |verb: &str, body: serde_json::Value| steward.send(Method::POST, &format!("{path}/{verb}"), &body).await;
        for body in [json!({}), json!({ "keys": [] }), json!({ "keys": ["a"], "kind": "hold" }), json!({ "rule": "country" })] {
            assert_eq!(many("release", body.clone()).await.code(), "refused", "{body}");
        }
        assert_eq!(many("release", json!({ "kind": "odd" })).await.code(), "malformed");
        assert_eq!(many("discard", json!({ "kind": "exception" })).await.code(), "malformed", "a reason is needed");
        let refused = many("discard", json!({ "kind": "exception", "reason": " " })).await;
        assert_eq!((refused.code(), refused.status), ("refused", StatusCode::UNPROCESSABLE_ENTITY));

        let released = many("release", json!({ "kind": "exception" })).await;
        assert_eq!(released.json, json!({ "count": count }), "and no further step");
        stage.app.rest().await.expect("the host comes to rest");
        assert_eq!(steward.get(&format!("{path}?kind=exception")).await.items().len(), count, "nothing was mended");
        let discarded = many("discard", json!({ "keys": [key, "nobody"], "reason": "left the country" })).await;
        assert_eq!(discarded.json, json!({ "count": 1 }));
        let discarded = many("discard", json!({ "kind": "exception", "rule": "country", "reason": "the rest too" })).await;
        assert_eq!(discarded.json, json!({ "count": count - 1 }));
        let tally = steward.get("/v1/flows/customers").await.json["tally"].clone();
        assert_eq!((&tally["skipped_discarded"], &tally["exceptions"]), (&json!(count), &json!(0)), "{tally}");
        assert_eq!(tally["is_conserved"], true);
        stage.stop().await;
    }
}
