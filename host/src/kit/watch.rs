//! The broker that the kit puts before a stage: notes what is asked and answered, decides by the manifest, holds the
//! clock still, and answers wrongly where it is told to.

use crate::clock::Seeded;
use crate::kit::stage::{Frame, Purpose};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tollgate_core::egress::decide::Endpoints;
use tollgate_core::egress::{self, Origin};
use tollgate_core::model::manifest::Effect;
use tollgate_core::model::{Manifest, http, limits};
use tollgate_sandbox::{Allowance, Broker, Level};

/// What a request is answered.
pub(crate) type Answer = Result<http::Response, http::Error>;

/// What a plugin asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A request by route.
    Request(http::Request),
    /// A link of an earlier answer.
    Follow {
        /// The route that it belongs to.
        route: String,
        /// The link.
        link: String,
    },
}

impl Ask {
    /// The route that it goes by.
    pub(crate) fn route(&self) -> &str {
        match self {
            Ask::Request(request) => &request.route,
            Ask::Follow { route, .. } => route,
        }
    }
}

/// A request and what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) ask: Ask,
    pub(crate) answer: Answer,
}

/// Wrong answers on purpose.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// From this request on, counted from 0 among those that it looks at.
    pub(crate) from: usize,
    /// Looks at requests with an effect only.
    pub(crate) effects_only: bool,
    /// What they are answered.
    pub(crate) answer: Answer,
}

/// What decides the answers of one call.
pub(crate) struct Setting<'a> {
    pub(crate) manifest: &'a Arc<Manifest>,
    pub(crate) purpose: &'a Purpose,
    pub(crate) frame: Frame,
    pub(crate) allowance: Allowance,
    pub(crate) trouble: Option<Trouble>,
}

/// See the head of this file.
pub(crate) struct Watch {
    inner: Arc<dyn Broker>,
    manifest: Arc<Manifest>,
    endpoints: Endpoints,
    purpose: egress::Purpose,
    frame: Frame,
    allowance: Allowance,
    trouble: Option<Trouble>,
    random: Seeded,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    exchanges: Vec<Exchange>,
    denials: Vec<String>,
    looked_at: usize,
}

impl Watch {
    pub(crate) fn new(inner: Arc<dyn Broker>, setting: Setting<'_>) -> Self {
        let purpose = match setting.purpose {
            Purpose::Check | Purpose::Transform => egress::Purpose::Check,
            Purpose::Discover => egress::Purpose::Discover,
            Purpose::Read => egress::Purpose::Read,
            Purpose::Lookup => egress::Purpose::Lookup,
            Purpose::Write(keys) => egress::Purpose::Write { intents: u32::try_from(keys.len()).unwrap_or(u32::MAX) },
        };
        Self {
            inner,
            endpoints: stand_ins(setting.manifest),
            manifest: setting.manifest.clone(),
            purpose,
            random: Seeded::new(setting.frame.now_ms),
            frame: setting.frame,
            allowance: setting.allowance,
            trouble: setting.trouble,
            noted: Mutex::default(),
        }
    }

    /// What was asked and answered so far.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.noted().exchanges.clone()
    }

    /// What was asked and not granted so far.
    pub(crate) fn denials(&self) -> Vec<String> {
        self.noted().denials.clone()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of a request that does not get to the stage.
    fn intercept(&self, ask: &Ask) -> Option<Answer> {
        if let Err(denial) = self.decide(ask) {
            return Some(Err(http::Error::Denied(denial)));
        }
        let trouble = self.trouble.as_ref()?;
        let has_effect = self.manifest.route(ask.route()).is_some_and(|route| route.effect != Effect::None);
        if trouble.effects_only && !has_effect {
            return None;
        }
        let mut noted = self.noted();
        noted.looked_at += 1;
        (noted.looked_at > trouble.from).then(|| trouble.answer.clone())
    }

    fn decide(&self, ask: &Ask) -> Result<(), String> {
        match ask {
            Ask::Request(request) => egress::decide(&self.manifest, &self.endpoints, self.purpose, request.clone())
                .map(drop)
                .map_err(|denial| denial.to_string()),
            Ask::Follow { route, .. } => match self.manifest.route(route) {
                None => Err(format!("route: the manifest has no route `{route}`")),
                Some(route) if route.effect != Effect::None || route.method != "GET" => {
                    Err(format!("link: route `{}` is not one that reads with GET", route.name))
                }
                Some(_) => Ok(()),
            },
        }
    }

    fn note(&self, ask: Ask, answer: &Answer) {
        let mut noted = self.noted();
        if let Err(http::Error::Denied(denial)) = answer {
            noted.denials.push(format!("`{}`: {denial}", ask.route()));
        }
        noted.exchanges.push(Exchange { ask, answer: answer.clone() });
    }
}

