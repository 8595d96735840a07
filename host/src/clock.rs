//! Now, sleep and seeded randomness: the only reader of either. A value, so that tests can hold time still.

use futures_util::future::BoxFuture;
use rand::rngs::ChaCha12Rng as Rng12;
use rand::{Rng, SeedableRng};
use std::sync::{Arc, Mutex};
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
