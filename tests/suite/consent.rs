//! A person lets a connection act for them: asked for through the API, agreed to in a browser, renewed without anybody.

use crate::api::client::{Answer, Client};
use crate::canary::all_that_is_written;
use crate::node::{Node, write_host};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tollgate::api;
use tollgate::app::App;
use tollgate::app::access::{Role, TokenWish};
use tollgate::clock::{Clock, SystemClock};
use tollgate_core::model::{At, limits};
use tollgate_tests::data;
use tollgate_tests::database::Database;
use tollgate_tests::sims::{netsuite, salesforce};
use tollgate_tests::world::{FLOWS, World};
use tollgate_tests::{guests, on_both_databases};

const CALLBACK: &str = "/v1/consent/callback";
const ROUTE: &str = "/v1/connections/salesforce/consent";

/// The machine's time, some way ahead.
#[derive(Default)]
struct Shifted(AtomicU64);

impl Shifted {
    fn shift(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> At {
        SystemClock.now().plus_ms(self.0.load(Ordering::SeqCst))
    }

    fn sleep_ms(&self, ms: u64) -> BoxFuture<'static, ()> {
        SystemClock.sleep_ms(ms)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        SystemClock.fill_random(bytes);
    }
}

/// Both vendors, a host whose Salesforce plugin acts by consent with refresh tokens that rotate, and the service before it.
struct Stage {
    world: World,
    app: Arc<App>,
    clock: Arc<Shifted>,
    admin: Client,
    /// A browser brings no token.
    browser: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn set(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let crm = salesforce::Options {
            callback_urls: vec![format!("http://{address}{CALLBACK}")],
            rotates_refresh_tokens: true,
            ..salesforce::Options::default()
        };
        let mut world = World::with(crm, netsuite::Options::default()).await.expect("both vendors start");
        world.load(&data::generator_sample());
        world.replace_plugin("salesforce", guests::component_with("salesforce", by_consent));
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(Shifted::default());
        let host = world.host(&folder.path().join("host"), Some(database.url.clone())).expect("a host");
        let app = Arc::new(host.open_at(clock.clone()).await.expect("the host opens"));
        let (stop, stopping) = oneshot::channel();
        let stopping = async { stopping.await.expect("the test says when to stop") };
        let served = tokio::spawn(api::serve(app.clone(), listener, stopping));
        let wish = TokenWish { name: "test", role: Role::Admin, days: 1, actor: "test" };
        let token = app.create_token(wish).await.expect("a token").text;
        let browser = Client::new(address);
        Self { world, app, clock, admin: browser.with_token(&token), browser, stop, served, folder }
    }

    /// Asks for consent; the page to open.
    async fn begin(&self) -> String {
        let begun = self.admin.call(Method::POST, ROUTE, &[], Bytes::new()).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
        begun.json["url"].as_str().expect("a page").to_owned()
    }

    /// Opens the page at the vendor; where the browser is sent back to, from the path on.
    async fn open_page(&self, page: &str) -> String {
        let url = url::Url::parse(page).expect("an address");
        let reply =
            self.world.crm_browser().get(&page[url[..url::Position::BeforePath].len()..]).await.expect("a page");
        assert_eq!(reply.status, StatusCode::FOUND, "{reply:?}");
        let back = format!("http://{}", self.browser.address);
        reply.header("location").strip_prefix(&back).expect("it leads back to this host").to_owned()
    }

    async fn consent(&self) -> String {
        let callback = self.open_page(&self.begin().await).await;
        let answer = self.browser.get(&callback).await;
        assert_eq!((answer.status, &answer.json), (StatusCode::OK, &json!("Done. You can close this window.\n")));
        callback
    }

    async fn state(&self) -> Value {
        self.admin.get(ROUTE).await.json
    }

    async fn check(&self) -> Answer {
        self.admin.call(Method::POST, "/v1/connections/salesforce/check", &[], Bytes::new()).await
    }

