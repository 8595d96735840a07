//! Who gets in: every route with every role, and every way in which a token is not good.

use super::Stage;
use bytes::Bytes;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::collections::BTreeSet;
use tollgate::api::rules::{RULES, Rule};
use tollgate::app::access::Role;
use tollgate_core::model::limits;
use tollgate_tests::database::{Database, Kind};
use tollgate_tests::on_both_databases;

/// The roles that may use each route, written out a second time; none for routes that need no token.
const MAY: &[(&str, &str)] = &[
    ("GET /v1/plugins", "vendor operator approver auditor admin"),
    ("POST /v1/plugins", "vendor admin"),
    ("POST /v1/plugins/rollback", "admin"),
    ("GET /v1/plugins/{digest}", "vendor operator approver auditor admin"),
    ("DELETE /v1/plugins/{digest}", "admin"),
    ("POST /v1/plugins/{digest}/activate", "admin"),
    ("GET /v1/configuration", "operator approver auditor admin"),
    ("POST /v1/configuration/apply", "admin"),
    ("POST /v1/configuration/rollback", "admin"),
    ("GET /v1/configuration/revisions", "operator approver auditor admin"),
    ("GET /v1/configuration/revisions/{revision}", "operator approver auditor admin"),
    ("GET /v1/connections", "operator approver auditor admin"),
    ("POST /v1/connections/{name}/check", "operator admin"),
    ("GET /v1/connections/{name}", "operator approver auditor admin"),
    ("POST /v1/connections/{name}/discover", "operator admin"),
    ("POST /v1/connections/{name}/confirm", "admin"),
    ("PUT /v1/connections/{name}/secrets/{secret}", "admin"),
    ("POST /v1/connections/{name}/find", "operator admin"),
    ("DELETE /v1/connections/{name}/secrets/{secret}", "admin"),
    ("GET /v1/accounts", "operator approver auditor admin"),
    ("POST /v1/connections/{name}/consent", "admin"),
    ("GET /v1/connections/{name}/consent", "operator approver auditor admin"),
    ("GET /v1/status", "operator auditor admin"),
    ("GET /v1/flows", "operator approver auditor admin"),
    ("GET /v1/flows/{flow}", "operator approver auditor admin"),
    ("POST /v1/flows/{flow}/start", "operator admin"),
    ("POST /v1/flows/{flow}/pause", "operator admin"),
    ("POST /v1/flows/{flow}/resume", "operator admin"),
    ("POST /v1/flows/{flow}/cancel", "operator admin"),
    ("POST /v1/flows/{flow}/read-anew", "operator admin"),
    ("GET /v1/flows/{flow}/set-aside/counts", "operator approver auditor admin"),
    ("POST /v1/flows/{flow}/set-aside/release", "operator admin"),
    ("POST /v1/flows/{flow}/set-aside/discard", "operator admin"),
    ("GET /v1/flows/{flow}/set-aside/{key}", "operator auditor admin"),
    ("PUT /v1/flows/{flow}/set-aside/{key}", "operator admin"),
    ("POST /v1/flows/{flow}/set-aside/{key}/release", "operator admin"),
    ("POST /v1/flows/{flow}/set-aside/{key}/discard", "operator admin"),
    ("GET /v1/flows/{flow}/set-aside", "operator auditor admin"),
    ("GET /v1/flows/{flow}/flagged", "operator auditor admin"),
    ("POST /v1/flows/{flow}/try", "operator admin"),
    ("POST /v1/entities/{entity}/check", "operator admin"),
    ("GET /v1/flows/{flow}/runs", "operator approver auditor admin"),
    ("GET /v1/runs/{run}", "operator approver auditor admin"),
    ("GET /v1/runs/{run}/calls", "operator approver auditor admin"),
    ("GET /v1/tables/{table}/rows/{from}", "operator approver auditor admin"),
    ("PUT /v1/tables/{table}/rows/{from}", "operator admin"),
    ("DELETE /v1/tables/{table}/rows/{from}", "operator admin"),
    ("GET /v1/tables/{table}/rows/{from}/history", "operator approver auditor admin"),
    ("GET /v1/tables/{table}/rows", "operator approver auditor admin"),
    ("GET /v1/tables", "operator approver auditor admin"),
    ("GET /v1/documents", "operator approver auditor admin"),
    ("GET /v1/documents/{kind}/{name}", "operator approver auditor admin"),
    ("DELETE /v1/documents/{kind}/{name}", "admin"),
    ("GET /v1/documents/{kind}/{name}/history", "operator approver auditor admin"),
    ("GET /v1/tokens", "auditor admin"),
    ("POST /v1/tokens", "admin"),
    ("DELETE /v1/tokens/{id}", "admin"),
    ("GET /v1/audit", "auditor admin"),
];

