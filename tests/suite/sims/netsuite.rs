//! The simulated NetSuite keeps the vendor's limits, words and quirks.

use super::{NOW_MS, control};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};
use tollgate_tests::sims::client::Client;
use tollgate_tests::sims::netsuite::schema::RecordType;
use tollgate_tests::sims::netsuite::session::TOKEN_PATH;
use tollgate_tests::sims::netsuite::{self, NetSuite};
use tollgate_tests::sims::{Clock, Fault, FaultKind, Faults, Sim};
use tollgate_tests::tls::TestCa;

const RECORDS: &str = "/services/rest/record/v1";

/// The connector's reads with all their columns.
const STATEMENTS: [&str; 3] = [
    "SELECT c.id AS id, TO_CHAR(c.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodified, c.externalid AS externalid, c.entityid \
     AS entityid, c.companyname AS companyname, c.email AS email, c.phone AS phone, c.category AS category, c.terms AS terms, \
     c.parent AS parent, c.comments AS comments, c.isinactive AS isinactive, ab.internalid AS addressline, a.country AS country, \
     a.state AS state, a.city AS city, a.addr1 AS addr1, a.addr2 AS addr2, a.zip AS zip, a.addressee AS addressee, a.attention AS \
     attention, c.custentity_sector AS custentity_sector FROM customer c LEFT JOIN customeraddressbook ab ON ab.entity = c.id AND \
     ab.defaultbilling = 'T' LEFT JOIN customeraddressbookentityaddress a ON a.nkey = ab.addressbookaddress ORDER BY \
     c.lastmodifieddate, c.id",
    "SELECT i.id AS id, TO_CHAR(i.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodified, i.externalid AS externalid, i.itemid AS \
     itemid, i.displayname AS displayname, p.price AS baseprice, i.isinactive AS isinactive, i.custitem_series AS custitem_series \
     FROM item i LEFT JOIN itemprice p ON p.item = i.id AND p.pricelevelname = 'Base Price' WHERE i.itemtype = 'InvtPart' AND \
     i.lastmodifieddate >= TO_TIMESTAMP('2026-01-01 09:59:00', 'YYYY-MM-DD HH24:MI:SS') ORDER BY i.lastmodifieddate, i.id",
    "SELECT t.id AS id, TO_CHAR(t.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodified, t.externalid AS externalid, t.tranid AS \
     tranid, t.entity AS entity, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate, t.memo AS memo, t.otherrefnum AS otherrefnum, \
     t.status AS orderstatus FROM transaction t WHERE t.type = 'SalesOrd' AND t.id IN (7001) ORDER BY t.id",
];

/// A JWT signed with the account's key; the caller may spoil any part.
fn assertion(options: &netsuite::Options, header: &Json, claims: &Json) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = options.key.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn good_assertion(options: &netsuite::Options) -> (Json, Json) {
    let now_s = options.clock.now_ms() / 1_000;
    let header = json!({ "typ": "JWT", "alg": "ES256", "kid": options.key_id });
    let audience = format!("https://{}{TOKEN_PATH}", options.host);
    let claims = json!({
        "iss": options.client_id, "scope": ["rest_webservices"], "aud": audience, "iat": now_s, "exp": now_s + 3_600,
    });
    (header, claims)
}

async fn token(client: &mut Client, assertion: &str) -> (StatusCode, Json) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    let reply = client.form(TOKEN_PATH, &form).await.unwrap();
    (reply.status, reply.json())
}

