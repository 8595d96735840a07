//! What the connector sends and how it reads answers, against a scripted host.

use crate::{NetSuite, suiteql};
use tollgate_sdk::{
    Action, Change, Comparison, Condition, Connector, ExternalId, Failure, FieldType, Intent, Lookup, Next, Outcome,
    Page, ReadRequest, SafeRepeat, Source, Target, Violation, Writing, http,
    json::{self, Json, json},
    testing::Host,
};

const CUSTOMER: &str = "SELECT c.id AS id, TO_CHAR(c.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodified, \
    c.externalid AS externalid, c.entityid AS entityid, c.companyname AS companyname, c.email AS email, c.phone AS phone, \
    c.category AS category, c.terms AS terms, c.parent AS parent, c.comments AS comments, c.isinactive AS isinactive, \
    ab.internalid AS addressline, a.country AS country, a.state AS state, a.city AS city, a.addr1 AS addr1, \
    a.addr2 AS addr2, a.zip AS zip, a.addressee AS addressee, a.attention AS attention";
const CUSTOMERS: &str = "FROM customer c LEFT JOIN customeraddressbook ab ON ab.entity = c.id AND ab.defaultbilling = 'T' \
    LEFT JOIN customeraddressbookentityaddress a ON a.nkey = ab.addressbookaddress";

fn request(stream: &str, cursor: Option<&str>, fields: &[&str]) -> ReadRequest {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    ReadRequest { stream: stream.into(), cursor: cursor.map(Into::into), fields, only: vec![], overlap_ms: 0 }
}

fn cursor(page: &Page) -> String {
    match &page.next {
        Next::More(cursor) | Next::CaughtUp(cursor) => cursor.clone(),
        Next::Wait(_) => panic!("a query never waits"),
    }
}

fn row(id: &str, members: &Json) -> Json {
    let mut row = json!({"links": [], "id": id, "lastmodified": "2026-11-21 10:00:00"});
    row.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    row
}

fn rows(items: &[Json], has_more: bool) -> Json {
    json!({"links": [], "count": items.len(), "hasMore": has_more, "items": items, "offset": 0, "totalResults": 9})
}

fn upsert(id: u32, data: &Json) -> Intent {
    let external_id = Some(ExternalId { field: "externalId".into(), value: format!("C-{id}") });
    Intent { id, action: Action::Upsert, key: None, external_id, expected_version: None, data: data.to_string() }
}

fn update(id: u32, data: &Json) -> Intent {
    Intent { action: Action::Update, key: Some("647".into()), external_id: None, ..upsert(id, data) }
}

fn data(change: &Change) -> Json {
    json::parse(&change.data).unwrap()
}

fn equal(field: &str, value: &Json) -> Condition {
    Condition { field: field.into(), is: Comparison::Equal(value.to_string()) }
}

/// The statement of a sent request.
fn q(host: &Host, at: usize) -> String {
    host.requests()[at].json()["q"].as_str().unwrap().to_owned()
}

/// The manifest is one that a host accepts; it explains the routes that the code names, and each write keeps the header
/// that names the record.
#[test]
fn the_manifest() {
    let manifest = tollgate_core::model::Manifest::parse(include_str!("../plugin.toml")).unwrap();
    for route in ["suiteql", "metadata", "record-create", "record-upsert", "record-update"] {
        let route = manifest.route(route).unwrap();
        assert_eq!(
            route.keep_headers.contains("location"),
            route.name.as_str().starts_with("record-"),
            "{}",
            route.name
        );
    }
    assert_eq!(manifest.budget.concurrency, Some(5));
}

/// Whatever a text holds, it stays inside its literal; what is no field name reaches no statement.
#[test]
fn literals_and_names() {
    assert_eq!(suiteql::quoted("O'Hare' OR '1'='1"), "'O''Hare'' OR ''1''=''1'");
    let instant = suiteql::instant("2026-11-21T10:00:00.000Z");
    assert_eq!(instant, "TO_TIMESTAMP('2026-11-21 10:00:00', 'YYYY-MM-DD HH24:MI:SS')");
    assert_eq!(suiteql::name("custentity_Tax").unwrap(), "custentity_tax");
    for name in ["", "a b", "id FROM employee", "1a", "a.b", "a--"] {
        assert!(matches!(suiteql::name(name), Err(Failure::Misconfigured(_))), "{name}");
    }
}

