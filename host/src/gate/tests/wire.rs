//! What goes over the wire and what comes back: framing, headers, redirects, caps, and whether anything was sent.

use super::*;
use crate::gate::testing::answer_bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

fn text(error: http::Error) -> String {
    match error {
        http::Error::NotSent(text) | http::Error::SentNoAnswer(text) | http::Error::Denied(text) => text,
        other => panic!("{other:?}"),
    }
}

/// Exactly the checked request arrives: target encoded, the gate's headers, the credential; and the answer comes back with
/// the headers that the route keeps, on one connection for all.
#[tokio::test]
async fn a_request_and_its_answer() {
    let world = World::new(|_| {
        let headers = [("content-type", "text/plain"), ("x-kept", "1"), ("x-other", "2"), ("set-cookie", "a=b")];
        answer(200, &headers, b"body")
    })
    .await;
    let door = world.reader();
    let asked = http::Request {
        query: vec![("q".into(), "a b&c".into())],
        headers: vec![("Prefer".into(), "x".into())],
        ..get("A/1")
    };
    let response = door.send(asked).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, &b"body"[..]));
    let kept = [("content-type", "text/plain"), ("x-kept", "1")];
    assert_eq!(response.headers, kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let posted = http::Request { body: Some(b"{}".to_vec()), ..request("search") };
    door.send(posted).await.unwrap();

    let seen = world.server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("GET", "/get/A%2F1?q=a%20b%26c"));
    assert_eq!(seen[0].header("authorization"), format!("Bearer {CANARY}"));
    assert_eq!(seen[0].header("host"), "api.vendor.example");
    assert_eq!(seen[0].header("accept-encoding"), "gzip, identity");
    assert_eq!(seen[0].header("prefer"), "x");
    assert!(seen[0].header("user-agent").starts_with("tollgate/"));
    assert_eq!((seen[1].body.as_str(), seen[1].connection), ("{}", 1));
    assert_eq!(door.calls(), 2);
}

/// A link of an answer is followed with GET and the credential; one that leads elsewhere is not (B11).
#[tokio::test]
async fn links() {
    let world = World::new(ok).await;
    let door = world.reader();
    door.follow("get".into(), "https://api.vendor.example/get/1/next?after=2".into()).await.unwrap();
    let seen = &world.server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/get/1/next?after=2"));
    assert_eq!(seen.header("authorization"), format!("Bearer {CANARY}"));
    let denied = door.follow("get".into(), "https://login.vendor.example/get/1".into()).await.unwrap_err();
    assert!(text(denied).starts_with("host: "));
    assert_eq!(world.server.seen().len(), 1);
}

/// Redirects are answers like others: nobody follows them, and where they lead elsewhere only the origin is shown (R16-R22).
#[tokio::test]
async fn redirects_are_not_followed() {
    let world = World::new(|seen| {
        let location = match seen.target.as_str() {
            "/get/1" => "https://login.vendor.example/?code=secret",
            _ => "/get/3",
        };
        answer(307, &[("location", location)], b"")
    })
    .await;
    let door = world.reader();
    for (id, location) in [("1", "https://login.vendor.example"), ("2", "/get/3")] {
        let response = door.send(get(id)).await.unwrap();
        assert_eq!(response.status, 307);
        assert_eq!(response.headers, [("location".to_owned(), location.to_owned())]);
    }
    assert_eq!(world.server.seen().len(), 2);
}

