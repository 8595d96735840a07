//! Flows and runs as an operator handles them: pause, resume, start, and what the audit log says of it.

use super::Stage;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;
use tollgate::app::access::Role;
use tollgate_tests::data::generator_sample;
use tollgate_tests::on_both_databases;

on_both_databases! {
    /// A flow is paused, shows who paused it and why, refuses a start with a code, and goes on; each act is in the audit log
    /// under the token that asked. Its runs are listed, shown with their calls, and end with what they moved.
    async fn an_operator_pauses_and_looks(database: Database) {
        let stage = Stage::set(&database, Some(&generator_sample())).await;
        stage.app.start().await.expect("the flows start");
        stage.app.rest().await.expect("the host comes to rest");
        let operator = stage.client_as(Role::Operator).await;
        let act = async |verb: &str| operator.call(Method::POST, &format!("/v1/flows/orders/{verb}"), &[], Bytes::new()).await;

        for reason in ["month end", "another one"] {
            let paused = operator.send(Method::POST, "/v1/flows/orders/pause", &json!({ "reason": reason })).await;
            assert_eq!(paused.status, StatusCode::ACCEPTED, "{paused:?}");
        }
        let flow = operator.get("/v1/flows/orders").await.json;
        assert_eq!((&flow["state"]["is_paused"], &flow["state"]["reason"]), (&json!(true), &json!("month end")), "{flow}");
        assert!(flow["state"]["by"].as_str().is_some_and(|by| by.starts_with("token:")), "{flow}");
        assert!(flow["state"]["since"].is_string() && flow["status"]["is_idle"] == false, "{flow}");
        let refused = act("start").await;
        assert_eq!((refused.code(), refused.status), ("paused", StatusCode::CONFLICT));
        for verb in ["resume", "resume", "start", "cancel", "read-anew"] {
            assert_eq!(act(verb).await.status, StatusCode::ACCEPTED, "{verb}");
        }
        assert_eq!(operator.get("/v1/flows/orders").await.json["state"]["is_paused"], false);
        assert_eq!(operator.call(Method::POST, "/v1/flows/nobody/start", &[], Bytes::new()).await.code(), "absent");
        stage.app.rest().await.expect("the host comes to rest");

        let auditor = stage.client_as(Role::Auditor).await;
        let log = auditor.get("/v1/audit?subject=flow:orders&actor=token:").await;
        let actions: Vec<&str> = log.items().iter().rev().filter_map(|row| row["action"].as_str()).collect();
        assert_eq!(actions, ["flow.pause", "flow.resume", "flow.start", "flow.cancel", "flow.read-anew"], "newest first");
        let paused = auditor.get("/v1/audit?action=flow.pause").await;
        assert_eq!((paused.items().len(), &paused.items()[0]["detail"]), (1, &json!("month end")));
        assert_eq!(auditor.get("/v1/audit?since=2999-01-01T00:00:00Z").await.items().len(), 0);
        assert_eq!(auditor.get("/v1/audit?since=yesterday").await.code(), "malformed");
        let first = auditor.get("/v1/audit?limit=2").await;
        let second = auditor.get(&format!("/v1/audit?limit=2&after={}", first.json["next"].as_str().expect("more"))).await;
        let numbers: Vec<i64> = [&first, &second].iter().flat_map(|page| page.items()).filter_map(|row| row["seq"].as_i64()).collect();
        assert!(numbers.len() == 4 && numbers.windows(2).all(|two| two[0] == two[1] + 1), "{numbers:?}");

        let runs = operator.get("/v1/flows/orders/runs?limit=1").await;
        assert!(runs.items().len() == 1 && runs.json["next"].is_string(), "{runs:?}");
        let done = operator.get("/v1/flows/orders/runs?state=done").await;
        let written: u64 = done.items().iter().filter_map(|run| run["written"].as_u64()).sum();
        assert!(written > 0, "{done:?}");
        assert_eq!(operator.get("/v1/flows/orders/runs?state=odd").await.code(), "refused");
        let id = done.items()[0]["id"].as_str().expect("an id");
        let run = operator.get(&format!("/v1/runs/{id}")).await.json;
        assert!(run["ended"].is_string() && run["calls"][0]["count"].as_u64() > Some(0), "{run}");
        let total: u64 = run["calls"].as_array().expect("totals").iter().filter_map(|one| one["count"].as_u64()).sum();
        let (mut calls, mut after) = (0, String::new());
        loop {
            let page = operator.get(&format!("/v1/runs/{id}/calls?limit=3&after={after}")).await;
            calls += page.items().len() as u64;
            match page.json["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
        }
        assert_eq!(calls, total, "page by page");
        assert_eq!(operator.get("/v1/runs/nobody/calls").await.code(), "absent");
        assert_eq!(operator.get(&format!("/v1/runs/{id}/calls?after=x")).await.code(), "malformed");

        for (list, count) in [("/v1/flows", 3), ("/v1/connections", 2), ("/v1/accounts", 2), ("/v1/tokens", 2)] {
            let whole = auditor.get(list).await;
            assert_eq!((whole.items().len(), &whole.json["next"]), (count, &json!(null)), "{list}");
            let first = auditor.get(&format!("{list}?limit=1")).await;
            let rest = auditor.get(&format!("{list}?after={}", first.json["next"].as_str().expect("more"))).await;
            let key = |row: &serde_json::Value| row.get("id").or(row.get("name")).or(row.get("account")).cloned();
            let paged: Vec<_> = [&first, &rest].iter().flat_map(|page| page.items()).map(key).collect();
            assert_eq!(paged, whole.items().iter().map(key).collect::<Vec<_>>(), "{list}");
        }
        stage.stop().await;
    }
}