/// A condition becomes SuiteQL by the kind of its column; what has no sure literal is left to the host.
#[test]
fn conditions() {
    use Comparison::{AtLeast, Equal, Less, OneOf};
    for (of, is, expected) in [
        (FieldType::Text, Equal("\"O'Hare\"".into()), Some("x = 'O''Hare'")),
        (FieldType::Reference, Equal("3".into()), Some("x = '3'")),
        (FieldType::Boolean, Equal("true".into()), Some("x = 'T'")),
        (FieldType::Decimal, Equal("\"1.50\"".into()), Some("x = 1.50")),
        (FieldType::Decimal, Equal("\"1; DROP\"".into()), None),
        (FieldType::Text, Equal("null".into()), Some("x IS NULL")),
        (FieldType::Text, OneOf(vec!["\"a\"".into(), "\"b\"".into()]), Some("x IN ('a', 'b')")),
        (FieldType::Text, OneOf(vec!["\"a\"".into(), "null".into()]), None),
        (FieldType::Text, OneOf(vec![]), None),
        (FieldType::Date, AtLeast("\"2026-11-21\"".into()), Some("x >= '2026-11-21'")),
        (FieldType::Decimal, Less("10".into()), Some("x < 10")),
        (FieldType::Text, Less("\"a\"".into()), None),
    ] {
        let condition = Condition { field: "f".into(), is };
        assert_eq!(suiteql::condition("x", of, &condition).unwrap().as_deref(), expected, "{condition:?}");
    }
}