/// What fails before the first byte left is "not sent"; what fails after it is not.
#[tokio::test]
async fn not_sent_or_no_answer() {
    let caps = Caps { first_byte_ms: 50, idle_ms: 50, ..Caps::default() };
    let world = World::with_caps(caps, |seen| match seen.target.as_str() {
        "/get/silent" => Reply::Hang(vec![]),
        "/get/closed" => Reply::Cut(vec![]),
        "/get/half-head" => Reply::Cut(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()),
        "/get/half-body" => Reply::Cut(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()),
        "/get/stuck" => Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()),
        "/get/garbage" => Reply::Cut(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
        _ => Reply::Hang(vec![]),
    })
    .await;
    for id in ["silent", "closed", "half-head", "half-body", "stuck", "garbage"] {
        let error = world.reader().send(get(id)).await.unwrap_err();
        assert!(matches!(error, http::Error::SentNoAnswer(_)), "{id}: {error:?}");
    }
    let sent = world.server.seen().len();
    assert_eq!(sent, 6);

    // A connection that is open already would hide what follows.
    let elsewhere = |host: &str| {
        let mut connection = connection();
        connection.connection = host.into();
        connection.endpoints.insert("api".into(), format!("https://{host}"));
        let mut manifest = manifest(Auth::Bearer, "");
        manifest.credentials.clear();
        world.gate.open(connection, manifest, world.tenant.clone()).unwrap()
    };
    world.net.name("refused.vendor.example", &["20.0.0.9"]);
    world.net.host("wrong.vendor.example", "20.0.0.8", world.server.port);
    for (host, expected) in [
        ("refused.vendor.example", "nobody listens"),
        ("unknown.vendor.example", "does not resolve"),
        ("wrong.vendor.example", "do not agree on TLS"),
    ] {
        let door = world.door(&elsewhere(host), Purpose::Read);
        let error = door.send(get("1")).await.unwrap_err();
        assert!(matches!(&error, http::Error::NotSent(text) if text.contains(expected)), "{host}: {error:?}");
    }
    assert_eq!(world.server.seen().len(), sent);
}

/// A server whose certificate nobody here vouches for gets no request (R14).
#[tokio::test]
async fn strangers_get_nothing() {
    let world = World::new(ok).await;
    let stranger = Server::start(&Authority::new(), &["api.vendor.example"], ok).await;
    world.net.host("api.vendor.example", "20.0.0.7", stranger.port);
    let error = world.reader().send(get("1")).await.unwrap_err();
    assert!(matches!(&error, http::Error::NotSent(text) if text.contains("TLS")), "{error:?}");
    assert!(stranger.seen().is_empty());
}

