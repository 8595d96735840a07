//! Where calls are made: each in its own broker, with what it asked and how it ended written down.

use crate::kit::Error;
use crate::kit::report::Check;
use crate::kit::report::{Finding, Verdict};
use crate::kit::script::Script;
use crate::kit::stage::{Call, Frame, Purpose, Stage};
use crate::kit::watch::{Echo, Exchange, Setting, Trouble, Watch};
use std::collections::BTreeSet;
use std::sync::Arc;
use tollgate_core::model::schema::Stream;
use tollgate_core::model::{Manifest, ReadRequest, StreamName, http, limits};
use tollgate_sandbox::{Allowance, Broker, CallError, CallLimits, Plugin};

/// How a call differs from an ordinary one.
#[derive(Default)]
pub(crate) struct How {
    /// Wrong answers.
    pub(crate) trouble: Option<Trouble>,
    /// Answers of an earlier call, instead of the stage's.
    pub(crate) echo: Option<Vec<Exchange>>,
}

impl How {
    pub(crate) fn troubled(trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), echo: None }
    }

    pub(crate) fn echo(exchanges: Vec<Exchange>) -> Self {
        Self { trouble: None, echo: Some(exchanges) }
    }
}

/// How a call ended, and what it asked on the way.
pub(crate) struct Done<T> {
    pub(crate) result: Result<T, CallError>,
    pub(crate) exchanges: Vec<Exchange>,
}

impl<T> Done<T> {
    /// The result, or the verdict of a check that has nothing to judge: what the host ended or refused is the business of
    /// the checks `limits` and `bounds`, anything else is this check's own failure.
    pub(crate) fn value(&self, what: &str) -> Result<&T, Verdict> {
        self.result.as_ref().map_err(|error| match error {
            CallError::Ended(_) => Verdict::skip(format!("{what} was ended by the host: see `limits`")),
            CallError::Broke(_) => Verdict::skip(format!("{what} broke the contract: see `bounds`")),
            CallError::Missing(_) => Verdict::skip(error.to_string()),
            CallError::Failure(_) => {
                Verdict::failed(format!("{what} failed: {}", self.reason(error)), "see that this call succeeds first")
            }
        })
    }

    /// What a person reads of the end of a call: what a cassette had no answer for comes first.
    fn reason(&self, error: &CallError) -> String {
        let lacks = |exchange: &Exchange| match &exchange.answer {
            Err(http::Error::Other(text)) if text.contains("no recording") => Some(text.clone()),
            _ => None,
        };
        self.exchanges.iter().find_map(lacks).unwrap_or_else(|| error.to_string())
    }
}

/// A plugin, its script and what answers; collects what every call shows.
pub(crate) struct Bench<'a> {
    pub(crate) plugin: &'a Plugin,
    pub(crate) script: &'a Script,
    pub(crate) streams: Vec<Stream>,
    pub(crate) run: String,
    stage: &'a dyn Stage,
    manifest: Arc<Manifest>,
    frame: Frame,
    findings: Vec<Finding>,
    pub(crate) denials: BTreeSet<String>,
    pub(crate) ended: BTreeSet<String>,
    pub(crate) broke: BTreeSet<String>,
    pub(crate) used: BTreeSet<String>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(plugin: &'a Plugin, script: &'a Script, stage: &'a dyn Stage) -> Self {
        let frame = stage.frame();
        Self {
            plugin,
            script,
            stage,
            run: base36(frame.now_ms),
            manifest: Arc::new(plugin.manifest().clone()),
            frame,
            streams: Vec::new(),
            findings: Vec::new(),
            denials: BTreeSet::new(),
            ended: BTreeSet::new(),
            broke: BTreeSet::new(),
            used: BTreeSet::new(),
        }
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether the plugin exports this interface.
    pub(crate) fn has(&self, interface: &str) -> bool {
        self.manifest.plugin.exports.contains(interface)
    }

    /// What `discover` said of a stream.
    pub(crate) fn stream(&self, name: &StreamName) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.name == name.as_str())
    }

    pub(crate) fn find(&mut self, check: Check, subject: impl Into<String>, verdict: Verdict) {
        self.findings.push(Finding { check, subject: subject.into(), verdict });
    }

    pub(crate) fn into_findings(self) -> (Vec<Finding>, BTreeSet<String>) {
        (self.findings, self.used)
    }

    /// Makes one call; `body` gets the broker and the limits for it.
    pub(crate) async fn call<T, F>(
        &mut self,
        (purpose, name): (Purpose, String),
        how: How,
        body: impl FnOnce(Plugin, Arc<dyn Broker>, CallLimits) -> F,
    ) -> Result<Done<T>, Error>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let call = Call { purpose, name };
        let is_echo = how.echo.is_some();
        let inner: Arc<dyn Broker> = match how.echo {
            Some(exchanges) => Arc::new(Echo::new(exchanges)),
            None => self.stage.open(&call).await?,
        };
        let records = match &call.purpose {
            Purpose::Write(keys) => keys.len(),
            _ => limits::PAGE_CHANGES_MAX,
        };
        let allowance = Allowance {
            requests: self.script.requests_max,
            // A second run has another time left: what a plugin does must not follow from it.
            wall_ms: if is_echo { 799_000 } else { 800_000 },
            records: u32::try_from(records).unwrap_or(u32::MAX),
            response_bytes: limits::CALL_RESPONSE_BYTES_MAX,
        };
        let setting = Setting {
            manifest: &self.manifest,
            purpose: &call.purpose,
            frame: self.frame.clone(),
            allowance,
            trouble: how.trouble,
        };
        let watch = Arc::new(Watch::new(inner, setting));
        let call_limits = CallLimits { requests: self.script.requests_max, ..CallLimits::default() };
        let result = body(self.plugin.clone(), watch.clone(), call_limits).await;
        if !is_echo {
            self.stage.close().await?;
        }
        self.note(&call.name, &watch, result.as_ref().err());
        Ok(Done { result, exchanges: watch.exchanges() })
    }

    fn note(&mut self, name: &str, watch: &Watch, error: Option<&CallError>) {
        self.denials.extend(watch.denials());
        self.used.extend(watch.exchanges().iter().map(|exchange| exchange.ask.route().to_owned()));
        match error {
            Some(CallError::Ended(ending)) => self.ended.extend([format!("{name}: {ending}")]),
            Some(CallError::Broke(what)) => self.broke.extend([format!("{name}: {what}")]),
            Some(CallError::Failure(_) | CallError::Missing(_)) | None => {}
        }
    }

    /// Reads one page.
    pub(crate) async fn read(
        &mut self,
        (name, request): (String, ReadRequest),
        how: How,
    ) -> Result<Done<tollgate_core::model::Page>, Error> {
        let body = |plugin: Plugin, broker, limits| async move { plugin.read(&request, broker, limits).await };
        self.call((Purpose::Read, name), how, body).await
    }
}

/// A short word for a number.
fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize]);
        number /= 36;
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}
