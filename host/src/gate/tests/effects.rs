//! Requests with an effect: marked before they leave, answered before the plugin sees it, never sent again when nobody
//! knows what came of them (RET-01).

use super::*;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use tokio::sync::watch;

/// A call that is run again gets the stored answers and sends nothing; the key of the request is the same both times.
#[tokio::test]
async fn stored_answers_are_not_sent_again() {
    let world = World::new(|_| answer(201, &[("location", "/orders/7")], b"done")).await;
    let first = world.writer(2).await;
    let answers = first.send_all(vec![insert(0), insert(1), insert(0)]).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status == 201));
    assert!(first.unanswered().is_empty());
    let second = world.writer(2).await;
    assert_eq!(second.send_all(vec![insert(0), insert(1), insert(0)]).await, answers);
    assert_eq!(world.server.count("/orders"), 3, "the same request twice in one call is two requests");
    assert_eq!(second.calls(), 0);
    let decisions: Vec<String> = world.journal().await.into_iter().map(|entry| entry.decision).collect();
    assert_eq!(decisions, ["sent", "sent", "sent", "stored", "stored", "stored"]);
}

/// A read inside a write is answered once: run again, the write sees what it saw before, whatever the vendor says now.
/// Other calls ask each time.
#[tokio::test]
async fn reads_of_a_write_are_remembered() {
    let tries = AtomicUsize::new(0);
    let world =
        World::new(move |_| answer(200, &[], tries.fetch_add(1, Ordering::SeqCst).to_string().as_bytes())).await;
    let body = |answer: Result<http::Response, http::Error>| String::from_utf8(answer.unwrap().body).unwrap();
    assert_eq!(body(world.writer(1).await.send(get("7")).await), "0");
    assert_eq!(body(world.writer(1).await.send(get("7")).await), "0");
    let reader = world.reader();
    assert_eq!(body(reader.send(get("7")).await), "1");
    assert_eq!(body(reader.send(get("7")).await), "2");
}

/// A write that is run again is the same call: its links are answered from memory like its other reads, its clock stands
/// where the batch was made, its randomness is the same, and so is what is left to it after the same answers.
#[tokio::test]
async fn a_write_is_run_again_as_it_was() {
    let tries = AtomicUsize::new(0);
    let world =
        World::new(move |_| answer(200, &[], tries.fetch_add(1, Ordering::SeqCst).to_string().as_bytes())).await;
    let run = async |world: &World| {
        let door = world.writer(1).await;
        let mut seen = vec![door.now_ms().to_string(), hex::encode(door.random(16))];
        for link in ["/get/1/next?after=2", "/get/1/next?after=2", "/get/1/next?after=3"] {
            let answer = door.follow("get".into(), link.into()).await.unwrap();
            seen.push(String::from_utf8(answer.body).unwrap());
        }
        seen.extend([door.now_ms().to_string(), door.left().response_bytes.to_string(), hex::encode(door.random(16))]);
        seen
    };
    let first = run(&world).await;
    assert_eq!(
        (first[0].as_str(), &first[2..6]),
        ("1700000000123", &["0", "1", "2", "1700000000123"].map(String::from)[..])
    );
    world.clock.advance(3_600_000);
    assert_eq!(run(&world).await, first);
    assert_eq!(world.server.seen().len(), 3);
}

/// A write that asks otherwise when it is run again does not double what may have been done: a request with an effect
/// for an intent whose earlier request was not answered stays here.
#[tokio::test]
async fn a_write_that_asks_otherwise_sends_nothing_twice() {
    let world = World::new(|_| Reply::Cut(vec![])).await;
    assert!(matches!(world.writer(2).await.send(insert(0)).await, Err(http::Error::SentNoAnswer(_))));
    let again = world.writer(2).await;
    let otherwise = http::Request { body: Some(b"made at another time".to_vec()), ..insert(0) };
    assert!(matches!(again.send(otherwise).await, Err(http::Error::SentNoAnswer(_))));
    assert_eq!(again.unanswered(), [0].into());
    assert_eq!((again.calls(), world.server.count("/orders")), (0, 1));
}

/// A stored 5xx of a request that writes each time is unknown even if the call that is run again never asks for it.
#[tokio::test]
async fn a_stored_error_is_unknown_without_being_asked_for() {
    let world = World::new(|_| answer(500, &[], b"")).await;
    assert_eq!(world.writer(1).await.send(insert(0)).await.unwrap().status, 500);
    assert_eq!(world.writer(1).await.unanswered(), [0].into());
}

/// A request that left and was not answered makes its intents unknown, in this call and in the next, and is not sent again;
/// not even if the next call never asks for it.
#[tokio::test]
async fn a_mark_without_an_answer_is_unknown() {
    let world = World::new(|_| Reply::Cut(vec![])).await;
    let first = world.writer(3).await;
    assert!(matches!(first.send(insert(2)).await, Err(http::Error::SentNoAnswer(_))));
    assert_eq!(first.unanswered(), [2].into());
    let second = world.writer(3).await;
    assert_eq!(second.unanswered(), [2].into(), "known from the mark");
    assert!(matches!(second.send(insert(2)).await, Err(http::Error::SentNoAnswer(_))));
    assert_eq!(world.server.count("/orders"), 1);
    assert_eq!(second.calls(), 0);
}

