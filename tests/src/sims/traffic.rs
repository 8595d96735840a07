//! What came in over the vendor's door, counted by the server itself and not by the vendor's own logic.

use super::Json;
use http::StatusCode;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Counters of one simulator; cheap to share.
#[derive(Clone, Default)]
pub struct Traffic {
    counts: Arc<Mutex<Counts>>,
    depth: watch::Sender<u64>,
}

#[derive(Default)]
struct Counts {
    requests: u64,
    effectful: u64,
    by_status: BTreeMap<u16, u64>,
    by_route: BTreeMap<String, u64>,
    in_flight: u64,
    peak: u64,
    throttled: u64,
    cut: u64,
    lost: u64,
}

/// How an exchange ended without an answer that the caller could read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The answer stopped in its middle.
    Cut,
    /// The vendor did the work and the answer never left.
    Lost,
}

/// A request being served; leaving the scope ends it.
pub struct InFlight {
    traffic: Traffic,
    /// Requests in flight including this one.
    pub depth: u64,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let depth = self.traffic.counts(|counts| {
            counts.in_flight -= 1;
            counts.in_flight
        });
        self.traffic.depth.send_replace(depth);
    }
}

impl Traffic {
    fn counts<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until so many requests are in flight.
    pub async fn until_in_flight(&self, depth: u64) {
        // The sender lives in `self`, so the channel cannot close.
        let _ = self.depth.subscribe().wait_for(|now| *now >= depth).await;
    }

    /// Counts a request in: `route` names its kind, `effectful` says that it could change data.
    pub fn request(&self, route: &str, effectful: bool) {
        self.counts(|counts| {
            counts.requests += 1;
            counts.effectful += u64::from(effectful);
            match counts.by_route.get_mut(route) {
                Some(count) => *count += 1,
                None => drop(counts.by_route.insert(route.to_owned(), 1)),
            }
        });
    }

    /// Opens a request that counts against the vendor's concurrency, unless `limit` are open: then none is opened.
    #[must_use]
    pub fn enter(&self, limit: Option<u64>) -> Option<InFlight> {
        let depth = self.counts(|counts| {
            if limit.is_some_and(|limit| counts.in_flight >= limit) {
                return None;
            }
            counts.in_flight += 1;
            counts.peak = counts.peak.max(counts.in_flight);
            Some(counts.in_flight)
        })?;
        self.depth.send_replace(depth);
        Some(InFlight { traffic: self.clone(), depth })
    }

    /// Counts an answer; `throttled` marks one that a limit caused.
    pub fn answered(&self, status: StatusCode, throttled: bool) {
        self.counts(|counts| {
            *counts.by_status.entry(status.as_u16()).or_default() += 1;
            counts.throttled += u64::from(throttled);
        });
    }

    /// Counts an exchange that broke.
    pub fn broken(&self, how: Broken) {
        self.counts(|counts| match how {
            Broken::Cut => counts.cut += 1,
            Broken::Lost => counts.lost += 1,
        });
    }

    /// Sets all counters to nothing; requests in flight stay counted.
    pub fn reset(&self) {
        self.counts(|counts| *counts = Counts { in_flight: counts.in_flight, ..Counts::default() });
    }

    /// The counters as JSON.
    #[must_use]
    pub fn report(&self) -> Json {
        self.counts(|counts| {
            let by_status: BTreeMap<String, u64> = counts.by_status.iter().map(|(s, n)| (s.to_string(), *n)).collect();
            json!({
                "total": counts.requests, "effectful": counts.effectful,
                "by_status": by_status, "by_route": counts.by_route,
                "concurrency_peak": counts.peak, "throttled": counts.throttled,
                "cut": counts.cut, "lost_after_commit": counts.lost,
            })
        })
    }
}
