//! What passes between host and guest: every call, every value, every bound on what comes back.

use super::{Fake, SHORT, plugin, read, read_one, request};
use tollgate_core::model::schema::{FieldType, SafeRepeat};
use tollgate_core::model::{
    Action, Comparison, Condition, Failure, Intent, Later, Next, Operation, Outcome, ReadRequest, limits,
};
use tollgate_sandbox::{CallError, Search};

/// PLT-02: what breaks a bound of the contract must be refused as such, naming the place; the probe breaks each in
/// turn.
#[tokio::test]
async fn breaches_are_named() {
    let cases = [
        ("many-changes", "more than 2000 changes"),
        ("big-page", "more than 8388608 bytes"),
        ("big-record", "changes[0].data has 1048577 bytes"),
        ("long-key", "changes[0].key has 256 bytes; at most 255"),
        ("empty-key", "changes[0].key is empty"),
        ("long-version", "changes[0].version has 1025 bytes"),
        ("long-cursor", "next.more has 65537 bytes"),
        ("long-ticket", "next.wait.ticket has 65537 bytes"),
        ("foreign-stream", "changes[0].stream is `another`; asked was `foreign-stream`"),
        ("much-random", "4097 random bytes"),
        ("huge-answer", "too much data is being copied"),
        ("broken-text", "utf-8"),
    ];
    for (stream, part) in cases {
        match plugin("probe").await.read(&request(stream), Fake::new(), tollgate_sandbox::CallLimits::default()).await {
            Err(CallError::Broke(text)) => assert!(text.contains(part), "{stream}: {text}"),
            other => panic!("{stream}: {other:?}"),
        }
    }
}

/// PLT-05: a plugin's own classification must arrive as it was given; only its sentence is cut.
#[tokio::test]
async fn failures_arrive() {
    let cases = [
        ("transient", Failure::Transient("locked".into())),
        ("rate-limited", Failure::RateLimited(Some(7_000))),
        ("unauthorized", Failure::Unauthorized("refused".into())),
        ("misconfigured", Failure::Misconfigured("no such site".into())),
        ("cursor-expired", Failure::CursorExpired("too old".into())),
        ("unsupported", Failure::Unsupported("not here".into())),
    ];
    for (stream, failure) in cases {
        assert_eq!(read(stream, Fake::new()).await, Err(CallError::Failure(failure)));
    }
    match read("fault", Fake::new()).await {
        Err(CallError::Failure(Failure::Fault(text))) => assert_eq!(text.len(), limits::SENTENCE_BYTES_MAX),
        other => panic!("{other:?}"),
    }
}

