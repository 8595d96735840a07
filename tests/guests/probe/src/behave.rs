//! What `source.read` does, by the name of the stream.

use crate::bindings::exports::tollgate::plugin::source::{Next, Page, ReadRequest};
use crate::bindings::tollgate::plugin::types::{Change, Failure, Later, Operation};
use crate::bindings::tollgate::plugin::{clock, config, http, limits, log, random};
use crate::record;
use serde_json::json;
use std::hint::black_box;

pub(crate) fn read(request: &ReadRequest) -> Result<Page, Failure> {
    let stream = request.stream.as_str();
    if let Some(failure) = failure(stream) {
        return Err(failure);
    }
    use_up(stream);
    let mut page = Page { changes: changes(request), next: Next::CaughtUp("end".into()), seen_up_to: None };
    match stream {
        "more" => page.next = Next::More("next".into()),
        "wait" => page.next = Next::Wait(Later { ticket: "job".into(), after_ms: 1_000, reason: "a job runs".into() }),
        "long-cursor" => page.next = Next::More("c".repeat((64 << 10) + 1)),
        "long-ticket" => {
            page.next = Next::Wait(Later { ticket: "t".repeat((64 << 10) + 1), after_ms: 0, reason: String::new() });
        }
        _ => {}
    }
    Ok(page)
}

fn failure(stream: &str) -> Option<Failure> {
    Some(match stream {
        "transient" => Failure::Transient("locked".into()),
        "rate-limited" => Failure::RateLimited(Some(7_000)),
        "unauthorized" => Failure::Unauthorized("refused".into()),
        "misconfigured" => Failure::Misconfigured("no such site".into()),
        "cursor-expired" => Failure::CursorExpired("too old".into()),
        "unsupported" => Failure::Unsupported("not here".into()),
        "fault" => Failure::Fault("x".repeat(10_000)),
        _ => return None,
    })
}

/// Behaviours that use up what a call may use, or crash.
fn use_up(stream: &str) {
    match stream {
        "spin" => spin(),
        "spin-in-calls" => loop {
            black_box(clock::now_ms());
        },
        "allocate" => allocate(),
        "recurse" => drop(black_box(recurse(1))),
        "panic" => panic!("the guest says boom 42"),
        "unreachable" => std::process::abort(),
        "log" => (0..10_000).for_each(|n| log::write(log::Level::Info, &format!("line {n}"))),
        "long-line" => log::write(log::Level::Warn, &"é".repeat(1 << 20)),
        "forged-line" => log::write(log::Level::Warn, "one\nERROR two\u{1b}[2J"),
        "requests" => (0..2_000).for_each(|n| drop(http::send(&get(&n.to_string())))),
        "requests-at-once" => drop(http::send_all(&(0..2_000).map(|n| get(&n.to_string())).collect::<Vec<_>>())),
        "much-random" => drop(random::bytes(4_097)),
        _ => {}
    }
}

fn spin() {
    let mut n = 0u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

fn allocate() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1u8; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "that is the behaviour")]
fn recurse(n: u64) -> u64 {
    recurse(black_box(n) + 1) + black_box(1)
}

fn get(id: &str) -> http::Request {
    http::Request {
        route: "get".into(),
        params: vec![("id".into(), id.into())],
        query: vec![("q".into(), "1".into())],
        headers: vec![("accept".into(), "application/json".into())],
        body: None,
        intents: vec![],
    }
}

fn changes(request: &ReadRequest) -> Vec<Change> {
    let stream = request.stream.as_str();
    let one = |data: String| vec![record(stream, "1", data)];
    let mebibyte = || "d".repeat(1 << 20);
    match stream {
        "many-changes" => (0..2_001).map(|n| record(stream, &n.to_string(), "{}".into())).collect(),
        "big-page" => (0..9).map(|n| record(stream, &n.to_string(), mebibyte())).collect(),
        "big-record" => one(mebibyte() + "d"),
        "huge-answer" => (0..40).map(|n| record(stream, &n.to_string(), mebibyte())).collect(),
        "long-key" => vec![record(stream, &"k".repeat(256), "{}".into())],
        "empty-key" => vec![record(stream, "", "{}".into())],
        "long-version" => vec![Change { version: Some("v".repeat(1_025)), ..record(stream, "1", "{}".into()) }],
        "foreign-stream" => vec![record("another", "1", "{}".into())],
        "merged" => vec![Change { operation: Operation::MergedInto("2".into()), ..record(stream, "1", "{}".into()) }],
        "broken-text" => one(broken_text()),
        "config" => one(config::get()),
        "world" => one(world()),
        "request" => one(json!(request.fields).to_string() + request.cursor.as_deref().unwrap_or("-")),
        "send" => one(answer(http::send(&get("7")))),
        "send-all" => {
            one(json!(http::send_all(&[get("7"), too_large(), get("9")]).into_iter().map(answer).collect::<Vec<_>>())
                .to_string())
        }
        "follow" => one(answer(http::follow("get", "https://api.probe.example/things?page=2"))),
        "long-link" => one(answer(http::follow("get", &"l".repeat((110 << 10) + 1)))),
        "too-large" => one(answer(http::send(&too_large()))),
        _ => (1..=3)
            .map(|n| record(stream, &n.to_string(), json!({ "name": format!("thing {n}") }).to_string()))
            .collect(),
    }
}

/// What the guest can see of time, chance and its limits.
fn world() -> String {
    let left = limits::left();
    json!({
        "now_ms": clock::now_ms(),
        "random": random::bytes(4),
        "requests": left.requests,
        "wall_ms": left.wall_ms,
        "records": left.records,
        "response_bytes": left.response_bytes,
    })
    .to_string()
}

fn too_large() -> http::Request {
    http::Request { body: Some(vec![0; (8 << 20) + 1]), ..get("8") }
}

fn answer(answer: Result<http::Response, http::HttpError>) -> String {
    match answer {
        Ok(response) => format!("{} {}", response.status, String::from_utf8_lossy(&response.body)),
        Err(error) => format!("{error:?}"),
    }
}

/// A text that is no UTF-8: what a guest in another language could hand over by mistake or on purpose.
fn broken_text() -> String {
    // SAFETY: the text is never looked at in here; it is only moved to the host, whose check is under test.
    unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe]) }
}
