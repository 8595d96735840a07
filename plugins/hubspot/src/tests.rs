//! What the connector sends and how it reads answers, against a scripted host.

use crate::HubSpot;
use tollgate_sdk::{
    Action, Comparison, Condition, Connector, ExternalId, Failure, FieldType, Intent, Lookup, Next, Outcome, Page,
    ReadRequest, SafeRepeat, Source, Target, Violation, http,
    json::{Json, json, number},
    testing::Host,
};

const TEN: &str = "2026-11-21T10:00:00.000Z";
const ELEVEN: &str = "2026-11-21T11:00:00.000Z";

fn request(cursor: Option<String>) -> ReadRequest {
    ReadRequest { stream: "companies".into(), cursor, fields: vec!["name".into()], only: vec![], overlap_ms: 0 }
}

fn company(id: &str, at: &str) -> Json {
    json!({"id": id, "properties": {"name": "Acme", "hs_lastmodifieddate": at, "hs_object_id": id}, "archived": false})
}

fn records(results: &[Json], has_more: bool) -> Json {
    let paging = if has_more { json!({"next": {"after": "200"}}) } else { Json::Null };
    json!({"total": 10_000, "results": results, "paging": paging})
}

fn cursor(page: &Page) -> Option<String> {
    match &page.next {
        Next::More(cursor) | Next::CaughtUp(cursor) => Some(cursor.clone()),
        Next::Wait(_) => None,
    }
}

fn keys(page: &Page) -> Vec<&str> {
    page.changes.iter().map(|change| change.key.as_str()).collect()
}

fn intent(id: u32, action: Action, data: &Json) -> Intent {
    let key = (action == Action::Update).then(|| format!("90{id}"));
    let external_id =
        (action == Action::Upsert).then(|| ExternalId { field: "erp_id".into(), value: format!("C-{id}") });
    Intent { id, action, key, external_id, expected_version: None, data: data.to_string() }
}

fn condition(field: &str, is: Comparison) -> Condition {
    Condition { field: field.into(), is }
}

fn properties() -> Json {
    let property = |name: &str, of: &str, unique: bool| {
        json!({"name": name, "label": name, "type": of, "fieldType": "text", "options": [], "hasUniqueValue": unique,
               "hubspotDefined": !unique, "modificationMetadata": {"readOnlyValue": name.starts_with("hs_")}})
    };
    let mut industry = property("industry", "enumeration", false);
    industry["options"] = json!([{"label": "Retail", "value": "RETAIL"}]);
    json!({"results": [property("name", "string", false), property("erp_id", "string", true), industry,
                       property("annualrevenue", "number", false), property("hs_lastmodifieddate", "datetime", false)]})
}

/// The manifest is one that a host accepts; searches spend from the vendor's own window for them, and nothing else does.
#[test]
fn the_manifest() {
    let manifest = tollgate_core::model::Manifest::parse(include_str!("../plugin.toml")).unwrap();
    for name in ["account", "properties", "search", "batch-read", "batch-create", "batch-update", "batch-upsert"] {
        let window = manifest.route(name).unwrap().window.as_deref();
        assert_eq!(window, (name == "search").then_some("search"), "{name}");
    }
    let windows: Vec<_> = manifest.budget.windows.iter().map(|window| (window.calls, window.seconds)).collect();
    assert_eq!(windows, [(100, 10), (5, 1)]);
}

/// A page that ends within an instant leaves that instant to the next search, which starts behind the last record that
/// was returned; ids are compared as numbers.
#[test]
fn reading_goes_on_behind_the_last_record() {
    let host = Host::new();
    host.answer("search", 200, records(&[company("1000", TEN), company("999", TEN), company("7", ELEVEN)], true));
    let page = HubSpot::read(request(None)).unwrap();
    assert_eq!((keys(&page), page.seen_up_to.as_deref()), (vec!["999", "1000"], Some(TEN)));
    assert_eq!(page.changes[0].version.as_deref(), Some(TEN));
    let sent = &host.requests()[0];
    assert_eq!(sent.param("object"), Some("companies"));
    let sorts = json!([{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}]);
    let expected =
        json!({"filterGroups": [], "sorts": sorts, "properties": ["name", "hs_lastmodifieddate"], "limit": 200});
    assert_eq!(sent.json(), expected);

    host.clock(1_795_300_000_000);
    host.answer("search", 200, records(&[company("7", ELEVEN)], false));
    let only = vec![condition("country", Comparison::Equal("\"Kenya\"".into()))];
    let page = HubSpot::read(ReadRequest { only, ..request(cursor(&page)) }).unwrap();
    assert!(matches!(page.next, Next::CaughtUp(_)));
    let filter =
        |name: &str, operator: &str, value: &str| json!({"propertyName": name, "operator": operator, "value": value});
    let country = filter("country", "EQ", "Kenya");
    let groups = json!([
        {"filters": [filter("hs_lastmodifieddate", "GT", TEN), country]},
        {"filters": [filter("hs_lastmodifieddate", "EQ", TEN), filter("hs_object_id", "GT", "1000"), country]},
    ]);
    assert_eq!(host.requests()[1].json()["filterGroups"], groups);
}

