//! Credentials: got once for all, renewed once, bound to one origin, seen by nobody.

use super::*;
use crate::gate::testing::answer_bytes;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use tokio::sync::watch;

/// A token endpoint that counts: `token-1`, `token-2`. Everything else is answered by `api`.
fn tokens(api: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move |seen| {
        if seen.target != "/oauth2/token" {
            return api(seen);
        }
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!(r#"{{"access_token":"{CANARY}-{number}","token_type":"Bearer","expires_in":"3600"}}"#);
        answer(200, &[("content-type", "application/json")], body.as_bytes())
    }
}

/// All who need a token at the same time wait for one request, and it is kept until a minute before its end.
#[tokio::test]
async fn one_token_for_all() {
    let world = World::new(tokens(ok)).await;
    let line = world.line(Auth::Password);
    let door = world.door(&line, Purpose::Read);
    let answers = door.send_all((0..9).map(|n| get(&n.to_string())).collect()).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(world.server.count("/oauth2/token"), 1);
    world.clock.advance(3_539_000);
    world.door(&line, Purpose::Read).send(get("1")).await.unwrap();
    assert_eq!(world.server.count("/oauth2/token"), 1);
    world.clock.advance(1_000);
    world.door(&line, Purpose::Read).send(get("1")).await.unwrap();
    assert_eq!(world.server.count("/oauth2/token"), 2);

    let seen = world.server.seen();
    let form = &seen.iter().find(|seen| seen.target == "/oauth2/token").unwrap();
    assert_eq!(form.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(
        form.body,
        "grant_type=client_credentials&client_id=the-client&client_secret=canary-7Hq2%2Fsecret%2Btoken&scope=all"
    );
    assert_eq!(seen.last().unwrap().header("authorization"), format!("Bearer {CANARY}-2"));
}

/// A 401 is answered by one new token and one more try, together for all who got one; a second 401 goes to the plugin. A
/// token that was got a moment ago is not renewed: a system that refuses each would make two calls of every one.
#[tokio::test]
async fn a_401_is_tried_once_more() {
    let world = World::new(tokens(|seen| match seen.header("authorization") {
        auth if auth.ends_with("-1") => answer(401, &[], b"expired"),
        _ if seen.target == "/get/never" => answer(401, &[], b"never"),
        _ => ok(seen),
    }))
    .await;
    let line = world.line(Auth::Password);
    let door = world.door(&line, Purpose::Read);
    world.clock.advance(bounds::TOKEN_AGE_MS_MIN);
    assert_eq!(door.send(get("young")).await.unwrap().status, 401);
    assert_eq!((world.server.count("/oauth2/token"), world.server.count("/get/young")), (1, 1));
    world.clock.advance(bounds::TOKEN_AGE_MS_MIN);
    let answers = door.send_all((0..3).map(|n| get(&n.to_string())).collect()).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status == 200), "{answers:?}");
    assert_eq!(world.server.count("/oauth2/token"), 2);
    world.clock.advance(bounds::TOKEN_AGE_MS_MIN);
    let sent = world.server.seen().len();
    let refused = door.send(get("never")).await.unwrap();
    assert_eq!((refused.status, refused.body.as_slice()), (401, &b"never"[..]));
    assert_eq!(world.server.count("/get/never"), 2);
    assert_eq!(world.server.count("/oauth2/token"), 3);
    assert_eq!(world.server.seen().len(), sent + 3);
    assert_eq!(door.send(get("never")).await.unwrap().status, 401);
    assert_eq!((world.server.count("/oauth2/token"), world.server.count("/get/never")), (3, 3));
    assert_eq!(door.calls(), 10);
}

/// The request that follows a 401 asks the account's budget again: where the first spent the last call, nothing more
/// leaves, and the plugin hears of the budget and not of a credential that nobody need mend.
#[tokio::test]
async fn a_401_asks_the_budget_again() {
    let world = World::new(tokens(|_| answer(401, &[], b""))).await;
    let mut lowered = connection();
    lowered.budget.calls_per_day = Some(2);
    let line = world.gate.open(lowered, manifest(Auth::Password, ""), world.tenant.clone()).unwrap();
    let door = world.door(&line, Purpose::Read);
    assert_eq!(door.send(get("1")).await.unwrap().status, 401);
    world.clock.advance(bounds::TOKEN_AGE_MS_MIN);
    assert!(matches!(door.send(get("2")).await, Err(http::Error::Budget(_))));
    assert_eq!((world.server.count("/get/2"), door.calls()), (1, 2));
    let decisions: Vec<String> = world.journal().await.into_iter().map(|entry| entry.decision).collect();
    assert_eq!(decisions.last().map(String::as_str), Some("denied:budget"), "{decisions:?}");
    assert_eq!(decisions.iter().filter(|decision| *decision == "sent").count(), 4, "two tokens, two requests");
}

