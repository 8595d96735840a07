//! The simulated Salesforce keeps the vendor's limits, words and quirks.

use super::{NOW_MS, control, control_get};
use http::{Method, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use tollgate_tests::data::crm::Deal;
use tollgate_tests::data::{bulk, generator, load};
use tollgate_tests::sims::client::Client;
use tollgate_tests::sims::salesforce::{self, Salesforce};
use tollgate_tests::sims::{Clock, Fault, FaultKind, Faults, On, Sim, Stamps};
use tollgate_tests::tls::TestCa;

const API: &str = "/services/data/v67.0";

async fn salesforce(options: salesforce::Options) -> (Sim<Salesforce>, Client) {
    let ca = TestCa::new();
    let sim = Salesforce::start(options, &ca).await.unwrap();
    let mut client = Client::new(&sim, &ca);
    sign_in(&sim, &mut client).await;
    (sim, client)
}

async fn sign_in(sim: &Sim<Salesforce>, client: &mut Client) {
    let options = sim.vendor().options();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &options.client_id),
        ("client_secret", &options.client_secret),
    ];
    let reply = client.form("/services/oauth2/token", &form).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    client.set_bearer(reply.json()["access_token"].as_str().unwrap());
}

fn soql(text: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
    format!("{API}/query?{query}")
}

