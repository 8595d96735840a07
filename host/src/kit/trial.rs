//! One look at a plugin while it is written: `check`, `discover`, and the first page of each stream, with every request as
//! it is answered.

use crate::clock::{Clock, SystemClock};
use crate::kit::Error;
use crate::kit::stage::{Call, Frame, Purpose, Stage};
use crate::kit::watch::{Answer, Setting, Watch};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, channel};
use tollgate_core::model::schema::{Account, Stream};
use tollgate_core::model::{Manifest, Next, Page, ReadRequest, http, limits};
use tollgate_sandbox::{Allowance, Broker, CallError, CallLimits, Level, Plugin};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// A request was answered.
    Request {
        /// Its route.
        route: String,
        /// The status, or why there is no answer.
        status: String,
        /// Milliseconds that it took.
        ms: u64,
    },
    /// A call ended.
    Call {
        /// Which.
        name: String,
        /// What it brought, or why it failed.
        result: Result<String, String>,
        /// Milliseconds that it took.
        ms: u64,
    },
}

/// Makes the calls and tells each event as it happens; says how many calls failed.
///
/// # Errors
/// The stage cannot be used.
pub async fn try_out(plugin: &Plugin, stage: &dyn Stage, mut tell: impl FnMut(Trial)) -> Result<usize, Error> {
    let session = Session { stage, manifest: Arc::new(plugin.manifest().clone()) };
    if !session.manifest.plugin.exports.contains("setup") {
        return Ok(0);
    }
    let mut failed = 0;
    let checked = session
        .call((Purpose::Check, "check"), &mut tell, said_account, |broker, limits| plugin.check(broker, limits))
        .await?;
    failed += usize::from(checked.is_none());
    let found = session
        .call(
            (Purpose::Discover, "discover"),
            &mut tell,
            |found: &Vec<Stream>| said_streams(found),
            |broker, limits| plugin.discover(broker, limits),
        )
        .await?;
    failed += usize::from(found.is_none());
    for stream in found.into_iter().flatten().filter(|stream| stream.reading.backfill || stream.reading.incremental) {
        let request = ReadRequest {
            stream: stream.name.as_str().into(),
            cursor: None,
            fields: vec![],
            only: vec![],
            overlap_ms: 0,
        };
        let name = format!("read {}", stream.name);
        let read = session
            .call((Purpose::Read, &name), &mut tell, said_page, |broker, limits| plugin.read(&request, broker, limits))
            .await?;
        failed += usize::from(read.is_none());
    }
    Ok(failed)
}

struct Session<'a> {
    stage: &'a dyn Stage,
    manifest: Arc<Manifest>,
}

impl Session<'_> {
    async fn call<T, F>(
        &self,
        (purpose, name): (Purpose, &str),
        tell: &mut impl FnMut(Trial),
        say: impl Fn(&T) -> String,
        body: impl FnOnce(Arc<dyn Broker>, CallLimits) -> F,
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let call = Call { purpose, name: name.to_owned() };
        let (told, mut events) = channel(limits::GUEST_REQUESTS_MAX as usize);
        let broker = self.broker(&call, self.stage.open(&call).await?, told);
        let begun = SystemClock.now();
        let running = body(broker, CallLimits::default());
        tokio::pin!(running);
        let result = loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => tell(event),
                result = &mut running => break result,
            }
        };
        while let Ok(event) = events.try_recv() {
            tell(event);
        }
        self.stage.close().await?;
        let said = result.as_ref().map(say).map_err(ToString::to_string);
        tell(Trial::Call { name: call.name, result: said, ms: SystemClock.now().since_ms(begun) });
        Ok(result.ok())
    }

    fn broker(&self, call: &Call, inner: Arc<dyn Broker>, told: Sender<Trial>) -> Arc<dyn Broker> {
        let frame: Frame = self.stage.frame();
        let allowance = Allowance {
            requests: limits::GUEST_REQUESTS_MAX,
            wall_ms: u32::try_from(limits::GUEST_WALL_MS_MAX).unwrap_or(u32::MAX),
            records: u32::try_from(limits::PAGE_CHANGES_MAX).unwrap_or(u32::MAX),
            response_bytes: limits::CALL_RESPONSE_BYTES_MAX,
        };
        let setting = Setting { manifest: &self.manifest, purpose: &call.purpose, frame, allowance, trouble: None };
        Arc::new(Telling { inner: Watch::new(inner, setting), told })
    }
}

fn said_account(account: &Account) -> String {
    format!("account {} ({})", account.id, account.name)
}

fn said_streams(streams: &[Stream]) -> String {
    let stream = |stream: &Stream| format!("{} ({} fields)", stream.name, stream.fields.len());
    streams.iter().map(stream).collect::<Vec<_>>().join(", ")
}

fn said_page(page: &Page) -> String {
    let next = match &page.next {
        Next::More(_) => "there is more",
        Next::CaughtUp(_) => "caught up",
        Next::Wait(_) => "asks to wait",
    };
    format!("{} changes, {next}", page.changes.len())
}

/// Tells of each request as it is answered.
struct Telling {
    inner: Watch,
    told: Sender<Trial>,
}

impl Telling {
    fn tell(&self, route: String, answer: &Answer, ms: u64) {
        let status = match answer {
            Ok(response) => response.status.to_string(),
            Err(error) => format!("{error:?}"),
        };
        // Never full: a call makes no more requests than the queue holds. Nobody listens any more when it was given up.
        let _ = self.told.try_send(Trial::Request { route, status, ms });
    }
}

impl Broker for Telling {
    fn send(&self, request: http::Request) -> BoxFuture<'_, Answer> {
        async move {
            let (route, begun) = (request.route.clone(), SystemClock.now());
            let answer = self.inner.send(request).await;
            self.tell(route, &answer, SystemClock.now().since_ms(begun));
            answer
        }
        .boxed()
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Answer>> {
        async move {
            let routes: Vec<_> = requests.iter().map(|request| request.route.clone()).collect();
            let begun = SystemClock.now();
            let answers = self.inner.send_all(requests).await;
            let ms = SystemClock.now().since_ms(begun);
            for (route, answer) in routes.into_iter().zip(&answers) {
                self.tell(route, answer, ms);
            }
            answers
        }
        .boxed()
    }

    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Answer> {
        async move {
            let begun = SystemClock.now();
            let answer = self.inner.follow(route.clone(), link).await;
            self.tell(route, &answer, SystemClock.now().since_ms(begun));
            answer
        }
        .boxed()
    }

    fn now_ms(&self) -> u64 {
        self.inner.now_ms()
    }

    fn random(&self, count: u32) -> Vec<u8> {
        self.inner.random(count)
    }

    fn config(&self) -> String {
        self.inner.config()
    }

    fn left(&self) -> Allowance {
        self.inner.left()
    }

    fn log(&self, level: Level, text: &str) {
        self.inner.log(level, text);
    }
}
