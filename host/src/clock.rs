//! Now, sleep and seeded randomness: the only reader of either. A value, so that tests can hold time still.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::rngs::ChaCha12Rng;
use rand::{Rng, SeedableRng};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tollgate_core::model::At;

/// Time and randomness as a value.
pub trait Clock: Send + Sync + 'static {
    /// This instant.
    fn now(&self) -> At;
    /// Waits at least this long.
    fn sleep_ms(&self, ms: u64) -> BoxFuture<'static, ()>;
    /// Fills `bytes` with randomness.
    fn fill_random(&self, bytes: &mut [u8]);
}

/// A clock that is shared by all rooms.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own time and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
    fn now(&self) -> At {
        // A machine whose clock stands before 1970 says 1970: no code has to think of negative time.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    fn sleep_ms(&self, ms: u64) -> BoxFuture<'static, ()> {
        tokio::time::sleep(Duration::from_millis(ms)).boxed()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Randomness that is the same for the same seed, in every version of this host: a call that is run again sees the same.
pub struct Seeded(Mutex<ChaCha12Rng>);

impl Seeded {
    /// Randomness that follows from `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))
    }

    /// The next `count` bytes.
    pub fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that is run again must see the same bytes, and another call other ones: two values of one seed are compared
    /// with each other, with fixed bytes and with a third.
    #[test]
    fn seeded_bytes_repeat() {
        let (one, two, other) = (Seeded::new(7), Seeded::new(7), Seeded::new(8));
        let first = one.bytes(16);
        assert_eq!(first, two.bytes(16));
        assert_ne!(first, other.bytes(16));
        assert_ne!(first, one.bytes(16));
    }

    /// The machine's clock stands after the day this was written and does not run backwards between two looks.
    #[test]
    fn system_time_moves_on() {
        let (first, second) = (SystemClock.now(), SystemClock.now());
        assert!(first.0 > 1_760_000_000_000 && second >= first);
    }
}