/// An instant that fills a page alone is read in the order of ids, from behind the last one.
#[test]
fn an_instant_that_fills_a_page() {
    let host = Host::new();
    host.answer("search", 200, records(&[company("12", TEN), company("8", TEN)], true));
    host.answer("search", 200, records(&[company("8", TEN), company("9", TEN)], true));
    let page = HubSpot::read(request(None)).unwrap();
    assert_eq!(keys(&page), ["8", "9"]);
    host.answer("search", 200, records(&[company("12", TEN), company("11", TEN)], true));
    host.answer("search", 200, records(&[company("10", TEN), company("11", TEN)], true));
    let page = HubSpot::read(request(cursor(&page))).unwrap();
    assert_eq!(keys(&page), ["10", "11"]);
    let (first, second) = (host.requests()[1].json(), host.requests()[3].json());
    assert_eq!(first["sorts"][0]["propertyName"], "hs_object_id");
    assert_eq!(first["filterGroups"][0]["filters"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["filterGroups"][0]["filters"][1]["value"], "9");
}

/// A read that had caught up looks back half a minute, because search is late; not when the last change is long past.
#[test]
fn looking_back() {
    const ELEVEN_MS: u64 = 1_795_258_800_000;
    for (later_ms, operator, value) in [(5_000, "GTE", "2026-11-21T10:59:30.000Z"), (60_000, "GT", ELEVEN)] {
        let host = Host::new();
        host.clock(ELEVEN_MS + later_ms);
        host.answer("search", 200, records(&[company("7", ELEVEN)], false));
        host.answer("search", 200, records(&[], false));
        let page = HubSpot::read(request(None)).unwrap();
        HubSpot::read(request(cursor(&page))).unwrap();
        let filter = host.requests()[1].json()["filterGroups"][0]["filters"][0].clone();
        assert_eq!((&filter["operator"], &filter["value"]), (&json!(operator), &json!(value)), "{later_ms}");
    }
    let wrong = ReadRequest { fields: vec!["a b".into()], ..request(None) };
    assert!(matches!(HubSpot::read(wrong), Err(Failure::Misconfigured(text)) if text.contains("`a b`")));
}

/// One call for each action; results and errors come in an order of their own and go to their intents; values are texts,
/// and an empty one clears.
#[test]
fn one_call_for_each_action() {
    let host = Host::new();
    let done = |id: &str, trace: &str| json!({"id": id, "properties": {}, "objectWriteTraceId": trace});
    host.answer("batch-create", 201, json!({"status": "COMPLETE", "results": [done("903", "3"), done("901", "1")]}));
    let gone = json!({"category": "OBJECT_NOT_FOUND", "message": "m", "context": {"ids": ["902"]}});
    host.answer(
        "batch-update",
        207,
        json!({"results": [{"id": "905", "properties": {}}], "numErrors": 1, "errors": [gone]}),
    );
    let mut made = done("77", "4");
    made["new"] = json!(true);
    let message = r#"Property values were not valid: [{"isValid":false,"message":"no","error":"INVALID_OPTION","name":"industry"}]"#;
    let refused = json!({"category": "VALIDATION_ERROR", "message": message, "context": {"objectWriteTraceId": ["6"]}});
    host.answer("batch-upsert", 207, json!({"results": [made], "numErrors": 1, "errors": [refused]}));
    let revenue = number("1054.10").unwrap();
    let data = json!({"name": "Acme", "annualrevenue": revenue, "is_public": true, "phone": null, "hs_object_id": "1"});
    let action = |id| match id {
        1 | 3 => Action::Create,
        2 | 5 => Action::Update,
        7 => Action::Delete,
        _ => Action::Upsert,
    };
    let intents = (1..=8).map(|id| intent(id, action(id), &data)).collect();
    let outcomes = HubSpot::write("companies".into(), intents).unwrap();
    assert_eq!(
        outcomes[..6],
        [
            Outcome::stored("901", true),
            Outcome::Gone(None),
            Outcome::stored("903", true),
            Outcome::stored("77", true),
            Outcome::stored("905", false),
            Outcome::refused(Violation::new("choice", "no").on("industry")),
        ]
    );
    assert!(matches!(&outcomes[6], Outcome::Failed(Failure::Unsupported(_))));
    assert!(matches!(&outcomes[7], Outcome::Unknown(_)), "neither a result nor an error speaks of it");
    let sent = host.requests();
    let properties = json!({"name": "Acme", "annualrevenue": "1054.10", "is_public": "true", "phone": ""});
    assert_eq!(sent[0].json()["inputs"][0], json!({"objectWriteTraceId": "1", "properties": properties}));
    assert_eq!((sent[1].json()["inputs"][0]["id"].clone(), &sent[1].intents[..]), (json!("902"), &[2, 5][..]));
    let upsert = &sent[2].json()["inputs"][0];
    assert_eq!((&upsert["idProperty"], &upsert["id"]), (&json!("erp_id"), &json!("C-4")));
}

/// A call takes 100 inputs; a value that is no single text fails its own intent only.
#[test]
fn the_size_of_a_batch() {
    let host = Host::new();
    for part in [1..=100, 101..=149] {
        let done: Vec<_> = part.map(|id| json!({"id": id.to_string(), "objectWriteTraceId": id.to_string()})).collect();
        host.answer("batch-create", 201, json!({"results": done}));
    }
    let data = |id| if id == 150 { json!({"name": ["Acme"]}) } else { json!({"name": "Acme"}) };
    let intents = (1..=150).map(|id| intent(id, Action::Create, &data(id))).collect();
    let outcomes = HubSpot::write("companies".into(), intents).unwrap();
    assert_eq!(outcomes[148], Outcome::stored("149", true));
    assert!(matches!(&outcomes[149], Outcome::Failed(Failure::Misconfigured(text)) if text.contains("`name`")));
    assert_eq!(host.requests().iter().map(|sent| sent.intents.len()).collect::<Vec<_>>(), [100, 49]);
}

/// A call that fails as a whole: a create may have happened where nobody knows, the others are only tried again.
#[test]
fn errors_of_a_call() {
    let host = Host::new();
    let write = |action, status: u16, body: Json| {
        let route = if action == Action::Create { "batch-create" } else { "batch-upsert" };
        host.answer(route, status, body);
        HubSpot::write("companies".into(), vec![intent(1, action, &json!({}))]).unwrap().remove(0)
    };
    let policy = |name: &str| json!({"message": "You have reached your limit.", "policyName": name});
    let limited = |ms| Outcome::Failed(Failure::RateLimited(Some(ms)));
    for (name, ms) in [("TEN_SECONDLY_ROLLING", 10_000), ("SECONDLY", 1_000), ("DAILY", 3_600_000)] {
        assert_eq!(write(Action::Create, 429, policy(name)), limited(ms));
    }
    let body = || json!({"category": "X", "message": "m"});
    assert!(matches!(write(Action::Create, 500, body()), Outcome::Unknown(_)));
    assert!(matches!(write(Action::Upsert, 502, body()), Outcome::Failed(Failure::Transient(_))));
    assert!(matches!(write(Action::Upsert, 423, body()), Outcome::Failed(Failure::Transient(_))));
    assert!(matches!(write(Action::Upsert, 401, body()), Outcome::Failed(Failure::Unauthorized(_))));
    assert!(matches!(write(Action::Upsert, 403, body()), Outcome::Failed(Failure::Misconfigured(_))));
    assert!(matches!(write(Action::Create, 200, json!("<html>")), Outcome::Unknown(_)));
    host.fail("batch-create", http::Error::SentNoAnswer("cut".into()));
    let outcomes = HubSpot::write("companies".into(), vec![intent(1, Action::Create, &json!({}))]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Unknown(_)));
}