/// A request with an effect that gets a 401 is sent once more, and its answer is stored like any other.
#[tokio::test]
async fn a_401_of_a_write() {
    let world = World::new(tokens(|seen| match seen.header("authorization") {
        auth if auth.ends_with("-1") => answer(401, &[], b""),
        _ => answer(201, &[], b""),
    }))
    .await;
    world.writer(1).await;
    let line = world.gate.open(connection(), manifest(Auth::Password, ""), world.tenant.clone()).unwrap();
    assert_eq!(world.door(&line, Purpose::Read).send(get("1")).await.unwrap().status, 401);
    world.clock.advance(bounds::TOKEN_AGE_MS_MIN);
    let first = world.door(&line, write(1, HashMap::new()));
    assert_eq!(first.send(insert(0)).await.unwrap().status, 201);
    assert!(first.unanswered().is_empty());
    let again = world.door(&line, write(1, world.answers().await));
    assert_eq!(again.send(insert(0)).await.unwrap().status, 201);
    assert_eq!(world.server.count("/orders"), 2);
}

/// A bearer token that was set anew is used after a 401; the same one again is not tried twice.
#[tokio::test]
async fn a_bearer_token_is_read_again() {
    let world = World::new(|seen| match seen.header("authorization") {
        "Bearer another-token" => answer(200, &[], b""),
        _ => answer(401, &[], b""),
    })
    .await;
    let door = world.reader();
    assert_eq!(door.send(get("1")).await.unwrap().status, 401);
    assert_eq!(world.server.seen().len(), 1);
    world.secret("token", "another-token\n").await;
    assert_eq!(door.send(get("1")).await.unwrap().status, 200);
    assert_eq!(world.server.seen().len(), 3);
}

/// Wrong credentials are named: which connection, which credential, what the endpoint said; asked once for all that wait
/// and once per call; and what was not sent is not unknown.
#[tokio::test]
async fn wrong_credentials() {
    let (open, gate) = watch::channel(false);
    let body = br#"{"error":"invalid_client","error_description":"canary-7Hq2/secret+token is wrong"}"#;
    let world = World::new(move |_| Reply::When(gate.clone(), answer_bytes(400, &[], body))).await;
    let line = world.line(Auth::Password);
    let door = world.door(&line, Purpose::Read);
    let sending = tokio::spawn({
        let door = door.clone();
        async move { door.send_all((0..7).map(|n| get(&n.to_string())).collect()).await }
    });
    world.server.until(1).await;
    open.send(true).unwrap();
    for answer in sending.await.unwrap() {
        let Err(http::Error::Denied(text)) = answer else { panic!("{answer:?}") };
        assert_eq!(
            text,
            "credential: connection `vendor`: credential `main` was refused by its token endpoint: status 400, invalid_client"
        );
    }
    assert!(matches!(door.refusal(), Some(Error::CredentialRefused { status: 400, .. })));
    assert!(door.send(get("1")).await.is_err());
    assert_eq!(world.server.seen().len(), 1, "wrong credentials are tried once");
    assert_eq!(door.calls(), 0);
}

/// A token endpoint that is down passes by itself: nothing was sent, and the next request asks again.
#[tokio::test]
async fn a_token_endpoint_that_is_down() {
    let replies = Mutex::new(vec![Reply::Cut(vec![]), answer(503, &[], b""), answer(200, &[], b"{}")]);
    let world = World::new(move |_| replies.lock().unwrap().remove(0)).await;
    let door = world.door(&world.line(Auth::Password), Purpose::Read);
    for expected in ["no token", "answered 503"] {
        let error = door.send(get("1")).await.unwrap_err();
        assert!(matches!(&error, http::Error::NotSent(text) if text.contains(expected)), "{error:?}");
        assert!(door.refusal().is_none());
    }
    let error = door.send(get("1")).await.unwrap_err();
    assert!(matches!(&error, http::Error::Denied(text) if text.contains("without `access_token`")), "{error:?}");
}

/// A secret that was never set is named, with the command that sets it.
#[tokio::test]
async fn a_missing_secret() {
    let world = World::new(ok).await;
    let door = world.door(&world.line(Auth::Assertion), Purpose::Read);
    let Err(http::Error::Denied(text)) = door.send(get("1")).await else { panic!("it must be refused") };
    assert!(text.contains("`key_id` is not set") && text.contains("tollgate secret set vendor key_id"), "{text}");
}

/// A signed assertion takes the place of the password.
#[tokio::test]
async fn a_signed_assertion() {
    let world = World::new(tokens(ok)).await;
    world.secret("key_id", "kid-1").await;
    world.secret("private_key", &rcgen::KeyPair::generate().unwrap().serialize_pem()).await;
    world.door(&world.line(Auth::Assertion), Purpose::Read).send(get("1")).await.unwrap();
    let form = &world.server.seen()[0].body;
    let start = "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=ey";
    assert!(form.starts_with(start), "{form}");
    assert_eq!(form.matches('.').count(), 2);
}

