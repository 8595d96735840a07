//! A scripted host for native unit tests: answers by route, settings, a clock. It exists once per thread, as each test
//! has a thread of its own.
//!
//! ```
//! use tollgate_sdk::{http, json::json, testing::Host};
//!
//! let host = Host::new();
//! host.answer("me", 200, json!({"id": "42"}));
//! assert!(http::request("me").send().unwrap().is_ok());
//! assert_eq!(host.requests()[0].route, "me");
//! ```

use crate::bindings::tollgate::plugin::files::{Entry, FileError};
use crate::bindings::tollgate::plugin::http::{HttpError, Request, Response};
use crate::{Json, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};

type Answer = Result<Response, HttpError>;

#[derive(Default)]
struct State {
    answers: HashMap<String, VecDeque<Answer>>,
    sent: Vec<Sent>,
    config: Option<Json>,
    now_ms: u64,
    log: Vec<String>,
    random_calls: Vec<u32>,
    /// Content and time of each file.
    files: BTreeMap<String, (Vec<u8>, u64)>,
    is_holding_renames: bool,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// The handle of a test to its thread's host.
#[derive(Debug)]
#[non_exhaustive]
pub struct Host {}

impl Host {
    /// A host that knows nothing yet; what an earlier one on this thread knew is gone.
    #[expect(clippy::new_without_default, reason = "it empties the thread's host, which a default must not do")]
    pub fn new() -> Self {
        STATE.take();
        Self {}
    }

    /// The next answer of a route, or of a link followed on it.
    pub fn answer(&self, route: &str, status: u16, body: Json) -> Scripted {
        self.answer_text(route, status, &body.to_string())
    }

    /// The next answer of a route, with a body that need not be JSON.
    pub fn answer_text(&self, route: &str, status: u16, body: &str) -> Scripted {
        self.push(route, Ok(Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }))
    }

    /// The next request on a route gets no answer.
    pub fn fail(&self, route: &str, error: HttpError) {
        self.push(route, Err(error));
    }

    fn push(&self, route: &str, answer: Answer) -> Scripted {
        STATE.with_borrow_mut(|state| state.answers.entry(route.into()).or_default().push_back(answer));
        Scripted { route: route.into() }
    }

    /// The connection's settings.
    pub fn config(&self, settings: Json) {
        STATE.with_borrow_mut(|state| state.config = Some(settings));
    }

    /// The time, in milliseconds since 1970.
    pub fn clock(&self, now_ms: u64) {
        STATE.with_borrow_mut(|state| state.now_ms = now_ms);
    }

    /// Puts a file into the connection's folder, written at the time of the clock.
    pub fn file(&self, name: &str, content: impl Into<Vec<u8>>) {
        STATE.with_borrow_mut(|state| {
            let written = (content.into(), state.now_ms);
            state.files.insert(name.into(), written);
        });
    }

    /// The names of all files of the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        STATE.with_borrow(|state| state.files.keys().cloned().collect())
    }

    /// Refuses renames and writes as the host does in a call that may change nothing, until it is told otherwise.
    pub fn hold_renames(&self, is_holding: bool) {
        STATE.with_borrow_mut(|state| state.is_holding_renames = is_holding);
    }

    /// What was sent so far, in order.
    pub fn requests(&self) -> Vec<Sent> {
        STATE.with_borrow(|state| state.sent.clone())
    }

    /// What was logged so far.
    pub fn log(&self) -> Vec<String> {
        STATE.with_borrow(|state| state.log.clone())
    }

    /// How many bytes each call for random bytes asked for.
    pub fn random_calls(&self) -> Vec<u32> {
        STATE.with_borrow(|state| state.random_calls.clone())
    }
}

/// An answer that was scripted last on its route.
#[derive(Debug)]
pub struct Scripted {
    route: String,
}

impl Scripted {
    /// Adds a header to it.
    pub fn header(self, name: &str, value: &str) -> Self {
        STATE.with_borrow_mut(|state| {
            let answer = state.answers.get_mut(&self.route).and_then(VecDeque::back_mut);
            if let Some(Ok(response)) = answer {
                response.headers.push((name.into(), value.into()));
            }
        });
        self
    }
}

/// A request as the host got it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Its route.
    pub route: String,
    /// The link, if one was followed.
    pub link: Option<String>,
    /// The intents that it serves.
    pub intents: Vec<u32>,
    request: Request,
}