async fn query(client: &mut Client, text: &str) -> Json {
    let reply = client.get(&soql(text)).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK, "{text}: {}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

fn accounts(names: &[&str]) -> Json {
    let records: Vec<Json> =
        names.iter().map(|name| json!({ "attributes": { "type": "Account" }, "Name": name })).collect();
    json!({ "allOrNone": false, "records": records })
}

/// A token must be refused once its life is over, and the answer must never have said how long that is; a wrong secret
/// gets none.
#[tokio::test]
async fn salesforce_tokens_end() {
    let clock = Clock::at(NOW_MS);
    let (sim, mut client) = salesforce(salesforce::Options { clock: clock.clone(), ..Default::default() }).await;
    let form = [("grant_type", "client_credentials"), ("client_id", "x"), ("client_secret", "y")];
    let wrong = client.form("/services/oauth2/token", &form).await.unwrap();
    assert_eq!((wrong.status, &wrong.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_client")));
    let limits = format!("{API}/limits");
    assert_eq!(client.get(&limits).await.unwrap().status, StatusCode::OK);
    clock.advance(2 * 60 * 60 * 1_000);
    let late = client.get(&limits).await.unwrap();
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert_eq!(late.json(), json!([{ "message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID" }]));
    sign_in(&sim, &mut client).await;
    assert_eq!(client.get(&limits).await.unwrap().status, StatusCode::OK);
    sim.expire_tokens();
    assert_eq!(client.get(&limits).await.unwrap().status, StatusCode::UNAUTHORIZED);
}

/// What the connector sends must be understood with the vendor's meaning, and each kind of slip must get the vendor's
/// own code.
#[tokio::test]
async fn salesforce_understands_its_queries() {
    let (sim, mut client) = salesforce(salesforce::Options::default()).await;
    let crm = generator::generate(&generator::Sizes { deals: 300, ..Default::default() });
    load::into_crm(&crm, sim.vendor());

    let deals = query(
        &mut client,
        "SELECT Id, SystemModstamp, Name, AccountId, Account.Name, StageName, Amount, CloseDate, (SELECT Id, Product2.ProductCode, \
         Quantity, UnitPrice FROM OpportunityLineItems) FROM Opportunity WHERE StageName = 'closed won' AND Amount >= 1000 \
         ORDER BY SystemModstamp, Id",
    )
    .await;
    let won = |deal: &&Deal| deal.is_won() && deal.close_value.unwrap() >= Decimal::from(1_000);
    let records = deals["records"].as_array().unwrap();
    assert_eq!(records.len(), crm.deals.iter().filter(won).count());
    for record in records {
        let deal = crm.deals.iter().find(|deal| record["Name"] == json!(deal.id)).unwrap();
        let line = &record["OpportunityLineItems"]["records"][0];
        assert_eq!(line["Product2"]["ProductCode"], json!(deal.product));
        assert_eq!(line["UnitPrice"], record["Amount"]);
        assert_eq!(record["Account"]["Name"], json!(deal.account));
        assert_eq!(record["attributes"]["type"], "Opportunity");
        assert!(record["SystemModstamp"].as_str().unwrap().ends_with(".000+0000"), "{record}");
    }
    let one = query(&mut client, "SELECT FIELDS(ALL) FROM Product2 WHERE Name = 'TOLVAPRO' LIMIT 10").await;
    assert_eq!(one["records"][0]["ProductCode"], "TolvaPro", "text is compared without regard to case");
    let blank = query(&mut client, "SELECT COUNT() FROM Opportunity WHERE AccountId = NULL").await;
    assert_eq!(blank["totalSize"], json!(crm.deals.iter().filter(|deal| deal.account.is_none()).count()));
    let org = query(&mut client, "SELECT Id, Name, OrganizationType FROM Organization").await;
    assert!(org["records"][0]["Id"].as_str().unwrap().starts_with("00D"));
    let id = records[0]["AccountId"].as_str().unwrap();
    let short = query(&mut client, &format!("SELECT Name FROM Account WHERE Id IN ('{}')", &id[..15])).await;
    assert_eq!(short["totalSize"], 1, "15 characters mean the same record");

    for (text, code) in [
        ("SELECT Id FROM Acount", "INVALID_TYPE"),
        ("SELECT Id, Nmae FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-11-21T10:00:00.000Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id, Owner.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id, (SELECT Id FROM Lines) FROM Opportunity", "INVALID_TYPE"),
        ("SELECT Id FROM Account WHERE Name LIKE 'A%'", "MALFORMED_QUERY"),
        ("SELECT Id Name FROM Account", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ] {
        let reply = client.get(&soql(text)).await.unwrap();
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{text}");
        assert_eq!(reply.json()[0]["errorCode"], code, "{text}: {}", reply.json());
    }
}

/// With thousands of equal stamps, following the links and walking by (stamp, id) must both find each record once, in
/// the same order; a link must end.
#[tokio::test]
async fn salesforce_pages_survive_ties() {
    let clock = Clock::at(NOW_MS);
    let (sim, mut client) = salesforce(salesforce::Options { clock: clock.clone(), ..Default::default() }).await;
    bulk::accounts(sim.vendor(), 7_000);
    let first = query(&mut client, "SELECT Id, SystemModstamp FROM Account ORDER BY SystemModstamp, Id").await;
    assert_eq!((first["totalSize"].as_u64(), first["done"].as_bool()), (Some(7_000), Some(false)));
    let link = first["nextRecordsUrl"].as_str().unwrap().to_owned();
    assert!(link.starts_with("/services/data/v67.0/query/01g") && link.ends_with("-2000"), "{link}");

    let mut by_link: Vec<String> = Vec::new();
    let mut page = first.clone();
    loop {
        by_link
            .extend(page["records"].as_array().unwrap().iter().map(|record| record["Id"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextRecordsUrl"].as_str().map(str::to_owned) else { break };
        page = client.get(&next).await.unwrap().json();
    }
    assert_eq!(page["done"], true);

    let mut by_key: Vec<String> = Vec::new();
    let mut last: Option<(String, String)> = None;
    loop {
        let after = last.as_ref().map_or(String::new(), |(stamp, id)| {
            format!("WHERE (SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}')) ")
        });
        let text = format!("SELECT Id, SystemModstamp FROM Account {after}ORDER BY SystemModstamp, Id LIMIT 900");
        let records = query(&mut client, &text).await["records"].as_array().unwrap().clone();
        let Some(record) = records.last() else { break };
        let stamp = record["SystemModstamp"].as_str().unwrap().replace("+0000", "Z");
        last = Some((stamp, record["Id"].as_str().unwrap().to_owned()));
        by_key.extend(records.iter().map(|record| record["Id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(by_key, by_link);
    let distinct: BTreeSet<_> = by_key.iter().collect();
    assert_eq!(distinct.len(), 7_000);

    let path = soql("SELECT Id FROM Account");
    let small = client.send(Method::GET, &path, &[("sforce-query-options", "batchSize=250")], "").await.unwrap();
    assert_eq!(small.json()["records"].as_array().unwrap().len(), 250);
    sim.vendor().expire_locators();
    let late = client.get(&link).await.unwrap();
    assert_eq!((late.status, &late.json()[0]["errorCode"]), (StatusCode::BAD_REQUEST, &json!("INVALID_QUERY_LOCATOR")));
}

/// A record written after another one must never have an older stamp, whichever way it was written, so that a cursor
/// behind the last one finds it.
#[tokio::test]
async fn salesforce_stamps_are_usable_as_cursors() {
    for stamps in [Stamps::Strict, Stamps::Seconds] {
        let (sim, mut client) = salesforce(salesforce::Options { stamps, ..Default::default() }).await;
        bulk::accounts(sim.vendor(), 50);
        let mut last = String::new();
        for n in 0..40 {
            let id = match n % 3 {
                0 => {
                    let body = json!({ "Name": format!("New {n}") });
                    let reply = client.json(Method::POST, &format!("{API}/sobjects/Account"), &body).await.unwrap();
                    reply.json()["id"].as_str().unwrap().to_owned()
                }
                1 => {
                    let name = format!("Bulk Account {:07}", 50 - n);
                    let fields = json!({ "Phone": format!("{n}") });
                    sim.vendor().set("Account", &name, fields.as_object().unwrap()).unwrap()
                }
                _ => {
                    let name = format!("Bulk Account {:07}", n + 1);
                    let id = sim.vendor().read("Account", &name).unwrap()["Id"].as_str().unwrap().to_owned();
                    let link = format!("{API}/sobjects/Account/{id}");
                    let reply = client.json(Method::PATCH, &link, &json!({ "Phone": "1" })).await.unwrap();
                    assert_eq!(reply.status, StatusCode::NO_CONTENT);
                    id
                }
            };
            let record = sim.vendor().read("Account", &id).unwrap();
            let stamp = record["SystemModstamp"].as_str().unwrap().to_owned();
            let is_later = if stamps == Stamps::Strict || n % 3 == 1 { stamp > last } else { stamp >= last };
            assert!(is_later, "write {n}: {stamp} after {last}");
            last = stamp;
        }
    }
}

/// A collection of 201 must be refused whole; one of 200 must give each record its own result, in order, with the
/// vendor's code for each kind of fault, and write only the good ones.
#[tokio::test]
async fn salesforce_collections_judge_each_record() {
    let (sim, mut client) = salesforce(salesforce::Options::default()).await;
    let collections = format!("{API}/composite/sobjects");
    let names: Vec<String> = (0..201).map(|n| format!("Account {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = client.json(Method::POST, &collections, &accounts(&names)).await.unwrap();
    assert_eq!(
        (refused.status, &refused.json()[0]["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("EXCEEDED_ID_LIMIT"))
    );
    assert_eq!(sim.vendor().count("Account"), 0);
    let taken = client.json(Method::POST, &collections, &accounts(&names[..200])).await.unwrap().json();
    assert!(taken.as_array().unwrap().iter().all(|result| result["success"] == true));
    assert_eq!(sim.vendor().count("Account"), 200);

    let account = |fields: Json| {
        let mut record = fields;
        record["attributes"] = json!({ "type": "Account" });
        record
    };
    let long = "x".repeat(256);
    let cases = [
        (json!({ "Name": "Good", "ERP_Id__c": "E-1", "AnnualRevenue": 1100.045 }), ""),
        (json!({ "Phone": "1" }), "REQUIRED_FIELD_MISSING"),
        (json!({ "Name": "  " }), "REQUIRED_FIELD_MISSING"),
        (json!({ "Name": long }), "STRING_TOO_LONG"),
        (json!({ "Name": "P", "ParentId": "123" }), "MALFORMED_ID"),
        (json!({ "Name": "P", "ParentId": "006gK00000000001QAC" }), "MALFORMED_ID"),
        (json!({ "Name": "Twin", "ERP_Id__c": "e-1" }), "DUPLICATE_VALUE"),
        (json!({ "Name": "P", "CreatedDate": "2026-01-01T00:00:00Z" }), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (json!({ "Name": "P", "AnnualRevenue": 1.0e17 }), "NUMBER_OUTSIDE_VALID_RANGE"),
        (json!({ "Name": "  Trimmed " }), ""),
    ];
    let records: Vec<Json> = cases.iter().map(|(fields, _)| account(fields.clone())).collect();
    let body = json!({ "allOrNone": false, "records": records });
    let results = client.json(Method::POST, &collections, &body).await.unwrap().json();
    for (n, (fields, code)) in cases.iter().enumerate() {
        let result = &results[n];
        assert_eq!(result["success"], json!(code.is_empty()), "{fields}: {result}");
        assert_eq!(result["errors"][0]["statusCode"].as_str().unwrap_or_default(), *code, "{fields}");
    }
    let good = sim.vendor().read("Account", "Good").unwrap();
    assert_eq!(good["AnnualRevenue"].to_string(), "1100.05", "rounded to cents");
    sim.vendor().read("Account", "Trimmed").expect("spaces are cut");

    for (fields, code) in [
        (json!({ "Name": "P", "Nmae": "P" }), "INVALID_FIELD"),
        (json!({ "Name": "P", "AnnualRevenue": "much" }), "JSON_PARSER_ERROR"),
        (json!({ "Name": 5 }), "JSON_PARSER_ERROR"),
    ] {
        let body = json!({ "records": [account(json!({ "Name": "Innocent" })), account(fields.clone())] });
        let reply = client.json(Method::POST, &collections, &body).await.unwrap();
        assert_eq!((reply.status, &reply.json()[0]["errorCode"]), (StatusCode::BAD_REQUEST, &json!(code)), "{fields}");
    }
    assert!(sim.vendor().read("Account", "Innocent").is_err(), "a request that fails whole writes nothing");

    let body = json!({ "allOrNone": true, "records": [account(json!({ "Name": "Undone" })), account(json!({}))] });
    let results = client.json(Method::POST, &collections, &body).await.unwrap().json();
    assert_eq!(results[0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert!(sim.vendor().read("Account", "Undone").is_err());
}

/// An upsert by external id must make one record however often it comes; the same key twice in one call must be refused
/// (IDE-03).
#[tokio::test]
async fn salesforce_upserts_by_external_id() {
    let (sim, mut client) = salesforce(salesforce::Options::default()).await;
    let path = format!("{API}/composite/sobjects/Account/ERP_Id__c");
    let record = |key: &str, name: &str| json!({ "attributes": { "type": "Account" }, "ERP_Id__c": key, "Name": name });
    for (round, created) in [(1, true), (2, false)] {
        let body = json!({ "records": [record("C-1", "One"), record("C-2", "Two")] });
        let results = client.json(Method::PATCH, &path, &body).await.unwrap().json();
        for result in results.as_array().unwrap() {
            assert_eq!((&result["success"], &result["created"]), (&json!(true), &json!(created)), "round {round}");
        }
    }
    let body = json!({ "records": [record("C-3", "A"), record("c-3", "B"), record("C-4", "C")] });
    let results = client.json(Method::PATCH, &path, &body).await.unwrap().json();
    assert_eq!(results[0]["errors"][0]["statusCode"], "DUPLICATE_VALUE");
    assert_eq!((&results[1]["success"], &results[2]["created"]), (&json!(false), &json!(true)));
    let ledger = sim.ledger();
    let account = &ledger["objects"]["Account"];
    assert_eq!((account["count"].as_u64(), account["duplicates"].as_u64()), (Some(3), Some(0)));
    assert_eq!(account["writes"], json!({ "received": 7, "created": 3, "updated": 2, "rejected": 2 }));
    let wrong = format!("{API}/composite/sobjects/Account/Name");
    let reply = client.json(Method::PATCH, &wrong, &json!({ "records": [record("x", "y")] })).await.unwrap();
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}

/// Beyond the day's calls every call must be refused with 403 and no time to wait, and the usage must stand on every
/// answer; a day later calls are free again (RAT-01).
#[tokio::test]
async fn salesforce_keeps_the_days_allowance() {
    let clock = Clock::at(NOW_MS);
    let options = salesforce::Options { calls_per_day: 3, clock: clock.clone(), ..Default::default() };
    let (sim, mut client) = salesforce(options).await;
    let limits = format!("{API}/limits");
    for used in 1..=3 {
        let reply = client.get(&limits).await.unwrap();
        assert_eq!(
            (reply.status, reply.header("sforce-limit-info")),
            (StatusCode::OK, format!("api-usage={used}/3").as_str())
        );
    }
    let over = client.get(&limits).await.unwrap();
    assert_eq!((over.status, &over.json()[0]["errorCode"]), (StatusCode::FORBIDDEN, &json!("REQUEST_LIMIT_EXCEEDED")));
    assert!(over.headers.get("retry-after").is_none());
    assert_eq!(sim.ledger()["requests"]["throttled"], 1);
    clock.advance(25 * 60 * 60 * 1_000);
    sign_in(&sim, &mut client).await;
    assert_eq!(client.get(&limits).await.unwrap().status, StatusCode::OK);
}

/// A lost response must have been committed, a cut one must break on the way, a refused one must not be done, a locked
/// record must fail alone; the ledger must tell all of it (IDE-03, CON-04).
#[tokio::test]
async fn faults_are_what_they_say() {
    let (sim, mut client) = salesforce(salesforce::Options::default()).await;
    let collections = format!("{API}/composite/sobjects");
    let mut faults = vec![
        Fault::times(FaultKind::LostResponse, 1),
        Fault::times(FaultKind::ServerError, 1).on(On::Writes),
        Fault::times(FaultKind::Lock, 1),
        Fault::times(FaultKind::RequestLimit, 1).on(On::Writes),
    ];
    sim.set_faults(Faults::new(3, faults.clone()));
    client.json(Method::POST, &collections, &accounts(&["Lost"])).await.expect_err("the answer is lost");
    assert_eq!(sim.vendor().count("Account"), 1, "and the record is there");
    let failed = client.json(Method::POST, &collections, &accounts(&["Failed"])).await.unwrap();
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    let locked = client.json(Method::POST, &collections, &accounts(&["A", "B", "C"])).await.unwrap().json();
    let codes: Vec<_> =
        locked.as_array().unwrap().iter().filter_map(|result| result["errors"][0]["statusCode"].as_str()).collect();
    assert_eq!(codes, ["UNABLE_TO_LOCK_ROW"]);
    let limited = client.json(Method::POST, &collections, &accounts(&["Limited"])).await.unwrap();
    assert_eq!(limited.status, StatusCode::FORBIDDEN);
    assert_eq!(sim.vendor().count("Account"), 3);
    client.json(Method::POST, &collections, &accounts(&["Fine"])).await.unwrap();

    faults = vec![
        Fault::times(FaultKind::Cut, 1),
        Fault::times(FaultKind::Garbage, 1),
        Fault::times(FaultKind::ExpiredToken, 1),
    ];
    sim.set_faults(Faults::new(3, faults));
    client.get(&soql("SELECT Id, Name FROM Account")).await.expect_err("the answer ends in its middle");
    let garbage = client.get(&soql("SELECT Id FROM Account")).await.unwrap();
    assert_eq!((garbage.status, garbage.header("content-type")), (StatusCode::OK, "text/html"));
    assert_eq!(client.get(&soql("SELECT Id FROM Account")).await.unwrap().status, StatusCode::UNAUTHORIZED);

    let requests = &sim.ledger()["requests"];
    for (name, count) in [("lost_after_commit", 1), ("cut", 1), ("throttled", 1)] {
        assert_eq!(requests[name], count, "{name}: {requests}");
    }
    assert_eq!(requests["by_status"]["500"], 1);
    assert_eq!(sim.ledger()["objects"]["Account"]["writes"]["received"], 5);
}

/// An edit by hand must be seen by the next query: a won deal changes its stage, amount and line, an added one has its
/// line, and a double name is a duplicate in the ledger.
#[tokio::test]
async fn salesforce_can_be_edited() {
    let (sim, mut client) = salesforce(salesforce::Options::default()).await;
    let crm = generator::generate(&generator::Sizes { deals: 200, ..Default::default() });
    load::into_crm(&crm, sim.vendor());
    let open = crm.deals.iter().find(|deal| deal.stage == "Engaging" && deal.account.is_some()).unwrap();
    let before =
        query(&mut client, "SELECT Id, SystemModstamp FROM Opportunity ORDER BY SystemModstamp DESC LIMIT 1").await;
    let stamp = before["records"][0]["SystemModstamp"].as_str().unwrap().replace("+0000", "Z");
    let edit = json!({ "key": open.id, "amount": "1234.50", "date": "2026-11-20" });
    control(&sim, "close_deal", &edit).await;
    let add = json!({
        "name": "NEWDEAL1", "account": crm.accounts[0].name, "product": crm.deals[0].product, "stage": "Closed Won",
        "amount": "99.90", "date": "2026-11-21",
    });
    control(&sim, "add_deal", &add).await;
    let changed = query(
        &mut client,
        &format!(
            "SELECT Name, StageName, Amount, IsWon, (SELECT UnitPrice FROM OpportunityLineItems) FROM Opportunity \
             WHERE SystemModstamp > {stamp} ORDER BY SystemModstamp, Id"
        ),
    )
    .await;
    let changed = changed["records"].as_array().unwrap();
    let seen: Vec<(&str, String)> =
        changed.iter().map(|deal| (deal["Name"].as_str().unwrap(), deal["Amount"].to_string())).collect();
    assert_eq!(seen, [(open.id.as_str(), "1234.5".to_owned()), ("NEWDEAL1", "99.9".to_owned())]);
    for deal in changed {
        assert_eq!((&deal["StageName"], &deal["IsWon"]), (&json!("Closed Won"), &json!(true)));
        assert_eq!(deal["OpportunityLineItems"]["records"][0]["UnitPrice"], deal["Amount"]);
    }
    control(&sim, "add_deal", &add).await;
    assert_eq!(control_get(&sim, "ledger").await["objects"]["Opportunity"]["duplicates"], 1);
}
