//! The door of one call: all that a plugin can ask for, as [`Broker`] names it.

use crate::clock::Seeded;
use crate::gate::budget::{Cost, WaitMs};
use crate::gate::effect::{self, Effects, Found, Key};
use crate::gate::exchange::{Outgoing, no_budget};
use crate::gate::files::Right;
use crate::gate::journal::{Journal, shown};
use crate::gate::send::{Call, UnderWay};
use crate::gate::{Inner, Line};
use crate::store::{JournalEntry, Sending};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tollgate_core::egress::{self, Denial};
use tollgate_core::model::files::{self, Entry};
use tollgate_core::model::manifest::{Effect, Route};
use tollgate_core::model::{At, BatchId, Failure, RunId, http, limits};
use tollgate_sandbox::{Allowance, Broker, CallError, Level};

/// Says whether this node still holds the work that a call belongs to.
pub type Lease = Arc<dyn Fn() -> bool + Send + Sync>;

/// What a call is for.
pub enum Purpose {
    /// `setup.check`.
    Check,
    /// `setup.discover`.
    Discover,
    /// `source.read`, from a cursor that may not be stored yet.
    Read,
    /// `source.read` from a cursor that is stored.
    ReadFromCheckpoint,
    /// `lookup.fetch` and `lookup.search`.
    Lookup,
    /// `target.write`, and `target.settle` of what was pending of the same batch: the only calls whose requests may have
    /// an effect.
    Write {
        /// The batch; its answers are stored under it.
        batch: BatchId,
        /// A key for each of its intents, numbered from 0. It stays the same whenever the intent is tried again, in this
        /// batch or in a later one: a vendor that honours idempotency keys is told so.
        keys: Vec<String>,
        /// What earlier calls stored of it.
        stored: HashMap<String, Sending>,
        /// When the batch was made: the time that the plugin sees during the whole call, so that a call that is run again
        /// sees the same.
        started: At,
    },
}

/// One call of a plugin.
pub struct CallContext {
    /// The run that it belongs to; names it in the journal.
    pub run: RunId,
    /// What it is for.
    pub purpose: Purpose,
    /// Decides its randomness. That of a write follows from its batch instead, so that a call that is run again is the same.
    pub seed: u64,
    /// Asked right before a request with an effect leaves.
    pub lease: Lease,
}

/// Serves exactly one call.
pub struct Door {
    pub(super) call: Arc<Call>,
    /// What it may do with files.
    pub(super) files: Right,
    purpose: egress::Purpose,
    started: At,
    /// The time that the plugin sees: of its last host call; in a write, of its batch.
    now: AtomicI64,
    /// Requests that the plugin made.
    pub(super) asked: AtomicU32,
    random: Seeded,
}

/// What a plugin asks for.
enum Ask {
    Request(http::Request),
    Link { route: String, link: String },
}

/// A request that passed all checks.
enum Admitted {
    /// It was answered before.
    Ready(http::Response),
    /// To be sent, with its name if its answer is remembered.
    Send { outgoing: Box<Outgoing>, key: Option<Key>, cost: Cost },
}

impl Door {
    pub(super) fn new(gate: Arc<Inner>, line: Arc<Line>, context: CallContext) -> Self {
        let started = gate.clock.now();
        let (mut now, mut seed) = (started, context.seed);
        let files = Right::of(&context.purpose);
        let (purpose, effects) = match context.purpose {
            Purpose::Check => (egress::Purpose::Check, None),
            Purpose::Discover => (egress::Purpose::Discover, None),
            Purpose::Read | Purpose::ReadFromCheckpoint => (egress::Purpose::Read, None),
            Purpose::Lookup => (egress::Purpose::Lookup, None),
            Purpose::Write { batch, keys, stored, started } => {
                (now, seed) = (started, effect::seed(&batch));
                let intents = u32::try_from(keys.len()).unwrap_or(u32::MAX);
                (egress::Purpose::Write { intents }, Some(Effects::new(batch, keys, stored)))
            }
        };
        let journal = Journal { store: gate.store.clone(), clock: gate.clock.clone(), line, run: context.run };
        let call = Call {
            gate,
            journal,
            lease: context.lease,
            effects,
            calls: AtomicU64::new(0),
            left: AtomicU64::new(limits::CALL_RESPONSE_BYTES_MAX),
            refusal: Mutex::default(),
            under_way: watch::Sender::new(0),
        };
        Self {
            call: Arc::new(call),
            files,
            purpose,
            started,
            now: AtomicI64::new(now.0),
            asked: AtomicU32::new(0),
            random: Seeded::new(seed),
        }
    }