    /// Every token that the vendor gave out is refused, and old enough to be renewed.
    fn spend_tokens(&self) {
        self.world.crm.expire_tokens();
        self.clock.shift(limits::TOKEN_AGE_MS_MIN + 1_000);
    }

    async fn stop(self) -> (World, tempfile::TempDir) {
        self.stop.send(()).expect("the service runs");
        self.served.await.expect("the service ends").expect("the service ends well");
        (self.world, self.folder)
    }
}

/// The plugin's manifest with a consent in place of client credentials.
fn by_consent(manifest: String) -> String {
    let attach = |line: &str| line.starts_with("attach = ").then(|| line.to_owned());
    let before = manifest.lines().find_map(attach).expect("the plugin has a credential");
    let after = r#"attach = { authorization-code = { authorize_endpoint = "login", authorize_path = "/services/oauth2/authorize", token_endpoint = "login", token_path = "/services/oauth2/token", client = { secret = {} }, scope = "api refresh_token", rotates = true } }"#;
    manifest.replace(&before, after)
}

fn needs_consent(answer: &Answer) {
    assert_eq!(answer.code(), "connection-failed", "{answer:?}");
    let message = answer.json["message"].as_str().expect("a message");
    assert!(message.contains("unauthorized: "), "{message}");
    assert!(message.ends_with("consent again: tollgate connection consent salesforce"), "{message}");
}

