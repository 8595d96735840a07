//! What the connector sends and how it reads answers, against a scripted host.

use crate::{Salesforce, api, object::same_id, soql};
use tollgate_sdk::{
    Action, Comparison, Condition, Connector, ExternalId, Failure, Intent, Lookup, Next, Outcome, Page, ReadRequest,
    Result, SafeRepeat, Source, Target, Violation, http,
    json::{self, Json, json},
    testing::Host,
};

const PRICEBOOK: &str = "01sAAAAAAAAAAAAAAA";

fn request(stream: &str, cursor: Option<&str>) -> ReadRequest {
    let fields = vec!["Name".into(), "Id".into()];
    ReadRequest { stream: stream.into(), cursor: cursor.map(Into::into), fields, only: vec![], overlap_ms: 0 }
}

fn account(id: &str) -> Json {
    let attributes = json!({"type": "Account", "url": "/x"});
    json!({"attributes": attributes, "Id": id, "SystemModstamp": "2026-11-21T10:00:00.000+0000", "Name": "Acme"})
}

fn records(records: &[Json], next: Option<&str>) -> Json {
    json!({"totalSize": records.len(), "done": next.is_none(), "nextRecordsUrl": next, "records": records})
}

fn cursor(page: &Page) -> String {
    match &page.next {
        Next::More(cursor) | Next::CaughtUp(cursor) => cursor.clone(),
        Next::Wait(_) => panic!("a query never waits"),
    }
}

fn intent(id: u32, action: Action, data: &Json) -> Intent {
    let key = (action == Action::Update).then(|| format!("001U{id}"));
    let external_id =
        (action == Action::Upsert).then(|| ExternalId { field: "Erp__c".into(), value: format!("C-{id}") });
    Intent { id, action, key, external_id, expected_version: None, data: data.to_string() }
}

fn data(change: &tollgate_sdk::Change) -> Json {
    json::parse(&change.data).unwrap()
}

fn equal(field: &str, value: &Json) -> Condition {
    Condition { field: field.into(), is: Comparison::Equal(value.to_string()) }
}

/// The manifest is one that a host accepts, and it explains each route that the code names.
#[test]
fn the_manifest() {
    let manifest = tollgate_core::model::Manifest::parse(include_str!("../plugin.toml")).unwrap();
    for route in
        ["query", "query-more", "limits", "describe", "collections-create", "collections-update", "collections-upsert"]
    {
        let route = manifest.route(route).unwrap();
        assert!(route.usage.is_some() && route.throttled_when.is_some(), "{}", route.name);
    }
    let exports: Vec<_> = manifest.plugin.exports.iter().map(String::as_str).collect();
    assert_eq!(exports, ["lookup", "setup", "source", "target"]);
}

/// Whatever a text holds, it stays inside its literal; what is no field name reaches no statement.
#[test]
fn literals_and_names() {
    for (text, literal) in [
        ("Acme", "'Acme'"),
        ("O'Hare", r"'O\'Hare'"),
        (r"a\b", r"'a\\b'"),
        (r"\' OR Name != '", r"'\\\' OR Name != \''"),
        ("a\nb", r"'a\nb'"),
    ] {
        assert_eq!(soql::quoted(text), literal);
    }
    for name in ["Name", "Account.Name", "Erp_Id__c", "Owner.Profile.Name"] {
        assert_eq!(soql::name(name).unwrap(), name);
    }
    for name in ["", "a b", "Name FROM User", "Name,Id", "1a", "a.", "(SELECT", "Name--"] {
        assert!(matches!(soql::name(name), Err(Failure::Misconfigured(_))), "{name}");
    }
}