/// The origin that a token names is pinned at first use: within the pattern it is used, and a later change is refused.
#[tokio::test]
async fn a_named_origin_is_pinned() {
    let named = Arc::new(Mutex::new("https://acme.vendor.example"));
    let world = World::new({
        let named = named.clone();
        move |seen| match seen.target.as_str() {
            "/oauth2/token" => {
                let instance = *named.lock().unwrap();
                answer(200, &[], format!(r#"{{"access_token":"{CANARY}","instance_url":"{instance}"}}"#).as_bytes())
            }
            _ => ok(seen),
        }
    })
    .await;
    let open = |name: &str, endpoint: Option<&str>| {
        let mut connection = connection();
        connection.connection = name.into();
        connection.endpoints.remove("api");
        connection.endpoints.extend(endpoint.map(|origin| ("api".into(), origin.to_owned())));
        let manifest = manifest(Auth::Password, "origin_from_token = \"instance_url\"");
        world.gate.open(connection, manifest, world.tenant.clone()).unwrap()
    };
    let secrets = ["one", "two", "three", "four", "five", "six"];
    for name in secrets {
        world.vault.put(&world.tenant, (&name.into(), "client_id"), "the-client", "ann").await.unwrap();
        world.vault.put(&world.tenant, (&name.into(), "client_secret"), CANARY, "ann").await.unwrap();
    }
    let pinned = open("one", None);
    world.door(&pinned, Purpose::Read).send(get("1")).await.unwrap();
    assert_eq!(world.server.seen().last().unwrap().header("host"), "acme.vendor.example");

    *named.lock().unwrap() = "https://api.vendor.example";
    world.clock.advance(7_200_000);
    let error = world.door(&pinned, Purpose::Read).send(get("1")).await.unwrap_err();
    assert!(
        matches!(&error, http::Error::Denied(text) if text.contains("it was `https://acme.vendor.example`")),
        "{error:?}"
    );
    world.door(&open("two", Some("https://api.vendor.example")), Purpose::Read).send(get("1")).await.unwrap();

    let sent = world.server.count("/get/1");
    for (name, instance, configured) in [
        ("three", "https://acme.evil.example", None),
        ("four", "http://acme.vendor.example", None),
        ("five", "", None),
        ("six", "https://acme.vendor.example", Some("https://api.vendor.example")),
    ] {
        *named.lock().unwrap() = instance;
        let error = world.door(&open(name, configured), Purpose::Read).send(get("1")).await.unwrap_err();
        assert!(matches!(&error, http::Error::Denied(text) if text.contains("is refused")), "{instance}: {error:?}");
    }
    assert_eq!(world.server.count("/get/1"), sent, "no request followed a refused origin");
}

/// A system that echoes its requests does not hand the token to the plugin, nor to the store.
#[tokio::test]
async fn an_echo_is_scrubbed() {
    let world = World::new(|seen| {
        let auth = seen.header("authorization").to_owned();
        let body = format!(r#"{{"headers":{{"authorization":"{auth}"}},"hex":"{}"}}"#, hex::encode(CANARY));
        answer(200, &[("location", &format!("/x?token={CANARY}"))], body.as_bytes())
    })
    .await;
    let door = world.writer(1).await;
    let response = door.send(insert(0)).await.unwrap();
    let body = String::from_utf8(response.body.clone()).unwrap();
    assert_eq!(body, r#"{"headers":{"authorization":"Bearer [removed]"},"hex":"[removed]"}"#);
    assert_eq!(response.headers, [("location".to_owned(), "/x?token=[removed]".to_owned())]);
    let entry = world.journal().await.pop().unwrap();
    assert!(entry.error.contains("removed"), "{entry:?}");
    let stored = world.answers().await;
    assert!(stored.values().any(|sending| *sending == Sending::Answered(response.clone())));
}

/// The canary is in no error, journal entry, stored answer or debug output, and in no file of the store: every way in
/// which this world can fail is tried, then everything is searched.
#[tokio::test]
async fn secrets_are_nowhere() {
    let world = World::new(|seen| match seen.target.as_str() {
        "/oauth2/token" => answer(400, &[], format!(r#"{{"error":"{CANARY}"}}"#).as_bytes()),
        "/get/401" => answer(401, &[], b""),
        "/get/cut" => Reply::Cut(vec![]),
        _ => answer(200, &[], seen.header("authorization").as_bytes()),
    })
    .await;
    let reader = world.reader();
    let mut said = Vec::new();
    for id in ["401", "cut", "echo"] {
        said.push(format!("{:?}", reader.send(get(id)).await));
    }
    said.push(format!("{:?}", world.writer(1).await.send(insert(0)).await));
    let door = world.door(&world.line(Auth::Password), Purpose::Read);
    said.push(format!("{:?}", door.send(get("1")).await));
    said.push(format!("{:?} {}", door.refusal(), door.refusal().unwrap()));
    said.push(format!("{:?} {:?}", world.journal().await, world.answers().await));
    world.secret("private_key", &format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----")).await;
    world.secret("key_id", "kid").await;
    let jwt = world.door(&world.line(Auth::Assertion), Purpose::Read);
    said.push(format!("{:?}", jwt.send(get("1")).await));
    assert!(said.iter().all(|text| !text.contains(CANARY) && text.len() > 10), "{said:#?}");
    assert!(world.server.seen().iter().any(|seen| seen.header("authorization").contains(CANARY)), "it was in use");

    world.store.close().await;
    let mut files = 0;
    for file in std::fs::read_dir(world._folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
        files += 1;
    }
    assert!(files >= 2);
}