on_both_databases! {
    /// Without consent the connection says what to do; with it flows run; spent tokens are renewed and the refresh token
    /// rotates once for all flows; a withdrawn consent is told and given anew. What the vendor holds is counted at the vendor.
    async fn a_connection_acts_by_consent(database: Database) {
        let stage = Stage::set(&database).await;
        assert_eq!(stage.state().await, json!({ "state": "none" }));
        needs_consent(&stage.check().await);

        let page = stage.begin().await;
        assert!(page.starts_with("https://acme.my.salesforce.com/services/oauth2/authorize?"), "{page}");
        let pending = stage.state().await;
        assert_eq!(pending["state"], "pending");
        assert!(pending["by"].as_str().is_some_and(|by| by.starts_with("token:")) && pending["expires"].is_string());
        let callback = stage.open_page(&page).await;
        assert_eq!(stage.browser.get(&callback).await.status, StatusCode::OK);
        assert_eq!(stage.state().await["state"], "done");
        assert_eq!(stage.check().await.status, StatusCode::OK);
        let again = stage.browser.get(&callback).await;
        assert_eq!((again.status, stage.state().await["state"].as_str()), (StatusCode::BAD_REQUEST, Some("done")));

        stage.app.start().await.expect("the flows start");
        stage.app.rest().await.expect("the host comes to rest");
        let orders = stage.world.orders();
        assert!(orders.count > 0 && orders.duplicates == 0, "{orders:?}");
        assert_eq!(stage.world.crm.vendor().refresh_tokens().len(), 1, "the first token was enough so far");
        stage.spend_tokens();
        for flow in FLOWS {
            stage.app.read_anew(&flow.into(), "test").await.expect("the flow starts anew");
        }
        stage.app.rest().await.expect("the host comes to rest");
        assert_eq!(stage.world.crm.vendor().refresh_tokens().len(), 2, "one renewal for all flows");
        assert_eq!(stage.world.orders(), orders, "nothing changed, so nothing is written");

        stage.world.crm.vendor().withdraw_consents();
        stage.spend_tokens();
        needs_consent(&stage.check().await);
        let failed = stage.state().await;
        assert_eq!(failed["state"], "failed");
        assert!(failed["reason"].as_str().is_some_and(|reason| reason.contains("invalid_grant")), "{failed}");
        stage.consent().await;
        assert_eq!(stage.check().await.status, StatusCode::OK);
        stage.stop().await;
    }

    /// A callback that is not the answer to what is waited for changes nothing, and its page holds nothing of what came
    /// with it: a wrong state, one of an older consent, one used before, one that is too late. What a person or the system
    /// refused is told to those who may read it.
    async fn answers_that_are_not_taken(database: Database) {
        let stage = Stage::set(&database).await;
        let overtaken = stage.open_page(&stage.begin().await).await;
        let good = stage.open_page(&stage.begin().await).await;
        for path in [
            CALLBACK.to_owned(),
            format!("{CALLBACK}?code=c4nary"),
            format!("{CALLBACK}?state=c4nary&code=c4nary"),
            format!("{CALLBACK}?state=&code="),
            format!("{CALLBACK}?state=c4nary&error=c4nary"),
            format!("{CALLBACK}?state=%ff&state=c4nary"),
            format!("{good}&state=c4nary"),
            format!("{CALLBACK}?{}", good.split('&').find(|part| part.contains("state=")).expect("a state")),
            overtaken,
        ] {
            let answer = stage.browser.get(&path).await;
            let text = answer.json.as_str().expect("a page of text");
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(!text.contains("c4nary") && !text.contains("salesforce"), "{text}");
            assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
            assert_eq!(stage.state().await["state"], "pending", "{path}");
        }
        stage.clock.shift(limits::CONSENT_MS);
        assert_eq!(stage.state().await["reason"], "nobody answered in time");
        assert_eq!(stage.browser.get(&good).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(stage.state().await["reason"], "it was answered too late");

        stage.world.crm.vendor().deny_consent(true);
        let denied = stage.open_page(&stage.begin().await).await;
        assert_eq!(stage.browser.get(&denied).await.status, StatusCode::FORBIDDEN);
        assert_eq!(stage.state().await["reason"], "the system did not give it: access_denied");
        stage.world.crm.vendor().deny_consent(false);
        let callback = stage.open_page(&stage.begin().await).await;
        let wrong = stage.browser.get(&callback.replace("code=", "code=c4nary")).await;
        assert_eq!(wrong.status, StatusCode::BAD_GATEWAY);
        let reason = stage.state().await["reason"].as_str().expect("a reason").to_owned();
        assert!(reason.contains("status 400, invalid_grant") && !reason.contains("c4nary"), "{reason}");
        let none = stage.admin.call(Method::POST, "/v1/connections/netsuite/consent", &[], Bytes::new()).await;
        assert_eq!((none.status.as_u16(), none.code()), (422, "refused"));
        needs_consent(&stage.check().await);
        stage.stop().await;
    }

    /// Neither a token, nor the state and code of a consent, nor the client's secret is in a file, a table, an answer or the
    /// log at its most talkative, during a consent and in the process that goes on with it.
    async fn nothing_of_a_consent_is_written(database: Database) {
        let stage = Stage::set(&database).await;
        let callback = stage.consent().await;
        let mut secrets: Vec<String> = url::form_urlencoded::parse(callback.split_once('?').expect("a query").1.as_bytes())
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(secrets.len(), 2, "state and code: {callback}");
        secrets.extend(stage.world.secrets());
        let answers = format!("{}{}", stage.state().await, stage.admin.get("/v1/connections").await.json);
        let mut written = all_that_is_written(stage.folder.path(), &database).await;
        written.push(("an answer".into(), answers.into_bytes()));
        let (world, folder) = stage.stop().await;

        let file = write_host(&world, &database, folder.path());
        let log = folder.path().join("node.log");
        let mut node = Node::start_talkative(&file, &log);
        tokio::task::block_in_place(|| node.wait_for_rest());
        assert!(world.orders().count > 0);
        assert_eq!(world.crm.vendor().refresh_tokens().len(), 2, "the new process renewed the token");
        secrets.extend(world.secrets());
        written.extend(all_that_is_written(folder.path(), &database).await);
        node.kill();
        assert!(written.iter().any(|(name, bytes)| name.ends_with("node.log") && bytes.len() > 10_000), "a log");
        for (name, bytes) in written {
            for secret in &secrets {
                let hit = memchr::memmem::find(&bytes, secret.as_bytes()).is_some();
                assert!(!hit, "{name} holds a secret that begins with {:?}", &secret[..6]);
            }
        }
    }
}
