//! A connector that does what a test asks of it: the name of the stream says what (`behave.rs`).
//!
//! Written on the bare contract, without the SDK, so that a test of the sandbox tests nothing else.
#![expect(unsafe_code, reason = "the generated exports, and one behaviour that hands over a broken text")]

mod behave;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "connector" });
}

use bindings::exports::tollgate::plugin::{lookup, setup, source, target};
use bindings::tollgate::plugin::log;
use bindings::tollgate::plugin::types::{
    Change, Condition, Failure, Field, FieldType, Later, Operation, Reading, SafeRepeat, Stream, Violation, Writing,
};

struct Probe;

bindings::export!(Probe with_types_in bindings);

/// Last words: a panic says why in the host's log before it ends the call.
fn prepare() {
    std::panic::set_hook(Box::new(|panic| log::write(log::Level::Error, &panic.to_string())));
}

/// A record that nobody could object to.
fn record(stream: &str, key: &str, data: String) -> Change {
    Change {
        stream: stream.to_owned(),
        key: key.to_owned(),
        operation: Operation::Whole,
        version: Some("1".into()),
        modified_at: Some("2026-01-02T03:04:05Z".into()),
        data,
    }
}

impl setup::Guest for Probe {
    fn check() -> Result<setup::Account, Failure> {
        prepare();
        Ok(setup::Account { id: "probe-1".into(), name: "Probe".into(), edition: None, facts: "{}".into() })
    }

    fn discover() -> Result<Vec<Stream>, Failure> {
        prepare();
        let field = Field {
            path: "name".into(),
            label: "Name".into(),
            of: FieldType::Text,
            required: true,
            creatable: true,
            updatable: true,
            custom: false,
            length_max: Some(80),
            scale: None,
            choices: vec![],
            refers_to: vec![],
        };
        Ok(vec![Stream {
            name: "page".into(),
            label: "A page".into(),
            fields: vec![field],
            reading: Reading::INCREMENTAL | Reading::BACKFILL,
            writing: Writing::CREATE | Writing::UPSERT,
            filterable: vec!["name".into()],
            matchable: vec!["name".into()],
            repeat: SafeRepeat::Key(86_400),
            write_max: 50,
        }])
    }
}

impl source::Guest for Probe {
    fn read(request: source::ReadRequest) -> Result<source::Page, Failure> {
        prepare();
        behave::read(&request)
    }
}

impl target::Guest for Probe {
    /// The stream says what becomes of every intent; `few` forgets one.
    fn write(stream: String, intents: Vec<target::Intent>) -> Result<Vec<target::Outcome>, Failure> {
        prepare();
        let mut outcomes: Vec<_> = intents.iter().map(|intent| outcome(&stream, intent)).collect();
        if stream == "few" {
            outcomes.pop();
        }
        Ok(outcomes)
    }

    /// Every ticket is settled: its text becomes the key.
    fn settle(stream: String, tickets: Vec<target::Ticket>) -> Result<Vec<target::Outcome>, Failure> {
        prepare();
        if stream == "failing" {
            return Err(Failure::Transient("not now".into()));
        }
        Ok(tickets.into_iter().map(|ticket| target::Outcome::Written(written(ticket.ticket))).collect())
    }
}

fn written(key: String) -> target::Written {
    target::Written { key, version: None, created: true, returned: "{}".into() }
}

fn outcome(stream: &str, intent: &target::Intent) -> target::Outcome {
    let key = intent.key.clone().unwrap_or_else(|| format!("new-{}", intent.id));
    let why = Violation { field: Some("name".into()), rule: "required".into(), message: "a name is missing".into() };
    match stream {
        "unchanged" => target::Outcome::Unchanged(written(key)),
        "rejected" => target::Outcome::Rejected(vec![why; 100]),
        "conflict" => target::Outcome::Conflict(Some(record(stream, &key, intent.data.clone()))),
        "gone" => target::Outcome::Gone(Some("heir".into())),
        "pending" => target::Outcome::Pending(Later { ticket: key, after_ms: 5_000, reason: "a job runs".into() }),
        "failed" => target::Outcome::Failed(Failure::RateLimited(Some(1_000))),
        "unknown" => target::Outcome::Unknown("no answer came".into()),
        "keyless" => target::Outcome::Written(written(String::new())),
        _ => target::Outcome::Written(written(key)),
    }
}

impl lookup::Guest for Probe {
    /// A record for every key but `none`; the stream `few` forgets one.
    fn fetch(stream: String, keys: Vec<String>) -> Result<Vec<Option<Change>>, Failure> {
        prepare();
        let mut found: Vec<_> =
            keys.iter().map(|key| (key != "none").then(|| record(&stream, key, "{}".into()))).collect();
        if stream == "few" {
            found.pop();
        }
        Ok(found)
    }

    /// As many records as may be; the stream `many` gives one more.
    fn search(stream: String, only: Vec<Condition>, most: u32) -> Result<Vec<Change>, Failure> {
        prepare();
        let fields: Vec<_> = only.into_iter().map(|condition| condition.field).collect();
        let count = most + u32::from(stream == "many");
        Ok((0..count).map(|n| record(&stream, &n.to_string(), serde_json::json!(fields).to_string())).collect())
    }
}