impl Sent {
    /// A value of the path.
    pub fn param(&self, name: &str) -> Option<&str> {
        find(&self.request.params, name)
    }

    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.request.query, name)
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.request.headers, name)
    }

    /// The body as JSON, `null` if there is none.
    pub fn json(&self) -> Json {
        self.request.body.as_deref().map_or(Json::Null, |body| serde_json::from_slice(body).expect("a JSON body"))
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The host's functions, of the same shapes as the generated imports.
pub(crate) mod imports {
    use super::{Answer, Entry, FileError, Request, STATE, Sent, State, json};
    use crate::bindings::tollgate::plugin::{limits::Allowance, log::Level};

    pub(crate) fn send(request: &Request) -> Answer {
        take(Sent {
            route: request.route.clone(),
            link: None,
            intents: request.intents.clone(),
            request: request.clone(),
        })
    }

    pub(crate) fn send_all(requests: &[Request]) -> Vec<Answer> {
        requests.iter().map(send).collect()
    }

    pub(crate) fn follow(route: &str, link: &str) -> Answer {
        let request = crate::http::request(route);
        take(Sent { route: route.into(), link: Some(link.into()), intents: Vec::new(), request: request.into_raw() })
    }

    fn take(sent: Sent) -> Answer {
        STATE.with_borrow_mut(|state| {
            let answer = state.answers.get_mut(&sent.route).and_then(std::collections::VecDeque::pop_front);
            let answer = answer
                .unwrap_or_else(|| panic!("route `{}`: script an answer with `Host::answer`: {sent:?}", sent.route));
            state.sent.push(sent);
            answer
        })
    }

    pub(crate) fn list_names(folder: &str, after: Option<&str>, most: u32) -> Result<Vec<Entry>, FileError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        STATE.with_borrow(|state| {
            if !folder.is_empty() && !state.files.keys().any(|name| name.starts_with(&prefix)) {
                return Err(FileError::NotFound);
            }
            let entry = |(name, (content, modified_at_ms)): (&String, &(Vec<u8>, u64))| {
                let name = name.strip_prefix(&prefix).filter(|name| !name.contains('/'))?;
                let bytes = content.len() as u64;
                Some(Entry { name: name.to_owned(), bytes, modified_at_ms: *modified_at_ms })
            };
            let inside = state.files.iter().filter_map(entry);
            let later = inside.filter(|entry| after.is_none_or(|after| entry.name.as_str() > after));
            Ok(later.take(most as usize).collect())
        })
    }

    pub(crate) fn read_file(name: &str, offset: u64, most: u32) -> Result<Vec<u8>, FileError> {
        STATE.with_borrow(|state| {
            let (content, _) = state.files.get(name).ok_or(FileError::NotFound)?;
            let rest = content.iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
            Ok(rest.take(most as usize).copied().collect())
        })
    }

    pub(crate) fn write_file(name: &str, content: &[u8]) -> Result<(), FileError> {
        change(|state| {
            let written = (content.to_vec(), state.now_ms);
            free(state, name)?;
            state.files.insert(name.into(), written);
            Ok(())
        })
    }

    pub(crate) fn rename_file(from: &str, to: &str) -> Result<(), FileError> {
        change(|state| {
            if !state.files.contains_key(from) {
                return Err(FileError::NotFound);
            }
            free(state, to)?;
            if let Some(file) = state.files.remove(from) {
                state.files.insert(to.into(), file);
            }
            Ok(())
        })
    }

    fn change(act: impl FnOnce(&mut State) -> Result<(), FileError>) -> Result<(), FileError> {
        STATE.with_borrow_mut(|state| match state.is_holding_renames {
            true => Err(FileError::Denied("effect: this call may change nothing".into())),
            false => act(state),
        })
    }

    fn free(state: &State, name: &str) -> Result<(), FileError> {
        if state.files.contains_key(name) { Err(FileError::Exists) } else { Ok(()) }
    }

    pub(crate) fn now_ms() -> u64 {
        STATE.with_borrow(|state| state.now_ms)
    }

    pub(crate) fn random(count: u32) -> Vec<u8> {
        STATE.with_borrow_mut(|state| state.random_calls.push(count));
        (1..=255).cycle().take(count as usize).collect()
    }

    pub(crate) fn left() -> Allowance {
        Allowance { requests: 1_000, wall_ms: 900_000, records: 2_000, response_bytes: 16 << 20 }
    }

    pub(crate) fn config() -> String {
        STATE.with_borrow(|state| state.config.clone().unwrap_or_else(|| json::json!({})).to_string())
    }

    pub(crate) fn log(level: Level, text: &str) {
        STATE.with_borrow_mut(|state| state.log.push(format!("{level:?}: {text}")));
    }
}
