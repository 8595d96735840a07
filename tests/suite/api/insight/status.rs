//! What needs somebody, over HTTP.

use super::super::Stage;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tollgate::app::access::Role;
use tollgate_tests::data::generator_sample;
use tollgate_tests::on_both_databases;

on_both_databases! {
    /// A host whose flows are not started says so. Once they ran, countries that are no ISO names are told with the table row
    /// that would mend them; setting that very row takes the line away.
    async fn what_is_stuck_is_told_and_mended(database: Database) {
        let crm = generator_sample();
        let stage = Stage::set(&database, Some(&crm)).await;
        let client = stage.client_as(Role::Operator).await;
        let before = client.get("/v1/status").await;
        assert_eq!((before.status, &before.json["state"]), (StatusCode::OK, &json!("needs somebody")), "{before:?}");
        let states: Vec<&Value> = before.json["flows"].as_array().expect("flows").iter().map(|flow| &flow["doing"]).collect();
        assert_eq!(states, ["stopped"; 3]);

        stage.app.start().await.expect("the flows start");
        stage.app.rest().await.expect("the host comes to rest");
        let ran = client.get("/v1/status").await.json;
        assert!(ran["flows"].as_array().expect("flows").iter().all(|flow| flow["doing"] != "stopped"), "{ran}");
        let line = |status: &Value, mend: &str| {
            let found = status["stuck"].as_array().expect("lines").iter().find(|one| one["mend"].as_str().is_some_and(|text| text.starts_with(mend)));
            found.cloned()
        };
        let country = line(&ran, "tollgate table set country ").unwrap_or_else(|| panic!("no country: {ran}"));
        assert!(country["count"].as_u64() > Some(0) && country["since"].is_string(), "{country}");
        let mend = country["mend"].as_str().expect("a command").to_owned();
        let value = mend.split_whitespace().nth(4).expect("a value").trim_matches('\'').to_owned();
        let set = client.send(Method::PUT, &format!("/v1/tables/country/rows/{value}"), &json!({ "to": "Philippines" })).await;
        assert_eq!(set.status, StatusCode::OK, "{set:?}");
        stage.app.rest().await.expect("the host comes to rest");
        let after = client.get("/v1/status").await.json;
        assert_eq!(line(&after, &mend), None, "{after}");
        stage.stop().await;
    }
}
