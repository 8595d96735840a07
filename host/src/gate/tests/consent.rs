//! Consent: asked for with PKCE, exchanged once, renewed by one at a time, stored before it is used.

use super::*;
use crate::gate::consent::Taken;
use crate::gate::testing::answer_bytes;
use crate::store::ConsentState;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use tokio::sync::watch;

const CALLBACK: &str = "https://tollgate.example/v1/consent/callback";

fn form(body: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

/// A system that takes the code `good`, and whose refresh tokens (`CANARY-r1`, `-r2`) are good for one use: an access token
/// with the same number comes with each. Everything else is answered by `api`.
fn rotating(api: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let given = AtomicUsize::new(0);
    move |seen| {
        if seen.target != "/oauth2/token" {
            return api(seen);
        }
        let form = form(&seen.body);
        let number = given.load(Ordering::SeqCst);
        let is_good = match form["grant_type"].as_str() {
            "authorization_code" => form["code"] == "good",
            _ => form["refresh_token"] == format!("{CANARY}-r{number}"),
        };
        if !is_good {
            return answer(400, &[], br#"{"error":"invalid_grant"}"#);
        }
        given.store(number + 1, Ordering::SeqCst);
        answer(200, &[], granted(number + 1, "").as_bytes())
    }
}

fn granted(number: usize, more: &str) -> String {
    format!(r#"{{"access_token":"{CANARY}-a{number}","refresh_token":"{CANARY}-r{number}","expires_in":3600{more}}}"#)
}

impl World {
    /// What the page is opened with.
    async fn begin(&self, line: &Line) -> HashMap<String, String> {
        let begun = self.gate.begin_consent(line, CALLBACK, "ann").await.unwrap();
        let url = url::Url::parse(&begun.url).unwrap();
        assert_eq!(&url[..url::Position::AfterPath], "https://login.vendor.example/oauth2/authorize");
        url.query_pairs().into_owned().collect()
    }

    async fn take(&self, state: &str) -> Option<Taken> {
        self.gate.take_consent(&self.tenant, state).await.unwrap()
    }

    /// Consents.
    async fn consent(&self, line: &Arc<Line>) {
        let asked = self.begin(line).await;
        let taken = self.take(&asked["state"]).await.expect("it is pending");
        self.gate.exchange_code(line, &taken, "good".into()).await.unwrap();
    }

    async fn stored(&self) -> String {
        let secret = self.vault.get(&self.tenant, &"vendor".into(), "refresh_token").await;
        secret.map(|secret| secret.expose_secret().to_owned()).unwrap_or_default()
    }

    async fn row(&self) -> (ConsentState, String) {
        let row = self.store.consent(&self.tenant, &"vendor".into()).await.unwrap().expect("a consent");
        (row.state, row.reason)
    }

    /// The refresh tokens that the system was shown, in order.
    fn shown(&self) -> Vec<String> {
        let seen = self.server.seen();
        seen.iter().filter_map(|seen| form(&seen.body).remove("refresh_token")).collect()
    }
}

/// The page is opened with exactly what the standards name; the code goes to the token endpoint with the verifier whose
/// hash the page had; what comes back is stored, and the next request carries the token. Each step names who asked.
#[tokio::test]
async fn a_code_becomes_a_token() {
    let world = World::new(rotating(ok)).await;
    let line = world.line(Auth::Consent);
    let refused = world.door(&line, Purpose::Read).send(get("1")).await.unwrap_err();
    let said = "nobody has consented yet: consent again: tollgate connection consent vendor";
    assert!(matches!(&refused, http::Error::Denied(text) if text.ends_with(said)), "{refused:?}");

    let mut asked = world.begin(&line).await;
    let (state, challenge) = (asked.remove("state").unwrap(), asked.remove("code_challenge").unwrap());
    let fixed = [
        ("response_type", "code"),
        ("client_id", "the-client"),
        ("redirect_uri", CALLBACK),
        ("scope", "all offline"),
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(asked, fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(URL_SAFE_NO_PAD.decode(&state).unwrap().len(), 32);
    assert_eq!(world.row().await.0, ConsentState::Pending);

    let taken = world.take(&state).await.expect("it is pending");
    assert!(world.take(&state).await.is_none(), "it is answered once");
    world.gate.exchange_code(&line, &taken, "good".into()).await.unwrap();
    let mut sent = form(&world.server.seen()[0].body);
    let verifier = sent.remove("code_verifier").unwrap();
    assert!((43..=128).contains(&verifier.len()), "RFC 7636 section 4.1");
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier)), challenge);
    let fixed = [
        ("grant_type", "authorization_code"),
        ("code", "good"),
        ("redirect_uri", CALLBACK),
        ("client_id", "the-client"),
        ("client_secret", CANARY),
    ];
    assert_eq!(sent, fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!((world.stored().await, world.row().await.0), (format!("{CANARY}-r1"), ConsentState::Done));

    world.door(&line, Purpose::Read).send(get("1")).await.unwrap();
    assert_eq!(world.server.seen()[1].header("authorization"), format!("Bearer {CANARY}-a1"));
    let audit = world.store.audit(&world.tenant, 0, 100).await.unwrap();
    let steps: Vec<_> = audit.iter().filter(|(_, _, record)| record.action.starts_with("consent.")).collect();
    let actions: Vec<&str> = steps.iter().map(|(_, _, record)| record.action.as_str()).collect();
    assert_eq!(actions, ["consent.begin", "consent.answer", "consent.give"]);
    assert!(steps.iter().all(|(_, _, record)| record.actor == "ann"), "{steps:?}");
    let row = world.store.consent(&world.tenant, &"vendor".into()).await.unwrap().unwrap();
    assert!(row.sealed.is_empty(), "the verifier is forgotten");
    let written = format!("{audit:?} {row:?} {:?}", world.journal().await);
    assert!([CANARY, verifier.as_str(), state.as_str()].iter().all(|secret| !written.contains(secret)));
}

/// A public client has no secret to send; where no refresh token rotates, the stored one stays.
#[tokio::test]
async fn a_public_client() {
    let world =
        World::new(|seen| match (seen.target.as_str(), form(&seen.body).get("grant_type").map(String::as_str)) {
            ("/oauth2/token", Some("refresh_token")) => {
                answer(200, &[], br#"{"access_token":"access","expires_in":3600}"#)
            }
            ("/oauth2/token", _) => answer(200, &[], granted(1, "").as_bytes()),
            _ => ok(seen),
        })
        .await;
    let line = world.line(Auth::Public);
    assert!(!world.begin(&line).await.contains_key("scope"));
    world.consent(&line).await;
    for _ in 0..2 {
        world.clock.advance(3_600_000);
        world.door(&line, Purpose::Read).send(get("1")).await.unwrap();
    }
    assert!(world.server.seen().iter().all(|seen| !seen.body.contains("client_secret")));
    assert_eq!(world.shown(), [format!("{CANARY}-r1"), format!("{CANARY}-r1")]);
}

/// A spent token and a refused one are renewed; the refresh token that comes along is used the next time, also by a host
/// that was started anew.
#[tokio::test]
async fn refresh_tokens_are_kept() {
    let world = World::new(rotating(|seen| match seen.header("authorization") {
        auth if auth.ends_with("-a2") => answer(401, &[], b""),
        _ => ok(seen),
    }))
    .await;
    let line = world.line(Auth::Consent);
    world.consent(&line).await;
    world.clock.advance(3_600_000);
    assert_eq!(world.door(&line, Purpose::Read).send(get("1")).await.unwrap().status, 401);
    world.clock.advance(bounds::TOKEN_AGE_MS_MIN);
    assert_eq!(world.door(&line, Purpose::Read).send(get("1")).await.unwrap().status, 200);
    assert_eq!(world.stored().await, format!("{CANARY}-r3"));

    let fresh = another_gate(&world);
    let line = fresh.open(connection(), manifest(Auth::Consent, ""), world.tenant.clone()).unwrap();
    let call = CallContext { run: RUN.into(), purpose: Purpose::Read, seed: 1, lease: Arc::new(|| true) };
    fresh.door(line, call).send(get("1")).await.unwrap();
    assert_eq!(world.shown(), [1, 2, 3].map(|number| format!("{CANARY}-r{number}")));
}

fn another_gate(world: &World) -> Gate {
    let (clock, net) = (Arc::new(world.clock.clone()), Arc::new(world.net.clone()));
    Gate::new(world.store.clone(), clock, net, world.vault.clone(), world.budget.clone()).unwrap()
}

/// Two nodes that need a token at the same moment use no refresh token twice: the second waits until the first has stored
/// the next one. Provoked by holding the first answer back until the second node has asked for its turn.
#[tokio::test]
async fn nodes_take_turns() {
    let (open, gate) = watch::channel(false);
    let given = AtomicUsize::new(1);
    let world = World::new(move |seen| match form(&seen.body).get("grant_type").map(String::as_str) {
        Some("authorization_code") => answer(200, &[], granted(1, "").as_bytes()),
        Some(_) => {
            let bytes = answer_bytes(200, &[], granted(given.fetch_add(1, Ordering::SeqCst) + 1, "").as_bytes());
            Reply::When(gate.clone(), bytes)
        }
        None => ok(seen),
    })
    .await;
    world.consent(&world.line(Auth::Consent)).await;
    world.clock.advance(3_600_000);
    let send = |gate: Gate, tenant: Tenant| {
        tokio::spawn(async move {
            let line = gate.open(connection(), manifest(Auth::Consent, ""), tenant).unwrap();
            let call = CallContext { run: RUN.into(), purpose: Purpose::Read, seed: 1, lease: Arc::new(|| true) };
            gate.door(line, call).send(get("1")).await
        })
    };
    let first = send(world.gate.clone(), world.tenant.clone());
    world.server.until(2).await;
    let mut second = send(another_gate(&world), world.tenant.clone());
    open.send(true).unwrap();
    assert_eq!(first.await.unwrap().unwrap().status, 200);
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut second => break answer,
            () = tokio::task::yield_now() => world.clock.advance(1),
        }
    };
    assert_eq!(answer.unwrap().unwrap().status, 200);
    assert_eq!(world.shown(), [1, 2].map(|number| format!("{CANARY}-r{number}")));
}

/// A withdrawn consent is named with the command that mends it, asked for once and not again at each request, and shown
/// with the connection; a new consent mends it.
#[tokio::test]
async fn a_withdrawn_consent() {
    let is_withdrawn = Arc::new(AtomicBool::new(false));
    let world = World::new({
        let (is_withdrawn, system) = (is_withdrawn.clone(), rotating(ok));
        move |seen| match form(&seen.body).contains_key("refresh_token") && is_withdrawn.load(Ordering::SeqCst) {
            true => answer(400, &[], br#"{"error":"invalid_grant"}"#),
            false if is_withdrawn.load(Ordering::SeqCst) && seen.header("authorization").ends_with("-a1") => {
                answer(401, &[], b"")
            }
            false => system(seen),
        }
    })
    .await;
    let line = world.line(Auth::Consent);
    world.consent(&line).await;
    is_withdrawn.store(true, Ordering::SeqCst);
    world.clock.advance(bounds::TOKEN_AGE_MS_MIN);
    let door = world.door(&line, Purpose::Read);
    assert_eq!(door.send(get("1")).await.unwrap().status, 401);
    assert!(matches!(door.refusal(), Some(Error::ConsentNeeded { .. })));
    for _ in 0..2 {
        let error = world.door(&line, Purpose::Read).send(get("2")).await.unwrap_err();
        let http::Error::Denied(text) = error else { panic!("{error:?}") };
        assert!(text.contains("invalid_grant") && text.ends_with("tollgate connection consent vendor"), "{text}");
    }
    assert_eq!((world.shown().len(), world.server.count("/get/2")), (1, 0));
    let (state, reason) = world.row().await;
    assert!(state == ConsentState::Failed && reason.contains("invalid_grant"), "{reason}");

    world.consent(&line).await;
    assert_eq!(world.row().await.0, ConsentState::Done);
    assert_eq!(world.door(&line, Purpose::Read).send(get("3")).await.unwrap().status, 200);
}

/// The next refresh token is stored even where nothing else in its answer can be used, and where the call that needed it
/// has ended meanwhile: the one before it is spent either way.
#[tokio::test]
async fn the_next_refresh_token_is_stored_whatever_happens() {
    let (open, gate) = watch::channel(false);
    let replies = Mutex::new(vec![
        answer(200, &[], granted(1, "").as_bytes()),
        answer(200, &[], format!(r#"{{"refresh_token":"{CANARY}-r2"}}"#).as_bytes()),
        Reply::When(gate, answer_bytes(200, &[], granted(3, "").as_bytes())),
    ]);
    let world = World::new(move |seen| match seen.target.as_str() {
        "/oauth2/token" => replies.lock().unwrap().remove(0),
        _ => ok(seen),
    })
    .await;
    let line = world.line(Auth::Consent);
    world.consent(&line).await;
    world.clock.advance(3_600_000);
    let error = world.door(&line, Purpose::Read).send(get("1")).await.unwrap_err();
    assert!(matches!(&error, http::Error::Denied(text) if text.contains("without `access_token`")), "{error:?}");
    assert_eq!(world.stored().await, format!("{CANARY}-r2"));

    let journal = super::super::journal::Journal {
        store: world.store.clone(),
        clock: Arc::new(world.clock.clone()),
        line: line.clone(),
        run: RUN.into(),
    };
    let credential = line.credentials.values().next().unwrap().clone();
    let asking = tokio::spawn({
        let journal = journal.clone();
        async move { credential.token(&journal).await.map(drop) }
    });
    world.server.until(3).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    open.send(true).unwrap();
    world.door(&line, Purpose::Read).send(get("1")).await.unwrap();
    assert_eq!(world.stored().await, format!("{CANARY}-r3"));
    assert_eq!(world.server.seen().last().unwrap().header("authorization"), format!("Bearer {CANARY}-a3"));
}

/// What is not what was asked comes to nothing, and a consent that was good stays: a wrong code, no refresh token, the
/// wrong account, an answer that comes too late, one that a newer consent overtook.
#[tokio::test]
async fn answers_that_come_to_nothing() {
    let reply = Arc::new(Mutex::new(granted(1, "")));
    let world = World::new({
        let reply = reply.clone();
        move |seen| match (seen.target.as_str(), form(&seen.body).get("code").map(String::as_str)) {
            ("/oauth2/token", Some("good")) => answer(200, &[], reply.lock().unwrap().as_bytes()),
            ("/oauth2/token", _) => answer(400, &[], br#"{"error":"invalid_grant"}"#),
            _ => ok(seen),
        }
    })
    .await;
    let manifest = manifest(Auth::Consent, "origin_from_token = \"instance_url\"");
    let line = world.gate.open(connection(), manifest, world.tenant.clone()).unwrap();
    let at = |origin: &str| format!(r#","instance_url":"{origin}""#);
    *reply.lock().unwrap() = granted(1, &at("https://api.vendor.example"));
    world.consent(&line).await;
    for (code, answered, said) in [
        ("wrong", granted(2, ""), "invalid_grant"),
        ("good", format!(r#"{{"access_token":"x"{}}}"#, at("https://api.vendor.example")), "no refresh token"),
        ("good", granted(2, &at("https://acme.vendor.example")), "is refused"),
        ("good", granted(2, &at("https://evil.example")), "is refused"),
    ] {
        *reply.lock().unwrap() = answered;
        let taken = world.take(&world.begin(&line).await["state"]).await.unwrap();
        let error = world.gate.exchange_code(&line, &taken, code.into()).await.unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains(CANARY), "{error}");
        world.gate.fail_consent(&taken, &error).await.unwrap();
        assert_eq!(world.row().await, (ConsentState::Failed, error));
        assert_eq!(world.stored().await, format!("{CANARY}-r1"), "{said}");
    }
    *reply.lock().unwrap() = granted(2, &at("https://api.vendor.example"));
    let overtaken = world.take(&world.begin(&line).await["state"]).await.unwrap();
    let asked = world.begin(&line).await;
    let error = world.gate.exchange_code(&line, &overtaken, "good".into()).await.unwrap_err();
    assert!(matches!(error, Error::ConsentOvertaken { .. }), "{error}");
    world.gate.fail_consent(&overtaken, "it was overtaken").await.unwrap();
    assert_eq!(world.row().await.0, ConsentState::Pending, "the newer one is not touched");
    assert!(world.take("another").await.is_none());
    world.clock.advance(bounds::CONSENT_MS);
    assert!(world.take(&asked["state"]).await.is_none());
    assert_eq!(world.row().await, (ConsentState::Failed, "it was answered too late".into()));
    assert_eq!(world.stored().await, format!("{CANARY}-r1"));

    let bearer = world.line(Auth::Bearer);
    let none = world.gate.begin_consent(&bearer, CALLBACK, "ann").await.err().unwrap();
    assert!(matches!(none, Error::NoConsent { .. }), "{none}");
}
