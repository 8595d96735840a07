//! Plugins over HTTP: a vendor ships one, an admin decides.

use super::Stage;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tollgate::app::access::Role;
use tollgate_tests::guests::{component, reworded};
use tollgate_tests::on_both_databases;

on_both_databases! {
    /// A vendor installs a version, which changes nothing, and sees no connection; an admin reads its page, activates it, goes
    /// back and deletes it. Who is asked for what is refused with a code.
    async fn a_version_comes_and_goes(database: Database) {
        let stage = Stage::set(&database, None).await;
        let (vendor, admin) = (stage.client_as(Role::Vendor).await, stage.client_as(Role::Admin).await);
        let new: Bytes = reworded(&component("salesforce"), "version = \"0.1.0\"", "version = \"0.1.1\"").into();
        let forbidden = vendor.call(Method::POST, "/v1/plugins?activate=true", &[], new.clone()).await;
        assert_eq!(forbidden.code(), "forbidden");
        let refused = vendor.call(Method::POST, "/v1/plugins", &[], Bytes::from_static(b"no component")).await;
        assert_eq!((refused.code(), refused.status.as_u16()), ("refused", 422));
        let installed = vendor.call(Method::POST, "/v1/plugins", &[], new).await;
        assert_eq!((installed.status, &installed.json["is_active"]), (StatusCode::CREATED, &json!(false)), "{installed:?}");
        assert_eq!(installed.json["reopened"], Value::Null);
        let digest = installed.json["digest"].as_str().expect("a digest").to_owned();

        let seen = vendor.get("/v1/plugins").await;
        assert_eq!(seen.items().len(), 3);
        assert!(seen.items().iter().all(|row| row.get("connections").is_none()), "{seen:?}");
        let all = admin.get("/v1/plugins").await;
        let rows: Vec<_> = all.items().iter().map(|r| (&r["name"], &r["version"], &r["is_active"], &r["connections"])).collect();
        assert!(rows.contains(&(&json!("tollgate/salesforce"), &json!("0.1.1"), &json!(false), &json!([]))), "{rows:?}");
        assert!(rows.contains(&(&json!("tollgate/salesforce"), &json!("0.1.0"), &json!(true), &json!(["salesforce"]))), "{rows:?}");
        let first = admin.get("/v1/plugins?limit=1").await;
        let after = first.json["next"].as_str().expect("a next page");
        assert_eq!(admin.get(&format!("/v1/plugins?after={after}")).await.items(), &all.items()[1..]);

        let page = admin.get(&format!("/v1/plugins/{digest}")).await;
        assert_eq!((&page.json["plugin"]["version"], &page.json["cursor_format"]), (&json!("0.1.1"), &json!(1)), "{page:?}");
        let effects: Vec<_> = page.json["routes"].as_array().expect("routes").iter().map(|route| &route["effect"]).collect();
        assert!(effects.contains(&&json!("none")) && effects.iter().any(|effect| *effect != "none"), "{effects:?}");

        let active = admin.call(Method::POST, &format!("/v1/plugins/{digest}/activate"), &[], Bytes::new()).await;
        assert_eq!((active.status, active.json["reopened"].as_array().map(Vec::len)), (StatusCode::OK, Some(3)), "{active:?}");
        let used = admin.call(Method::DELETE, &format!("/v1/plugins/{digest}"), &[], Bytes::new()).await;
        assert!(used.code() == "refused" && used.json["message"].as_str().is_some_and(|text| text.contains("salesforce")), "{used:?}");
        let back = admin.send(Method::POST, "/v1/plugins/rollback", &json!({ "name": "tollgate/salesforce" })).await;
        assert_eq!(back.status, StatusCode::OK, "{back:?}");
        assert_ne!(back.json["digest"], json!(digest));
        let deleted = admin.call(Method::DELETE, &format!("/v1/plugins/{digest}"), &[], Bytes::new()).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{deleted:?}");
        let none = admin.send(Method::POST, "/v1/plugins/rollback", &json!({ "name": "tollgate/salesforce" })).await;
        assert_eq!(none.code(), "absent");
        for path in [format!("/v1/plugins/{digest}"), "/v1/plugins/nobody".into()] {
            assert_eq!(admin.get(&path).await.code(), "absent");
        }
        stage.stop().await;
    }
}
