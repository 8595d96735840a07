//! The simulated Salesforce asks users for consent as the vendor does, and takes no code or refresh token that it should not.

use super::NOW_MS;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::collections::HashMap;
use tollgate_tests::sims::client::{Client, Reply};
use tollgate_tests::sims::salesforce::{Options, Salesforce};
use tollgate_tests::sims::{Clock, Sim};
use tollgate_tests::tls::TestCa;

const CALLBACK: &str = "https://tollgate.example/v1/consent/callback";
const VERIFIER: &str = "a-verifier-that-only-the-client-knows-0123456789";

struct Stage {
    sim: Sim<Salesforce>,
    client: Client,
    clock: Clock,
}

impl Stage {
    async fn set(options: Options) -> Self {
        let ca = TestCa::new();
        let clock = Clock::at(NOW_MS);
        let options = Options { callback_urls: vec![CALLBACK.into()], clock: clock.clone(), ..options };
        let sim = Salesforce::start(options, &ca).await.unwrap();
        let client = Client::new(&sim, &ca);
        Self { sim, client, clock }
    }

    fn id(&self) -> String {
        self.sim.vendor().options().client_id.clone()
    }

    /// Opens the page, with these parameters in place of the right ones.
    async fn authorize(&mut self, changed: &[(&str, &str)]) -> Reply {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let id = self.id();
        let mut parameters = HashMap::from([
            ("response_type", "code"),
            ("client_id", id.as_str()),
            ("redirect_uri", CALLBACK),
            ("state", "a state"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(changed.iter().copied());
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.client.get(&format!("/services/oauth2/authorize?{query}")).await.unwrap()
    }

    async fn code(&mut self) -> String {
        let reply = self.authorize(&[]).await;
        assert_eq!(reply.status, StatusCode::FOUND, "{reply:?}");
        back(&reply)["code"].clone()
    }

    /// Asks for a token, with these fields in place of the right ones.
    async fn token(&mut self, fields: &[(&str, &str)]) -> Reply {
        let (id, secret) = (self.id(), self.sim.vendor().options().client_secret.clone());
        let mut form = HashMap::from([("client_id", id.as_str()), ("client_secret", secret.as_str())]);
        form.extend(fields.iter().copied());
        form.retain(|_, value| !value.is_empty());
        let form: Vec<(&str, &str)> = form.into_iter().collect();
        self.client.form("/services/oauth2/token", &form).await.unwrap()
    }

    async fn exchange(&mut self, code: &str, changed: &[(&str, &str)]) -> Reply {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        fields.extend_from_slice(changed);
        self.token(&fields).await
    }

    async fn refresh(&mut self, token: &str) -> Reply {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }
}

/// The parameters that a browser is sent back with.
fn back(reply: &Reply) -> HashMap<String, String> {
    let url = url::Url::parse(reply.header("location")).expect("a redirection");
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    url.query_pairs().into_owned().collect()
}

fn refresh_token(reply: &Reply) -> String {
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    reply.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
}

fn refused(reply: &Reply, error: &str) {
    assert_eq!((reply.status, &reply.json()["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{reply:?}");
}

/// A browser goes back only to an address that was set up, with what it was sent with; what is wrong with the client or
/// the address goes nowhere. A table of requests.
#[tokio::test]
async fn the_page_sends_back_only_where_it_may() {
    let mut stage = Stage::set(Options::default()).await;
    let good = stage.authorize(&[]).await;
    assert_eq!((good.status, back(&good)["state"].as_str()), (StatusCode::FOUND, "a state"));
    for (parameter, value) in [
        ("client_id", "another"),
        ("redirect_uri", "https://tollgate.example/v1/consent/callback/"),
        ("redirect_uri", "https://evil.example/"),
    ] {
        let reply = stage.authorize(&[(parameter, value)]).await;
        assert_eq!((reply.status, reply.header("location")), (StatusCode::BAD_REQUEST, ""), "{parameter}={value}");
    }
    for (parameter, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
    ] {
        let sent = back(&stage.authorize(&[(parameter, value)]).await);
        assert_eq!((sent["error"].as_str(), sent.get("code")), (error, None), "{parameter}={value}");
        assert_eq!(sent["state"], "a state");
    }
    stage.sim.vendor().deny_consent(true);
    assert_eq!(back(&stage.authorize(&[]).await)["error"], "access_denied");
}

/// A code is good once, for its client, callback and verifier, and for fifteen minutes: each is broken in turn. The token
/// that it gives is good.
#[tokio::test]
async fn codes_are_good_once() {
    let mut stage = Stage::set(Options::default()).await;
    let code = stage.code().await;
    let granted = stage.exchange(&code, &[]).await;
    assert_eq!(granted.status, StatusCode::OK, "{granted:?}");
    stage.client.set_bearer(granted.json()["access_token"].as_str().unwrap());
    assert_eq!(stage.client.get("/services/data/v67.0/limits").await.unwrap().status, StatusCode::OK);
    refused(&stage.exchange(&code, &[]).await, "invalid_grant");
    for (field, value, error) in [
        ("code_verifier", "another-verifier", "invalid_grant"),
        ("code_verifier", "", "invalid_grant"),
        ("code", "aPrxnothing", "invalid_grant"),
        ("redirect_uri", "https://tollgate.example/", "redirect_uri_mismatch"),
        ("client_id", "another", "invalid_client_id"),
        ("client_secret", "wrong", "invalid_client"),
        ("client_secret", "", "invalid_client"),
    ] {
        let code = stage.code().await;
        refused(&stage.exchange(&code, &[(field, value)]).await, error);
    }
    let late = stage.code().await;
    stage.clock.advance(15 * 60 * 1_000);
    refused(&stage.exchange(&late, &[]).await, "invalid_grant");
}

/// Without rotation a refresh token goes on being good; with it each is good once, and the second use of one ends all of
/// the same consent, and of no other one.
#[tokio::test]
async fn refresh_tokens_rotate() {
    let mut steady = Stage::set(Options { is_public_client: true, ..Options::default() }).await;
    let code = steady.code().await;
    let token = refresh_token(&steady.exchange(&code, &[("client_secret", "")]).await);
    for _ in 0..2 {
        let reply = steady.refresh(&token).await;
        assert_eq!((reply.status, &reply.json()["refresh_token"]), (StatusCode::OK, &json!(null)));
    }
    steady.sim.vendor().withdraw_consents();
    refused(&steady.refresh(&token).await, "invalid_grant");

    let mut stage = Stage::set(Options { rotates_refresh_tokens: true, ..Options::default() }).await;
    let (code, other) = (stage.code().await, stage.code().await);
    let (first, other) =
        (refresh_token(&stage.exchange(&code, &[]).await), refresh_token(&stage.exchange(&other, &[]).await));
    let second = refresh_token(&stage.refresh(&first).await);
    let third = refresh_token(&stage.refresh(&second).await);
    refused(&stage.refresh(&first).await, "invalid_grant");
    refused(&stage.refresh(&third).await, "invalid_grant");
    refresh_token(&stage.refresh(&other).await);
}
