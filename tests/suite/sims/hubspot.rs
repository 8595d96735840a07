//! The simulated HubSpot keeps the vendor's limits, words and quirks.

use super::{NOW_MS, control, control_get};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tollgate_tests::sims::client::{Client, Reply};
use tollgate_tests::sims::hubspot::{Options, schema::ObjectType::Company};
use tollgate_tests::sims::{Clock, Fault, FaultKind, Faults, HubSpot, Sim};
use tollgate_tests::tls::TestCa;

const COMPANIES: &str = "/crm/v3/objects/companies";

struct Desk {
    sim: Sim<HubSpot>,
    client: Client,
    clock: Clock,
}

impl Desk {
    async fn set(options: Options) -> Self {
        let (ca, clock) = (TestCa::new(), Clock::at(NOW_MS));
        let sim = HubSpot::start(Options { clock: clock.clone(), ..options }, &ca).await.unwrap();
        let mut client = Client::new(&sim, &ca);
        client.set_bearer(&sim.vendor().options().token);
        Self { sim, client, clock }
    }

    async fn post(&mut self, path: &str, body: &Json) -> Reply {
        self.client.json(Method::POST, &format!("{COMPANIES}/{path}"), body).await.unwrap()
    }

    /// Searches, long enough after the last search.
    async fn search(&mut self, body: &Json) -> Reply {
        self.clock.advance(1_000);
        self.post("search", body).await
    }

    /// The ids that a search of these filters finds, in the order of ids.
    async fn found(&mut self, filters: Json) -> Vec<u64> {
        let sorts = json!([{ "propertyName": "hs_object_id", "direction": "ASCENDING" }]);
        let body = json!({ "filterGroups": [{ "filters": filters }], "sorts": sorts, "limit": 200 });
        let reply = self.search(&body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.json());
        ids(&reply.json())
    }
}

fn ids(answer: &Json) -> Vec<u64> {
    let results = answer["results"].as_array().expect("results");
    results.iter().map(|record| record["id"].as_str().unwrap().parse().unwrap()).collect()
}

fn filter(name: &str, operator: &str, value: &str) -> Json {
    json!({ "propertyName": name, "operator": operator, "value": value })
}

