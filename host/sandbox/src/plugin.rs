//! A loaded plugin and its calls. Each call runs in a fresh instance, under its own limits, with its own broker.

use crate::admission::Admitted;
use crate::bindings::types;
use crate::broker::Broker;
use crate::call::{CallLimits, State, Stop};
use crate::contract::Exports;
use crate::convert::{inward, outward};
use crate::error::{CallError, Ending};
use crate::meter::{Meter, Ticks};
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tollgate_core::model::schema::{Account, Stream};
use tollgate_core::model::{
    Change, Condition, Digest, Intent, Manifest, Outcome, Page, ReadRequest, StreamName, Violation, limits,
};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Engine, Store, UpdateDeadline};

/// What all plugins of a sandbox share.
#[derive(Clone)]
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    /// Absent where guests are not interrupted.
    pub(crate) ticks: Option<Ticks>,
    /// One permit per slot of the pool: a call waits for a slot instead of failing.
    pub(crate) slots: Arc<Semaphore>,
}

/// A plugin, compiled and checked; clones share it.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    admitted: Admitted,
    pre: InstancePre<State>,
    exports: Exports,
    runtime: Runtime,
    is_cached: bool,
}

/// What `lookup.search` is asked.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The stream.
    pub stream: &'a StreamName,
    /// All must hold.
    pub only: &'a [Condition],
    /// Records at most.
    pub most: u32,
}

type Answer<T> = wasmtime::Result<Result<T, types::Failure>>;

/// Calls one function of an interface in a fresh instance: the interface, the function and its arguments, which the
/// call owns.
macro_rules! call {
    ($self:ident, $with:expr, $interface:ident . $function:ident ( $($argument:ident),* )) => {{
        let indices = $self.inner.exports.$interface.clone().ok_or(CallError::Missing(stringify!($interface)))?;
        $self.run($with, move |store, instance| Box::pin(async move {
            indices.load(&mut *store, instance)?.$function(store, $(&$argument),*).await
        })).await
    }};
}

impl Plugin {
    pub(crate) fn new(
        admitted: Admitted,
        pre: InstancePre<State>,
        exports: Exports,
        (runtime, is_cached): (Runtime, bool),
    ) -> Self {
        Self { inner: Arc::new(Inner { admitted, pre, exports, runtime, is_cached }) }
    }

    /// The SHA-256 of the component.
    pub fn digest(&self) -> Digest {
        self.inner.admitted.digest()
    }

    /// What the vendor says of it.
    pub fn manifest(&self) -> &Manifest {
        self.inner.admitted.manifest()
    }

    /// All that it imports, as the binary names it.
    pub fn imports(&self) -> &[String] {
        self.inner.admitted.imports()
    }

    /// All that it exports, as the binary names it.
    pub fn exports(&self) -> &[String] {
        self.inner.admitted.exports()
    }

    /// Whether its code came from the cache and was not compiled.
    pub fn is_cached(&self) -> bool {
        self.inner.is_cached
    }

    /// `setup.check`: the remote account that the credentials lead to.
    ///
    /// # Errors
    /// See [`CallError`]; so for all calls.
    pub async fn check(&self, broker: Arc<dyn Broker>, limits: CallLimits) -> Result<Account, CallError> {
        let account = call!(self, (broker, limits), setup.call_check())?;
        inward::account(account).map_err(CallError::Broke)
    }

