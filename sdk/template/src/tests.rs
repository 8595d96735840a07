//! The connector natively, over a scripted host.

use crate::Acme;
use tollgate_sdk::{
    Action, Connector, ExternalId, Failure, Intent, Next, Outcome, ReadRequest, Source, Target, json::json, testing::Host,
};

fn request(cursor: Option<String>) -> ReadRequest {
    ReadRequest { stream: "contact".into(), cursor, fields: vec![], only: vec![], overlap_ms: 0 }
}

/// The account is named by the system itself.
#[test]
fn check_names_the_account() {
    let host = Host::new();
    host.answer("me", 200, json!({"id": "a-1", "name": "Acme Ltd"}));
    assert_eq!(Acme::check().unwrap().id, "a-1");
}

/// The second page is asked for behind the last record of the first.
#[test]
fn pages_go_on_behind_the_last_record() {
    let host = Host::new();
    let record = json!({"id": "c1", "name": "Ann", "updated_at": "2026-01-01T00:00:00Z"});
    host.answer("contacts", 200, json!({"items": [record], "more": true}));
    host.answer("contacts", 200, json!({"items": [], "more": false}));
    let first = Acme::read(request(None)).unwrap();
    let Next::More(cursor) = first.next else { panic!("there is more") };
    Acme::read(request(Some(cursor))).unwrap();
    assert_eq!(host.requests()[1].query("after_id"), Some("c1"));
}

/// Each outcome follows from the answer to its own request.
#[test]
fn outcomes() {
    let host = Host::new();
    let refusal = json!({"errors": [{"field": "name", "code": "required", "message": "a name is missing"}]});
    host.answer("contact-upsert", 422, refusal);
    host.answer("contact-upsert", 201, json!({"id": "c2"}));
    let intent = |id: u32| Intent {
        id,
        action: Action::Upsert,
        key: None,
        external_id: Some(ExternalId { field: "number".into(), value: id.to_string() }),
        expected_version: None,
        data: "{}".into(),
    };
    let outcomes = Acme::write("contact".into(), vec![intent(0), intent(1)]).unwrap();
    let Outcome::Rejected(reasons) = &outcomes[0] else { panic!("the first was refused: {outcomes:?}") };
    assert_eq!((reasons[0].field.as_deref(), reasons[0].rule.as_str()), (Some("name"), "required"));
    assert_eq!(outcomes[1], Outcome::stored("c2", true));
}

/// Throttling is named, and the host waits.
#[test]
fn throttling() {
    let host = Host::new();
    host.answer("contacts", 429, json!({}));
    assert_eq!(Acme::read(request(None)).unwrap_err(), Failure::RateLimited(None));
}