/// The path with a name that nothing has in place of each variable.
fn nowhere(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "nobody".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

pub(super) async fn sql(database: &Database, statement: &str) {
    let mut connection = AnyConnection::connect(&database.url).await.expect("a connection");
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.expect("the statement runs");
    connection.close().await.expect("closed");
}

/// Each route is called with each role: exactly those that may get past the door, whatever the handler says then. Without a
/// token only open routes answer.
#[test]
fn every_route_with_every_role() {
    tollgate_tests::database::run(Kind::Sqlite, async |database| {
        let stage = Stage::set(&database, None).await;
        let ruled: BTreeSet<String> = RULES
            .iter()
            .filter(|(_, _, rule)| *rule != Rule::Open)
            .map(|(method, path, _)| format!("{method} {path}"))
            .collect();
        assert_eq!(ruled, MAY.iter().map(|(route, _)| (*route).to_owned()).collect(), "each route is in the table");
        for role in Role::ALL {
            let client = stage.client_as(role).await;
            for (route, roles) in MAY {
                let (method, path) = route.split_once(' ').expect("method and path");
                let method: Method = method.parse().expect("a method");
                let answer = client.call(method, &nowhere(path), &[], Bytes::new()).await;
                assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{role} {route}: {answer:?}");
                assert!(!answer.status.is_server_error(), "{role} {route}: {answer:?}");
                let is_let_in = answer.status != StatusCode::FORBIDDEN;
                assert_eq!(is_let_in, roles.split(' ').any(|name| name == role.as_str()), "{role} {route}: {answer:?}");
                assert!(is_let_in || answer.code() == "forbidden", "{answer:?}");
            }
        }
        for (method, path, rule) in RULES {
            let answer = stage.client.call(method.parse().expect("a method"), &nowhere(path), &[], Bytes::new()).await;
            match rule {
                // Without what a system has a browser bring there is nothing to answer with.
                Rule::Open if *path == "/v1/consent/callback" => assert_eq!(answer.status, StatusCode::BAD_REQUEST),
                Rule::Open => assert!(answer.status.is_success(), "{path}: {answer:?}"),
                Rule::Needs(_) => assert_eq!((answer.code(), answer.status.as_u16()), ("token-missing", 401)),
            }
        }
        stage.stop().await;
    });
}

on_both_databases! {
    /// A token lets in until it is revoked or expires, and one that is changed in any part never does. Expiry is provoked by
    /// changing the row past the host, revocation through the API.
    async fn tokens_that_are_not_good(database: Database) {
        let stage = Stage::set(&database, None).await;
        let admin = stage.client_as(Role::Admin).await;
        let new = admin.send(Method::POST, "/v1/tokens", &json!({ "name": "watch", "role": "auditor", "days": 7 })).await;
        assert_eq!(new.status, StatusCode::CREATED, "{new:?}");
        let text = new.json["token"].as_str().expect("the token").to_owned();
        let id = new.json["about"]["id"].as_str().expect("its id").to_owned();
        let holder = stage.client.with_token(&text);
        assert_eq!(holder.get("/v1/tokens").await.status, StatusCode::OK);

        let other = stage.token(Role::Admin).await;
        let mixed = format!("{}{}", &text[..text.len() - 6], &other[other.len() - 6..]);
        for wrong in [mixed.as_str(), "tollgate_x", "x", &text[..text.len() - 1]] {
            let answer = stage.client.with_token(wrong).get("/v1/flows").await;
            assert_eq!((answer.code(), answer.status.as_u16()), ("token-unknown", 401), "{wrong}");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
        }

        let revoked = admin.call(Method::DELETE, &format!("/v1/tokens/{id}"), &[], Bytes::new()).await;
        assert_eq!(revoked.status, StatusCode::NO_CONTENT, "{revoked:?}");
        let answer = holder.get("/v1/flows").await;
        assert_eq!((answer.code(), answer.status.as_u16()), ("token-revoked", 401));

        sql(&database, &format!("UPDATE token SET revoked = NULL, expires = 1 WHERE id = '{id}'")).await;
        let answer = holder.get("/v1/flows").await;
        assert_eq!((answer.code(), answer.status.as_u16()), ("token-expired", 401));

        // The row is good again, and its hash is another token's.
        sql(&database, &format!("UPDATE token SET expires = {} WHERE id = '{id}'", i64::MAX)).await;
        assert_eq!(holder.get("/v1/flows").await.status, StatusCode::OK);
        sql(&database, &format!("UPDATE token SET hash = (SELECT hash FROM token WHERE id <> '{id}' LIMIT 1) WHERE id = '{id}'")).await;
        assert_eq!(holder.get("/v1/flows").await.code(), "token-unknown");
        stage.stop().await;
    }

    /// A token's text is in one answer and nowhere else: not in the list, not in the database, not in the audit log, which
    /// names who created what.
    async fn tokens_are_stored_nowhere(database: Database) {
        let stage = Stage::set(&database, None).await;
        let admin = stage.client_as(Role::Admin).await;
        let new = admin.send(Method::POST, "/v1/tokens", &json!({ "name": "watch", "role": "auditor" })).await;
        let text = new.json["token"].as_str().expect("the token").to_owned();
        let secret = text.rsplit('_').next().expect("its last part")[..64].to_owned();
        assert_eq!(stage.client.with_token(&text).get("/v1/flows").await.status, StatusCode::OK);
        let list = admin.get("/v1/tokens").await;
        assert!(list.items().len() == 2 && list.items().iter().any(|row| row["used"].is_string()), "{list:?}");
        assert!(!list.json.to_string().contains(&secret));
        let audit = stage.app.store().audit(&"default".into(), 0, 1_000).await.expect("the audit log");
        let created = audit.iter().find(|(_, _, record)| record.action == "token.create" && record.detail.contains("watch"));
        assert!(created.expect("a record").2.actor.starts_with("token:"), "{created:?}");

        let raw = hex::decode(&secret).expect("hexadecimal");
        let stored = everything(&stage, &database).await;
        assert!(memchr::memmem::find(&stored, b"auditor").is_some(), "what is looked through holds the row");
        for piece in [secret.as_bytes(), &raw, &secret.as_bytes()[..16]] {
            assert!(memchr::memmem::find(&stored, piece).is_none());
        }
        stage.stop().await;
    }
}

/// All bytes of the database, and of the host's data folder.
async fn everything(stage: &Stage, database: &Database) -> Vec<u8> {
    let mut all = Vec::new();
    match database.kind {
        Kind::Postgres => {
            for (_, row) in database.text().await.expect("all rows") {
                all.extend(row.into_bytes());
            }
        }
        Kind::Sqlite => {
            let path = database.url.strip_prefix("sqlite:").expect("a file");
            for end in ["", "-wal"] {
                all.extend(std::fs::read(format!("{path}{end}")).unwrap_or_default());
            }
        }
    }
    for entry in std::fs::read_dir(stage.folder.path().join("host")).expect("the data folder") {
        all.extend(std::fs::read(entry.expect("an entry").path()).unwrap_or_default());
    }
    all
}

/// Whatever is wrong with a request, the answer has the one shape, a stable code and an id. A table of requests.
#[test]
fn every_refusal_has_the_shape() {
    tollgate_tests::database::run(Kind::Sqlite, async |database| {
        let stage = Stage::set(&database, None).await;
        let admin = stage.client_as(Role::Admin).await;
        let row = "/v1/tables/product/rows/x";
        let large = vec![b' '; limits::API_BODY_BYTES_MAX + 1];
        let long = json!({ "to": "x".repeat(limits::TABLE_VALUE_BYTES_MAX + 1) }).to_string();
        let cases: &[(Method, &str, &[u8], u16, &str)] = &[
            (Method::GET, "/", b"", 404, "no-route"),
            (Method::GET, "/v1/nothing", b"", 404, "no-route"),
            (Method::GET, "/v1/flows/nobody", b"", 404, "absent"),
            (Method::POST, "/v1/flows/nobody/read-anew", b"", 404, "absent"),
            (Method::GET, "/v1/flows/nobody/runs", b"", 404, "absent"),
            (Method::POST, "/v1/connections/nobody/check", b"", 404, "absent"),
            (Method::PUT, "/v1/flows/orders/set-aside/nobody", b"{\"data\": \"{}\"}", 404, "absent"),
            (Method::PUT, "/v1/flows/orders/set-aside/nobody", b"{\"data\": \"[]\"}", 422, "refused"),
            (Method::POST, "/v1/flows/orders/set-aside/nobody/discard", b"{\"reason\": \" \"}", 422, "refused"),
            (Method::GET, "/v1/documents/king/nobody", b"", 404, "absent"),
            (Method::DELETE, "/v1/tokens/nobody", b"", 404, "absent"),
            (Method::DELETE, "/v1/flows", b"", 405, "method-not-allowed"),
            (Method::PATCH, "/healthz", b"", 405, "method-not-allowed"),
            (Method::PUT, row, &large, 413, "too-large"),
            (Method::PUT, row, b"", 400, "malformed"),
            (Method::PUT, row, b"{\"to\": ", 400, "malformed"),
            (Method::PUT, row, b"{\"to\": 7}", 400, "malformed"),
            (Method::PUT, row, b"{\"to\": \"a\", \"too\": 1}", 400, "malformed"),
            (Method::PUT, row, b"{\"to\": \"\"}", 422, "refused"),
            (Method::PUT, row, b"{\"to\": \"a\\u0000\"}", 400, "malformed"),
            (Method::PUT, row, long.as_bytes(), 422, "refused"),
            (Method::GET, "/v1/tables/product/rows/%ff", b"", 400, "malformed"),
            (Method::GET, "/v1/flows/orders/set-aside?since=monday", b"", 400, "malformed"),
            (Method::GET, "/v1/runs/nobody", b"", 404, "absent"),
            (Method::GET, "/v1/connections/nobody", b"", 404, "absent"),
            (Method::POST, "/v1/flows/orders/pause", b"", 400, "malformed"),
            (Method::GET, "/v1/flows/orders/set-aside?kind=all", b"", 400, "malformed"),
            (Method::GET, "/v1/flows/orders/runs?limit=0", b"", 400, "malformed"),
            (Method::GET, "/v1/flows/orders/runs?limit=1001", b"", 400, "malformed"),
            (Method::GET, "/v1/flows/orders/runs?most=5", b"", 400, "malformed"),
            (Method::POST, "/v1/tokens", b"{\"name\": \"x\", \"role\": \"king\"}", 422, "refused"),
            (Method::POST, "/v1/tokens", b"{\"name\": \"\", \"role\": \"admin\"}", 422, "refused"),
            (Method::POST, "/v1/tokens", b"{\"name\": \"x\", \"role\": \"admin\", \"days\": 366}", 422, "refused"),
            (Method::PUT, "/v1/connections/nobody/secrets/a", b"{\"value\": \"hush\"}", 404, "absent"),
            (Method::PUT, "/v1/connections/netsuite/secrets/a", b"{\"value\": \"\"}", 422, "refused"),
        ];
        for (method, path, body, status, code) in cases {
            let answer = admin.call(method.clone(), path, &[], Bytes::copy_from_slice(body)).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (*status, *code), "{method} {path}");
            assert_eq!(answer.headers["x-request-id"].len(), 16, "{method} {path}");
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{method} {path}");
        }
        let quoted =
            admin.call(Method::PUT, "/v1/connections/netsuite/secrets/a", &[], "{\"value\": 1, \"hush\": 2}".into());
        let quoted = quoted.await.json;
        assert!(quoted["code"] == "malformed" && !quoted.to_string().contains("hush"), "{quoted}");
        assert_eq!(quoted["at"].as_str().map(|at| at.starts_with("body, line 1")), Some(true), "{quoted}");
        assert_eq!(admin.get("/v1/tables/product/rows/x").await.json["code"], Value::from("absent"));
        stage.stop().await;
    });
}
