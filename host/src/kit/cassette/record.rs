//! A stage before another one: passes everything on and writes it down.

use crate::kit::Error;
use crate::kit::cassette::clean::Cleaner;
use crate::kit::cassette::tape::{FORMAT, Head, Line};
use crate::kit::stage::{Call, Frame, Stage};
use crate::kit::watch::{Answer, Ask, Exchange};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::fmt::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_core::model::{Json, http};
use tollgate_sandbox::{Allowance, Broker, Level};

type Lines = Arc<Mutex<Vec<Line>>>;

/// Records what its stage answers.
pub struct Recorder<'a> {
    stage: &'a dyn Stage,
    cleaner: Arc<Cleaner>,
    lines: Lines,
}

impl<'a> Recorder<'a> {
    /// Records this stage. What stands in an answer and is one of `secrets`, or looks like a credential, is taken out
    /// before the plugin sees it, so that it asks the same when it is replayed.
    pub fn new(stage: &'a dyn Stage, secrets: &[String]) -> Self {
        Self { stage, cleaner: Arc::new(Cleaner::new(secrets)), lines: Lines::default() }
    }

    /// The cassette's text.
    pub fn text(&self, plugin: &str) -> String {
        let frame = self.stage.frame();
        let settings = serde_json::from_str(&frame.settings).unwrap_or(Json::Null);
        let head = Head { cassette: FORMAT, plugin: plugin.to_owned(), now_ms: frame.now_ms, settings };
        let mut text = line(&head);
        for one in self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = write!(text, "{}", line(one));
        }
        text
    }

    /// Writes the cassette to a file, in place of what is there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, plugin: &str, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(path, self.text(plugin)).map_err(failed)
    }
}

fn line(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a line is plain texts and numbers") + "\n"
}

impl Stage for Recorder<'_> {
    fn name(&self) -> String {
        self.stage.name()
    }

    fn frame(&self) -> Frame {
        self.stage.frame()
    }

    fn open<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Arc<dyn Broker>, Error>> {
        async move {
            let inner = self.stage.open(call).await?;
            let (call, cleaner, lines) = (call.name.clone(), self.cleaner.clone(), self.lines.clone());
            Ok(Arc::new(Recording { inner, call, cleaner, lines }) as Arc<dyn Broker>)
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.stage.close()
    }
}

struct Recording {
    inner: Arc<dyn Broker>,
    call: String,
    cleaner: Arc<Cleaner>,
    lines: Lines,
}

impl Recording {
    fn note(&self, ask: Ask, answer: Answer) -> Answer {
        let exchange = Exchange { ask, answer: self.cleaner.answer(answer) };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(Line::of(&self.call, &exchange));
        exchange.answer
    }
}

impl Broker for Recording {
    fn send(&self, request: http::Request) -> BoxFuture<'_, Answer> {
        async move {
            let answer = self.inner.send(request.clone()).await;
            self.note(Ask::Request(request), answer)
        }
        .boxed()
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Answer>> {
        async move {
            let answers = self.inner.send_all(requests.clone()).await;
            let noted = requests.into_iter().zip(answers);
            noted.map(|(request, answer)| self.note(Ask::Request(request), answer)).collect()
        }
        .boxed()
    }

    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Answer> {
        async move {
            let answer = self.inner.follow(route.clone(), link.clone()).await;
            self.note(Ask::Follow { route, link }, answer)
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