/// A condition is pushed down only where its literal is certain; the rest is left to the host.
#[test]
fn conditions() {
    let one_of = |values: &[&str]| Comparison::OneOf(values.iter().map(|value| (*value).to_owned()).collect());
    for (is, expected) in [
        (Comparison::Equal("\"Won\"".into()), Some("F = 'Won'")),
        (Comparison::Equal("1.50".into()), Some("F = 1.50")),
        (Comparison::Equal("true".into()), Some("F = TRUE")),
        (Comparison::Equal("null".into()), Some("F = NULL")),
        (Comparison::Equal("\"2026-11-21\"".into()), None),
        (Comparison::Equal("\"2026-11-21-7\"".into()), Some("F = '2026-11-21-7'")),
        (one_of(&["\"a\"", "\"b\""]), Some("F IN ('a', 'b')")),
        (one_of(&["\"a\"", "null"]), None),
        (one_of(&[]), None),
        (Comparison::AtLeast("1000".into()), Some("F >= 1000")),
        (Comparison::Less("0.5".into()), Some("F < 0.5")),
        (Comparison::AtLeast("\"2026-11-21\"".into()), None),
    ] {
        let condition = Condition { field: "F".into(), is };
        assert_eq!(soql::condition(&condition).unwrap().as_deref(), expected, "{condition:?}");
    }
}

/// A read selects the base and what is asked beyond it, sorted, and goes on behind the last record of a tie.
#[test]
fn reading_goes_on_behind_a_tie() {
    let host = Host::new();
    host.answer("query", 200, records(&[account("001A"), account("001B")], None));
    host.answer("query", 200, records(&[], None));
    let asked =
        ReadRequest { fields: vec!["Website".into(), "Erp__c".into(), "Name".into()], ..request("Account", None) };
    let page = Salesforce::read(asked).unwrap();
    let base =
        "Id, SystemModstamp, Name, BillingCountry, Industry, NumberOfEmployees, AnnualRevenue, ParentId, Description";
    let first = format!("SELECT {base}, Erp__c, Website FROM Account ORDER BY SystemModstamp, Id");
    assert_eq!(host.requests()[0].query("q"), Some(first.as_str()));
    assert_eq!(page.changes[1].version.as_deref(), Some("2026-11-21T10:00:00.000+0000"));
    assert_eq!(page.changes[1].modified_at.as_deref(), Some("2026-11-21T10:00:00.000Z"));
    assert!(data(&page.changes[1]).get("attributes").is_none());

    let only = vec![equal("Name", &json!("O'Hare"))];
    Salesforce::read(ReadRequest { only, ..request("Account", Some(&cursor(&page))) }).unwrap();
    let at = "2026-11-21T10:00:00.000Z";
    let second = format!(
        "SELECT {base} FROM Account WHERE (SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '001B')) \
         AND Name = 'O\\'Hare' ORDER BY SystemModstamp, Id"
    );
    assert_eq!(host.requests()[1].query("q"), Some(second.as_str()));
}

/// A link is followed while it lives; one that expired (400 INVALID_QUERY_LOCATOR) costs nothing but a new query.
#[test]
fn links_and_their_end() {
    let host = Host::new();
    let link = "/services/data/v67.0/query/01gX-2000";
    host.answer("query", 200, records(&[account("001A")], Some(link)));
    host.answer("query-more", 400, json!([{"errorCode": "INVALID_QUERY_LOCATOR", "message": "gone"}]));
    host.answer("query", 200, records(&[account("001B")], None));
    let page = Salesforce::read(request("Account", None)).unwrap();
    assert!(matches!(page.next, Next::More(_)));
    let page = Salesforce::read(request("Account", Some(&cursor(&page)))).unwrap();
    assert!(matches!(page.next, Next::CaughtUp(_)));
    let sent = host.requests();
    assert_eq!(sent[1].link.as_deref(), Some(link));
    assert!(sent[2].query("q").unwrap().contains("Id > '001A'"));
}

/// An answer that is too large for the host is asked for in smaller pages instead of failing for ever.
#[test]
fn too_large_an_answer() {
    let host = Host::new();
    host.fail("query", http::Error::TooLarge(16 << 20));
    host.answer("query", 200, records(&[account("001A")], None));
    assert_eq!(Salesforce::read(request("Account", None)).unwrap().changes.len(), 1);
    assert_eq!(host.requests()[1].header("sforce-query-options"), Some("batchSize=200"));
}