/// The ten-second and the one-second limit must hold for any span, the day's limit until midnight, each with the vendor's
/// own words; searches count in both and carry no header; a revoked token is refused until there is a new one.
#[tokio::test]
async fn hubspot_limits() {
    let mut desk = Desk::set(Options { calls_per_ten_seconds: 8, calls_per_day: 20, ..Options::default() }).await;
    for left in (4..8).rev() {
        let reply = desk.client.get(COMPANIES).await.unwrap();
        assert_eq!(reply.header("x-hubspot-ratelimit-remaining"), left.to_string());
    }
    desk.clock.advance(6_000);
    for _ in 0..4 {
        let reply = desk.post("search", &json!({})).await;
        assert_eq!((reply.status, reply.header("x-hubspot-ratelimit-max")), (StatusCode::OK, ""));
    }
    let policy = |reply: Reply| (reply.status.as_u16(), reply.json()["policyName"].clone());
    assert_eq!(policy(desk.client.get(COMPANIES).await.unwrap()), (429, json!("TEN_SECONDLY_ROLLING")));
    desk.clock.advance(3_999);
    assert_eq!(policy(desk.client.get(COMPANIES).await.unwrap()).0, 429);
    desk.clock.advance(6_001);
    for _ in 0..5 {
        assert_eq!(desk.post("search", &json!({})).await.status, StatusCode::OK);
    }
    let refused = desk.post("search", &json!({})).await;
    assert_eq!(refused.json()["message"], "You have reached your secondly limit.");
    desk.clock.advance(10_000);
    for _ in 0..7 {
        assert_eq!(desk.client.get(COMPANIES).await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(policy(desk.client.get(COMPANIES).await.unwrap()), (429, json!("DAILY")));
    desk.clock.advance(86_400_000);
    assert_eq!(desk.client.get(COMPANIES).await.unwrap().status, StatusCode::OK);
    assert_eq!(desk.sim.ledger()["requests"]["throttled"], 4);

    desk.sim.expire_tokens();
    let reply = desk.client.get(COMPANIES).await.unwrap();
    assert_eq!((reply.status.as_u16(), &reply.json()["category"]), (401, &json!("INVALID_AUTHENTICATION")));
    let token = control(&desk.sim, "rotate", &json!({})).await["token"].as_str().unwrap().to_owned();
    desk.client.set_bearer(&token);
    assert_eq!(desk.client.get(COMPANIES).await.unwrap().status, StatusCode::OK);
}

/// Filters must mean what the vendor's mean: numbers and instants by value, text without regard to case, lists against
/// the text in lower case; groups are alternatives.
#[tokio::test]
async fn hubspot_understands_its_searches() {
    let mut desk = Desk::set(Options::default()).await;
    for (n, name) in ["Acme North", "acme south", "Beta"].into_iter().enumerate() {
        let revenue = ["9", "10", "1e2"][n];
        let values = [("name", name), ("annualrevenue", revenue), ("industry", "RETAIL")];
        desk.sim.vendor().load(Company, &values[..if n == 2 { 1 } else { 3 }], NOW_MS + n as i64);
    }
    let changed = |operator: &str, value: &str| filter("hs_lastmodifieddate", operator, value);
    for (filters, expected) in [
        (json!([filter("name", "EQ", "ACME NORTH")]), &[901][..]),
        (json!([filter("name", "CONTAINS_TOKEN", "acme")]), &[901, 902]),
        (json!([filter("name", "CONTAINS_TOKEN", "be*")]), &[903]),
        (json!([filter("annualrevenue", "GT", "9")]), &[902]),
        (json!([filter("annualrevenue", "EQ", "9.0")]), &[901]),
        (json!([changed("GTE", "2026-11-21T10:00:00.001Z")]), &[902, 903]),
        (json!([changed("EQ", "1795255200001")]), &[902]),
        (json!([filter("hs_object_id", "GT", "902")]), &[903]),
        (json!([{ "propertyName": "industry", "operator": "NOT_HAS_PROPERTY" }]), &[903]),
        (json!([{ "propertyName": "name", "operator": "IN", "values": ["beta", "Acme North"] }]), &[903]),
        (json!([filter("name", "NEQ", "beta"), filter("annualrevenue", "LT", "10")]), &[901]),
    ] {
        assert_eq!(desk.found(filters.clone()).await, expected, "{filters}");
    }
    let groups =
        json!([{ "filters": [filter("name", "EQ", "beta")] }, { "filters": [filter("annualrevenue", "EQ", "9")] }]);
    assert_eq!(desk.search(&json!({ "filterGroups": groups })).await.json()["total"], 2);
}

/// A search must give 200 results at most and 10,000 in all, take one sort and few filters, and know its properties.
#[tokio::test]
async fn hubspot_bounds_its_searches() {
    let mut desk = Desk::set(Options::default()).await;
    for n in 0..10_010 {
        desk.sim.vendor().load(Company, &[("name", "Twin")], NOW_MS + n / 10_000);
    }
    let group = json!({ "filters": [filter("name", "EQ", "x")] });
    let sort = json!({ "propertyName": "name" });
    for body in [
        json!({ "limit": 201 }),
        json!({ "limit": 200, "after": "9801" }),
        json!({ "sorts": [sort, sort] }),
        json!({ "filterGroups": [group, group, group, group, group, group] }),
        json!({ "filterGroups": [{ "filters": vec![filter("name", "EQ", "x"); 7] }] }),
        json!({ "filterGroups": [{ "filters": [filter("nickname", "EQ", "x")] }] }),
        json!({ "filterGroups": [{ "filters": [filter("annualrevenue", "EQ", "many")] }] }),
        json!({ "filterGroups": [{ "filters": [filter("name", "LIKE", "x")] }] }),
        json!({ "filterGroups": [{ "filters": [{ "propertyName": "name", "operator": "IN", "value": "x" }] }] }),
    ] {
        let reply = desk.search(&body).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["category"]), (400, &json!("VALIDATION_ERROR")), "{body}");
    }
    let by_time = json!([{ "propertyName": "hs_lastmodifieddate", "direction": "ASCENDING" }]);
    let page = |after: usize| json!({ "sorts": by_time, "limit": 200, "after": after.to_string() });
    let first = desk.search(&page(0)).await.json();
    assert_eq!((first["total"].clone(), first["paging"]["next"]["after"].clone()), (json!(10_010), json!("200")));
    assert!(!ids(&first).is_sorted(), "equals have no order that a reader may count on");
    assert!(ids(&first).iter().all(|id| *id < 10_901), "the older instant comes first");
    let last = desk.search(&page(9_800)).await.json();
    assert_eq!(ids(&last).len(), 200);
    let after = last["paging"]["next"]["after"].as_str().unwrap().parse().unwrap();
    assert_eq!(desk.search(&page(after)).await.status, StatusCode::BAD_REQUEST, "what is beyond is out of reach");
}