/// Each category of a record's error has its outcome, and names the properties that it is about.
#[test]
fn errors_of_a_record() {
    let rejected = |rule: &str| Outcome::refused(Violation::new(rule, "m"));
    for (category, context, expected) in [
        ("VALIDATION_ERROR", json!({}), rejected("validation-error")),
        (
            "VALIDATION_ERROR",
            json!({"properties": ["name"]}),
            Outcome::refused(Violation::new("required", "m").on("name")),
        ),
        ("CONFLICT", json!({}), rejected("duplicate")),
        ("OBJECT_NOT_FOUND", json!({}), rejected("object-not-found")),
        ("MISSING_SCOPES", json!({}), Outcome::Failed(Failure::Misconfigured("MISSING_SCOPES: m".into()))),
        ("RATE_LIMITS", json!({}), Outcome::Failed(Failure::RateLimited(None))),
        ("INTERNAL_ERROR", json!({}), Outcome::Failed(Failure::Transient("INTERNAL_ERROR: m".into()))),
    ] {
        let host = Host::new();
        let mut context = context;
        context["objectWriteTraceId"] = json!(["1"]);
        let error = json!({"status": "error", "category": category, "message": "m", "context": context});
        host.answer("batch-upsert", 207, json!({"results": [], "numErrors": 1, "errors": [error]}));
        let outcomes = HubSpot::write("companies".into(), vec![intent(1, Action::Upsert, &json!({}))]).unwrap();
        assert_eq!(outcomes, [expected], "{category}");
    }
}

