//! The door of a transform: settings, time, randomness and a log, and nothing that leads out. Admission has refused every
//! transform that imports `http`; this door refuses it once more.

use crate::clock::{Seeded, SharedClock};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use std::sync::atomic::{AtomicI64, Ordering};
use tollgate_core::model::{At, RunId, http, limits};
use tollgate_sandbox::{Allowance, Broker, Level};

/// Serves exactly one call of a transform.
pub struct TransformDoor {
    name: String,
    run: RunId,
    settings: String,
    clock: SharedClock,
    started: At,
    /// The time of the last host call.
    now: AtomicI64,
    random: Seeded,
}

impl TransformDoor {
    /// A door for a call of the transform of this name; `settings` is a JSON object.
    pub fn new(name: &str, run: RunId, settings: &str, clock: SharedClock) -> Self {
        let mut seed = [0; 8];
        clock.fill_random(&mut seed);
        let started = clock.now();
        Self {
            name: name.to_owned(),
            run,
            settings: settings.to_owned(),
            clock,
            started,
            now: AtomicI64::new(started.0),
            random: Seeded::new(u64::from_le_bytes(seed)),
        }
    }

    fn tick(&self) {
        self.now.fetch_max(self.clock.now().0, Ordering::Relaxed);
    }
}

fn refused() -> http::Error {
    http::Error::Denied("a transform has no network".into())
}

impl Broker for TransformDoor {
    fn send(&self, _: http::Request) -> BoxFuture<'_, Result<http::Response, http::Error>> {
        ready(Err(refused())).boxed()
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Result<http::Response, http::Error>>> {
        ready(requests.iter().map(|_| Err(refused())).collect()).boxed()
    }

    fn follow(&self, _: String, _: String) -> BoxFuture<'_, Result<http::Response, http::Error>> {
        ready(Err(refused())).boxed()
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
        self.settings.clone()
    }

    fn left(&self) -> Allowance {
        self.tick();
        let spent = self.clock.now().since_ms(self.started);
        Allowance {
            requests: 0,
            wall_ms: u32::try_from(limits::GUEST_WALL_MS_MAX.saturating_sub(spent)).unwrap_or(u32::MAX),
            records: u32::try_from(limits::PAGE_CHANGES_MAX).unwrap_or(u32::MAX),
            response_bytes: 0,
        }
    }

    #[expect(clippy::cognitive_complexity, reason = "one arm per level: what is complex stands in the macro")]
    fn log(&self, level: Level, text: &str) {
        self.tick();
        let (plugin, run) = (&self.name, &self.run);
        match level {
            Level::Error => tracing::error!(target: "plugin", %plugin, %run, "{text}"),
            Level::Warn => tracing::warn!(target: "plugin", %plugin, %run, "{text}"),
            Level::Info => tracing::info!(target: "plugin", %plugin, %run, "{text}"),
            Level::Debug => tracing::debug!(target: "plugin", %plugin, %run, "{text}"),
        }
    }
}