/// A flat row becomes the stream's shape: references as text, the address as an object, the base price with its digits
/// (FIN-08), further columns of the kind that the catalogue says; a column that is empty is absent.
#[test]
fn rows_become_records() {
    let host = Host::new();
    host.answer("metadata", 200, json!({"properties": {"custentity_year": {"type": "integer"}}}));
    let columns = json!({"companyname": "Acme", "parent": "12", "country": "US", "isinactive": "F", "addressline": "55",
        "custentity_year": "1996", "custentity_crm_id": "001A"});
    host.answer("suiteql", 200, rows(&[row("647", &columns), row("647", &columns)], false));
    let fields = ["companyName", "defaultAddress.country", "custentity_year", "custentity_crm_id"];
    let page = NetSuite::read(request("customer", None, &fields)).unwrap();
    let extra = ", c.custentity_crm_id AS custentity_crm_id, c.custentity_year AS custentity_year";
    assert_eq!(q(&host, 1), format!("{CUSTOMER}{extra} {CUSTOMERS} ORDER BY c.lastmodifieddate, c.id"));
    assert_eq!(host.requests()[0].header("accept"), Some("application/schema+json"));
    assert_eq!(host.requests()[1].header("prefer"), Some("transient"));
    assert_eq!(page.changes.len(), 1, "a join that repeats a record does not repeat the change");
    let change = &page.changes[0];
    let expected = json!({"companyName": "Acme", "parent": "12", "defaultAddress": {"country": "US"}, "isInactive": false,
        "custentity_year": 1996, "custentity_crm_id": "001A"});
    assert_eq!((data(change), change.key.as_str()), (expected, "647"));
    assert_eq!(change.modified_at.as_deref(), Some("2026-11-21T10:00:00.000Z"));
    assert_eq!(change.version.as_deref(), Some("2026-11-21 10:00:00"));

    host.answer("suiteql", 200, rows(&[row("5", &json!({"itemid": "GTX", "baseprice": "550.10"}))], false));
    let page = NetSuite::read(request("inventoryItem", None, &["itemId"])).unwrap();
    assert_eq!(page.changes[0].data, r#"{"basePrice":550.10,"itemId":"GTX"}"#);
    assert!(q(&host, 2).ends_with(
        "i.isinactive AS isinactive FROM item i LEFT JOIN itemprice p ON p.item = i.id AND p.pricelevelname = 'Base Price' \
         WHERE i.itemtype = 'InvtPart' ORDER BY i.lastmodifieddate, i.id"
    ));
}

/// A page goes on behind the last record of a tie, never by offset; once caught up it looks back; conditions follow.
#[test]
fn reading_goes_on_behind_a_tie() {
    let host = Host::new();
    host.answer("suiteql", 200, rows(&[row("9", &json!({})), row("10", &json!({}))], true));
    host.answer("suiteql", 200, rows(&[row("11", &json!({}))], false));
    host.answer("suiteql", 200, rows(&[], false));
    let page = NetSuite::read(request("customer", None, &["companyName"])).unwrap();
    assert!(matches!(page.next, Next::More(_)));
    let only = vec![equal("category", &json!("3"))];
    let page =
        NetSuite::read(ReadRequest { only, ..request("customer", Some(&cursor(&page)), &["companyName"]) }).unwrap();
    let at = "TO_TIMESTAMP('2026-11-21 10:00:00', 'YYYY-MM-DD HH24:MI:SS')";
    let place = format!("(c.lastmodifieddate > {at} OR (c.lastmodifieddate = {at} AND c.id > 10))");
    let expected =
        format!("{CUSTOMER} {CUSTOMERS} WHERE {place} AND c.category = '3' ORDER BY c.lastmodifieddate, c.id");
    assert_eq!(q(&host, 1), expected);
    let asked = ReadRequest { overlap_ms: 60_000, ..request("customer", Some(&cursor(&page)), &["companyName"]) };
    NetSuite::read(asked).unwrap();
    let since = "WHERE c.lastmodifieddate >= TO_TIMESTAMP('2026-11-21 09:59:00', 'YYYY-MM-DD HH24:MI:SS')";
    assert!(q(&host, 2).contains(since), "{}", q(&host, 2));
    assert_eq!((host.requests()[2].query("limit"), host.requests()[2].query("offset")), (Some("1000"), Some("0")));
}

/// A cursor that was not made here reaches no statement: the stream starts anew instead.
#[test]
fn a_foreign_cursor_is_refused() {
    let host = Host::new();
    let foreign = r#"{"v":1,"behind":{"at":"2026-11-21T10:00:00.000Z","id":"1 OR 1=1"}}"#;
    let answer = NetSuite::read(request("customer", Some(foreign), &["companyName"]));
    assert!(matches!(answer, Err(Failure::CursorExpired(_))), "{answer:?}");
    assert!(host.requests().is_empty());
}

/// Lines of a page of orders come with as many queries as they fill, and go to their orders.
#[test]
fn orders_get_their_lines() {
    let host = Host::new();
    let order = json!({"entity": "647", "trandate": "2026-11-21", "orderstatus": "SalesOrd:B"});
    host.answer("suiteql", 200, rows(&[row("7", &order), row("9", &json!({}))], false));
    let line = |order: &str, item: &str| json!({"transaction": order, "item": item, "quantity": "2", "rate": "55.00"});
    host.answer("suiteql", 200, rows(&[line("7", "5")], true));
    host.answer("suiteql", 200, rows(&[line("7", "6")], false));
    let page = NetSuite::read(request("salesOrder", None, &["entity", "item.items[].rate"])).unwrap();
    let statement = "SELECT tl.transaction AS transaction, tl.item AS item, tl.quantity * -1 AS quantity, tl.rate AS rate \
        FROM transactionline tl WHERE tl.transaction IN (7, 9) AND tl.mainline = 'F' AND tl.taxline = 'F' \
        ORDER BY tl.transaction, tl.linesequencenumber";
    assert_eq!(q(&host, 2), statement);
    assert_eq!(host.requests()[2].query("offset"), Some("1000"));
    let first = data(&page.changes[0]);
    assert_eq!(
        (&first["orderStatus"], &first["entity"], &first["tranDate"]),
        (&json!("B"), &json!("647"), &json!("2026-11-21"))
    );
    assert_eq!(
        first["item"].to_string(),
        r#"{"items":[{"item":"5","quantity":2,"rate":55.00},{"item":"6","quantity":2,"rate":55.00}]}"#
    );
    assert_eq!(data(&page.changes[1])["item"], json!({"items": []}));
}

/// An order is one PUT with references as REST wants them; its lines replace those that are there.
#[test]
fn orders_are_written() {
    let host = Host::new();
    host.answer_text("record-upsert", 204, "").header("location", "https://x/services/rest/record/v1/salesOrder/7001");
    let order = json!({"externalId": "C-1", "entity": "647", "memo": null, "item": {"items": [{"item": "5", "quantity": 2, "rate": 55}]}});
    let outcomes = NetSuite::write("salesOrder".into(), vec![upsert(1, &order)]).unwrap();
    assert_eq!(outcomes, [Outcome::stored("7001", false)]);
    let sent = &host.requests()[0];
    assert_eq!(
        (sent.param("record"), sent.param("external_id"), sent.query("replace")),
        (Some("salesOrder"), Some("C-1"), Some("item"))
    );
    let body = json!({"entity": {"id": "647"}, "memo": null, "item": {"items": [{"item": {"id": "5"}, "quantity": 2, "rate": 55}]}});
    assert_eq!((sent.json(), &sent.intents[..]), (body, &[1][..]));
}

/// An address adds a line where there is none, changes the one that is there, and sends nothing where it is the same;
/// no other address of the customer is touched.
#[test]
fn addresses_are_merged() {
    let host = Host::new();
    let known = |n: u32| {
        row(
            &format!("64{n}"),
            &json!({"externalid": format!("C-{n}"), "addressline": "55", "country": "US", "zip": "1"}),
        )
    };
    host.answer("suiteql", 200, rows(&[known(2), known(3), known(4), known(7)], false));
    for _ in 0..5 {
        host.answer_text("record-upsert", 204, "").header("location", "/customer/700/");
    }
    host.answer_text("record-update", 204, "");
    let address = |address: Json| json!({"category": "3", "defaultAddress": address});
    let intents = vec![
        upsert(1, &address(json!({"country": "FR"}))),
        upsert(2, &address(json!({"country": "FR"}))),
        upsert(3, &address(json!({"country": "US", "zip": "1"}))),
        upsert(4, &address(Json::Null)),
        upsert(5, &json!({"category": null})),
        update(7, &address(json!({"country": "US"}))),
    ];
    let outcomes = NetSuite::write("customer".into(), intents).unwrap();
    assert!(
        q(&host, 0).ends_with("WHERE (c.externalid IN ('C-1', 'C-2', 'C-3', 'C-4') OR c.id IN (647)) ORDER BY c.id")
    );
    let sent: Vec<_> = host.requests()[1..].iter().map(|sent| sent.json()["addressBook"]["items"][0].clone()).collect();
    let new = json!({"defaultBilling": true, "defaultShipping": true, "addressBookAddress": {"country": {"id": "FR"}}});
    let changed = json!({"internalId": "55", "addressBookAddress": {"country": {"id": "FR"}}});
    let cleared = json!({"internalId": "55", "defaultBilling": false, "defaultShipping": false});
    assert_eq!(sent, [new, changed, Json::Null, cleared, Json::Null, Json::Null]);
    assert_eq!(host.requests()[1].json()["category"], json!({"id": "3"}));
    assert_eq!(host.requests()[5].json(), json!({"category": null}));
    assert!(host.requests()[1..].iter().all(|sent| sent.query("replace").is_none()));
    assert_eq!(outcomes[0], Outcome::stored("700", true), "no such customer was there");
    assert_eq!((&outcomes[1], &outcomes[5]), (&Outcome::stored("700", false), &Outcome::stored("647", false)));
}

/// What cannot be sent fails alone and sends nothing.
#[test]
fn intents_that_cannot_be_sent() {
    let host = Host::new();
    host.answer_text("record-create", 204, "").header("location", "/customer/1");
    let other = ExternalId { field: "email".into(), value: "x".into() };
    let intents = vec![
        Intent { external_id: Some(other), ..upsert(1, &json!({})) },
        Intent { action: Action::Delete, ..update(2, &json!({})) },
        Intent { action: Action::Create, ..upsert(3, &json!({})) },
    ];
    let outcomes = NetSuite::write("customer".into(), intents).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Failed(Failure::Misconfigured(text)) if text.contains("externalId")));
    assert!(matches!(&outcomes[1], Outcome::Failed(Failure::Unsupported(_))));
    assert_eq!((&outcomes[2], host.requests().len()), (&Outcome::stored("1", true), 1));
    assert!(matches!(NetSuite::write("inventoryItem".into(), vec![]), Err(Failure::Unsupported(_))));
}