/// Search must know of a change only after the lag, and show the old record until then; reads know at once.
#[tokio::test]
async fn hubspot_search_is_late() {
    let mut desk = Desk::set(Options { search_lag: Duration::from_secs(5), ..Options::default() }).await;
    desk.sim.vendor().load(Company, &[("name", "Old")], NOW_MS - 60_000);
    control(&desk.sim, "set", &json!({ "object": "companies", "id": "901", "properties": { "name": "New" } })).await;
    let one = desk.client.get(&format!("{COMPANIES}/901")).await.unwrap().json();
    assert_eq!(one["properties"]["name"], "New");
    assert_eq!(desk.found(json!([filter("name", "EQ", "old")])).await, [901]);
    assert_eq!(desk.found(json!([filter("name", "EQ", "new")])).await, [0; 0]);
    desk.clock.advance(5_000);
    assert_eq!(desk.found(json!([filter("name", "EQ", "new")])).await, [901]);
    control(&desk.sim, "archive", &json!({ "object": "companies", "id": "901" })).await;
    assert_eq!(desk.found(json!([filter("name", "EQ", "new")])).await, [901]);
    desk.clock.advance(5_000);
    assert_eq!(desk.found(json!([filter("name", "EQ", "new")])).await, [0; 0]);
    let listed = desk.client.get(&format!("{COMPANIES}?archived=true")).await.unwrap().json();
    assert_eq!((ids(&listed), &listed["results"][0]["archived"]), (vec![901], &json!(true)));
    assert_eq!(desk.client.get(&format!("{COMPANIES}/901")).await.unwrap().status, StatusCode::NOT_FOUND);
}

/// Where each input has a trace id, the good records must be stored and each bad one said with its id; without, one bad
/// record must refuse all; each kind of slip has the vendor's own code.
#[tokio::test]
async fn hubspot_batches_are_partial_with_trace_ids() {
    let mut desk = Desk::set(Options::default()).await;
    let input = |trace: &str, properties: Json| json!({ "objectWriteTraceId": trace, "properties": properties });
    let inputs = json!([
        input("a", json!({ "name": "Good", "erp_id": "1", "annualrevenue": "12.50" })),
        input("b", json!({ "name": "Bad", "nickname": "x" })),
        input("c", json!({ "name": "Bad", "industry": "piracy" })),
        input("d", json!({ "name": "Bad", "annualrevenue": "many" })),
        input("e", json!({ "name": "Bad", "hs_object_id": "7" })),
        input("f", json!({ "city": "Nowhere" })),
        input("g", json!({ "name": "Twin", "erp_id": "1" })),
        input("h", json!({ "name": "Good too" })),
    ]);
    let reply = desk.post("batch/create", &json!({ "inputs": inputs })).await;
    let answer = reply.json();
    assert_eq!((reply.status, &answer["numErrors"]), (StatusCode::MULTI_STATUS, &json!(6)));
    assert_eq!(ids(&answer), [902, 901], "in no order that a caller may count on");
    assert_eq!(answer["results"][0]["objectWriteTraceId"], "h");
    let codes = [
        "PROPERTY_DOESNT_EXIST",
        "INVALID_OPTION",
        "INVALID_NUMBER",
        "READ_ONLY_VALUE",
        "required",
        "CONFLICTING_UNIQUE_VALUE",
    ];
    for (n, (trace, code)) in ["b", "c", "d", "e", "f", "g"].into_iter().zip(codes).enumerate() {
        let error = &answer["errors"][n];
        assert_eq!(error["context"]["objectWriteTraceId"], json!([trace]));
        assert!(error["message"].as_str().unwrap().contains(code), "{error}");
    }
    let blind = json!({ "inputs": [{ "properties": { "name": "Third" } }, { "properties": { "nickname": "x" } }] });
    assert_eq!(desk.post("batch/create", &blind).await.status, StatusCode::BAD_REQUEST);
    let number = json!({ "inputs": [{ "properties": { "name": "Third", "annualrevenue": 7 } }] });
    assert_eq!(desk.post("batch/create", &number).await.status, StatusCode::BAD_REQUEST, "values are texts");
    let many = json!({ "inputs": vec![json!({ "properties": { "name": "Many" } }); 101] });
    assert_eq!(desk.post("batch/create", &many).await.status, StatusCode::BAD_REQUEST);
    let ledger = control_get(&desk.sim, "ledger").await;
    let writes = json!({ "received": 11, "created": 2, "updated": 0, "rejected": 9 });
    assert_eq!(
        (&ledger["objects"]["companies"]["count"], &ledger["objects"]["companies"]["writes"]),
        (&json!(2), &writes)
    );
}