/// Lines become a list, however many pages the sub-select has; no lines are an empty list.
#[test]
fn lines_of_an_opportunity() {
    let host = Host::new();
    let line = |id: &str| json!({"attributes": {}, "Id": id, "Product2": {"attributes": {}, "ProductCode": "GTX"}});
    let lines = json!({"totalSize": 2, "done": false, "nextRecordsUrl": "/more", "records": [line("00kA")]});
    let deal =
        |lines: Json| json!({"Id": "006A", "SystemModstamp": "2026-11-21T10:00:00Z", "OpportunityLineItems": lines});
    host.answer("query", 200, records(&[deal(lines), deal(Json::Null)], None));
    host.answer("query-more", 200, records(&[line("00kB")], None));
    let fields = [
        "OpportunityLineItems[].Quantity",
        "OpportunityLineItems[].ServiceDate",
        "OpportunityLineItems",
        "Account.Name",
    ];
    let asked = ReadRequest { fields: fields.map(Into::into).into(), ..request("Opportunity", None) };
    let page = Salesforce::read(asked).unwrap();
    let statement = "SELECT Id, SystemModstamp, Name, AccountId, StageName, Amount, CloseDate, Account.Name, \
        (SELECT Id, Product2.ProductCode, Quantity, UnitPrice, ServiceDate FROM OpportunityLineItems) \
        FROM Opportunity ORDER BY SystemModstamp, Id";
    assert_eq!(host.requests()[0].query("q"), Some(statement));
    let line = |id: &str| json!({"Id": id, "Product2": {"ProductCode": "GTX"}});
    assert_eq!(data(&page.changes[0])["OpportunityLineItems"], json!([line("00kA"), line("00kB")]));
    assert_eq!(data(&page.changes[1])["OpportunityLineItems"], json!([]));
}

/// Lines cannot be written: nothing is sent, and the error says what to change.
#[test]
fn lines_are_read_only() {
    let host = Host::new();
    let intents = vec![intent(1, Action::Update, &json!({"OpportunityLineItems": []}))];
    let failure = Salesforce::write("Opportunity".into(), intents).unwrap_err();
    assert!(matches!(failure, Failure::Misconfigured(text) if text.contains("OpportunityLineItems")));
    assert!(host.requests().is_empty());
}

/// Of several prices the one in the standard price book is the product's, its digits kept (FIN-08).
#[test]
fn the_price_of_a_product() {
    let host = Host::new();
    host.config(json!({"pricebook": &PRICEBOOK[..15]}));
    let product = r#"{"records": [{"Id": "01tA", "SystemModstamp": "2026-11-21T10:00:00Z", "PricebookEntries": {"records":
        [{"Pricebook2Id": "01sBBBBBBBBBBBBBBB", "UnitPrice": 1}, {"Pricebook2Id": "01sAAAAAAAAAAAAAAA", "UnitPrice": 550.10}]}},
        {"Id": "01tB", "SystemModstamp": "2026-11-21T10:00:00Z", "PricebookEntries": null}]}"#;
    host.answer_text("query", 200, product);
    let page = Salesforce::read(request("Product2", None)).unwrap();
    assert!(
        host.requests()[0]
            .query("q")
            .unwrap()
            .contains(", (SELECT Id, UnitPrice, Pricebook2Id FROM PricebookEntries) FROM")
    );
    assert_eq!(data(&page.changes[0])["PricebookEntry"].to_string(), r#"{"UnitPrice":550.10}"#);
    assert_eq!(data(&page.changes[1])["PricebookEntry"], Json::Null);
    host.config(json!({}));
    host.answer_text("query", 200, product);
    assert!(
        matches!(Salesforce::read(request("Product2", None)), Err(Failure::Misconfigured(text)) if text.contains("pricebook"))
    );
}