/// Each answer has its outcome; a path of the body becomes the stream's own word.
#[test]
fn errors_of_a_write() {
    let rejected = |rule: &str, field: Option<&str>| {
        let violation = Violation::new(rule, "d");
        Outcome::refused(field.into_iter().fold(violation, Violation::on))
    };
    let failed = |failure: fn(String) -> Failure, status: u16, code: &str| {
        Outcome::Failed(failure(format!("NetSuite answered {status}: {code}: d")))
    };
    let put = || upsert(1, &json!({}));
    let post = || Intent { action: Action::Create, ..put() };
    let country = "addressBook.items[0].addressBookAddress.country.id";
    let unknown = Outcome::Unknown("NetSuite answered 500: UNEXPECTED_ERROR: d".into());
    let too_many = || Outcome::Failed(Failure::RateLimited(None));
    for (intent, (status, code, path), expected) in [
        (put(), (400, "INVALID_CONTENT", Some("item.items")), rejected("invalid-content", Some("item.items"))),
        (put(), (400, "INVALID_VALUE", Some("terms.id")), rejected("invalid-value", Some("terms"))),
        (put(), (400, "NONEXISTENT_ID", Some(country)), rejected("reference", Some("defaultAddress.country"))),
        (put(), (400, "USER_ERROR", None), rejected("user-error", None)),
        (put(), (400, "RCRD_HAS_BEEN_CHANGED", None), failed(Failure::Transient, 400, "RCRD_HAS_BEEN_CHANGED")),
        (put(), (400, "SSS_REQUEST_LIMIT_EXCEEDED", None), too_many()),
        (put(), (429, "X", None), too_many()),
        (put(), (401, "INVALID_LOGIN", None), failed(Failure::Unauthorized, 401, "INVALID_LOGIN")),
        (put(), (500, "UNEXPECTED_ERROR", None), failed(Failure::Transient, 500, "UNEXPECTED_ERROR")),
        (post(), (500, "UNEXPECTED_ERROR", None), unknown),
        (update(1, &json!({})), (404, "NONEXISTENT_ID", None), Outcome::Gone(None)),
        (put(), (404, "NONEXISTENT_ID", None), failed(Failure::Misconfigured, 404, "NONEXISTENT_ID")),
    ] {
        let host = Host::new();
        let mut detail = json!({"detail": "d", "o:errorCode": code});
        if let Some(path) = path {
            detail["o:errorPath"] = path.into();
        }
        let route = match intent.action {
            Action::Create => "record-create",
            Action::Update => "record-update",
            _ => "record-upsert",
        };
        host.answer(route, status, json!({"title": "t", "status": status, "o:errorDetails": [detail]}));
        assert_eq!(NetSuite::write("salesOrder".into(), vec![intent]).unwrap(), [expected], "{status} {code}");
    }
}

