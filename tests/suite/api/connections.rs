//! Where connections lead and what they offer.

use super::Stage;
use super::doors::sql;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;
use tollgate::app::access::Role;
use tollgate_tests::on_both_databases;

on_both_databases! {
    /// The account of the first check is the confirmed one. When the connection leads elsewhere later, the check is refused,
    /// its flows stand still and cannot be resumed, until an admin confirms the very account that was seen. Provoked by
    /// changing past the host which account was confirmed.
    async fn another_account_is_confirmed_first(database: Database) {
        let stage = Stage::set(&database, None).await;
        let admin = stage.client_as(Role::Admin).await;
        let post = async |path: &str| admin.call(Method::POST, path, &[], Bytes::new()).await;
        assert_eq!(admin.get("/v1/connections/salesforce").await.json.get("leads_to"), None);
        let confirm = async |id: &str| admin.send(Method::POST, "/v1/connections/salesforce/confirm", &json!({ "account": id })).await;
        assert_eq!(confirm("x").await.code(), "refused", "nothing was seen yet");
        let id = post("/v1/connections/salesforce/check").await.json["id"].as_str().expect("an account").to_owned();
        let leads = admin.get("/v1/connections/salesforce").await.json["leads_to"].clone();
        assert_eq!((&leads["is_confirmed"], &leads["id"]), (&json!(true), &json!(id)), "{leads}");
        assert_eq!(post("/v1/connections/salesforce/check").await.status, StatusCode::OK);

        sql(&database, "UPDATE connection_account SET account_id = 'the-old-one' WHERE connection = 'salesforce'").await;
        let refused = post("/v1/connections/salesforce/check").await;
        assert_eq!((refused.code(), refused.status), ("account-changed", StatusCode::CONFLICT), "{refused:?}");
        assert!(refused.json["message"].as_str().is_some_and(|text| text.contains("the-old-one") && text.contains(&id)));
        for flow in admin.get("/v1/flows").await.items() {
            assert_eq!(flow["state"]["is_paused"], true, "{flow}");
        }
        assert_eq!(post("/v1/flows/orders/resume").await.code(), "account-changed");
        assert_eq!(confirm("the-old-one").await.code(), "refused");
        assert_eq!(confirm(&id).await.json["is_confirmed"], true);
        assert_eq!(post("/v1/connections/salesforce/check").await.status, StatusCode::OK);
        assert_eq!(post("/v1/flows/orders/resume").await.status, StatusCode::ACCEPTED);
        stage.stop().await;
    }

    /// A connection says what it offers: streams with fields and abilities, one of them alone if it is named.
    async fn a_connection_says_what_it_offers(database: Database) {
        let stage = Stage::set(&database, None).await;
        let operator = stage.client_as(Role::Operator).await;
        let discover = async |query: &str| {
            operator.call(Method::POST, &format!("/v1/connections/salesforce/discover{query}"), &[], Bytes::new()).await
        };
        let all = discover("").await;
        let names: Vec<&str> = all.items().iter().filter_map(|stream| stream["name"].as_str()).collect();
        assert!(names.contains(&"Account") && names.is_sorted() && all.json["is_cut"] == false, "{names:?}");
        let one = discover("?stream=Account").await;
        let stream = &one.items()[0];
        assert_eq!(one.items().len(), 1);
        assert_eq!(stream["field_count"], stream["fields"].as_array().expect("fields").len(), "{stream}");
        assert!(stream["fields"].as_array().is_some_and(|fields| fields.iter().any(|field| field["path"] == "Name")), "{stream}");
        assert!(stream["reading"].as_array().is_some_and(|reading| reading.contains(&json!("incremental"))), "{stream}");
        assert_eq!(discover("?stream=Nothing").await.code(), "absent");
        stage.stop().await;
    }
}