    /// How many calls the account was charged for this call's requests.
    pub fn calls(&self) -> u64 {
        self.call.calls.load(Ordering::Relaxed)
    }

    /// The intents with an effectful request that left, or was about to leave in an earlier process, and whose answer
    /// nobody has; also those whose request writes each time and was answered with a 5xx. Complete once [`Door::drain`]
    /// has returned.
    pub fn unanswered(&self) -> BTreeSet<u32> {
        self.call.effects.as_ref().map(Effects::unanswered).unwrap_or_default()
    }

    /// The intents with a request that was answered, now or in an earlier process. Complete once [`Door::drain`] has
    /// returned.
    pub fn served(&self) -> BTreeSet<u32> {
        self.call.effects.as_ref().map(Effects::served).unwrap_or_default()
    }

    /// Why the credential cannot be used, if that is so: a person must mend it, whatever the plugin made of it.
    pub fn refusal(&self) -> Option<crate::gate::Error> {
        self.call.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a call's failure is where somebody must consent before anything goes on, whatever the plugin made of it; any
    /// other one as it is.
    pub fn explain(&self, error: CallError) -> CallError {
        match (self.refusal(), error) {
            (Some(needed @ crate::gate::Error::ConsentNeeded { .. }), CallError::Failure(_)) => {
                CallError::Failure(Failure::Unauthorized(needed.to_string()))
            }
            (_, error) => error,
        }
    }

    /// Waits until nothing is under way any more: after a call that ended early, its last requests are still finished
    /// and their answers stored. Takes at most [`limits::REQUEST_MS_MAX`] and the store's time.
    pub async fn drain(&self) {
        // The sender lives in the call that `self` holds, so waiting cannot fail.
        let _ = self.call.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Moves the time that the plugin sees; that of a write stands.
    pub(super) fn tick(&self) {
        if self.call.effects.is_none() {
            self.now.fetch_max(self.call.gate.clock.now().0, Ordering::Relaxed);
        }
    }

    pub(super) fn wall_ms(&self) -> u64 {
        limits::GUEST_WALL_MS_MAX.saturating_sub(self.call.gate.clock.now().since_ms(self.started))
    }

    async fn ask(&self, ask: Ask) -> Result<http::Response, http::Error> {
        let wait_ms = match self.purpose {
            egress::Purpose::Write { .. } => self.wall_ms(),
            _ => limits::BUDGET_WAIT_MS_MAX,
        };
        let answer = match self.admit(ask).await {
            Ok(admitted) => self.run(admitted, wait_ms).await,
            Err(error) => Err(error),
        };
        self.tick();
        answer
    }

    /// Everything that can refuse a request before it costs anything.
    async fn admit(&self, ask: Ask) -> Result<Admitted, http::Error> {
        let name = match &ask {
            Ask::Request(request) => request.route.as_str(),
            Ask::Link { route, .. } => route.as_str(),
        };
        let line = &self.call.journal.line;
        let Some(route) = line.manifest.route(name) else {
            let denial = Denial::new("route", format!("the manifest has no route `{}`", shown(name)));
            return Err(self.deny(self.call.journal.entry(&shown(name)), denial).await);
        };
        let entry = || self.call.journal.entry_for(route);
        if self.wall_ms() == 0 {
            let _ = self.deny(entry(), Denial::new("deadline", "the time of this call is over")).await;
            return Err(http::Error::Deadline);
        }
        if self.asked.fetch_add(1, Ordering::Relaxed) >= limits::GUEST_REQUESTS_MAX {
            let most = limits::GUEST_REQUESTS_MAX;
            return Err(self
                .deny(entry(), Denial::new("requests", format!("a call makes at most {most} requests")))
                .await);
        }
        self.learn_origin(route).await?;
        let endpoints = line.origins.get();
        let (decided, digest) = match ask {
            // A write is run again over what it was answered, so that its reads are remembered as well: a plugin that
            // looked before it wrote must see the same again.
            Ask::Link { route, link } => {
                let digest = self.call.effects.is_some().then(|| effect::digest_link(&route, &link));
                (egress::follow(&line.manifest, &endpoints, &route, &link), digest)
            }
            Ask::Request(request) => {
                let is_remembered = route.effect != Effect::None || self.call.effects.is_some();
                let digest = is_remembered.then(|| effect::digest(&request));
                (egress::decide(&line.manifest, &endpoints, self.purpose, request), digest)
            }
        };
        let checked = match decided {
            Ok(checked) => checked,
            Err(denial) => return Err(self.deny(entry(), denial).await),
        };
        let Some((digest, effects)) = digest.zip(self.call.effects.as_ref()) else {
            let outgoing = Outgoing::new(checked, None);
            let outgoing = outgoing.map_err(|denial| http::Error::Denied(denial.to_string()))?;
            return Ok(Admitted::Send { outgoing: Box::new(outgoing), key: None, cost: Cost::of(route) });
        };
        let (key, found) = effects.claim(digest, route.effect, checked.intents());
        match found {
            Found::Nothing => {
                let value = || effects.idempotency_key(route.name.as_str(), checked.intents());
                let idempotency = route.idempotency_header.as_deref().map(|name| (name, value()));
                match Outgoing::new(checked, idempotency) {
                    Ok(outgoing) => {
                        Ok(Admitted::Send { outgoing: Box::new(outgoing), key: Some(key), cost: Cost::of(route) })
                    }
                    Err(denial) => Err(self.deny(entry(), denial).await),
                }
            }
            Found::Answer(response) => self.stored(entry(), response).await,
            Found::Unknown => {
                let error = "an earlier try may have left and was not answered: it is not sent again";
                let entry = JournalEntry { decision: "stored".into(), error: error.into(), ..entry() };
                self.call.journal.put(entry).await?;
                Err(http::Error::SentNoAnswer(error.into()))
            }
        }
    }

    /// Where a token names the endpoint's origin, the token comes first.
    async fn learn_origin(&self, route: &Route) -> Result<(), http::Error> {
        let line = &self.call.journal.line;
        let is_named =
            line.manifest.endpoint(&route.endpoint).is_some_and(|endpoint| endpoint.origin_from_token.is_some());
        if !is_named || line.origins.get().contains_key(&route.endpoint) {
            return Ok(());
        }
        match self.call.token(route).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.call.no_credential(self.call.journal.entry_for(route), &error).await),
        }
    }