/// One intent whose answer is lost is unknown; its neighbours keep their outcomes, in order.
#[test]
fn a_lost_answer() {
    let host = Host::new();
    host.answer_text("record-upsert", 204, "").header("location", "/salesOrder/1");
    host.fail("record-upsert", http::Error::SentNoAnswer("cut".into()));
    host.fail("record-upsert", http::Error::Budget(500));
    host.answer_text("record-upsert", 204, "");
    let outcomes = NetSuite::write("salesOrder".into(), (1..=4).map(|id| upsert(id, &json!({}))).collect()).unwrap();
    assert_eq!(
        outcomes[..3],
        [Outcome::stored("1", false), Outcome::Unknown("cut".into()), Outcome::Failed(Failure::RateLimited(Some(500)))]
    );
    assert!(matches!(&outcomes[3], Outcome::Unknown(_)), "no location, no key");
}

/// Look-ups answer in the order of the keys, leave out what is no id, and refuse a comparison that they cannot make.
#[test]
fn looking_up() {
    let host = Host::new();
    host.answer("metadata", 200, json!({"properties": {}}));
    host.answer("suiteql", 200, rows(&[row("12", &json!({})), row("15", &json!({}))], false));
    let keys = ["15", "x OR 1=1", "12", "99"].map(Into::into).into();
    let found = NetSuite::fetch("customer".into(), keys).unwrap();
    let found: Vec<_> = found.iter().map(|change| change.as_ref().map(|change| change.key.as_str())).collect();
    assert_eq!(found, [Some("15"), None, Some("12"), None]);
    assert!(q(&host, 1).ends_with("WHERE c.id IN (15, 12, 99) ORDER BY c.id"));
    host.answer("metadata", 200, json!({"properties": {"custentity_crm_id": {"type": "string"}}}));
    host.answer("suiteql", 200, rows(&[row("12", &json!({"custentity_crm_id": "001A"}))], false));
    let only = vec![equal("externalId", &json!("C-1")), equal("custentity_crm_id", &json!("001A"))];
    let found = NetSuite::search("customer".into(), only, 10).unwrap();
    assert_eq!(data(&found[0])["custentity_crm_id"], "001A");
    assert!(q(&host, 3).ends_with("WHERE c.externalid = 'C-1' AND c.custentity_crm_id = '001A' ORDER BY c.id"));
    assert_eq!(host.requests()[3].query("limit"), Some("10"));
    let lines = vec![equal("item.items[].item", &json!("5"))];
    assert!(matches!(NetSuite::search("salesOrder".into(), lines, 10), Err(Failure::Unsupported(_))));
}