/// Pages arrive whole, with each kind of what comes next.
#[tokio::test]
async fn pages_arrive() {
    let page = read("page", Fake::new()).await.unwrap();
    assert_eq!(page.changes.len(), 3);
    assert_eq!(page.changes[2].key, "3");
    assert_eq!(page.changes[2].data, r#"{"name":"thing 3"}"#);
    assert_eq!(page.changes[2].modified_at.as_deref(), Some("2026-01-02T03:04:05Z"));
    assert_eq!(page.next, Next::CaughtUp("end".into()));
    assert_eq!(read("more", Fake::new()).await.unwrap().next, Next::More("next".into()));
    let wait = Later { ticket: "job".into(), after_ms: 1_000, reason: "a job runs".into() };
    assert_eq!(read("wait", Fake::new()).await.unwrap().next, Next::Wait(wait));
    let merged = read("merged", Fake::new()).await.unwrap();
    assert_eq!(merged.changes[0].operation, Operation::MergedInto("2".into()));
}

/// A guest must see exactly what its broker says of settings, time, chance and limits, and what it was asked.
#[tokio::test]
async fn a_guest_sees_what_its_broker_says() {
    assert_eq!(read_one("config", Fake::new()).await, r#"{"site":"acme"}"#);
    let world = read_one("world", Fake::new()).await;
    let world: serde_json::Value = serde_json::from_str(&world).unwrap();
    let expected = serde_json::json!({
        "now_ms": 1_700_000_000_123u64, "random": [7, 7, 7, 7],
        "requests": 900, "wall_ms": 60_000, "records": 2_000, "response_bytes": 16 << 20,
    });
    assert_eq!(world, expected);
    let asked = ReadRequest { cursor: Some("here".into()), fields: vec!["name".into()], ..request("request") };
    let page = plugin("probe").await.read(&asked, Fake::new(), SHORT).await.unwrap();
    assert_eq!(page.changes[0].data, r#"["name"]here"#);
}

/// What is left of requests must shrink with the call's own limit, when that is the lower one.
#[tokio::test]
async fn the_lower_limit_of_requests_is_shown() {
    let limits = tollgate_sandbox::CallLimits { requests: 5, ..SHORT };
    let page = plugin("probe").await.read(&request("world"), Fake::new(), limits).await.unwrap();
    assert!(page.changes[0].data.contains("\"requests\":5"), "{}", page.changes[0].data);
}

/// Requests reach the broker and answers come back in order; one that is too large is denied in its place and never
/// reaches the broker.
#[tokio::test]
async fn requests_pass() {
    let cases = [
        ("send", "200 get 7", 1),
        ("follow", "200 get https://api.probe.example/things?page=2", 1),
        ("too-large", "HttpError::Denied(\"the body has 8388609 bytes; at most 8388608\")", 0),
        ("long-link", "HttpError::Denied(\"the link has 112641 bytes; at most 61440\")", 0),
    ];
    for (stream, answer, reached) in cases {
        let broker = Fake::new();
        assert_eq!(read_one(stream, broker.clone()).await, answer, "{stream}");
        assert_eq!(broker.requests(), reached, "{stream}");
    }
    let broker = Fake::new();
    let limits = tollgate_sandbox::CallLimits { memory_bytes: 64 << 20, ..SHORT };
    let page = plugin("probe").await.read(&request("send-all"), broker.clone(), limits).await.unwrap();
    let answers: Vec<String> = serde_json::from_str(&page.changes[0].data).unwrap();
    assert_eq!((answers[0].as_str(), answers[2].as_str()), ("200 7", "200 9"));
    assert!(answers[1].contains("Denied"), "{}", answers[1]);
    assert_eq!(broker.requests(), 2);
}

/// `setup` describes the system.
#[tokio::test]
async fn setup_describes_the_system() {
    let probe = plugin("probe").await;
    let account = probe.check(Fake::new(), SHORT).await.unwrap();
    assert_eq!((account.id.as_str(), account.name.as_str()), ("probe-1", "Probe"));
    let streams = probe.discover(Fake::new(), SHORT).await.unwrap();
    let [stream] = streams.as_slice() else { panic!("{streams:?}") };
    assert_eq!((stream.repeat, stream.write_max), (SafeRepeat::Key(86_400), 50));
    assert!(stream.reading.incremental && stream.reading.backfill && !stream.reading.deletes);
    assert!(stream.writing.create && stream.writing.upsert && !stream.writing.delete);
    assert_eq!((stream.fields[0].of, stream.fields[0].length_max), (FieldType::Text, Some(80)));
}

fn intent(id: u32) -> Intent {
    Intent { id, action: Action::Upsert, key: None, external_id: None, expected_version: None, data: "{}".into() }
}

/// Every kind of outcome must arrive as it was given, one per intent and in order; of 100 reasons the limit is kept.
#[tokio::test]
async fn outcomes_arrive() {
    let probe = plugin("probe").await;
    let write = async |stream: &str| {
        let intents = [intent(4), Intent { key: Some("k".into()), ..intent(9) }];
        probe.write(&stream.into(), &intents, Fake::new(), SHORT).await
    };
    let keys = |outcomes: Vec<Outcome>| -> Vec<String> {
        let key = |outcome| match outcome {
            Outcome::Written(written) | Outcome::Unchanged(written) => written.key,
            other => panic!("{other:?}"),
        };
        outcomes.into_iter().map(key).collect()
    };
    assert_eq!(keys(write("page").await.unwrap()), ["new-4", "k"]);
    assert_eq!(keys(write("unchanged").await.unwrap()), ["new-4", "k"]);
    match &write("rejected").await.unwrap()[0] {
        Outcome::Rejected(why) => assert_eq!((why.len(), why[0].rule.as_str()), (limits::VIOLATIONS_MAX, "required")),
        other => panic!("{other:?}"),
    }
    assert!(matches!(&write("conflict").await.unwrap()[1], Outcome::Conflict(Some(there)) if there.key == "k"));
    assert_eq!(write("gone").await.unwrap()[0], Outcome::Gone(Some("heir".into())));
    assert!(matches!(&write("pending").await.unwrap()[1], Outcome::Pending(later) if later.ticket == "k"));
    assert_eq!(write("failed").await.unwrap()[0], Outcome::Failed(Failure::RateLimited(Some(1_000))));
    assert_eq!(write("unknown").await.unwrap()[0], Outcome::Unknown("no answer came".into()));
    assert_eq!(write("few").await, Err(CallError::Broke("there are 1 outcomes for 2 intents".into())));
    assert_eq!(write("keyless").await, Err(CallError::Broke("outcomes[0].key is empty".into())));
}

/// Pending intents are settled by ticket; a failure of the whole call arrives as one.
#[tokio::test]
async fn tickets_are_settled() {
    let probe = plugin("probe").await;
    let tickets = [(4, "a".to_owned()), (9, "b".to_owned())];
    let outcomes = probe.settle(&"page".into(), &tickets, Fake::new(), SHORT).await.unwrap();
    assert!(matches!(&outcomes[1], Outcome::Written(written) if written.key == "b"));
    let failed = probe.settle(&"failing".into(), &tickets, Fake::new(), SHORT).await;
    assert_eq!(failed, Err(CallError::Failure(Failure::Transient("not now".into()))));
}

/// Look-ups answer in order and within what was asked for.
#[tokio::test]
async fn look_ups_are_checked() {
    let probe = plugin("probe").await;
    let keys = ["a".to_owned(), "none".to_owned(), "c".to_owned()];
    let found = probe.fetch(&"page".into(), &keys, Fake::new(), SHORT).await.unwrap();
    let found: Vec<_> = found.iter().map(|found| found.as_ref().map(|record| record.key.as_str())).collect();
    assert_eq!(found, [Some("a"), None, Some("c")]);
    let few = probe.fetch(&"few".into(), &keys, Fake::new(), SHORT).await;
    assert_eq!(few, Err(CallError::Broke("there are 2 records for 3 keys".into())));

    let only = [Condition { field: "name".into(), is: Comparison::Equal("\"x\"".into()) }];
    let search = |stream: &'static str| {
        let stream = stream.into();
        let (probe, only) = (probe.clone(), only.clone());
        async move { probe.search(Search { stream: &stream, only: &only, most: 2 }, Fake::new(), SHORT).await }
    };
    let found = search("page").await.unwrap();
    assert_eq!((found.len(), found[0].data.as_str()), (2, r#"["name"]"#));
    assert_eq!(search("many").await, Err(CallError::Broke("the answer has 3 items; at most 2".into())));
}

/// CNX-03: a transform maps and refuses record by record; what it does not export is missing, and so for a connector.
#[tokio::test]
async fn transforms_apply() {
    let map = plugin("map").await;
    let record = |data: &str| tollgate_core::model::Change {
        stream: "Opportunity".into(),
        key: "006".into(),
        operation: Operation::Whole,
        version: None,
        modified_at: None,
        data: data.into(),
    };
    let won = include_str!("../../guests/map/record.json");
    let lost = won.replace("Closed Won", "Closed Lost");
    let applied = map.apply(vec![record(won), record(&lost)], Fake::new(), SHORT).await.unwrap();
    let order = &applied[0].as_ref().unwrap()[0].data;
    assert!(order.contains("\"total\":21924.50"), "money keeps its digits: {order}");
    assert_eq!(applied[1].as_ref().unwrap_err().field.as_deref(), Some("StageName"));

    assert_eq!(map.check(Fake::new(), SHORT).await, Err(CallError::Missing("setup")));
    let probe = plugin("probe").await;
    assert_eq!(probe.apply(vec![], Fake::new(), SHORT).await, Err(CallError::Missing("transform")));
}

/// GOV-03: a plugin that was built against a later patch of the contract must run here too: the probe's names are moved
/// from 0.1.0 to 0.1.7, in the component and in everything inside it.
#[tokio::test]
async fn later_patches_of_the_contract_run() {
    let mut bytes = tollgate_tests::guests::component("probe");
    let names: Vec<_> = bytes.windows(6).enumerate().filter(|(_, name)| *name == b"@0.1.0").map(|(at, _)| at).collect();
    assert!(names.len() > 10);
    names.into_iter().for_each(|at| bytes[at + 5] = b'7');
    let later = super::sandbox().load(tollgate_sandbox::admit(&bytes).unwrap()).await.unwrap();
    assert!(later.exports().contains(&"tollgate:plugin/source@0.1.7".to_owned()));
    assert_eq!(later.read(&request("page"), Fake::new(), SHORT).await.unwrap().changes.len(), 3);
    assert_eq!(later.check(Fake::new(), SHORT).await.unwrap().id, "probe-1");
}