/// An origin for each endpoint that fits its pattern: the manifest alone decides here, the gate looks at the real ones.
fn stand_ins(manifest: &Manifest) -> Endpoints {
    let stand_in = |host: &str| Origin::parse(&format!("https://{}", host.replace("*.", "kit."))).ok();
    let origins =
        manifest.endpoints.iter().filter_map(|endpoint| Some((endpoint.name.clone(), stand_in(&endpoint.host)?)));
    origins.collect()
}

impl Broker for Watch {
    fn send(&self, request: http::Request) -> BoxFuture<'_, Answer> {
        async move {
            let ask = Ask::Request(request.clone());
            let answer = match self.intercept(&ask) {
                Some(answer) => answer,
                None => self.inner.send(request).await,
            };
            self.note(ask, &answer);
            answer
        }
        .boxed()
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Answer>> {
        async move {
            let asks: Vec<_> = requests.into_iter().map(Ask::Request).collect();
            let caught: Vec<_> = asks.iter().map(|ask| self.intercept(ask)).collect();
            let passed = asks.iter().zip(&caught).filter(|(_, caught)| caught.is_none());
            let passed = passed
                .filter_map(|(ask, _)| if let Ask::Request(request) = ask { Some(request.clone()) } else { None });
            let mut answers = self.inner.send_all(passed.collect()).await.into_iter();
            let missing = || Err(http::Error::Other("the stage gave fewer answers than requests".into()));
            let answers: Vec<_> = caught
                .into_iter()
                .map(|caught| caught.unwrap_or_else(|| answers.next().unwrap_or_else(missing)))
                .collect();
            for (ask, answer) in asks.into_iter().zip(&answers) {
                self.note(ask, answer);
            }
            answers
        }
        .boxed()
    }

    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Answer> {
        async move {
            let ask = Ask::Follow { route: route.clone(), link: link.clone() };
            let answer = match self.intercept(&ask) {
                Some(answer) => answer,
                None => self.inner.follow(route, link).await,
            };
            self.note(ask, &answer);
            answer
        }
        .boxed()
    }

    fn now_ms(&self) -> u64 {
        self.frame.now_ms
    }

    fn random(&self, count: u32) -> Vec<u8> {
        self.random.bytes(count.min(limits::RANDOM_BYTES_MAX) as usize)
    }

    fn config(&self) -> String {
        self.frame.settings.clone()
    }

    fn left(&self) -> Allowance {
        let asked = u32::try_from(self.noted().exchanges.len()).unwrap_or(u32::MAX);
        Allowance { requests: self.allowance.requests.saturating_sub(asked), ..self.allowance }
    }

    fn log(&self, level: Level, text: &str) {
        self.inner.log(level, text);
    }
}

/// Answers again what was answered before, in order: a call that runs over it asks nobody.
pub(crate) struct Echo(Mutex<std::vec::IntoIter<Exchange>>);

impl Echo {
    pub(crate) fn new(exchanges: Vec<Exchange>) -> Self {
        Self(Mutex::new(exchanges.into_iter()))
    }

    fn next(&self, ask: &Ask) -> Answer {
        let mut exchanges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What was not granted is refused before it comes here.
        let is_denied = |exchange: &Exchange| matches!(exchange.answer, Err(http::Error::Denied(_)));
        match exchanges.find(|exchange| exchange.ask == *ask || !is_denied(exchange)) {
            Some(exchange) if exchange.ask == *ask => exchange.answer,
            _ => Err(http::Error::Other("the first time something else was asked here".into())),
        }
    }
}

impl Broker for Echo {
    fn send(&self, request: http::Request) -> BoxFuture<'_, Answer> {
        std::future::ready(self.next(&Ask::Request(request))).boxed()
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Answer>> {
        let answers = requests.into_iter().map(|request| self.next(&Ask::Request(request))).collect();
        std::future::ready(answers).boxed()
    }

    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Answer> {
        std::future::ready(self.next(&Ask::Follow { route, link })).boxed()
    }

    fn now_ms(&self) -> u64 {
        0
    }

    fn random(&self, _: u32) -> Vec<u8> {
        Vec::new()
    }

    fn config(&self) -> String {
        "{}".into()
    }

    fn left(&self) -> Allowance {
        Allowance { requests: 0, wall_ms: 0, records: 0, response_bytes: 0 }
    }

    /// What a plugin says a second time is not shown.
    fn log(&self, _: Level, _: &str) {}
}