/// The streams carry the account's custom fields and what the connector can do with them.
#[test]
fn discovering() {
    let host = Host::new();
    let year = json!({"title": "Year", "type": "integer"});
    let schema = json!({"properties": {"custentity_year": year, "custitem_series": {"type": "string", "maxLength": 30},
        "custbody_list": {"type": "object"}, "companyName": {"title": "Company", "type": "string", "maxLength": 83}}});
    for _ in 0..3 {
        host.answer("metadata", 200, schema.clone());
    }
    let streams = NetSuite::discover().unwrap();
    let field = |stream: usize, path: &str| streams[stream].fields.iter().find(|field| field.path == path);
    let name = field(0, "companyName").unwrap();
    assert_eq!((name.label.as_str(), name.length_max, name.updatable), ("Company", Some(83), true));
    let year = field(0, "custentity_year").unwrap();
    assert!(year.custom && year.of == FieldType::Integer);
    assert!(field(0, "#addressline").is_none() && field(2, "custbody_list").is_none());
    assert!(field(1, "custitem_series").is_some_and(|field| !field.updatable));
    assert_eq!(field(2, "item.items[].rate").unwrap().of, FieldType::Decimal);
    assert_eq!(
        (streams[0].repeat, streams[1].writing, streams[2].write_max),
        (SafeRepeat::ExternalId, Writing::empty(), 100)
    );
}

/// The account is what the answer's own link names; a statement that is refused is the connection's fault.
#[test]
fn checking() {
    let host = Host::new();
    let link =
        json!({"rel": "self", "href": "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/query/v1/suiteql"});
    host.answer("suiteql", 200, json!({"links": [link], "items": [{"ok": "1"}]}));
    assert_eq!(NetSuite::check().unwrap().id, "1234567-sb1");
    host.answer("suiteql", 200, json!({"links": [], "items": []}));
    assert!(matches!(NetSuite::check(), Err(Failure::Fault(_))));
    host.answer(
        "suiteql",
        400,
        json!({"o:errorDetails": [{"detail": "Field 'x' not found", "o:errorCode": "INVALID_PARAMETER"}]}),
    );
    assert!(matches!(NetSuite::check(), Err(Failure::Misconfigured(text)) if text.contains("'x'")));
    host.fail("suiteql", http::Error::Budget(9));
    assert!(matches!(NetSuite::check(), Err(Failure::RateLimited(Some(9)))));
}
