//! What may be asked of an account: one count for all connections, flows and plugins of a tenant that reach it.
//!
//! Four bounds at once: requests at the same time; calls in short spans (`window.rs`); calls in 24 hours, counted here;
//! and the account's own count, where the vendor reports it, because other programs spend from it too. A bound that two
//! connections declare differently is the lower one; of windows all hold.

use crate::clock::SharedClock;
use crate::gate::window::Recent;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tollgate_core::model::{AccountId, At, ConnectionName, Tenant, limits, manifest};

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// Whole hours that a rolling day may touch.
const WINDOW_HOURS: i64 = 24;

/// Whose budget it is: accounts of two tenants never share one, whatever they are called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Payer {
    /// The tenant.
    pub tenant: Tenant,
    /// Its account.
    pub account: AccountId,
}

/// Milliseconds until there may be budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitMs(pub u64);

/// What a request costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Calls.
    pub calls: u32,
    /// The name of the windows that count it, beside those without a name.
    pub window: Option<String>,
}

impl Cost {
    /// What each request on a route costs.
    pub fn of(route: &manifest::Route) -> Self {
        Self { calls: route.calls, window: route.window.clone() }
    }
}

/// Leave to send one request; given back when dropped.
pub struct Permit(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send>);

impl Permit {
    /// A permit that gives back whatever `held` gives back when it is dropped.
    pub fn new(held: impl Any + Send) -> Self {
        Self(Box::new(held))
    }
}

/// What an account has spent and may spend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls of this host in the last 24 hours; of all programs, where the vendor reports more.
    pub used: u64,
    /// Calls in 24 hours, if there is a bound.
    pub limit_per_day: Option<u64>,
    /// Requests at the same time, at most.
    pub concurrency: u32,
    /// The most that there ever were at the same time.
    pub concurrency_peak: u32,
    /// Answers that said "too fast".
    pub throttled: u64,
}

/// The budgets of all accounts.
pub trait Budget: Send + Sync + 'static {
    /// What a connection knows of its account's bounds; replaces what it said before.
    fn declare(&self, payer: &Payer, connection: &ConnectionName, bounds: &manifest::Budget);

    /// Calls that were made in this hour (since 1970) before this process began to count.
    fn seed(&self, payer: &Payer, hour: i64, calls: u64);

    /// Waits at most `wait_ms` for leave to send one request of this cost, and charges it. A wait that would be longer
    /// is not begun.
    fn acquire(&self, payer: &Payer, cost: Cost, wait_ms: u64) -> BoxFuture<'static, Result<Permit, WaitMs>>;

    /// Leave to send once more under a permit already given, whose first request is over; at once or not at all. Charges
    /// the cost.
    ///
    /// # Errors
    /// So many calls are not left.
    fn charge(&self, payer: &Payer, cost: &Cost) -> Result<(), WaitMs>;

    /// Takes over the vendor's own count, as an answer gave it that cost `calls`.
    fn learn(&self, payer: &Payer, count: Reported, calls: u32);

    /// The vendor said "too fast".
    fn throttled(&self, payer: &Payer);

    /// What is known of an account.
    fn usage(&self, payer: &Payer) -> Usage;
}

/// Budgets in the memory of this process.
pub struct Counters {
    clock: SharedClock,
    accounts: Mutex<HashMap<Payer, Arc<Account>>>,
}

struct Account {
    slots: Arc<Semaphore>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    declared: BTreeMap<ConnectionName, manifest::Budget>,
    concurrency: u32,
    /// Slots to take away as soon as they are given back, after the bound was lowered.
    surplus: u32,
    running: u32,
    peak: u32,
    calls: BTreeMap<i64, u64>,
    recent: Recent,
    /// Calls of the requests that run now: charged here, and perhaps not yet counted by the vendor.
    held: u64,
    known: Option<Known>,
    throttled: u64,
}

/// What the vendor says of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Calls that were made.
    pub used: u64,
    /// Calls that may be made, if it says so.
    pub limit: Option<u64>,
}

/// The vendor's count, and what it does not hold yet.
struct Known {
    at: At,
    count: Reported,
    /// Charged since, or under way when it was given.
    since: u64,
}

impl Known {
    fn used(&self) -> u64 {
        self.count.used.saturating_add(self.since)
    }
}

impl Counters {
    /// No account has spent anything yet.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, accounts: Mutex::default() }
    }

    fn account(&self, payer: &Payer) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.entry(payer.clone()).or_insert_with(|| Arc::new(Account::new())).clone()
    }
}

