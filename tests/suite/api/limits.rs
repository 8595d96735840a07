//! The bounds of the service: how many requests at the same time, and how long one may take.

use super::stopping::{finish, half_sent};
use super::{Client, Stage};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending, ready};
use http::StatusCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tollgate::api;
use tollgate::app::access::{Role, TokenWish};
use tollgate::app::{App, Options};
use tollgate::clock::{Clock, SystemClock};
use tollgate::gate::net::SystemNet;
use tollgate_core::model::{At, limits};
use tollgate_tests::database::Kind;

/// With as many requests under way as may be, the next one is told to come back, and the process still says that it lives;
/// when one has ended there is a place again. Provoked by requests that are half sent.
#[test]
fn the_next_one_is_told_to_come_back() {
    tollgate_tests::database::run(Kind::Sqlite, async |database| {
        let stage = Stage::set(&database, None).await;
        let token = stage.token(Role::Operator).await;
        let client = stage.client.with_token(&token);
        let mut open = Vec::new();
        for _ in 0..limits::API_REQUESTS_MAX {
            open.push(half_sent(client.address, &token).await);
        }
        let answer = client.get("/v1/flows").await;
        assert_eq!((answer.code(), answer.status), ("busy", StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(client.get("/healthz").await.status, StatusCode::NO_CONTENT);
        let answer = finish(open.pop().expect("a request")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(client.get("/v1/flows").await.status, StatusCode::OK);
        for request in open {
            assert!(finish(request).await.starts_with("HTTP/1.1 200 OK\r\n"));
        }
        stage.stop().await;
    });
}

/// A clock on which the time of a request is over as soon as it has to wait for anything.
struct Impatient;

impl Clock for Impatient {
    fn now(&self) -> At {
        SystemClock.now()
    }

    fn sleep_ms(&self, ms: u64) -> BoxFuture<'static, ()> {
        if ms == limits::API_REQUEST_MS_MAX { ready(()).boxed() } else { pending().boxed() }
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        SystemClock.fill_random(bytes);
    }
}

/// A request that takes longer than one may is answered all the same, in the shape of errors; one that waits for nothing is
/// not touched. Provoked by a clock.
#[test]
fn a_request_ends_in_time() {
    tollgate_tests::database::run(Kind::Sqlite, async |database| {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options {
            data_dir: folder.path().join("host"),
            database_url: Some(database.url.clone()),
            tenant: "default".into(),
            net: Arc::new(SystemNet),
            clock: Arc::new(Impatient),
        };
        let app = Arc::new(App::open(options).await.expect("the host opens"));
        let wish = TokenWish { name: "test", role: Role::Admin, days: 1, actor: "test" };
        let token = app.create_token(wish).await.expect("a token").text;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = Client::new(listener.local_addr().expect("an address")).with_token(&token);
        let (stop, stopping) = oneshot::channel::<()>();
        let stopping = async { stopping.await.expect("the test says when to stop") };
        let served = tokio::spawn(api::serve(app, listener, stopping));
        let answer = client.get("/v1/flows").await;
        assert_eq!((answer.code(), answer.status), ("timed-out", StatusCode::GATEWAY_TIMEOUT));
        assert_eq!(client.get("/v1/nothing").await.code(), "no-route");
        stop.send(()).expect("the service runs");
        served.await.expect("no panic").expect("it ends well");
    });
}
