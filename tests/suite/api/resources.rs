//! What the resources say and do, with flows that run between both vendors.

use super::{Client, Stage};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeSet;
use tollgate::app::access::Role;
use tollgate_tests::data::{generator_sample, mends};
use tollgate_tests::on_both_databases;
use tollgate_tests::world::FLOWS;

/// Every set-aside change of one kind, gathered page by page.
async fn pages(client: &Client, flow: &str, kind: &str, limit: usize) -> Vec<String> {
    let (mut keys, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/flows/{flow}/set-aside?kind={kind}&limit={limit}&after={after}")).await;
        assert!(page.items().len() <= limit, "{page:?}");
        keys.extend(page.items().iter().map(|row| row["key"].as_str().expect("a key").to_owned()));
        match page.json["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return keys,
        }
    }
}

on_both_databases! {
    /// A steward finds what waits, mends the table, and sees it go: everything over HTTP. The counts of a flow are conserved,
    /// pages of two come to the same as one large one, and what was read anew ends with the same counts of records.
    async fn a_steward_mends_a_table(database: Database) {
        let crm = generator_sample();
        let stage = Stage::set(&database, Some(&crm)).await;
        stage.app.start().await.expect("the flows start");
        stage.app.rest().await.expect("the host comes to rest");
        let steward = stage.client_as(Role::Operator).await;

        let mut waiting = 0;
        for flow in FLOWS {
            let view = steward.get(&format!("/v1/flows/{flow}")).await;
            assert_eq!((&view.json["tally"]["is_conserved"], &view.json["status"]["is_idle"]), (&json!(true), &json!(true)));
            for (kind, count) in [("exception", "exceptions"), ("hold", "held"), ("dead-letter", "dead_letters")] {
                let keys = pages(&steward, flow, kind, 2).await;
                assert_eq!(keys, pages(&steward, flow, kind, 1_000).await, "{flow} {kind}");
                assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{flow} {kind}");
                assert_eq!(view.json["tally"][count], keys.len(), "{flow} {kind}");
                waiting += keys.len();
            }
        }
        assert!(waiting > 2, "the data must hold faults");

        let all = mends(&crm);
        let rows = all.products.iter().map(|row| ("product", row)).chain(all.countries.iter().map(|row| ("country", row)));
        let mut released = 0;
        for (table, (from, to)) in rows {
            let from: String = url::form_urlencoded::byte_serialize(from.as_bytes()).collect();
            let path = format!("/v1/tables/{table}/rows/{}", from.replace('+', "%20"));
            let set = steward.send(Method::PUT, &path, &json!({ "to": to })).await;
            assert_eq!((set.status, set.tag()), (StatusCode::OK, "\"1\""), "{set:?}");
            released += set.json["released"].as_u64().expect("a count");
        }
        assert!(released > 0, "what waited for a row is released by it");
        stage.app.rest().await.expect("the host comes to rest");
        let flow = steward.get("/v1/flows/orders").await.json;
        assert_eq!((&flow["tally"]["exceptions"], &flow["tally"]["is_conserved"]), (&json!(0), &json!(true)), "{flow}");
        let orders = stage.world.orders();
        assert!(orders.count > 0 && orders.duplicates == 0, "{orders:?}");

        let again = steward.call(Method::POST, "/v1/flows/orders/read-anew", &[], Bytes::new()).await;
        assert_eq!(again.status, StatusCode::ACCEPTED, "{again:?}");
        stage.app.rest().await.expect("the host comes to rest");
        assert_eq!(stage.world.orders(), orders, "nothing changed, so nothing is written");
        let flagged = steward.get("/v1/flows/customers/flagged?limit=3").await;
        assert_eq!((flagged.items().len(), &flagged.items()[0]["flags"][0]["flag"]), (3, &json!("defaulted:terms")));
        stage.stop().await;
    }

    /// A change that names a version is taken only at that version, and a reader that has the newest is told so. Two stewards
    /// read the same row; the second one to write is refused and changes nothing.
    async fn versions_go_round(database: Database) {
        let stage = Stage::set(&database, None).await;
        let steward = stage.client_as(Role::Operator).await;
        let path = "/v1/tables/product/rows/GTX%20%2F%20Pro";
        let put = async |tag: Option<&str>, to: &str| {
            let headers: Vec<_> = tag.iter().map(|tag| ("if-match", *tag)).collect();
            steward.call(Method::PUT, path, &headers, json!({ "to": to }).to_string().into()).await
        };
        assert_eq!(put(Some("\"1\""), "A").await.code(), "version-moved");
        assert_eq!(steward.get(path).await.code(), "absent");
        assert_eq!(put(None, "A").await.tag(), "\"1\"");
        let seen = steward.get(path).await;
        assert_eq!((seen.tag(), &seen.json), ("\"1\"", &json!({ "to": "A", "version": 1 })));
        assert_eq!(put(Some(seen.tag()), "B").await.tag(), "\"2\"");
        let late = put(Some(seen.tag()), "C").await;
        assert_eq!((late.code(), late.status), ("version-moved", StatusCode::PRECONDITION_FAILED));
        assert_eq!(put(Some("2"), "C").await.code(), "malformed");
        assert_eq!(steward.get(path).await.json, json!({ "to": "B", "version": 2 }));
        // The row is at its second version, the document at its first.
        for (path, tag, is_known) in [
            (path, "\"2\"", true),
            (path, "\"1\"", false),
            ("/v1/documents/flow/orders", "\"1\"", true),
            ("/v1/documents/flow/orders", "\"2\"", false),
        ] {
            let answer = steward.call(Method::GET, path, &[("if-none-match", tag)], Bytes::new()).await;
            let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
            assert_eq!((answer.status, answer.json.is_null()), (status, is_known), "{path} {tag}");
        }
        let document = steward.get("/v1/documents/flow/orders").await;
        assert!(document.json["text"].as_str().is_some_and(|text| text.contains("flow: orders")), "{document:?}");
        let listed = steward.get("/v1/documents").await;
        assert!(listed.items().contains(&json!({ "kind": "flow", "name": "orders", "version": 1 })), "{listed:?}");
        stage.stop().await;
    }

    /// A secret goes in, works, and never comes out; a wrong one fails the check with a code. Who set it is in the audit log,
    /// its value is not.
    async fn secrets_only_go_in(database: Database) {
        let stage = Stage::set(&database, None).await;
        let admin = stage.client_as(Role::Admin).await;
        let check = async || admin.call(Method::POST, "/v1/connections/salesforce/check", &[], Bytes::new()).await;
        let good = check().await;
        assert_eq!(good.status, StatusCode::OK, "{good:?}");
        assert!(good.json["id"].as_str().is_some_and(|id| !id.is_empty()), "{good:?}");
        let path = "/v1/connections/salesforce/secrets/client_secret";
        let wrong = "a-wrong-client-secret-6e1f";
        let set = admin.send(Method::PUT, path, &json!({ "value": wrong })).await;
        assert_eq!((set.status, &set.json), (StatusCode::OK, &json!({ "is_replaced": true })));
        let connections = admin.get("/v1/connections").await;
        let salesforce = connections.items().iter().find(|row| row["name"] == "salesforce").expect("the connection");
        assert_eq!(salesforce["secrets"], json!(["client_id", "client_secret"]));
        let read = admin.get(path).await;
        assert_eq!((read.status, read.code()), (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"));
        assert!(!connections.json.to_string().contains(wrong));
        let audit = stage.app.store().audit(&"default".into(), 0, 1_000).await.expect("the audit log");
        let asked = audit.iter().find(|(_, _, record)| record.subject == format!("PUT {path}")).expect("a record");
        assert!(asked.2.actor.starts_with("token:") && !format!("{audit:?}").contains(wrong));
        let set = audit.iter().rfind(|(_, _, record)| record.action == "secret.set").expect("a record of the act");
        assert_eq!(set.2.actor, asked.2.actor);
        let remove = async || admin.call(Method::DELETE, path, &[], Bytes::new()).await;
        assert_eq!(remove().await.status, StatusCode::NO_CONTENT);
        assert_eq!(remove().await.code(), "absent");
        assert_eq!(admin.get("/v1/connections/salesforce").await.json["secrets"], json!(["client_id"]));
        stage.stop().await;
    }
}

on_both_databases! {
    /// A record is found as the system holds it now, with its digits; what is asked for wrongly is told with what is wrong
    /// and where, and one that is not there is an empty list.
    async fn records_are_found(database: Database) {
        let crm = generator_sample();
        let stage = Stage::set(&database, Some(&crm)).await;
        let operator = stage.client_as(Role::Operator).await;
        let path = "/v1/connections/salesforce/find";
        let name = crm.accounts[0].name.clone();
        let wish = json!({ "stream": "Account", "equal": { "Name": name }, "limit": 5 });
        let found = operator.send(Method::POST, path, &wish).await;
        assert_eq!(found.status, StatusCode::OK, "{found:?}");
        assert_eq!((found.items().len(), &found.items()[0]["data"]["Name"]), (1, &json!(name)), "{found:?}");

        let nobody = json!({ "stream": "Account", "equal": { "Name": "no such name" } });
        assert!(operator.send(Method::POST, path, &nobody).await.items().is_empty());
        let cases = [
            (json!({ "stream": "Account", "equal": {} }), "refused"),
            (json!({ "stream": "Account", "equal": { "Name": ["a"] } }), "refused"),
            (json!({ "stream": "Account", "equal": { "Name": "a" }, "limit": 101 }), "refused"),
            (json!({ "stream": "Nothing", "equal": { "Name": "a" } }), "refused"),
            (json!({ "stream": "Account" }), "malformed"),
        ];
        for (wish, code) in cases {
            assert_eq!(operator.send(Method::POST, path, &wish).await.code(), code, "{wish}");
        }
        stage.stop().await;
    }
}