async fn netsuite(options: netsuite::Options) -> (Sim<NetSuite>, Client) {
    let ca = TestCa::new();
    let sim = NetSuite::start(options, &ca).await.unwrap();
    let mut client = Client::new(&sim, &ca);
    let (header, claims) = good_assertion(sim.vendor().options());
    let (status, body) = token(&mut client, &assertion(sim.vendor().options(), &header, &claims)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    client.set_bearer(body["access_token"].as_str().unwrap());
    for (name, price) in [("Tolva Pro", "4650"), ("Kesta 700", "24900.50")] {
        let price: Json = serde_json::from_str(price).unwrap();
        let fields = [("itemId", json!(name)), ("displayName", json!(name)), ("basePrice", price)];
        sim.vendor().load(RecordType::InventoryItem, None, &fields, None);
    }
    (sim, client)
}

async fn suiteql(client: &mut Client, text: &str) -> Json {
    let headers = [("prefer", "transient"), ("content-type", "application/json")];
    let body = json!({ "q": text }).to_string();
    let reply =
        client.send(Method::POST, "/services/rest/query/v1/suiteql?limit=1000&offset=0", &headers, body).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK, "{text}: {}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

fn order(customer: &str, item: &str, quantity: u32, rate: &str) -> Json {
    let rate: Json = serde_json::from_str(rate).unwrap();
    json!({ "entity": { "id": customer }, "item": { "items": [{ "item": { "id": item }, "quantity": quantity, "rate": rate }] } })
}

/// Every part of the assertion must be checked: one that is wrong in a single part gets no token, the whole one does,
/// and tokens end.
#[tokio::test]
async fn netsuite_checks_the_whole_assertion() {
    let clock = Clock::at(NOW_MS);
    let options = netsuite::Options { clock: clock.clone(), ..Default::default() };
    let (sim, mut client) = netsuite(options).await;
    let (header, claims) = good_assertion(sim.vendor().options());
    let now_s = NOW_MS / 1_000;
    let spoil = |of: &Json, name: &str, value: Json| {
        let mut spoilt = of.clone();
        spoilt[name] = value;
        spoilt
    };
    let cases = [
        (spoil(&header, "alg", json!("RS256")), claims.clone(), "invalid_client"),
        (spoil(&header, "kid", json!("other")), claims.clone(), "invalid_client"),
        (header.clone(), spoil(&claims, "iss", json!("other")), "invalid_client"),
        (header.clone(), spoil(&claims, "aud", json!("https://evil.example/token")), "invalid_client"),
        (header.clone(), spoil(&claims, "scope", json!("suite_analytics")), "invalid_scope"),
        (header.clone(), spoil(&claims, "exp", json!(now_s - 1)), "invalid_grant"),
        (header.clone(), spoil(&claims, "exp", json!(now_s + 3_601)), "invalid_grant"),
        (header.clone(), spoil(&claims, "iat", json!(now_s + 600)), "invalid_grant"),
    ];
    for (header, claims, error) in cases {
        let (status, body) = token(&mut client, &assertion(sim.vendor().options(), &header, &claims)).await;
        assert!(status.is_client_error() && body["error"] == error, "{header} {claims}: {status} {body}");
    }
    let whole = assertion(sim.vendor().options(), &header, &claims);
    let mut parts: Vec<&str> = whole.split('.').collect();
    let other = URL_SAFE_NO_PAD.encode(spoil(&claims, "exp", json!(now_s + 60)).to_string());
    parts[1] = &other;
    let (status, _) = token(&mut client, &parts.join(".")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "a changed payload breaks the signature");
    let (_, body) = token(&mut client, &whole).await;
    assert_eq!(body["expires_in"], "3600", "the vendor sends text");

    assert_eq!(client.get(&format!("{RECORDS}/customer")).await.unwrap().status, StatusCode::OK);
    clock.advance(60 * 60 * 1_000);
    let late = client.get(&format!("{RECORDS}/customer")).await.unwrap();
    assert_eq!(
        (late.status, &late.json()["o:errorDetails"][0]["o:errorCode"]),
        (StatusCode::UNAUTHORIZED, &json!("INVALID_LOGIN"))
    );
    assert!(late.header("www-authenticate").contains("invalid_token"));
}

/// The same external id put twice must be one object and two writes received, lines replaced only where asked: else
/// they double, as with the vendor (IDE-03).
#[tokio::test]
async fn netsuite_upserts_by_external_id() {
    let (sim, mut client) = netsuite(netsuite::Options::default()).await;
    let customer = json!({ "companyName": "Alderworks", "category": { "id": "1" }, "email": "a@example.com" });
    let path = format!("{RECORDS}/customer/eid:C-1");
    let mut links = Vec::new();
    for _ in 0..2 {
        let reply = client.json(Method::PUT, &path, &customer).await.unwrap();
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{reply:?}");
        links.push(reply.header("location").to_owned());
    }
    assert_eq!(links[0], links[1]);
    let id = links[0].rsplit('/').next().unwrap();
    let ledger = sim.ledger();
    assert_eq!(ledger["objects"]["customer"]["count"], 1);
    assert_eq!(
        ledger["objects"]["customer"]["writes"],
        json!({ "received": 2, "created": 1, "updated": 1, "rejected": 0 })
    );

    let path = format!("{RECORDS}/salesOrder/eid:O-1");
    let body = order(id, "101", 2, "0.10");
    client.json(Method::PUT, &format!("{path}?replace=item"), &body).await.unwrap();
    client.json(Method::PUT, &format!("{path}?replace=item"), &body).await.unwrap();
    assert_eq!(sim.ledger()["objects"]["salesOrder"]["totals"]["total"], "0.20");
    client.json(Method::PUT, &path, &body).await.unwrap();
    let orders = &sim.ledger()["objects"]["salesOrder"];
    assert_eq!(
        (&orders["count"], &orders["lines"], &orders["totals"]["total"]),
        (&json!(1), &json!(2), &json!("0.40"))
    );
    let read = client.get(&format!("{path}?expandSubResources=true")).await.unwrap().json();
    assert_eq!((read["tranId"].as_str(), read["orderStatus"]["id"].as_str()), (Some("SO1001"), Some("B")));
    assert_eq!(read["item"]["items"][0]["item"]["refName"], "Tolva Pro");

    let twin = json!({ "companyName": "Other", "externalId": "C-1" });
    let reply = client.json(Method::POST, &format!("{RECORDS}/customer"), &twin).await.unwrap();
    assert!(reply.json()["o:errorDetails"][0]["detail"].as_str().unwrap().contains("already exists"), "{reply:?}");
}

/// What a record breaks must be answered with the vendor's envelope, code and place, and must change nothing.
#[tokio::test]
async fn netsuite_validates() {
    let (sim, mut client) = netsuite(netsuite::Options::default()).await;
    let customer =
        sim.vendor().load(RecordType::Customer, Some("C-1"), &[("companyName", json!("Alderworks"))], Some("US"));
    let customer = customer.to_string();
    let address = |country: &str| json!({ "companyName": "X", "addressBook": { "items": [{ "addressBookAddress": { "country": { "id": country } }, "defaultBilling": true }] } });
    let cases = [
        ("customer", json!({ "email": "a@example.com" }), "USER_ERROR", ""),
        ("customer", json!({ "companyName": "X", "nickName": "Y" }), "INVALID_CONTENT", "nickName"),
        ("customer", json!({ "companyName": "X", "category": { "id": "99" } }), "INVALID_CONTENT", "category"),
        ("customer", json!({ "companyName": "X", "category": "1" }), "INVALID_CONTENT", "category"),
        ("customer", json!({ "companyName": "X", "phone": "12" }), "USER_ERROR", ""),
        ("customer", json!({ "companyName": "X".repeat(84) }), "USER_ERROR", "companyName"),
        ("customer", address("Philipines"), "INVALID_CONTENT", "addressBook.items[0].addressBookAddress.country"),
        ("customer", address("Korea"), "INVALID_CONTENT", "addressBook.items[0].addressBookAddress.country"),
        ("salesOrder", order("999999", "101", 1, "5"), "INVALID_CONTENT", "entity"),
        ("salesOrder", order(&customer, "999", 1, "5"), "INVALID_CONTENT", "item.items[0].item"),
        ("salesOrder", json!({ "entity": { "id": customer }, "item": { "items": [] } }), "USER_ERROR", ""),
        ("salesOrder", json!({ "entity": { "id": customer } }), "USER_ERROR", ""),
    ];
    for (record, body, code, path) in &cases {
        let reply = client.json(Method::POST, &format!("{RECORDS}/{record}"), body).await.unwrap();
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(reply.header("content-type"), "application/vnd.oracle.resource+json; type=error");
        let error = &reply.json()["o:errorDetails"][0];
        assert_eq!(error["o:errorCode"], *code, "{body}: {error}");
        assert_eq!(error["o:errorPath"].as_str().unwrap_or_default(), *path, "{body}: {error}");
    }
    let ledger = sim.ledger();
    assert_eq!(
        (&ledger["objects"]["customer"]["count"], &ledger["objects"]["salesOrder"]["count"]),
        (&json!(1), &json!(0))
    );
    let missing =
        client.json(Method::PATCH, &format!("{RECORDS}/customer/4711"), &json!({ "comments": "x" })).await.unwrap();
    let error = missing.json()["o:errorDetails"][0]["o:errorCode"].clone();
    assert_eq!((missing.status, error), (StatusCode::NOT_FOUND, json!("NONEXISTENT_ID")));
    let by_key = order("eid:C-1", "101", 1, "5");
    assert_eq!(
        client.json(Method::POST, &format!("{RECORDS}/salesOrder"), &by_key).await.unwrap().status,
        StatusCode::NO_CONTENT
    );
}

/// The connector's statements must be understood with the vendor's meaning: text values, negative sale lines, no member
/// for an empty column, seconds.
#[tokio::test]
async fn netsuite_understands_its_queries() {
    let (sim, mut client) = netsuite(netsuite::Options::default()).await;
    let (one, _) = (
        sim.vendor().load(
            RecordType::Customer,
            Some("C-1"),
            &[("companyName", json!("O'Hare")), ("category", json!("3"))],
            Some("DE"),
        ),
        sim.vendor().load(RecordType::Customer, None, &[("companyName", json!("Bare"))], None),
    );
    let reply = client
        .json(Method::PUT, &format!("{RECORDS}/salesOrder/eid:O-1"), &order(&one.to_string(), "102", 3, "24900.50"))
        .await;
    let order_id = reply.unwrap().header("location").rsplit('/').next().unwrap().to_owned();

    for statement in STATEMENTS {
        suiteql(&mut client, statement).await;
    }
    let columns = "c.id AS id, TO_CHAR(c.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodified, c.externalid AS externalid, \
                   c.companyname AS companyname, c.email AS email, c.category AS category, c.isinactive AS isinactive, \
                   ab.internalid AS addressline, a.country AS country";
    let from = "FROM customer c LEFT JOIN customeraddressbook ab ON ab.entity = c.id AND ab.defaultbilling = 'T' LEFT JOIN \
                customeraddressbookentityaddress a ON a.nkey = ab.addressbookaddress";
    let page = suiteql(&mut client, &format!("SELECT {columns} {from} ORDER BY c.lastmodifieddate, c.id")).await;
    assert_eq!((&page["totalResults"], &page["hasMore"]), (&json!(2), &json!(false)));
    assert!(page["links"][0]["href"].as_str().unwrap().starts_with("https://1234567-sb1.suitetalk.api.netsuite.com/"));
    let first = &page["items"][0];
    assert_eq!((&first["country"], &first["category"], &first["isinactive"]), (&json!("DE"), &json!("3"), &json!("F")));
    assert_eq!(first["lastmodified"], "2026-01-05 08:00:00");
    assert!(page["items"][1].get("country").is_none() && first.get("email").is_none(), "{page}");

    let stamp = "TO_TIMESTAMP('2026-01-05 08:00:00', 'YYYY-MM-DD HH24:MI:SS')";
    for (condition, count) in [
        (format!("(c.lastmodifieddate > {stamp} OR (c.lastmodifieddate = {stamp} AND c.id > {one}))"), 1),
        (format!("c.lastmodifieddate >= {stamp}"), 2),
        ("c.externalid = 'C-1' AND c.companyname IN ('Acme', 'O''Hare')".to_owned(), 1),
        (format!("(c.externalid IN ('C-1', 'C-2') OR c.id IN ({one}))"), 1),
        ("c.category = '3'".to_owned(), 1),
        ("c.externalid IS NULL".to_owned(), 1),
        ("NOT c.category = 3".to_owned(), 0),
        ("c.id < 0".to_owned(), 0),
    ] {
        let page = suiteql(&mut client, &format!("SELECT c.id AS id {from} WHERE {condition} ORDER BY c.id")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{condition}");
    }
    let items = "SELECT i.id AS id, i.itemid AS itemid, p.price AS baseprice FROM item i LEFT JOIN itemprice p ON p.item = i.id AND \
                 p.pricelevelname = 'Base Price' WHERE i.itemtype = 'InvtPart' ORDER BY i.lastmodifieddate, i.id";
    assert_eq!(suiteql(&mut client, items).await["items"][1]["baseprice"], "24900.5");
    let lines = format!(
        "SELECT tl.transaction AS transaction, tl.item AS item, tl.quantity * -1 AS quantity, tl.rate AS rate FROM transactionline tl \
         WHERE tl.transaction IN ({order_id}, 9) AND tl.mainline = 'F' AND tl.taxline = 'F' ORDER BY tl.transaction, tl.linesequencenumber"
    );
    let page = suiteql(&mut client, &lines).await;
    let line = json!({ "links": [], "transaction": order_id, "item": "102", "quantity": "3", "rate": "24900.5" });
    assert_eq!(page["items"], json!([line]));
    let joined = "SELECT t.tranid, tl.netamount FROM transaction t JOIN transactionline tl ON tl.transaction = t.id WHERE t.type = \
                  'SalesOrd' ORDER BY tl.id";
    let page = suiteql(&mut client, joined).await;
    assert_eq!(
        (&page["items"][0]["netamount"], &page["items"][1]["netamount"]),
        (&json!("74701.5"), &json!("-74701.5"))
    );
    assert_eq!(suiteql(&mut client, "SELECT 1 AS ok FROM dual").await["items"][0]["ok"], "1");
}

/// A query with a slip, or with what the vendor's dialect lacks, must get the vendor's error: one fault at a time.
#[tokio::test]
async fn netsuite_refuses_other_queries() {
    let (_sim, mut client) = netsuite(netsuite::Options::default()).await;
    for (text, prefer) in [
        ("SELECT id FROM customer", "respond-async"),
        ("SELECT nickname FROM customer", "transient"),
        ("SELECT id FROM custumer", "transient"),
        ("SELECT id FROM customer WHERE", "transient"),
        ("SELECT id FROM customer LIMIT 5", "transient"),
        ("SELECT BUILTIN.DF(category) FROM customer", "transient"),
    ] {
        let headers = [("prefer", prefer), ("content-type", "application/json")];
        let body = json!({ "q": text }).to_string();
        let reply = client.send(Method::POST, "/services/rest/query/v1/suiteql", &headers, body).await.unwrap();
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{text}: {}", reply.json());
    }
}

/// Five calls may be open at once in the account, whoever makes them; the sixth must get 429 without a time to wait,
/// and the ledger must show the peak.
#[tokio::test]
async fn netsuite_refuses_the_sixth_call_at_once() {
    let (sim, client) = netsuite(netsuite::Options::default()).await;
    sim.hold();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let mut client = client.another();
            tokio::spawn(async move { client.get(&format!("{RECORDS}/customer")).await.unwrap().status })
        })
        .collect();
    sim.until_in_flight(5).await;
    let refused = client.another().get(&format!("{RECORDS}/customer")).await.unwrap();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.json()["o:errorDetails"][0]["o:errorCode"], "CONCURRENCY_LIMIT_EXCEEDED");
    assert!(refused.headers.get("retry-after").is_none());
    sim.release();
    for call in calls {
        assert_eq!(call.await.unwrap(), StatusCode::OK);
    }
    let requests = &sim.ledger()["requests"];
    assert_eq!((&requests["concurrency_peak"], &requests["throttled"]), (&json!(5), &json!(1)));
    let again = client.another().get(&format!("{RECORDS}/customer")).await.unwrap();
    assert_eq!(again.status, StatusCode::OK);
}