/// One call for each action; each result goes to its intent, whatever the order of the calls.
#[test]
fn one_call_for_each_action() {
    let host = Host::new();
    let done = |id: &str, created: bool| json!([{"id": id, "success": true, "errors": [], "created": created}]);
    host.answer("collections-upsert", 200, done("001C", true));
    host.answer("collections-create", 201, done("001A", false));
    host.answer("collections-update", 200, done("001B", false));
    let name = json!({"Name": "Acme", "Id": "ignored"});
    let intents = vec![
        intent(7, Action::Upsert, &name),
        intent(8, Action::Update, &name),
        intent(9, Action::Create, &name),
        intent(10, Action::Delete, &name),
    ];
    let outcomes = Salesforce::write("Account".into(), intents).unwrap();
    assert_eq!(
        outcomes[..3],
        [Outcome::stored("001C", true), Outcome::stored("001B", false), Outcome::stored("001A", true)]
    );
    assert!(matches!(&outcomes[3], Outcome::Failed(Failure::Unsupported(_))));
    let sent = host.requests();
    let upsert = sent.iter().find(|sent| sent.route == "collections-upsert").unwrap();
    assert_eq!(
        (upsert.param("object"), upsert.param("field"), &upsert.intents[..]),
        (Some("Account"), Some("Erp__c"), &[7][..])
    );
    let record = json!({"attributes": {"type": "Account"}, "Erp__c": "C-7", "Name": "Acme"});
    assert_eq!(upsert.json(), json!({"allOrNone": false, "records": [record]}));
    let update = sent.iter().find(|sent| sent.route == "collections-update").unwrap();
    assert_eq!(update.json()["records"][0]["id"], "001U8");
}

/// Each code of a record has its outcome; the host reacts to nothing else.
#[test]
fn errors_of_a_record() {
    let rejected = |rule: &str, field: &str| Outcome::refused(Violation::new(rule, "m").on(field));
    let failed = |failure: fn(String) -> Failure, code: &str| Outcome::Failed(failure(format!("{code}: m")));
    for (action, code, fields, expected) in [
        (Action::Update, "UNABLE_TO_LOCK_ROW", json!([]), failed(Failure::Transient, "UNABLE_TO_LOCK_ROW")),
        (Action::Create, "REQUEST_LIMIT_EXCEEDED", json!([]), Outcome::Failed(Failure::RateLimited(None))),
        (Action::Create, "REQUIRED_FIELD_MISSING", json!(["Name"]), rejected("required", "Name")),
        (Action::Create, "STRING_TOO_LONG", json!(["Name"]), rejected("length", "Name")),
        (
            Action::Create,
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            json!(["A"]),
            rejected("field-custom-validation-exception", "A"),
        ),
        (Action::Create, "DUPLICATE_VALUE", json!(["Erp__c"]), rejected("duplicate", "Erp__c")),
        (Action::Create, "INVALID_FIELD", json!(["X"]), rejected("invalid-field", "X")),
        (Action::Update, "ENTITY_IS_DELETED", json!([]), Outcome::Gone(None)),
        (Action::Update, "INVALID_CROSS_REFERENCE_KEY", json!([]), Outcome::Gone(None)),
        (Action::Update, "INVALID_CROSS_REFERENCE_KEY", json!(["ParentId"]), rejected("reference", "ParentId")),
        (Action::Create, "ENTITY_IS_DELETED", json!(["ParentId"]), rejected("reference", "ParentId")),
        (
            Action::Update,
            "INSUFFICIENT_ACCESS_OR_READONLY",
            json!([]),
            failed(Failure::Misconfigured, "INSUFFICIENT_ACCESS_OR_READONLY"),
        ),
    ] {
        let host = Host::new();
        let errors = json!([{"statusCode": code, "message": "m", "fields": fields}]);
        let route = if action == Action::Update { "collections-update" } else { "collections-create" };
        host.answer(route, 200, json!([{"id": null, "success": false, "errors": errors}]));
        let outcomes = Salesforce::write("Account".into(), vec![intent(1, action, &json!({}))]).unwrap();
        assert_eq!(outcomes, [expected], "{code}");
    }
}