/// Answers beyond a bound are cut and named as too large; answers in a form that nobody asked for are no answers (B1-B5).
#[tokio::test]
async fn hostile_answers() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&vec![0; 12 << 20]).unwrap();
    let bomb = gzip.finish().unwrap();
    let many: String = (0..120).map(|n| format!("x-{n}: 1\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(40 << 10));
    let informational = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1_000);
    let plain = |head: &str| format!("HTTP/1.1 200 OK\r\n{head}\r\nok").into_bytes();
    let rows: Vec<(&str, Vec<u8>, bool)> = vec![
        ("announced", plain("content-length: 1000000000000\r\n"), true),
        ("many-headers", plain(&format!("{many}content-length: 2\r\n")), true),
        ("long-header", plain(&format!("{long}content-length: 2\r\n")), true),
        ("bomb", answer_bytes(200, &[("content-encoding", "gzip")], &bomb), false),
        ("brotli", answer_bytes(200, &[("content-encoding", "br")], b"x"), false),
        ("two-layers", answer_bytes(200, &[("content-encoding", "gzip, gzip")], b"x"), false),
        ("two-lengths", plain("content-length: 2\r\ncontent-length: 3\r\n"), false),
        ("both-framings", plain("content-length: 2\r\ntransfer-encoding: chunked\r\n"), false),
        ("upgrade", b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n".to_vec(), false),
        ("flood", [informational.as_bytes(), &plain("content-length: 2\r\n")].concat(), false),
        ("folded", plain("x-a: b\r\n c\r\ncontent-length: 2\r\n"), false),
    ];
    let replies: HashMap<String, Vec<u8>> =
        rows.iter().map(|(id, bytes, _)| (format!("/get/{id}"), bytes.clone())).collect();
    let world = World::new(move |seen| Reply::Cut(replies[&seen.target].clone())).await;
    for (id, _, is_large) in &rows {
        let error = world.reader().send(get(id)).await.expect_err(id);
        match is_large {
            true => assert!(matches!(error, http::Error::TooLarge(_)), "{id}: {error:?}"),
            false => assert!(matches!(error, http::Error::SentNoAnswer(_)), "{id}: {error:?}"),
        }
    }
    assert_eq!(world.server.seen().len(), rows.len());
}

/// A body without end stops at the cap of one answer; many large answers stop at the cap of the call.
#[tokio::test]
async fn bodies_are_capped() {
    let large = vec![b'x'; bounds::RESPONSE_BODY_BYTES_MAX];
    let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..17 {
        endless.extend_from_slice(b"100000\r\n");
        endless.extend_from_slice(&vec![b'x'; 1 << 20]);
        endless.extend_from_slice(b"\r\n");
    }
    let world = World::new(move |seen| match seen.target.as_str() {
        "/get/endless" => Reply::Cut(endless.clone()),
        _ => answer(200, &[], &large),
    })
    .await;
    let error = world.reader().send(get("endless")).await.unwrap_err();
    assert_eq!(error, http::Error::TooLarge(bounds::RESPONSE_BODY_BYTES_MAX as u64));
    let door = world.reader();
    for _ in 0..4 {
        assert_eq!(door.send(get("1")).await.unwrap().body.len(), bounds::RESPONSE_BODY_BYTES_MAX);
    }
    assert_eq!(door.left().response_bytes, 0);
    assert_eq!(door.send(get("1")).await.unwrap_err(), http::Error::TooLarge(bounds::CALL_RESPONSE_BYTES_MAX));
}

/// Answers to requests with an effect count for the call like others; once nothing is left, each may still be short enough
/// to decide an outcome, and a longer one is no answer.
#[tokio::test]
async fn answers_of_effects_are_capped() {
    let large = vec![b'x'; bounds::RESPONSE_BODY_BYTES_MAX];
    let least = usize::try_from(bounds::EFFECT_RESPONSE_BYTES_MIN).unwrap();
    let world = World::new(move |seen| match seen.target.as_str() {
        "/orders" if seen.body == "order 5" => answer(201, &[], &large[..=least]),
        "/orders" => answer(201, &[], &large[..least]),
        _ => answer(200, &[], &large),
    })
    .await;
    let door = world.writer(6).await;
    for intent in 0..4 {
        assert_eq!(door.send(upsert(intent)).await.unwrap().body.len(), bounds::RESPONSE_BODY_BYTES_MAX);
    }
    assert_eq!(door.left().response_bytes, 0);
    assert_eq!(door.send(insert(4)).await.unwrap().body.len(), least);
    assert_eq!(door.send(insert(5)).await.unwrap_err(), http::Error::TooLarge(bounds::CALL_RESPONSE_BYTES_MAX));
    assert_eq!(door.unanswered(), [5].into());
    assert!(matches!(door.send(get("1")).await, Err(http::Error::TooLarge(_))));
}

/// Packed answers are unpacked.
#[tokio::test]
async fn gzip_is_unpacked() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"{\"a\":1}").unwrap();
    let packed = gzip.finish().unwrap();
    let world = World::new(move |_| answer(200, &[("content-encoding", "gzip")], &packed)).await;
    assert_eq!(world.reader().send(get("1")).await.unwrap().body, b"{\"a\":1}");
}

/// A connection is used again, but not beyond its life: a checked address is not trusted for ever (R8).
#[tokio::test]
async fn connections_grow_old() {
    let world = World::new(ok).await;
    let door = world.reader();
    door.send(get("1")).await.unwrap();
    door.send(get("2")).await.unwrap();
    world.clock.advance(bounds::CONNECTION_LIFE_MS_MAX);
    door.send(get("3")).await.unwrap();
    door.send(get("4")).await.unwrap();
    let connections: Vec<usize> = world.server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [1, 1, 1, 2]);
    assert_eq!(world.net.dialled(), 2);
}