/// An account without upsert must refuse PUT and external ids, and the ledger must find the doubles that a blind retry
/// makes there.
#[tokio::test]
async fn netsuite_without_upsert_shows_doubles() {
    let options = netsuite::Options { without_upsert: true, ..Default::default() };
    let (sim, mut client) = netsuite(options).await;
    let customer =
        sim.vendor().load(RecordType::Customer, None, &[("companyName", json!("Alderworks"))], None).to_string();
    let mut body = order(&customer, "101", 1, "10");
    let put = client.json(Method::PUT, &format!("{RECORDS}/salesOrder/eid:O-1"), &body).await.unwrap();
    assert_eq!(put.status, StatusCode::METHOD_NOT_ALLOWED);
    body["externalId"] = json!("O-1");
    let path = format!("{RECORDS}/salesOrder");
    assert_eq!(client.json(Method::POST, &path, &body).await.unwrap().status, StatusCode::BAD_REQUEST);
    body.as_object_mut().unwrap().remove("externalId");
    body["otherRefNum"] = json!("PO-7");
    sim.set_faults(Faults::new(1, vec![Fault::times(FaultKind::LostResponse, 1)]));
    client.json(Method::POST, &path, &body).await.expect_err("the answer is lost");
    assert_eq!(client.json(Method::POST, &path, &body).await.unwrap().status, StatusCode::NO_CONTENT);
    let orders = &sim.ledger()["objects"]["salesOrder"];
    assert_eq!(
        (&orders["count"], &orders["duplicates"], &orders["totals"]["total"]),
        (&json!(2), &json!(1), &json!("20.00"))
    );
}

