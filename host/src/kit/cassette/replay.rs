//! A stage that answers from a cassette: no network, no secret.

use crate::kit::cassette::tape::{FORMAT, Head, Line};
use crate::kit::stage::{Call, Frame, Stage};
use crate::kit::watch::{Answer, Ask};
use crate::kit::{Error, Script};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_core::model::{Json, http, json};
use tollgate_sandbox::{Allowance, Broker, Level};

/// Bytes of a cassette that are read: far more than a person looks through.
const BYTES_MAX: u64 = 32 << 20;

/// A cassette, read.
pub struct Cassette {
    name: String,
    frame: Frame,
    tapes: Arc<Mutex<Vec<Tape>>>,
}

/// All answers to one request.
struct Tape {
    ask: Ask,
    answers: VecDeque<Answer>,
    recorded: usize,
}

impl Cassette {
    /// Reads a cassette of this plugin.
    ///
    /// # Errors
    /// The file cannot be read, is too large, of another format or plugin, or damaged; says in which line.
    pub fn open(path: &Path, plugin: &str) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        if bytes > BYTES_MAX {
            return Err(wrong(path, 1, format!("it has {bytes} bytes; at most {BYTES_MAX} are read")));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self::read(&text, plugin, &name).map_err(|(line, reason)| wrong(path, line, reason))
    }

    /// A cassette without a recording: for a transform, which asks for nothing but its settings.
    pub fn blank(script: &Script) -> Self {
        let settings = script.transform.as_ref().and_then(|transform| transform.settings.clone());
        let frame = Frame { now_ms: 0, settings: settings.unwrap_or_else(|| "{}".into()) };
        Self { name: "no system".into(), frame, tapes: Arc::default() }
    }

    /// Reads the text of a cassette.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong in it.
    pub fn read(text: &str, plugin: &str, name: &str) -> Result<Self, (usize, String)> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let (_, first) = lines.next().ok_or((1, "it is empty".to_owned()))?;
        let head: Head = serde_json::from_str(first).map_err(|error| (1, format!("no cassette: {error}")))?;
        if head.cassette != FORMAT {
            return Err((1, format!("it is of format {}; this host reads {FORMAT}", head.cassette)));
        }
        if head.plugin != plugin {
            return Err((1, format!("it was recorded for `{}`, not `{plugin}`", head.plugin)));
        }
        let mut tapes: Vec<Tape> = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).map_err(|error| (number, error.to_string()))?;
            let exchange = line.exchange().map_err(|reason| (number, reason))?;
            let ask = plain(&exchange.ask);
            match tapes.iter_mut().find(|tape| tape.ask == ask) {
                Some(tape) => {
                    tape.answers.push_back(exchange.answer);
                    tape.recorded += 1;
                }
                None => tapes.push(Tape { ask, answers: VecDeque::from([exchange.answer]), recorded: 1 }),
            }
        }
        let frame = Frame { now_ms: head.now_ms, settings: json::text(&head.settings) };
        Ok(Self { name: format!("cassette {name}"), frame, tapes: Arc::new(Mutex::new(tapes)) })
    }
}

fn wrong(path: &Path, line: usize, reason: String) -> Error {
    Error::Cassette { path: PathBuf::from(path), line, reason }
}

impl Stage for Cassette {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn frame(&self) -> Frame {
        self.frame.clone()
    }

    fn open<'a>(&'a self, _: &'a Call) -> BoxFuture<'a, Result<Arc<dyn Broker>, Error>> {
        let player = Player { tapes: self.tapes.clone(), frame: self.frame.clone() };
        std::future::ready(Ok(Arc::new(player) as Arc<dyn Broker>)).boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        std::future::ready(Ok(())).boxed()
    }
}

struct Player {
    tapes: Arc<Mutex<Vec<Tape>>>,
    frame: Frame,
}

