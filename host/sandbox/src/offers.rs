//! The host's side of every import: bounds what needs no knowledge of the world, and hands the rest to the broker.

use crate::bindings::{clock, config, files, http, limits as left, log, random, types};
use crate::broker::Level;
use crate::call::{State, Stop};
use tollgate_core::model::{files as folder, http as model, limits};
use wasmtime::component::{HasSelf, Linker};

/// Offers everything that the contract knows. What a plugin does not import it cannot reach.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    http::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    files::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    clock::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    random::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    left::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    config::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl types::Host for State {}

type Answer = Result<http::Response, http::HttpError>;

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> wasmtime::Result<Answer> {
        self.take_requests(1)?;
        let request = match bounded(request) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error)),
        };
        self.meter.pause();
        let answer = self.broker.send(request).await;
        self.meter.resume();
        Ok(outward(answer))
    }

    async fn send_all(&mut self, requests: Vec<http::Request>) -> wasmtime::Result<Vec<Answer>> {
        self.take_requests(requests.len())?;
        let bounded: Vec<_> = requests.into_iter().map(bounded).collect();
        // A request that is refused here keeps its place among the answers; the others are sent.
        let (mut sent, mut refused) = (Vec::new(), Vec::new());
        for request in bounded {
            match request {
                Ok(request) => {
                    sent.push(request);
                    refused.push(None);
                }
                Err(error) => refused.push(Some(error)),
            }
        }
        self.meter.pause();
        let answers = self.broker.send_all(sent).await;
        self.meter.resume();
        let mut answers = answers.into_iter().map(outward);
        let missing = || Err(http::HttpError::Other("the host has no answer".into()));
        Ok(refused.into_iter().map(|error| error.map_or_else(|| answers.next().unwrap_or_else(missing), Err)).collect())
    }

    async fn follow(&mut self, route: String, link: String) -> wasmtime::Result<Answer> {
        self.take_requests(1)?;
        if link.len() > limits::REQUEST_TARGET_BYTES_MAX {
            return Ok(Err(denied("the link", link.len(), limits::REQUEST_TARGET_BYTES_MAX)));
        }
        self.meter.pause();
        let answer = self.broker.follow(route, link).await;
        self.meter.resume();
        Ok(outward(answer))
    }
}

fn bounded(request: http::Request) -> Result<model::Request, http::HttpError> {
    let http::Request { route, params, query, headers, body, intents } = request;
    let body_bytes = body.as_ref().map_or(0, Vec::len);
    if body_bytes > limits::REQUEST_BODY_BYTES_MAX {
        return Err(denied("the body", body_bytes, limits::REQUEST_BODY_BYTES_MAX));
    }
    Ok(model::Request { route, params, query, headers, body, intents })
}

fn denied(what: &str, bytes: usize, most: usize) -> http::HttpError {
    http::HttpError::Denied(format!("{what} has {bytes} bytes; at most {most}"))
}

fn outward(answer: Result<model::Response, model::Error>) -> Answer {
    match answer {
        Ok(model::Response { status, headers, body }) => Ok(http::Response { status, headers, body }),
        Err(error) => Err(match error {
            model::Error::Denied(rule) => http::HttpError::Denied(rule),
            model::Error::Budget(ms) => http::HttpError::Budget(ms),
            model::Error::NotSent(why) => http::HttpError::NotSent(why),
            model::Error::SentNoAnswer(why) => http::HttpError::SentNoAnswer(why),
            model::Error::TooLarge(bytes) => http::HttpError::TooLarge(bytes),
            model::Error::Deadline => http::HttpError::Deadline,
            model::Error::Other(why) => http::HttpError::Other(why),
        }),
    }
}

impl files::Host for State {
    async fn list_names(
        &mut self,
        folder: String,
        after: Option<String>,
        most: u32,
    ) -> wasmtime::Result<Result<Vec<files::Entry>, files::FileError>> {
        self.take_requests(1)?;
        let after = after.unwrap_or_default();
        if let Some(error) = too_long([&folder, &after]) {
            return Ok(Err(error));
        }
        self.meter.pause();
        let listed = self.broker.list_files(folder, after, most).await;
        self.meter.resume();
        let entry = |entry: folder::Entry| files::Entry {
            name: entry.name,
            bytes: entry.bytes,
            modified_at_ms: entry.modified_at_ms,
        };
        Ok(listed.map(|entries| entries.into_iter().map(entry).collect()).map_err(file_error))
    }

    async fn read(
        &mut self,
        name: String,
        offset: u64,
        most: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, files::FileError>> {
        self.take_requests(1)?;
        if let Some(error) = too_long([&name]) {
            return Ok(Err(error));
        }
        self.meter.pause();
        let bytes = self.broker.read_file(name, offset, most).await;
        self.meter.resume();
        Ok(bytes.map_err(file_error))
    }

    async fn write(&mut self, name: String, content: Vec<u8>) -> wasmtime::Result<Result<(), files::FileError>> {
        self.take_requests(1)?;
        if content.len() > limits::FILE_WRITE_BYTES_MAX {
            return Ok(Err(files::FileError::TooLarge(limits::FILE_WRITE_BYTES_MAX as u64)));
        }
        if let Some(error) = too_long([&name]) {
            return Ok(Err(error));
        }
        self.meter.pause();
        let made = self.broker.write_file(name, content).await;
        self.meter.resume();
        Ok(made.map_err(file_error))
    }

    async fn rename(&mut self, from: String, to: String) -> wasmtime::Result<Result<(), files::FileError>> {
        self.take_requests(1)?;
        if let Some(error) = too_long([&from, &to]) {
            return Ok(Err(error));
        }
        self.meter.pause();
        let renamed = self.broker.rename_file(from, to).await;
        self.meter.resume();
        Ok(renamed.map_err(file_error))
    }
}

/// Names of any length are the broker's business to refuse and write down; those of megabytes are not handed on.
fn too_long<const N: usize>(names: [&String; N]) -> Option<files::FileError> {
    let most = limits::REQUEST_TARGET_BYTES_MAX;
    let name = names.into_iter().find(|name| name.len() > most)?;
    Some(files::FileError::Denied(format!("name: it has {} bytes; at most {most}", name.len())))
}

fn file_error(error: folder::Error) -> files::FileError {
    match error {
        folder::Error::Denied(rule) => files::FileError::Denied(rule),
        folder::Error::NotFound => files::FileError::NotFound,
        folder::Error::Exists => files::FileError::Exists,
        folder::Error::TooLarge(bytes) => files::FileError::TooLarge(bytes),
        folder::Error::Other(why) => files::FileError::Other(why),
    }
}

impl clock::Host for State {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(self.broker.now_ms())
    }
}

impl random::Host for State {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        let most = limits::RANDOM_BYTES_MAX;
        if count > most {
            return Err(Stop::Broke(format!("it asked for {count} random bytes at once; at most {most}")).into());
        }
        Ok(self.broker.random(count))
    }
}

impl left::Host for State {
    fn left(&mut self) -> wasmtime::Result<left::Allowance> {
        let allowance = self.broker.left();
        Ok(left::Allowance {
            requests: allowance.requests.min(self.requests_left()),
            wall_ms: allowance.wall_ms,
            records: allowance.records,
            response_bytes: allowance.response_bytes,
        })
    }
}

impl config::Host for State {
    fn get(&mut self) -> wasmtime::Result<String> {
        Ok(self.broker.config())
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, text: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Error => Level::Error,
            log::Level::Warn => Level::Warn,
            log::Level::Info => Level::Info,
            log::Level::Debug => Level::Debug,
        };
        self.log(level, text);
        Ok(())
    }
}