/// The catalogue must show the fields with their custom ones, and an order's status that a person changes must reach
/// the next query.
#[tokio::test]
async fn netsuite_can_be_discovered_and_edited() {
    let (sim, mut client) = netsuite(netsuite::Options::default()).await;
    let accept = [("accept", "application/schema+json")];
    let path = format!("{RECORDS}/metadata-catalog/customer");
    let schema = client.send(Method::GET, &path, &accept, "").await.unwrap().json();
    assert_eq!(schema["properties"]["companyName"]["maxLength"], 83);
    assert_eq!(schema["properties"]["custentity_sector"]["title"], "Sector");
    let customer =
        sim.vendor().load(RecordType::Customer, None, &[("companyName", json!("Alderworks"))], None).to_string();
    client.json(Method::POST, &format!("{RECORDS}/salesOrder"), &order(&customer, "101", 1, "10")).await.unwrap();
    let text = "SELECT t.status AS status, TO_CHAR(t.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS modified FROM transaction t";
    let before = suiteql(&mut client, text).await["items"][0].clone();
    control(&sim, "set_status", &json!({ "key": "SO1001", "status": "G" })).await;
    let after = suiteql(&mut client, text).await["items"][0].clone();
    assert_eq!((&before["status"], &after["status"]), (&json!("B"), &json!("G")));
    assert!(after["modified"].as_str() > before["modified"].as_str(), "{before} {after}");
}