impl Player {
    fn answer(&self, ask: &Ask) -> Answer {
        let ask = plain(ask);
        let mut tapes = self.tapes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tape) = tapes.iter_mut().find(|tape| tape.ask == ask) else {
            return Err(http::Error::Other(unrecorded(&ask, tapes.iter().map(|tape| &tape.ask))));
        };
        let is_read = !matches!(&ask, Ask::Request(request) if !request.intents.is_empty());
        if is_read && tape.answers.len() == 1 {
            return tape.answers[0].clone();
        }
        let often = tape.recorded;
        tape.answers.pop_front().unwrap_or_else(|| {
            let text = format!("no recording: {} was recorded {often} times and is asked once more", shown(&ask));
            Err(http::Error::Other(text))
        })
    }
}

/// The request in the form in which it is looked for: a JSON body in its canonical text.
fn plain(ask: &Ask) -> Ask {
    match ask {
        Ask::Request(request) => {
            let canonical = |body: &Vec<u8>| match serde_json::from_slice::<Json>(body) {
                Ok(value) => json::canonical(&value).into_bytes(),
                Err(_) => body.clone(),
            };
            Ask::Request(http::Request { body: request.body.as_ref().map(canonical), ..request.clone() })
        }
        Ask::Follow { .. } => ask.clone(),
    }
}

/// Which request there is no answer to, and what the nearest one has that it has not.
fn unrecorded<'a>(ask: &Ask, recorded: impl Iterator<Item = &'a Ask>) -> String {
    let same_route = recorded.filter(|other| other.route() == ask.route());
    let nearest = same_route.map(|other| differences(ask, other)).min_by_key(Vec::len);
    let near = match nearest {
        None => format!("route `{}` was never recorded", ask.route()),
        Some(parts) => format!("the nearest one differs in {}", parts.join(" and ")),
    };
    format!("no recording of {}: {near}; record again with `--live --record`", shown(ask))
}

fn shown(ask: &Ask) -> String {
    match ask {
        Ask::Request(request) => {
            let pairs = |pairs: &[(String, String)]| {
                pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
            };
            let (params, query) = (pairs(&request.params), pairs(&request.query));
            brief(&format!("`{}` ({params}) ?{query} {}", request.route, body(request)))
        }
        Ask::Follow { route, link } => brief(&format!("`{route}` by link {link}")),
    }
}

fn body(request: &http::Request) -> String {
    request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned()
}

fn brief(text: &str) -> String {
    const CHARACTERS_MAX: usize = 400;
    text.chars().take(CHARACTERS_MAX).collect()
}

fn differences(ask: &Ask, other: &Ask) -> Vec<String> {
    let (Ask::Request(one), Ask::Request(two)) = (ask, other) else {
        return vec!["its link".into()];
    };
    let mut parts = Vec::new();
    for (what, one, two) in
        [("path", &one.params, &two.params), ("query", &one.query, &two.query), ("headers", &one.headers, &two.headers)]
    {
        if one != two {
            parts.push(format!("its {what} {two:?}"));
        }
    }
    if one.body != two.body {
        parts.push(format!("its body {}", body(two)));
    }
    if one.intents != two.intents {
        parts.push(format!("its intents {:?}", two.intents));
    }
    parts.iter().map(|part| brief(part)).collect()
}

impl Broker for Player {
    fn send(&self, request: http::Request) -> BoxFuture<'_, Answer> {
        std::future::ready(self.answer(&Ask::Request(request))).boxed()
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Answer>> {
        let answers = requests.into_iter().map(|request| self.answer(&Ask::Request(request))).collect();
        std::future::ready(answers).boxed()
    }

    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Answer> {
        std::future::ready(self.answer(&Ask::Follow { route, link })).boxed()
    }

    fn now_ms(&self) -> u64 {
        self.frame.now_ms
    }

    /// The kit gives randomness of its own, the same for each run.
    fn random(&self, count: u32) -> Vec<u8> {
        vec![0; count as usize]
    }

    fn config(&self) -> String {
        self.frame.settings.clone()
    }

    fn left(&self) -> Allowance {
        Allowance { requests: 0, wall_ms: 0, records: 0, response_bytes: 0 }
    }