    /// Hands out a stored answer. It counts like the first time, so that the call sees the same left.
    async fn stored(&self, entry: JournalEntry, response: http::Response) -> Result<Admitted, http::Error> {
        let bytes = response.body.len() as u64;
        self.call.left.update(Ordering::Relaxed, Ordering::Relaxed, |left| left.saturating_sub(bytes));
        let entry = JournalEntry { decision: "stored".into(), status: response.status, response_bytes: bytes, ..entry };
        self.call.journal.put(entry).await?;
        Ok(Admitted::Ready(response))
    }

    async fn deny(&self, mut entry: JournalEntry, denial: Denial) -> http::Error {
        entry.decision = format!("denied:{}", denial.rule);
        entry.error.clone_from(&denial.message);
        match self.call.journal.put(entry).await {
            Ok(()) => http::Error::Denied(denial.to_string()),
            Err(error) => error,
        }
    }

    /// Waits for budget here, where dropping the call ends the wait; what then leaves is finished in its own task.
    async fn run(&self, admitted: Admitted, wait_ms: u64) -> Result<http::Response, http::Error> {
        let (outgoing, key, cost) = match admitted {
            Admitted::Ready(response) => return Ok(response),
            Admitted::Send { outgoing, key, cost } => (outgoing, key, cost),
        };
        let gate = &self.call.gate;
        let line = &self.call.journal.line;
        if let Err(error) = gate.seed(line).await {
            tracing::error!(%error, "what the account has spent cannot be read");
            return Err(http::Error::NotSent("what the account has spent cannot be read".into()));
        }
        let permit = match gate.budget.acquire(line.payer(), cost, wait_ms).await {
            Ok(permit) => permit,
            Err(WaitMs(ms)) => return Err(self.no_budget(&outgoing, key, ms).await),
        };
        let has_effect = key.is_some();
        let (call, under_way) = (self.call.clone(), UnderWay::new(&self.call));
        let sending = tokio::spawn(async move {
            let answer = call.send(*outgoing, key).await;
            drop((permit, under_way));
            answer
        });
        sending.await.unwrap_or_else(|error| {
            tracing::error!(%error, "sending broke off");
            let reason = "sending broke off".to_owned();
            Err(if has_effect { http::Error::SentNoAnswer(reason) } else { http::Error::Other(reason) })
        })
    }