impl Budget for Counters {
    fn declare(&self, payer: &Payer, connection: &ConnectionName, bounds: &manifest::Budget) {
        let account = self.account(payer);
        let mut counts = account.counts();
        counts.declared.insert(connection.clone(), bounds.clone());
        let lowest = counts.declared.values().filter_map(|bounds| bounds.concurrency).min();
        account.resize(&mut counts, lowest.unwrap_or(limits::CONCURRENCY_DEFAULT).max(1));
    }

    fn seed(&self, payer: &Payer, hour: i64, calls: u64) {
        let account = self.account(payer);
        account.counts().seed(self.clock.now(), hour, calls);
    }

    fn acquire(&self, payer: &Payer, cost: Cost, wait_ms: u64) -> BoxFuture<'static, Result<Permit, WaitMs>> {
        let (account, clock) = (self.account(payer), self.clock.clone());
        async move {
            let until = clock.now().plus_ms(wait_ms);
            loop {
                let left_ms = until.since_ms(clock.now());
                let wait_ms = account.counts().wait_ms(clock.now(), &cost)?;
                if wait_ms > left_ms {
                    return Err(WaitMs(wait_ms.max(limits::RETRY_AFTER_MS_MIN)));
                }
                if wait_ms > 0 {
                    clock.sleep_ms(wait_ms).await;
                    continue;
                }
                let slot = account.slot(&clock, left_ms).await?;
                let mut counts = account.counts();
                // Others may have spent the rest while this one waited: then its slot is theirs meanwhile.
                if counts.wait_ms(clock.now(), &cost)? == 0 {
                    counts.begin(clock.now(), &cost);
                    drop(counts);
                    return Ok(Permit::new(Slot { account, clock, cost, slot: Some(slot) }));
                }
            }
        }
        .boxed()
    }

    fn charge(&self, payer: &Payer, cost: &Cost) -> Result<(), WaitMs> {
        let (account, now) = (self.account(payer), self.clock.now());
        let mut counts = account.counts();
        match counts.wait_ms(now, cost)? {
            0 => {
                counts.charge(now, cost.calls);
                // The permit, when it is dropped, ends this request; the first one ended with its answer.
                counts.ended(now, cost);
                Ok(())
            }
            wait_ms => Err(WaitMs(wait_ms.max(limits::RETRY_AFTER_MS_MIN))),
        }
    }

    fn learn(&self, payer: &Payer, count: Reported, calls: u32) {
        let (account, at) = (self.account(payer), self.clock.now());
        let mut counts = account.counts();
        let since = counts.held.saturating_sub(u64::from(calls));
        counts.known = Some(Known { at, count, since });
    }

    fn throttled(&self, payer: &Payer) {
        self.account(payer).counts().throttled += 1;
    }

    fn usage(&self, payer: &Payer) -> Usage {
        let account = self.account(payer);
        let mut counts = account.counts();
        let now = self.clock.now();
        let reported = counts.known(now).map_or(0, Known::used);
        Usage {
            used: counts.used(now).max(reported),
            limit_per_day: counts.per_day().or_else(|| counts.known(now).and_then(|known| known.count.limit)),
            concurrency: counts.concurrency,
            concurrency_peak: counts.peak,
            throttled: counts.throttled,
        }
    }
}