/// An address must change in place where its line is named, be added where none is, and leave one default; the
/// default's end must be seen.
#[tokio::test]
async fn netsuite_merges_addresses() {
    let (sim, mut client) = netsuite(netsuite::Options::default()).await;
    let customer = sim.vendor().load(RecordType::Customer, None, &[("companyName", json!("Alderworks"))], Some("DE"));
    let path = format!("{RECORDS}/customer/{customer}");
    let text = format!(
        "SELECT ab.internalid AS line, a.country AS country, a.city AS city FROM customer c LEFT JOIN customeraddressbook ab ON \
         ab.entity = c.id AND ab.defaultbilling = 'T' LEFT JOIN customeraddressbookentityaddress a ON a.nkey = \
         ab.addressbookaddress WHERE c.id = {customer}"
    );
    let line = suiteql(&mut client, &text).await["items"][0]["line"].as_str().unwrap().to_owned();
    let country = |code: &str| json!({ "country": { "id": code }, "city": "Here" });
    for (entry, seen, addresses) in [
        (json!({ "internalId": line, "addressBookAddress": country("FR") }), Some("FR"), 1),
        (
            json!({ "defaultBilling": true, "defaultShipping": true, "addressBookAddress": country("JP") }),
            Some("JP"),
            2,
        ),
        (json!({ "internalId": line, "defaultBilling": true }), Some("FR"), 2),
        (json!({ "internalId": line, "defaultBilling": false, "defaultShipping": false }), None, 2),
    ] {
        let body = json!({ "addressBook": { "items": [entry] } });
        let reply = client.json(Method::PATCH, &path, &body).await.unwrap();
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{body}: {}", reply.json());
        assert_eq!(suiteql(&mut client, &text).await["items"][0]["country"].as_str(), seen, "{body}");
        let read = sim.vendor().read(RecordType::Customer, &customer.to_string()).unwrap();
        assert_eq!(read["addressBook"]["items"].as_array().unwrap().len(), addresses, "{body}");
    }
    let unknown = json!({ "addressBook": { "items": [{ "internalId": "1", "addressBookAddress": country("FR") }] } });
    assert_eq!(client.json(Method::PATCH, &path, &unknown).await.unwrap().status, StatusCode::BAD_REQUEST);
}
