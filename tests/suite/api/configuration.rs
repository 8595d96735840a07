//! Configuration over HTTP: plans, faults with their places, revisions, and going back.

use super::{Client, Stage};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tollgate::app::access::Role;
use tollgate_tests::on_both_databases;

const APPLY: &str = "/v1/configuration/apply";

/// The demo's files with other words in one of them.
fn files(stage: &Stage, file: &str, (from, to): (&str, &str)) -> Value {
    let documents = stage.world.documents().iter().map(|document| {
        let is_it = document.file.ends_with(file);
        json!({ "file": document.file, "text": if is_it { document.text.replace(from, to) } else { document.text.clone() } })
    });
    documents.collect()
}

async fn revision(client: &Client) -> i64 {
    client.get("/v1/configuration").await.json["revision"].as_i64().expect("a number")
}

on_both_databases! {
    /// What is shown is what is applied: a plan, then the change under the plan's tag; the same tag again is refused. Revisions
    /// say who did what, and going back is one more.
    async fn a_change_is_shown_applied_and_taken_back(database: Database) {
        let stage = Stage::set(&database, None).await;
        let admin = stage.client_as(Role::Admin).await;
        let files = files(&stage, "32-orders.yaml", ("every_ms: 1000", "every_ms: 2000"));
        let plan = admin.send(Method::POST, APPLY, &json!({ "files": files, "dry_run": true })).await;
        assert_eq!((plan.status, plan.tag(), &plan.json["is_applied"]), (StatusCode::OK, "\"1\"", &json!(false)), "{plan:?}");
        let change = &plan.json["changes"][0];
        assert_eq!((&change["kind"], &change["name"], &change["change"]), (&json!("flow"), &json!("orders"), &json!("change")));
        let difference = change["difference"].as_str().expect("a text");
        assert!(difference.contains("-every_ms: 1000\n+every_ms: 2000\n"), "{difference}");
        assert_eq!(plan.json["reopened"], json!(["orders"]));

        let body: Bytes = json!({ "files": files, "prune": true, "note": "slower" }).to_string().into();
        let applied = admin.call(Method::POST, APPLY, &[("if-match", plan.tag())], body.clone()).await;
        assert_eq!((applied.tag(), &applied.json["is_applied"], &applied.json["changes"]), ("\"2\"", &json!(true), &plan.json["changes"]));
        let late = admin.call(Method::POST, APPLY, &[("if-match", plan.tag())], body).await;
        assert_eq!((late.code(), late.status.as_u16()), ("version-moved", 412));

        let back = admin.send(Method::POST, "/v1/configuration/rollback", &json!({ "to": 1 })).await;
        assert_eq!((back.status, &back.json["revision"]), (StatusCode::OK, &json!(3)), "{back:?}");
        let auditor = stage.client_as(Role::Auditor).await;
        let first = auditor.get("/v1/configuration/revisions?limit=2").await;
        let numbers: Vec<_> = first.items().iter().map(|row| row["revision"].as_i64().expect("a number")).collect();
        assert_eq!((numbers, &first.json["next"]), (vec![3, 2], &json!("2")), "{first:?}");
        assert_eq!((&first.items()[1]["note"], &first.items()[0]["changes"][0]["name"]), (&json!("slower"), &json!("orders")));
        assert!(first.items()[1]["actor"].as_str().is_some_and(|actor| actor.starts_with("token:")), "{first:?}");
        let rest = auditor.get("/v1/configuration/revisions?limit=2&after=2").await;
        assert_eq!((rest.items().len(), &rest.json["next"]), (1, &Value::Null));
        let second = auditor.get("/v1/configuration/revisions/2").await;
        assert_eq!(second.json["changes"], plan.json["changes"]);
        let history = auditor.get("/v1/documents/flow/orders/history").await;
        let versions: Vec<_> = history.items().iter().map(|row| (&row["version"], &row["revision"])).collect();
        assert_eq!(versions, [(&json!(3), &json!(3)), (&json!(2), &json!(2)), (&json!(1), &json!(1))]);
        stage.stop().await;
    }

    /// Faults come with file, line and column, all of them, and nothing is changed; neither by removing what is referred to.
    async fn faults_are_told(database: Database) {
        let stage = Stage::set(&database, None).await;
        let admin = stage.client_as(Role::Admin).await;
        let files = json!([
            { "file": "a.yaml", "text": "flow: broken\nentity: [" },
            { "file": "b.yaml", "text": "flow: orders\nentity: custmer\nfrom: crm\nto: erp\n" },
        ]);
        let refused = admin.send(Method::POST, APPLY, &json!({ "files": files })).await;
        assert_eq!((refused.code(), refused.status.as_u16()), ("refused", 422));
        let faults = refused.json["faults"].as_array().expect("faults");
        assert_eq!(faults.len(), 2, "{faults:?}");
        let fault = json!({ "file": "b.yaml", "line": 2, "column": 9,
            "message": "unknown entity `custmer`; did you mean `customer`?" });
        assert_eq!(faults[1], fault);
        let used = admin.call(Method::DELETE, "/v1/documents/connection/netsuite", &[], Bytes::new()).await;
        assert_eq!((used.code(), used.json["faults"].as_array().map(Vec::len)), ("refused", Some(3)), "{used:?}");
        assert_eq!(revision(&admin).await, 1);
        let removed = admin.call(Method::DELETE, "/v1/documents/flow/orders", &[("if-match", "\"1\"")], Bytes::new()).await;
        assert_eq!((removed.status, removed.tag()), (StatusCode::OK, "\"2\""), "{removed:?}");
        assert_eq!(admin.get("/v1/documents/flow/orders").await.code(), "absent");
        assert_eq!(admin.get("/v1/documents/flow/orders/history").await.items().len(), 2);
        stage.stop().await;
    }
}