    /// `setup.discover`: the streams with their fields.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn discover(&self, broker: Arc<dyn Broker>, limits: CallLimits) -> Result<Vec<Stream>, CallError> {
        let streams = call!(self, (broker, limits), setup.call_discover())?;
        inward::streams(streams).map_err(CallError::Broke)
    }

    /// `source.read`: the next page of a stream.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn read(
        &self,
        request: &ReadRequest,
        broker: Arc<dyn Broker>,
        limits: CallLimits,
    ) -> Result<Page, CallError> {
        let asked = outward::read_request(request);
        let page = call!(self, (broker, limits), source.call_read(asked))?;
        inward::page(page, &request.stream).map_err(CallError::Broke)
    }

    /// `target.write`: one outcome per intent, in order. An `Err` other than [`CallError::Failure`] says nothing about
    /// what the system stored: the broker knows which requests were answered.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn write(
        &self,
        stream: &StreamName,
        intents: &[Intent],
        broker: Arc<dyn Broker>,
        limits: CallLimits,
    ) -> Result<Vec<Outcome>, CallError> {
        assert!(intents.len() <= limits::WRITE_INTENTS_MAX as usize, "a write has at most WRITE_INTENTS_MAX intents");
        let (name, count) = (stream.as_str().to_owned(), intents.len());
        let intents = outward::intents(intents);
        let outcomes = call!(self, (broker, limits), target.call_write(name, intents))?;
        inward::outcomes(outcomes, count, stream).map_err(CallError::Broke)
    }

    /// `target.settle`: what became of pending intents, given as (intent, ticket); one outcome each, in order.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn settle(
        &self,
        stream: &StreamName,
        tickets: &[(u32, String)],
        broker: Arc<dyn Broker>,
        limits: CallLimits,
    ) -> Result<Vec<Outcome>, CallError> {
        assert!(tickets.len() <= limits::WRITE_INTENTS_MAX as usize, "a settle has at most WRITE_INTENTS_MAX tickets");
        let (name, count) = (stream.as_str().to_owned(), tickets.len());
        let tickets = outward::tickets(tickets);
        let outcomes = call!(self, (broker, limits), target.call_settle(name, tickets))?;
        inward::outcomes(outcomes, count, stream).map_err(CallError::Broke)
    }

    /// `lookup.fetch`: the records with these keys, in order; none where there is no such record.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn fetch(
        &self,
        stream: &StreamName,
        keys: &[String],
        broker: Arc<dyn Broker>,
        limits: CallLimits,
    ) -> Result<Vec<Option<Change>>, CallError> {
        assert!(keys.len() <= limits::FETCH_KEYS_MAX, "a fetch has at most FETCH_KEYS_MAX keys");
        let (name, count) = (stream.as_str().to_owned(), keys.len());
        let keys = keys.to_vec();
        let found = call!(self, (broker, limits), lookup.call_fetch(name, keys))?;
        inward::fetched(found, count, stream).map_err(CallError::Broke)
    }

    /// `lookup.search`: records that meet all conditions, as the plugin sees it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn search(
        &self,
        search: Search<'_>,
        broker: Arc<dyn Broker>,
        limits: CallLimits,
    ) -> Result<Vec<Change>, CallError> {
        let indices = self.inner.exports.lookup.clone().ok_or(CallError::Missing("lookup"))?;
        let (name, only, most) = (search.stream.as_str().to_owned(), outward::conditions(search.only), search.most);
        let found = self.run((broker, limits), move |store, instance| {
            Box::pin(async move { indices.load(&mut *store, instance)?.call_search(store, &name, &only, most).await })
        });
        inward::matches(found.await?, most, search.stream).map_err(CallError::Broke)
    }

    /// `transform.apply`: for each change, in order, what replaces it, or why it is refused.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn apply(
        &self,
        changes: Vec<Change>,
        broker: Arc<dyn Broker>,
        limits: CallLimits,
    ) -> Result<Vec<Result<Vec<Change>, Violation>>, CallError> {
        let count = changes.len();
        let changes = outward::changes(changes);
        let results = call!(self, (broker, limits), transform.call_apply(changes))?;
        inward::applied(results, count).map_err(CallError::Broke)
    }

    /// Runs `body` in a fresh instance and tells its end apart. Waiting for a slot counts for nothing; from then on
    /// the wall time runs.
    async fn run<T: Send>(
        &self,
        (broker, limits): (Arc<dyn Broker>, CallLimits),
        body: impl for<'a> FnOnce(&'a mut Store<State>, &'a Instance) -> BoxFuture<'a, Answer<T>> + Send,
    ) -> Result<T, CallError> {
        let runtime = &self.inner.runtime;
        let _slot = runtime.slots.acquire().await.expect("the slots are never closed");
        let mut store = open(runtime, broker, &limits);
        let ended = tokio::time::timeout(Duration::from_millis(limits.wall_ms), async {
            let instance = self.inner.pre.instantiate_async(&mut store).await?;
            body(&mut store, &instance).await
        })
        .await;
        let state = store.data();
        state.close_log();
        match ended {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(failure))) => Err(CallError::Failure(inward::failure(failure))),
            Ok(Err(error)) => Err(state.explain(&error)),
            Err(_elapsed) => Err(CallError::Ended(Ending::Wall)),
        }
    }
}

/// A store with every limit set.
fn open(runtime: &Runtime, broker: Arc<dyn Broker>, limits: &CallLimits) -> Store<State> {
    let meter = Arc::new(Meter::new(runtime.ticks.clone().unwrap_or_default(), limits.cpu_ms));
    let mut store = Store::new(&runtime.engine, State::new(broker, meter, limits));
    store.limiter(State::limiter);
    store.set_hostcall_fuel(limits::GUEST_COPY_BYTES_MAX);
    if runtime.ticks.is_some() {
        store.epoch_deadline_callback(|context| {
            let meter = context.data().meter.clone();
            meter.pause();
            if meter.is_spent() {
                return Err(Stop::Cpu.into());
            }
            Ok(UpdateDeadline::YieldCustom(
                1,
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    meter.resume();
                }),
            ))
        });
        store.set_epoch_deadline(1);
    }
    store
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plugin({} {})", self.manifest().plugin.name, self.digest())
    }
}