    fn log(&self, level: Level, text: &str) {
        tracing::debug!(target: "plugin", ?level, "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::watch::Exchange;

    fn request(id: &str, body: Option<&str>, intents: &[u32]) -> http::Request {
        http::Request {
            route: "get".into(),
            params: vec![("id".into(), id.into())],
            query: vec![],
            headers: vec![],
            body: body.map(|body| body.as_bytes().to_vec()),
            intents: intents.to_vec(),
        }
    }

    fn cassette(exchanges: &[(http::Request, u16)]) -> Cassette {
        let mut text = r#"{"cassette":1,"plugin":"v/x","now_ms":5,"settings":{"rate":1.50}}"#.to_owned();
        for (request, status) in exchanges {
            let answer = Ok(http::Response { status: *status, headers: vec![], body: vec![] });
            let exchange = Exchange { ask: Ask::Request(request.clone()), answer };
            text = format!("{text}\n{}", serde_json::to_string(&Line::of("read", &exchange)).unwrap());
        }
        Cassette::read(&text, "v/x", "x").map_err(|(line, reason)| format!("{line}: {reason}")).unwrap()
    }

    fn player(cassette: &Cassette) -> Player {
        Player { tapes: cassette.tapes.clone(), frame: cassette.frame.clone() }
    }

    /// The same request gets its answers in order; a read keeps the last one, a write does not; the order of a JSON
    /// body's members does not matter.
    #[test]
    fn answers_in_order() {
        let read = request("7", None, &[]);
        let write = request("7", Some(r#"{"a":1,"b":1.50}"#), &[0]);
        let cassette = cassette(&[(read.clone(), 200), (write, 201), (read.clone(), 304)]);
        let player = player(&cassette);
        let status =
            |request: &http::Request| player.answer(&Ask::Request(request.clone())).map(|answer| answer.status);
        assert_eq!([status(&read), status(&read), status(&read)], [Ok(200), Ok(304), Ok(304)]);
        let write = request("7", Some(r#"{"b":1.5,"a":1}"#), &[0]);
        assert_eq!(status(&write), Ok(201));
        let Err(http::Error::Other(text)) = status(&write) else { panic!("a write has as many answers as recorded") };
        assert!(text.contains("recorded 1 times"), "{text}");
        assert_eq!(cassette.frame(), Frame { now_ms: 5, settings: r#"{"rate":1.50}"#.into() });
    }

    /// A request without a recording is named, with what the nearest recorded one has in its place.
    #[test]
    fn what_is_not_recorded_is_named() {
        let cassette = cassette(&[(request("7", Some("{}"), &[]), 200), (request("8", None, &[]), 200)]);
        let player = player(&cassette);
        let said = |request: http::Request| match player.answer(&Ask::Request(request)) {
            Err(http::Error::Other(text)) => text,
            other => panic!("{other:?}"),
        };
        let text = said(request("9", None, &[]));
        assert!(text.contains("id=9") && text.contains("its path") && text.contains('8'), "{text}");
        let text = said(http::Request { route: "put".into(), ..request("7", None, &[]) });
        assert!(text.contains("route `put` was never recorded"), "{text}");
    }

    /// A damaged cassette says in which line; one of another plugin or format says so.
    #[test]
    fn damaged_cassettes() {
        let head = r#"{"cassette":1,"plugin":"v/x","now_ms":5,"settings":{}}"#;
        for (text, line, part) in [
            (String::new(), 1, "empty"),
            ("{}".into(), 1, "no cassette"),
            (head.replace(":1,", ":9,"), 1, "format 9"),
            (head.replace("v/x", "v/y"), 1, "`v/y`"),
            (format!("{head}\n\n{{\"call\":1}}"), 3, "invalid type"),
        ] {
            let (at, reason) = Cassette::read(&text, "v/x", "x").err().unwrap();
            assert!(at == line && reason.contains(part), "{at}: {reason}");
        }
    }
}