/// A call that fails as a whole fails each intent the same way; only where the effect may have happened is it unknown.
#[test]
fn errors_of_a_call() {
    let host = Host::new();
    let both = || vec![intent(1, Action::Create, &json!({})), intent(2, Action::Create, &json!({}))];
    let write = |status: u16, code: &str| -> Vec<Outcome> {
        host.answer("collections-create", status, json!([{"errorCode": code, "message": "m"}]));
        Salesforce::write("Account".into(), both()).unwrap()
    };
    assert_eq!(write(403, "REQUEST_LIMIT_EXCEEDED"), vec![Outcome::Failed(Failure::RateLimited(None)); 2]);
    assert!(matches!(&write(401, "INVALID_SESSION_ID")[1], Outcome::Failed(Failure::Unauthorized(_))));
    assert!(matches!(&write(503, "SERVER_UNAVAILABLE")[1], Outcome::Failed(Failure::Transient(_))));
    assert!(matches!(&write(500, "UNKNOWN_EXCEPTION")[1], Outcome::Unknown(_)));
    assert!(matches!(&write(400, "INVALID_FIELD")[1], Outcome::Failed(Failure::Misconfigured(_))));
    assert!(matches!(&write(200, "an answer with one result for two records")[1], Outcome::Unknown(_)));
    for (error, is_unknown) in
        [(http::Error::SentNoAnswer("cut".into()), true), (http::Error::NotSent("dns".into()), false)]
    {
        host.fail("collections-create", error);
        let outcomes = Salesforce::write("Account".into(), both()).unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Unknown(_)) == is_unknown), "{outcomes:?}");
    }
}

const OLD: &str = "01tOOOOOOOOOOOOOOO";
const NEW: &str = "01tNNNNNNNNNNNNNNN";

/// Scripts the products' own writes and which prices exist: one product is new, one has a price already.
fn products(host: &Host) -> Vec<Intent> {
    host.config(json!({"pricebook": PRICEBOOK}));
    let done = |id: &str| json!([{"id": id, "success": true, "errors": []}]);
    host.answer("collections-create", 200, done(NEW));
    host.answer("collections-update", 200, done(OLD));
    host.answer("query", 200, json!({"records": [{"Id": "01uO", "Product2Id": OLD}]}));
    let product = json!({"Name": "GTX", "PricebookEntry": {"UnitPrice": 550}});
    let old = Intent { key: Some(OLD.into()), ..intent(2, Action::Update, &product) };
    vec![intent(1, Action::Create, &product), old]
}

/// A product's price goes into the price book: a new entry for a new product, a change of the entry that is there.
#[test]
fn prices_are_written() {
    let host = Host::new();
    let intents = products(&host);
    host.answer("collections-create", 200, json!([{"id": "01uN", "success": true, "errors": []}]));
    host.answer("collections-update", 200, json!([{"id": "01uO", "success": true, "errors": []}]));
    let outcomes = Salesforce::write("Product2".into(), intents).unwrap();
    assert_eq!(outcomes, [Outcome::stored(NEW, true), Outcome::stored(OLD, false)]);
    let sent = host.requests();
    assert_eq!(sent[0].json()["records"][0].get("PricebookEntry"), None);
    let asked = format!(
        "SELECT Id, Product2Id FROM PricebookEntry WHERE Pricebook2Id = '{PRICEBOOK}' AND Product2Id IN ('{OLD}') ORDER BY Id"
    );
    assert_eq!(sent[2].query("q"), Some(asked.as_str()));
    let attributes = json!({"type": "PricebookEntry"});
    let new = json!({"attributes": attributes, "Pricebook2Id": PRICEBOOK, "Product2Id": NEW, "UnitPrice": 550, "IsActive": true});
    assert_eq!((sent[3].json()["records"][0].clone(), &sent[3].intents[..]), (new, &[1][..]));
    let changed = json!({"attributes": attributes, "id": "01uO", "UnitPrice": 550});
    assert_eq!((sent[4].json()["records"][0].clone(), &sent[4].intents[..]), (changed, &[2][..]));
}

/// A price that fails: a product that was just made is unknown, never to be made twice; an update may be repeated.
#[test]
fn prices_that_fail() {
    let host = Host::new();
    let intents = products(&host);
    let refused = json!([{"success": false, "errors": [{"statusCode": "REQUIRED_FIELD_MISSING", "message": "m", "fields": ["UnitPrice"]}]}]);
    host.answer("collections-create", 200, refused.clone());
    host.answer("collections-update", 200, refused);
    let outcomes = Salesforce::write("Product2".into(), intents).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Unknown(text) if text.contains(NEW)), "{outcomes:?}");
    assert_eq!(outcomes[1], Outcome::refused(Violation::new("required", "m").on("PricebookEntry.UnitPrice")));
    let intents = products(&host);
    let cleared = Intent { data: r#"{"PricebookEntry": null}"#.into(), ..intents[1].clone() };
    let outcomes = Salesforce::write("Product2".into(), vec![cleared]).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Rejected(_)), "{outcomes:?}");
}

