//! What a call may ask for, what an account may be asked, and what is written down of it.

use super::*;
use tokio::sync::watch;

/// What is refused is refused by name, written down, and never reaches the network.
#[tokio::test]
async fn denials_are_written_down() {
    let world = World::new(ok).await;
    let door = world.reader();
    for (asked, rule) in [
        (request("nothing\n"), "route"),
        (request("get"), "path-param"),
        (insert(0), "effect"),
        (http::Request { headers: vec![("Authorization".into(), "x".into())], ..get("1") }, "header-forbidden"),
        (http::Request { query: vec![("access_token".into(), "x".into())], ..get("1") }, "query-forbidden"),
        (http::Request { body: Some(vec![]), ..get("1") }, "body"),
    ] {
        match door.send(asked).await {
            Err(http::Error::Denied(text)) => assert!(text.starts_with(&format!("{rule}: ")), "{text}"),
            other => panic!("{rule}: {other:?}"),
        }
    }
    let decisions: Vec<String> = world.journal().await.into_iter().map(|entry| entry.decision).collect();
    let expected = ["route", "path-param", "effect", "header-forbidden", "query-forbidden", "body"];
    assert_eq!(decisions, expected.map(|rule| format!("denied:{rule}")));
    assert_eq!((world.net.dialled(), door.calls()), (0, 0));
}

/// Each call stands in the journal with what it was and what came back, and in the account's usage; no value of it does.
#[tokio::test]
async fn calls_are_written_down() {
    let world = World::new(|_| answer(200, &[], b"12345")).await;
    let door = world.reader();
    door.send(get("the-value")).await.unwrap();
    let posted = http::Request { body: Some(b"abc".to_vec()), ..request("search") };
    door.send(posted).await.unwrap();
    let journal = world.journal().await;
    let entry = &journal[0];
    assert_eq!((entry.run.as_str(), entry.connection.as_str(), entry.account.as_str()), (RUN, "vendor", "acme"));
    assert_eq!((entry.route.as_str(), entry.method.as_str(), entry.path.as_str()), ("get", "GET", "/get/{id}"));
    assert_eq!((entry.origin.as_str(), entry.decision.as_str()), ("https://api.vendor.example", "sent"));
    assert_eq!((entry.status, entry.request_bytes, entry.response_bytes), (200, 0, 5));
    assert_eq!(journal[1].request_bytes, 3);
    assert!(!format!("{journal:?}").contains("the-value"));
    assert_eq!(world.store.usage(&world.tenant, &"acme".into(), world.clock.hour()).await.unwrap(), 2);
}

/// Requests run at the same time up to the account's bound and no further, and answers come in the order of the requests.
#[tokio::test]
async fn send_all_in_parallel_and_in_order() {
    let (open, gate) = watch::channel(false);
    let world = World::new(move |seen| {
        let bytes = crate::gate::testing::answer_bytes(200, &[], seen.target.as_bytes());
        Reply::When(gate.clone(), bytes)
    })
    .await;
    let door = world.reader();
    let sending = tokio::spawn({
        let door = door.clone();
        async move { door.send_all((0..8).map(|n| get(&n.to_string())).collect()).await }
    });
    world.server.until(3).await;
    assert_eq!(world.server.seen().len(), 3, "the account takes three at a time");
    open.send(true).unwrap();
    let bodies: Vec<String> =
        sending.await.unwrap().into_iter().map(|answer| String::from_utf8(answer.unwrap().body).unwrap()).collect();
    assert_eq!(bodies, (0..8).map(|n| format!("/get/{n}")).collect::<Vec<_>>());
    let usage = world.budget.usage(&world.payer());
    assert_eq!((usage.used, usage.concurrency, usage.concurrency_peak), (8, 3, 3));
}

/// One request waits a short time for its turn and then tells the plugin when to come back; nothing of it was sent.
#[tokio::test]
async fn budget_is_waited_for_shortly() {
    let (open, gate) = watch::channel(false);
    let world = World::new(move |_| Reply::When(gate.clone(), crate::gate::testing::answer_bytes(200, &[], b""))).await;
    let door = world.reader();
    let busy = tokio::spawn({
        let door = door.clone();
        async move { door.send_all((0..3).map(|n| get(&n.to_string())).collect()).await }
    });
    world.server.until(3).await;
    let mut waiting = door.send(get("4"));
    // Its wait begins after a look into the store, so time moves on until it is over.
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut waiting => break answer,
            () = tokio::task::yield_now() => world.clock.advance(bounds::BUDGET_WAIT_MS_MAX),
        }
    };
    assert!(matches!(answer, Err(http::Error::Budget(ms)) if ms > 0), "{answer:?}");
    assert_eq!(world.journal().await.pop().unwrap().decision, "denied:budget");
    open.send(true).unwrap();
    assert!(busy.await.unwrap().iter().all(Result::is_ok));
    assert_eq!(world.server.seen().len(), 3);
}

/// What an account spent before a restart counts after it: the day's calls are read from the store.
#[tokio::test]
async fn a_days_calls_survive_a_restart() {
    let world = World::new(ok).await;
    let account = "acme".into();
    world.store.add_usage(&world.tenant, &account, world.clock.hour() - 3, 4).await.unwrap();
    world.journal().await;
    let mut lowered = connection();
    lowered.budget.calls_per_day = Some(5);
    let line = world.gate.open(lowered, manifest(Auth::Bearer, ""), world.tenant.clone()).unwrap();
    let door = world.door(&line, Purpose::Read);
    door.send(get("1")).await.unwrap();
    let Err(http::Error::Budget(ms)) = door.send(get("2")).await else { panic!("the fifth was the last") };
    assert!(ms > 60_000);
    assert_eq!(world.server.seen().len(), 1);
    assert_eq!(world.budget.usage(&world.payer()).used, 5);
}