impl Account {
    fn new() -> Self {
        let concurrency = limits::CONCURRENCY_DEFAULT;
        Self {
            slots: Arc::new(Semaphore::new(concurrency as usize)),
            counts: Mutex::new(Counts { concurrency, ..Counts::default() }),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot, once one is free, at most so much later.
    async fn slot(&self, clock: &SharedClock, wait_ms: u64) -> Result<OwnedSemaphorePermit, WaitMs> {
        match self.slots.clone().try_acquire_owned() {
            Ok(slot) => Ok(slot),
            Err(_) => tokio::select! {
                biased;
                slot = self.slots.clone().acquire_owned() => Ok(slot.expect("the slots are never closed")),
                () = clock.sleep_ms(wait_ms) => Err(WaitMs(limits::RETRY_AFTER_MS_MIN)),
            },
        }
    }

    fn resize(&self, counts: &mut Counts, concurrency: u32) {
        if concurrency > counts.concurrency {
            let more = concurrency - counts.concurrency;
            let kept = more.min(counts.surplus);
            counts.surplus -= kept;
            self.slots.add_permits((more - kept) as usize);
        } else {
            let fewer = counts.concurrency - concurrency;
            let taken = self.slots.forget_permits(fewer as usize);
            counts.surplus += fewer - u32::try_from(taken).unwrap_or(fewer);
        }
        counts.concurrency = concurrency;
    }
}

impl Counts {
    fn per_day(&self) -> Option<u64> {
        self.declared.values().filter_map(|bounds| bounds.calls_per_day).min()
    }

    /// After a restart nobody knows when in its hour a call was made: in windows that reach into the hour it counts as
    /// made now, so that a process that ends and comes back passes no limit.
    fn seed(&mut self, now: At, hour: i64, calls: u64) {
        *self.calls.entry(hour).or_default() += calls;
        if calls == 0 {
            return;
        }
        let hour_end = At((hour + 1).saturating_mul(HOUR_MS));
        let windows: Vec<_> = self.declared.values().flat_map(|bounds| &bounds.windows).collect();
        for window in windows.iter().filter(|window| now.since_ms(hour_end) < u64::from(window.seconds) * 1_000) {
            let calls = u32::try_from(calls).unwrap_or(u32::MAX).min(window.calls);
            self.recent.ended(now, &Cost { calls, window: window.name.clone() }, &windows);
        }
    }

    /// Milliseconds until this cost fits into all windows.
    ///
    /// # Errors
    /// The day is spent.
    fn wait_ms(&mut self, now: At, cost: &Cost) -> Result<u64, WaitMs> {
        self.permit(now, cost.calls)?;
        let windows: Vec<_> = self.declared.values().flat_map(|bounds| &bounds.windows).collect();
        Ok(self.recent.wait_ms(now, cost, &windows))
    }

    fn begin(&mut self, now: At, cost: &Cost) {
        self.charge(now, cost.calls);
        self.recent.begin(cost);
        self.held += u64::from(cost.calls);
        self.running += 1;
        self.peak = self.peak.max(self.running);
    }

    fn end(&mut self, now: At, cost: &Cost) {
        let windows: Vec<_> = self.declared.values().flat_map(|bounds| &bounds.windows).collect();
        self.recent.end(now, cost, &windows);
        self.running -= 1;
        self.held -= u64::from(cost.calls);
    }

    fn ended(&mut self, now: At, cost: &Cost) {
        let windows: Vec<_> = self.declared.values().flat_map(|bounds| &bounds.windows).collect();
        self.recent.ended(now, cost, &windows);
    }

    fn used(&mut self, now: At) -> u64 {
        let oldest = now.0.div_euclid(HOUR_MS) - WINDOW_HOURS;
        self.calls = self.calls.split_off(&oldest);
        self.calls.values().sum()
    }

    fn charge(&mut self, now: At, calls: u32) {
        *self.calls.entry(now.0.div_euclid(HOUR_MS)).or_default() += u64::from(calls);
        if let Some(known) = &mut self.known {
            known.since += u64::from(calls);
        }
    }

    fn known(&self, now: At) -> Option<&Known> {
        self.known.as_ref().filter(|known| now.since_ms(known.at) < limits::USAGE_SIGN_MS_MAX)
    }

    /// Whether so many calls are left: of our own count, and of the vendor's where it is recent.
    fn permit(&mut self, now: At, calls: u32) -> Result<(), WaitMs> {
        let calls = u64::from(calls);
        if let Some(per_day) = self.per_day()
            && self.used(now) + calls > per_day
        {
            let first = self.calls.keys().next().copied().unwrap_or_default();
            let free = At((first + WINDOW_HOURS + 1).saturating_mul(HOUR_MS));
            return Err(WaitMs(free.since_ms(now).max(limits::RETRY_AFTER_MS_MIN)));
        }
        if let Some(known) = self.known(now)
            && known.count.limit.is_some_and(|limit| known.used().saturating_add(calls) > limit)
        {
            return Err(WaitMs(known.at.plus_ms(limits::USAGE_SIGN_MS_MAX).since_ms(now)));
        }
        Ok(())
    }
}

/// One request under way.
struct Slot {
    account: Arc<Account>,
    clock: SharedClock,
    cost: Cost,
    slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.account.counts();
        counts.end(self.clock.now(), &self.cost);
        if counts.surplus > 0 {
            counts.surplus -= 1;
            self.slot.take().map(OwnedSemaphorePermit::forget).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests;