    async fn no_budget(&self, outgoing: &Outgoing, key: Option<Key>, ms: u64) -> http::Error {
        if let Some((effects, key)) = self.call.effects.as_ref().zip(key) {
            effects.release(&key, false);
        }
        let entry = self.call.journal.entry(outgoing.checked().route().as_str());
        let (error, entry) = no_budget(entry, outgoing, ms);
        self.call.journal.put(entry).await.err().unwrap_or(error)
    }
}

impl Broker for Door {
    fn send(&self, request: http::Request) -> BoxFuture<'_, Result<http::Response, http::Error>> {
        self.ask(Ask::Request(request)).boxed()
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Result<http::Response, http::Error>>> {
        async move {
            let wait_ms = self.wall_ms();
            // One after the other: the same request twice gets its numbers in the order of the plugin's list.
            let mut admitted = Vec::with_capacity(requests.len());
            for request in requests {
                admitted.push(self.admit(Ask::Request(request)).await);
            }
            let answers = join_all(admitted.into_iter().map(|admitted| async move {
                match admitted {
                    Ok(admitted) => self.run(admitted, wait_ms).await,
                    Err(error) => Err(error),
                }
            }));
            let answers = answers.await;
            self.tick();
            answers
        }
        .boxed()
    }

    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Result<http::Response, http::Error>> {
        self.ask(Ask::Link { route, link }).boxed()
    }

    fn list_files(&self, folder: String, after: String, most: u32) -> BoxFuture<'_, Result<Vec<Entry>, files::Error>> {
        self.list_names(folder, after, most).boxed()
    }

    fn read_file(&self, name: String, offset: u64, most: u32) -> BoxFuture<'_, Result<Vec<u8>, files::Error>> {
        self.read_piece(name, offset, most).boxed()
    }

    fn write_file(&self, name: String, content: Vec<u8>) -> BoxFuture<'_, Result<(), files::Error>> {
        self.make(name, content).boxed()
    }

    fn rename_file(&self, from: String, to: String) -> BoxFuture<'_, Result<(), files::Error>> {
        self.put(from, to).boxed()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.now.load(Ordering::Relaxed)).unwrap_or(0)
    }

    fn random(&self, count: u32) -> Vec<u8> {
        self.tick();
        self.random.bytes(count.min(limits::RANDOM_BYTES_MAX) as usize)
    }

    fn config(&self) -> String {
        self.tick();
        self.call.journal.line.settings.clone()
    }

    fn left(&self) -> Allowance {
        self.tick();
        let records = match self.purpose {
            egress::Purpose::Write { intents } => intents,
            _ => u32::try_from(limits::PAGE_CHANGES_MAX).unwrap_or(u32::MAX),
        };
        Allowance {
            requests: limits::GUEST_REQUESTS_MAX.saturating_sub(self.asked.load(Ordering::Relaxed)),
            wall_ms: u32::try_from(self.wall_ms()).unwrap_or(u32::MAX),
            records,
            response_bytes: self.call.left.load(Ordering::Relaxed),
        }
    }

    /// The text is the plugin's: the sandbox has made one plain line of it, so that it cannot pretend to be two.
    #[expect(clippy::cognitive_complexity, reason = "one arm per level: what is complex stands in the macro")]
    fn log(&self, level: Level, text: &str) {
        self.tick();
        let (connection, run) = (self.call.journal.line.connection(), &self.call.journal.run);
        match level {
            Level::Error => tracing::error!(target: "plugin", %connection, %run, "{text}"),
            Level::Warn => tracing::warn!(target: "plugin", %connection, %run, "{text}"),
            Level::Info => tracing::info!(target: "plugin", %connection, %run, "{text}"),
            Level::Debug => tracing::debug!(target: "plugin", %connection, %run, "{text}"),
        }
    }
}