/// The vendor's own count and its way of saying "too fast" are read from answers.
#[tokio::test]
async fn signs_are_read() {
    let world = World::new(|seen| match seen.target.as_str() {
        "/get/1" => answer(200, &[("x-usage", "api-usage=4321/5000")], b""),
        "/get/2" => answer(403, &[], br#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#),
        "/get/3" => answer(403, &[], br#"[{"errorCode":"INSUFFICIENT_ACCESS"}]"#),
        _ => answer(429, &[], b""),
    })
    .await;
    let door = world.reader();
    for (id, status) in [("1", 200), ("2", 403), ("3", 403), ("4", 429)] {
        assert_eq!(door.send(get(id)).await.unwrap().status, status);
    }
    let usage = world.budget.usage(&world.payer());
    assert_eq!((usage.used, usage.limit_per_day, usage.throttled), (4_324, Some(5_000), 2));
}

/// A call makes at most so many requests, also when they are refused.
#[tokio::test]
async fn requests_of_a_call_are_counted() {
    let world = World::new(ok).await;
    let door = world.reader();
    let refused = door.send_all((0..bounds::GUEST_REQUESTS_MAX).map(|_| request("get")).collect()).await;
    assert!(
        refused.iter().all(|answer| matches!(answer, Err(http::Error::Denied(text)) if text.starts_with("path-param")))
    );
    assert_eq!(door.left().requests, 0);
    let error = door.send(get("1")).await.unwrap_err();
    assert!(matches!(&error, http::Error::Denied(text) if text.starts_with("requests")), "{error:?}");
    assert!(world.server.seen().is_empty());
}

/// When a call's time is over, nothing more leaves for it, and it hears that and no other reason.
#[tokio::test]
async fn a_call_whose_time_is_over_sends_nothing() {
    let world = World::new(ok).await;
    let door = world.reader();
    world.clock.advance(bounds::GUEST_WALL_MS_MAX - 1);
    door.send(get("1")).await.unwrap();
    world.clock.advance(1);
    assert_eq!(door.send(get("2")).await, Err(http::Error::Deadline));
    assert_eq!(door.follow("get".into(), "/get/1/next".into()).await, Err(http::Error::Deadline));
    assert_eq!(world.server.seen().len(), 1);
    assert_eq!(world.journal().await.pop().unwrap().decision, "denied:deadline");
}

/// A link that is refused stands in the journal without what it may carry: neither its query nor its user.
#[tokio::test]
async fn refused_links_are_written_down_without_their_secrets() {
    let world = World::new(ok).await;
    let door = world.reader();
    for link in [
        format!("https://evil.example/get/1?session={CANARY}"),
        format!("https://{}@evil.example/get/1", CANARY.replace('/', "_")),
        format!("https:/\\evil.example\\get?session={CANARY}#x"),
        format!("https://user:{CANARY}@api.vendor.example/get/1"),
        format!("ftp://evil.example/#{CANARY}"),
    ] {
        assert!(matches!(door.follow("get".into(), link).await, Err(http::Error::Denied(_))));
    }
    let journal = world.journal().await;
    assert_eq!(journal.len(), 5);
    for entry in journal {
        assert!(entry.decision.starts_with("denied:"), "{entry:?}");
        assert!(!entry.error.contains("canary"), "{entry:?}");
    }
}

/// The plugin's time stands still between host calls, its randomness follows from the seed, and it sees its settings.
#[tokio::test]
async fn time_randomness_and_settings() {
    let world = World::new(ok).await;
    let (door, again) = (world.reader(), world.reader());
    let before = door.now_ms();
    world.clock.advance(1_234);
    assert_eq!(door.now_ms(), before);
    door.send(get("1")).await.unwrap();
    assert_eq!(door.now_ms(), before + 1_234);
    assert_eq!(door.random(32), again.random(32));
    assert_ne!(door.random(32), vec![0; 32]);
    assert_eq!(door.config(), r#"{"page":100}"#);
    assert_eq!(u64::from(door.left().wall_ms), bounds::GUEST_WALL_MS_MAX - 1_234);
    assert_eq!(door.left().requests, bounds::GUEST_REQUESTS_MAX - 1);
}

/// A connection that does not fit its plugin is refused with everything that is wrong, before anything is opened; one that
/// did not change stays open.
#[tokio::test]
async fn connections_are_checked() {
    let world = World::new(ok).await;
    let open =
        |connection: &Connection| world.gate.open(connection.clone(), manifest(Auth::Bearer, ""), world.tenant.clone());
    let good = connection();
    assert!(Arc::ptr_eq(&open(&good).unwrap(), &open(&good).unwrap()));
    let mut bad = good.clone();
    bad.plugin = "vendor/other".into();
    bad.endpoints = [("api".into(), "https://vendor.example".into()), ("app".into(), "x".into())].into();
    bad.settings = [("page".into(), "many".into()), ("pages".into(), 1.into())].into();
    let Err(Error::Connection { faults, .. }) = open(&bad) else { panic!("it must be refused") };
    for fault in [
        "not within `*.vendor.example`",
        "no endpoint `app`",
        "`login` has no origin",
        "vendor/other",
        "`page` is not",
        "no setting `pages`",
    ] {
        assert!(faults.contains(fault), "{fault}: {faults}");
    }
    for origin in [
        "http://api.vendor.example",
        "https://127.0.0.1",
        "https://api.vendor.example.",
        "https://u@api.vendor.example",
        "https://api.vendor.example/v1",
    ] {
        let mut bad = good.clone();
        bad.endpoints.insert("api".into(), origin.into());
        assert!(open(&bad).is_err(), "{origin}");
    }
}