/// Look-ups answer in the order of the keys; a unique property is read and not searched, which is never late; a list of
/// texts is searched in lower case, and what cannot be compared is refused.
#[test]
fn looking_up() {
    let host = Host::new();
    host.answer("properties", 200, properties());
    host.answer("batch-read", 207, records(&[company("902", TEN), company("901", TEN)], false));
    let found = HubSpot::fetch("companies".into(), ["901", "x", "903", "902"].map(Into::into).into()).unwrap();
    let found: Vec<_> = found.iter().map(|change| change.as_ref().map(|change| change.key.as_str())).collect();
    assert_eq!(found, [Some("901"), None, None, Some("902")]);
    assert_eq!(host.requests()[1].json()["inputs"], json!([{"id": "901"}, {"id": "903"}, {"id": "902"}]));

    let one_of = |values: &[&str]| Comparison::OneOf(values.iter().map(|value| (*value).to_owned()).collect());
    host.answer("properties", 200, properties());
    host.answer("batch-read", 200, records(&[company("901", TEN), company("902", TEN)], false));
    let only = vec![condition("erp_id", one_of(&["\"C-1\"", "\"C-2\""]))];
    assert_eq!(HubSpot::search("companies".into(), only, 1).unwrap().len(), 1);
    assert_eq!(host.requests()[3].json()["idProperty"], "erp_id");

    for (field, is, expected) in [
        ("name", one_of(&["\"Acme\"", "\"Beta\""]), Some(json!({"operator": "IN", "values": ["acme", "beta"]}))),
        ("industry", one_of(&["\"A\"", "\"B\""]), Some(json!({"operator": "IN", "values": ["A", "B"]}))),
        ("name", Comparison::Equal("null".into()), Some(json!({"operator": "NOT_HAS_PROPERTY"}))),
        ("annualrevenue", Comparison::AtLeast("1.50".into()), Some(json!({"operator": "GTE", "value": "1.50"}))),
        ("annualrevenue", Comparison::Less("7".into()), Some(json!({"operator": "LT", "value": "7"}))),
        ("name", Comparison::Less("\"b\"".into()), None),
    ] {
        host.answer("properties", 200, properties());
        let only = vec![condition(field, is)];
        if let Some(mut expected) = expected {
            expected["propertyName"] = json!(field);
            host.answer("search", 200, records(&[], false));
            HubSpot::search("companies".into(), only, 10).unwrap();
            let sent = host.requests().pop().unwrap().json();
            assert_eq!((&sent["filterGroups"][0]["filters"], &sent["limit"]), (&json!([expected]), &json!(10)));
        } else {
            assert!(matches!(HubSpot::search("companies".into(), only, 10), Err(Failure::Unsupported(_))));
        }
    }
}

/// The streams carry the account's own properties, and what the connector can do with them.
#[test]
fn discovering() {
    let host = Host::new();
    (0..4).for_each(|_| drop(host.answer("properties", 200, properties())));
    let streams = HubSpot::discover().unwrap();
    assert_eq!(
        streams.iter().map(|stream| &*stream.name).collect::<Vec<_>>(),
        ["companies", "contacts", "deals", "products"]
    );
    let [name, erp_id, industry, revenue, modified] = &streams[0].fields[..] else { panic!("five properties") };
    assert!(name.creatable && !name.custom && erp_id.custom && !modified.updatable);
    assert_eq!((industry.of, &industry.choices[..]), (FieldType::Choice, &["RETAIL".to_owned()][..]));
    assert_eq!((revenue.of, modified.of), (FieldType::Decimal, FieldType::DateTime));
    assert_eq!((streams[0].repeat, streams[0].write_max), (SafeRepeat::ExternalId, 100));
}

/// The account is the portal that the token belongs to; what keeps it from answering is classified.
#[test]
fn checking() {
    let host = Host::new();
    host.answer("account", 200, json!({"portalId": 44_556_677, "accountType": "STANDARD"}));
    let account = HubSpot::check().unwrap();
    assert_eq!((account.id.as_str(), account.edition.as_deref()), ("44556677", Some("STANDARD")));
    host.answer("account", 401, json!({"category": "INVALID_AUTHENTICATION", "message": "m"}));
    assert!(matches!(HubSpot::check(), Err(Failure::Unauthorized(text)) if text.contains('m')));
    host.answer_text("account", 502, "<html>");
    assert!(matches!(HubSpot::check(), Err(Failure::Transient(_))));
}