/// A repeatable request that was not answered is sent again.
#[tokio::test]
async fn upserts_are_sent_again() {
    let tries = AtomicUsize::new(0);
    let world = World::new(move |seen| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Cut(vec![]),
        1 => answer(500, &[], b""),
        _ => ok(seen),
    })
    .await;
    let first = world.writer(1).await;
    assert!(matches!(first.send(upsert(0)).await, Err(http::Error::SentNoAnswer(_))));
    assert_eq!(first.unanswered(), [0].into());
    let second = world.writer(1).await;
    assert_eq!(second.send(upsert(0)).await.unwrap().status, 500);
    assert!(second.unanswered().is_empty(), "it may be sent again");
    assert_eq!(second.send(upsert(0)).await.unwrap().status, 200);
    let third = world.writer(1).await;
    assert_eq!(third.send(upsert(0)).await.unwrap().status, 200);
    assert_eq!(world.server.count("/records/0"), 3);
}

/// Requests that were turned away untouched (429, 503, 401) or that could not leave are made again by the next call, also
/// on a route that writes each time; a 5xx there is unknown and stays so.
#[tokio::test]
async fn turned_away_is_not_done() {
    let status = Arc::new(Mutex::new(429));
    let world = World::new({
        let status = status.clone();
        move |_| answer(*status.lock().unwrap(), &[], b"")
    })
    .await;
    for (sent, turned_away) in [(1, 429), (2, 503), (3, 401)] {
        *status.lock().unwrap() = turned_away;
        let door = world.writer(1).await;
        assert!(door.unanswered().is_empty());
        assert_eq!(door.send(insert(0)).await.unwrap().status, turned_away);
        assert!(door.unanswered().is_empty(), "{turned_away}");
        assert_eq!(world.server.count("/orders"), sent);
    }
    *status.lock().unwrap() = 500;
    let door = world.writer(1).await;
    assert_eq!(door.send(insert(0)).await.unwrap().status, 500);
    assert_eq!(door.unanswered(), [0].into());
    let again = world.writer(1).await;
    assert_eq!(again.send(insert(0)).await.unwrap().status, 500);
    assert_eq!(again.unanswered(), [0].into());
    assert_eq!(world.server.count("/orders"), 4, "a 5xx is not sent again");
}

/// A request that could not leave is no unknown outcome: the next call sends it.
#[tokio::test]
async fn not_sent_is_not_done() {
    let world = World::new(ok).await;
    world.net.name("api.vendor.example", &["20.0.0.99"]);
    let first = world.writer(1).await;
    assert!(matches!(first.send(insert(0)).await, Err(http::Error::NotSent(_))));
    assert!(first.unanswered().is_empty());
    world.net.host("api.vendor.example", "20.0.0.1", world.server.port);
    assert_eq!(world.writer(1).await.send(insert(0)).await.unwrap().status, 200);
    assert_eq!(world.server.count("/orders"), 1);
}

/// A node that lost the lease sends nothing, whether it notices by its own clock or by the store (invariant: the fence is
/// checked right before sending).
#[tokio::test]
async fn without_the_lease_nothing_leaves() {
    let world = World::new(ok).await;
    let door = world.writer(1).await;
    world.is_held.store(false, Ordering::SeqCst);
    for asked in [insert(0), upsert(0)] {
        assert!(matches!(door.send(asked).await, Err(http::Error::NotSent(text)) if text.contains("lease")));
    }
    world.is_held.store(true, Ordering::SeqCst);
    world.clock.advance(60_000);
    let other =
        Store::claim(&world.store, &world.tenant, "flow", "other", super::super::Inner::now(&world.gate.0), 15_000);
    assert!(other.await.unwrap().is_some());
    let fence = tollgate_core::model::Fence(2);
    world.store.release(&world.tenant, "flow", fence).await.unwrap();
    assert!(matches!(door.send(insert(0)).await, Err(http::Error::NotSent(_))));
    assert!(door.unanswered().is_empty());
    assert!(world.server.seen().is_empty());
}

/// A call that ends early leaves no answer unread: what had left is finished, stored, and found by the next call; what
/// still waited for its turn is not sent.
#[tokio::test]
async fn a_dropped_call_is_finished() {
    let (open, gate) = watch::channel(false);
    let world = World::new(move |_| Reply::When(gate.clone(), crate::gate::testing::answer_bytes(201, &[], b""))).await;
    let door = world.writer(5).await;
    let call = tokio::spawn({
        let door = door.clone();
        async move { door.send_all((0..5).map(insert).collect()).await }
    });
    world.server.until(3).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(door.unanswered(), [0, 1, 2].into());
    open.send(true).unwrap();
    door.drain().await;
    assert!(door.unanswered().is_empty());
    assert_eq!(world.server.count("/orders"), 3);
    let again = world.writer(5).await;
    let answers = again.send_all((0..5).map(insert).collect()).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status == 201));
    assert_eq!(world.server.count("/orders"), 5);
}

/// The idempotency key follows from the intents: every try of the same carries the same, another intent another.
#[tokio::test]
async fn idempotency_keys() {
    let world = World::new(|_| answer(429, &[], b"")).await;
    for intent in [0, 0, 1] {
        world.writer(2).await.send(insert(intent)).await.unwrap();
    }
    let keys: Vec<String> = world.server.seen().iter().map(|seen| seen.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys[0].len(), 32);
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
}

/// An effect needs a write, and intents that the call holds.
#[tokio::test]
async fn effects_are_for_writes() {
    let world = World::new(ok).await;
    let writer = world.writer(1).await;
    for (door, asked, rule) in [
        (world.reader(), insert(0), "effect"),
        (writer.clone(), insert(1), "intents"),
        (writer.clone(), http::Request { intents: vec![], ..insert(0) }, "intents"),
        (writer, http::Request { intents: vec![0], ..get("1") }, "intents"),
    ] {
        assert!(matches!(door.send(asked).await, Err(http::Error::Denied(text)) if text.starts_with(rule)), "{rule}");
    }
    assert!(world.server.seen().is_empty());
    assert!(world.answers().await.is_empty());
}