/// Look-ups answer in the order of the keys, leave out what is no id, and refuse a comparison that they cannot make.
#[test]
fn looking_up() -> Result<()> {
    let host = Host::new();
    let ids = ["001AAAAAAAAAAAAAAA", "001BBBBBBBBBBBBBBB"];
    host.answer("query", 200, records(&[account(ids[1]), account(ids[0])], None));
    let keys = [ids[0], "x' OR Name != '", &ids[1][..15], "001CCCCCCCCCCCCCCC"].map(Into::into).into();
    let found = Salesforce::fetch("Account".into(), keys)?;
    let found: Vec<_> = found.iter().map(|change| change.as_ref().map(|change| change.key.as_str())).collect();
    assert_eq!(found, [Some(ids[0]), None, Some(ids[1]), None]);
    let statement = "SELECT FIELDS(ALL) FROM Account WHERE Id IN \
        ('001AAAAAAAAAAAAAAA', '001BBBBBBBBBBBB', '001CCCCCCCCCCCCCCC') ORDER BY Id LIMIT 200";
    assert_eq!(host.requests()[0].query("q"), Some(statement));
    host.answer("query", 200, records(&[account(ids[0])], None));
    assert_eq!(Salesforce::search("Account".into(), vec![equal("Name", &json!("Acme"))], 10)?.len(), 1);
    let statement = "SELECT FIELDS(ALL) FROM Account WHERE Name = 'Acme' ORDER BY Id LIMIT 10";
    assert_eq!(host.requests()[1].query("q"), Some(statement));
    let dates = vec![equal("CloseDate", &json!("2026-11-21"))];
    assert!(matches!(Salesforce::search("Account".into(), dates, 10), Err(Failure::Unsupported(_))));
    assert!(same_id("001AAAAAAAAAAAAAAA", "001AAAAAAAAAAAA") && !same_id("", ""));
    Ok(())
}

/// The streams carry the organisation's own fields and what the connector can do with them.
#[test]
fn discovering() {
    let host = Host::new();
    let field = |name: &str, of: &str| json!({"name": name, "label": name, "type": of, "filterable": true, "createable": true, "updateable": true});
    let price = json!({"name": "Amount", "label": "Amount", "type": "currency", "scale": 2, "nillable": true});
    for _ in 0..3 {
        let fields = [field("Name", "string"), field("BillingAddress", "address"), price.clone()];
        host.answer("describe", 200, json!({"label": "Label", "fields": fields}));
    }
    let streams = Salesforce::discover().unwrap();
    let paths = |at: usize| streams[at].fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>();
    assert_eq!(paths(0), ["Name", "Amount"]);
    assert!(paths(1).contains(&"PricebookEntry.UnitPrice"));
    assert!(paths(2).contains(&"OpportunityLineItems[].Product2.ProductCode"));
    assert!(streams[0].fields[0].required && streams[0].fields[1].scale == Some(2));
    assert_eq!(
        (streams[0].repeat, streams[1].repeat, streams[0].write_max),
        (SafeRepeat::ExternalId, SafeRepeat::ReadBack, 200)
    );
    assert_eq!(streams[0].filterable, ["Name"]);
}

/// The account is the organisation; what keeps it from answering is classified.
#[test]
fn checking() {
    let host = Host::new();
    host.answer(
        "query",
        200,
        json!({"records": [{"Id": "00D1", "Name": "Acme", "OrganizationType": "Developer Edition"}]}),
    );
    host.answer("limits", 200, json!({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}}));
    let account = Salesforce::check().unwrap();
    assert_eq!((account.id.as_str(), account.edition.as_deref()), ("00D1", Some("Developer Edition")));
    host.answer("query", 401, json!([{"errorCode": "INVALID_SESSION_ID", "message": "m"}]));
    assert!(matches!(Salesforce::check(), Err(Failure::Unauthorized(_))));
    host.answer_text("query", 502, "<html>");
    assert!(matches!(api::query("SELECT Id FROM X"), Err(Failure::Transient(_))));
}