/// An upsert must find its record by a unique property and say whether it is new; an update by id; reads by either; what
/// is missing is said.
#[tokio::test]
async fn hubspot_upserts_updates_and_reads() {
    let mut desk = Desk::set(Options::default()).await;
    let upsert = |trace: &str, id: &str, name: &str| json!({ "objectWriteTraceId": trace, "idProperty": "erp_id", "id": id, "properties": { "name": name } });
    let first =
        desk.post("batch/upsert", &json!({ "inputs": [upsert("a", "C-1", "One"), upsert("b", "C-2", "Two")] })).await;
    assert_eq!((first.status, &first.json()["results"][0]["new"]), (StatusCode::OK, &json!(true)));
    let again = desk.post("batch/upsert", &json!({ "inputs": [upsert("a", "c-1", "One more")] })).await.json();
    assert_eq!((ids(&again), &again["results"][0]["new"]), (vec![901], &json!(false)));
    let mut wrong = upsert("a", "One", "One");
    wrong["idProperty"] = json!("name");
    let refused = desk.post("batch/upsert", &json!({ "inputs": [wrong] })).await.json();
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("hasUniqueValue"), "{refused}");
    let twice = json!({ "inputs": [upsert("a", "C-1", "x"), upsert("b", "C-1", "y")] });
    assert_eq!(desk.post("batch/upsert", &twice).await.status, StatusCode::BAD_REQUEST);

    let update = |id: &str, city: &str| json!({ "objectWriteTraceId": id, "id": id, "properties": { "city": city } });
    let updated = desk.post("batch/update", &json!({ "inputs": [update("902", "Nairobi"), update("999", "x")] })).await;
    assert_eq!((updated.status, ids(&updated.json())), (StatusCode::MULTI_STATUS, vec![902]));
    assert_eq!(updated.json()["errors"][0]["category"], "OBJECT_NOT_FOUND");
    desk.post("batch/update", &json!({ "inputs": [update("902", "")] })).await;

    let body =
        json!({ "idProperty": "erp_id", "properties": ["name", "city"], "inputs": [{ "id": "C-2" }, { "id": "C-9" }] });
    let read = desk.post("batch/read", &body).await;
    let answer = read.json();
    assert_eq!(
        (read.status, ids(&answer), &answer["errors"][0]["context"]["ids"]),
        (StatusCode::MULTI_STATUS, vec![902], &json!(["C-9"]))
    );
    assert_eq!(answer["results"][0]["properties"]["city"], Json::Null, "an empty text clears");
    assert_eq!(
        desk.post("batch/archive", &json!({ "inputs": [{ "id": "902" }] })).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(desk.sim.ledger()["objects"]["companies"]["archived"], 1);
}

/// Lists must be read to their end 100 at a time; definitions say what is unique; an app without the scope may not write;
/// faults on command speak the vendor's words.
#[tokio::test]
async fn hubspot_lists_definitions_and_faults() {
    let mut desk = Desk::set(Options { read_only: true, ..Options::default() }).await;
    for n in 0..250 {
        desk.sim.vendor().load(Company, &[("name", &format!("Company {n}"))], NOW_MS);
    }
    let (mut seen, mut after) = (BTreeSet::new(), String::new());
    loop {
        let page = desk.client.get(&format!("{COMPANIES}?limit=100&properties=name{after}")).await.unwrap().json();
        seen.extend(ids(&page));
        match page["paging"]["next"]["after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
        assert_eq!(page["results"][0]["properties"].as_object().map(serde_json::Map::len), Some(4));
    }
    assert_eq!(seen.len(), 250);
    assert_eq!(desk.client.get(&format!("{COMPANIES}?limit=101")).await.unwrap().status, StatusCode::BAD_REQUEST);
    let erp_id = desk.client.get("/crm/v3/properties/companies/erp_id").await.unwrap().json();
    assert_eq!((&erp_id["hasUniqueValue"], &erp_id["type"]), (&json!(true), &json!("string")));
    let account = desk.client.get("/account-info/v3/details").await.unwrap().json();
    assert_eq!(account["portalId"], 44_556_677);
    let write = json!({ "inputs": [{ "properties": { "name": "x" } }] });
    let refused = desk.post("batch/create", &write).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["category"]), (403, &json!("MISSING_SCOPES")));
    for (kind, status) in [
        (FaultKind::TooManyRequests, 429),
        (FaultKind::RequestLimit, 429),
        (FaultKind::ServerError, 500),
        (FaultKind::Unavailable, 503),
    ] {
        desk.sim.set_faults(Faults::new(1, vec![Fault::times(kind, 1)]));
        let reply = desk.client.get(COMPANIES).await.unwrap();
        assert_eq!(reply.status.as_u16(), status);
        assert!(reply.json()["correlationId"].is_string(), "{}", reply.json());
    }
}
