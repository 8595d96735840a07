//! What happens after a failure: again after a while, never again, or a person's turn.
//!
//! Pure: the plugin classifies, [`decide`] decides, the engine acts. Chance is an argument, so that a hundred waiters
//! spread and a test stands still.

use crate::model::limits::{RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MIN, RETRY_DELAYS_MS};
use crate::model::schema::SafeRepeat;
use crate::model::{Failure, Outcome};

/// How far chance moves a delay, up or down, or prolongs a wait that the system asked for.
const JITTER: f64 = 0.2;

/// What kind of failure it was (RET-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It may succeed later: time-out, lock, outage.
    Transient,
    /// The system throttles; milliseconds that it asks to wait.
    RateLimited(Option<u64>),
    /// The credential is refused.
    Unauthorized,
    /// The connection is set up wrongly.
    Misconfigured,
    /// The stream must start anew.
    CursorExpired,
    /// Repeating it fails again: unsupported, or broken rules.
    Permanent,
    /// It was sent, and nobody knows what became of it.
    Unknown,
}

impl From<&Failure> for Class {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Transient(_) => Self::Transient,
            Failure::RateLimited(wait_ms) => Self::RateLimited(*wait_ms),
            Failure::Unauthorized(_) => Self::Unauthorized,
            Failure::Misconfigured(_) => Self::Misconfigured,
            Failure::CursorExpired(_) => Self::CursorExpired,
            Failure::Unsupported(_) | Failure::Fault(_) => Self::Permanent,
        }
    }
}

impl Class {
    /// The class of an outcome; none if sending again is not the question: it was stored, it is not done yet, or the
    /// record itself was refused and is an exception after one attempt (RET-04).
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Failed(failure) => Some(failure.into()),
            Outcome::Unknown(_) => Some(Self::Unknown),
            Outcome::Written(_)
            | Outcome::Unchanged(_)
            | Outcome::Rejected(_)
            | Outcome::Conflict(_)
            | Outcome::Gone(_)
            | Outcome::Pending(_) => None,
        }
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try again, not before this many milliseconds.
    RetryAfterMs(u64),
    /// Give up; a person looks at it and may replay it.
    DeadLetter,
    /// Hold it until the outcome is known; it is never sent again blindly.
    Park,
    /// Stop everything of this connection until a person has changed it.
    PauseConnection,
    /// Read the stream from its beginning.
    Restart,
}

/// Decides what follows a failure.
///
/// `attempt`: failures before this one. `jitter`: chance between 0 and 1; 0.5 moves nothing. `safe_repeat`: what
/// makes the write harmless to repeat, which matters only if its outcome is unknown.
pub fn decide(class: Class, attempt: u32, jitter: f64, safe_repeat: SafeRepeat) -> Decision {
    match class {
        Class::Unauthorized | Class::Misconfigured => Decision::PauseConnection,
        Class::CursorExpired => Decision::Restart,
        Class::Permanent => Decision::DeadLetter,
        Class::Transient => delay_ms(attempt, jitter).map_or(Decision::DeadLetter, Decision::RetryAfterMs),
        Class::RateLimited(wait_ms) => match delay_ms(attempt, jitter) {
            Some(delay_ms) => {
                Decision::RetryAfterMs(delay_ms.max(wait_ms.map_or(0, |wait_ms| prolonged_ms(wait_ms, jitter))))
            }
            None => Decision::DeadLetter,
        },
        // An outcome that is still unknown after the last attempt is parked too: a dead letter may be replayed.
        Class::Unknown if is_repeatable(safe_repeat, attempt) => {
            delay_ms(attempt, jitter).map_or(Decision::Park, Decision::RetryAfterMs)
        }
        Class::Unknown => Decision::Park,
    }
}

/// The delay after `attempt` earlier failures, moved by chance; none after the last.
pub fn delay_ms(attempt: u32, jitter: f64) -> Option<u64> {
    let delay_ms = *RETRY_DELAYS_MS.get(usize::try_from(attempt).ok()?)?;
    Some(scaled(delay_ms, 1.0 + JITTER * swing(jitter)))
}

/// What the system asked for is the least; chance only adds, so that the waiters do not come at once (RET-11).
fn prolonged_ms(wait_ms: u64, jitter: f64) -> u64 {
    scaled(wait_ms.clamp(RETRY_AFTER_MS_MIN, RETRY_AFTER_MS_MAX), 1.0 + JITTER * swing(jitter).abs())
}

/// Chance as a number between -1 and 1; what is no chance is 0.
fn swing(jitter: f64) -> f64 {
    if (0.0..=1.0).contains(&jitter) { jitter.mul_add(2.0, -1.0) } else { 0.0 }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "delays are at most an hour in milliseconds and factors lie between 0.8 and 1.2"
)]
fn scaled(ms: u64, factor: f64) -> u64 {
    (ms as f64 * factor).round() as u64
}

/// Whether the write may be sent again although it may have been done. A key must outlive the delays so far and the
/// next one, at their longest.
fn is_repeatable(safe_repeat: SafeRepeat, attempt: u32) -> bool {
    match safe_repeat {
        SafeRepeat::ExternalId => true,
        SafeRepeat::Key(seconds) => {
            let delays = usize::try_from(attempt).unwrap_or(usize::MAX).saturating_add(1);
            let longest_ms: u64 =
                RETRY_DELAYS_MS.iter().take(delays).map(|delay_ms| scaled(*delay_ms, 1.0 + JITTER)).sum();
            seconds.saturating_mul(1_000) > longest_ms
        }
        SafeRepeat::ReadBack | SafeRepeat::None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Later, Violation, Written};
    use Decision::{DeadLetter, Park, PauseConnection, Restart, RetryAfterMs};

    /// Each failure and outcome lands in its class (RET-03), provoked with one of each.
    #[test]
    fn classes() {
        for (failure, class) in [
            (Failure::Transient("lock".into()), Class::Transient),
            (Failure::RateLimited(Some(5)), Class::RateLimited(Some(5))),
            (Failure::Unauthorized("401".into()), Class::Unauthorized),
            (Failure::Misconfigured("no such role".into()), Class::Misconfigured),
            (Failure::CursorExpired("old".into()), Class::CursorExpired),
            (Failure::Unsupported("delete".into()), Class::Permanent),
            (Failure::Fault("no JSON".into()), Class::Permanent),
        ] {
            assert_eq!(Class::of(&Outcome::Failed(failure)), Some(class));
        }
        assert_eq!(Class::of(&Outcome::Unknown("cut".into())), Some(Class::Unknown));
        let written = Written { key: "1".into(), version: None, created: true, returned: "{}".into() };
        let missing = Violation { field: None, rule: "required".into(), message: "missing".into() };
        let later = Later { ticket: "t".into(), after_ms: 1, reason: "job".into() };
        for outcome in [
            Outcome::Written(written.clone()),
            Outcome::Unchanged(written),
            Outcome::Rejected(vec![missing]),
            Outcome::Conflict(None),
            Outcome::Gone(None),
            Outcome::Pending(later),
        ] {
            assert_eq!(Class::of(&outcome), None, "{outcome:?}");
        }
    }

    /// Four failures wait 1, 2, 4, 8 s (RET-01), the fifth is a dead letter; what no repetition mends is decided at
    /// the first failure (RET-04).
    #[test]
    fn decisions() {
        use Class::{CursorExpired, Misconfigured, Permanent, RateLimited, Transient, Unauthorized, Unknown};
        use SafeRepeat::{ExternalId, Key, None as Never, ReadBack};
        for (class, attempt, repeat, decision) in [
            (Transient, 0, Never, RetryAfterMs(1_000)),
            (Transient, 1, Never, RetryAfterMs(2_000)),
            (Transient, 2, Never, RetryAfterMs(4_000)),
            (Transient, 3, Never, RetryAfterMs(8_000)),
            (Transient, 4, Never, DeadLetter),
            (Transient, u32::MAX, Never, DeadLetter),
            (RateLimited(None), 1, Never, RetryAfterMs(2_000)),
            (RateLimited(Some(30_000)), 0, Never, RetryAfterMs(30_000)),
            (RateLimited(Some(1)), 3, Never, RetryAfterMs(8_000)),
            (RateLimited(Some(0)), 0, Never, RetryAfterMs(1_000)),
            (RateLimited(Some(u64::MAX)), 0, Never, RetryAfterMs(RETRY_AFTER_MS_MAX)),
            (RateLimited(Some(30_000)), 4, Never, DeadLetter),
            (Unauthorized, 0, ExternalId, PauseConnection),
            (Misconfigured, 3, Never, PauseConnection),
            (CursorExpired, 0, Never, Restart),
            (Permanent, 0, ExternalId, DeadLetter),
            (Unknown, 0, ExternalId, RetryAfterMs(1_000)),
            (Unknown, 4, ExternalId, Park),
            (Unknown, 0, Key(86_400), RetryAfterMs(1_000)),
            (Unknown, 3, Key(19), RetryAfterMs(8_000)),
            (Unknown, 3, Key(18), Park),
            (Unknown, 0, ReadBack, Park),
            (Unknown, 0, Never, Park),
        ] {
            assert_eq!(decide(class, attempt, 0.5, repeat), decision, "{class:?} {attempt} {repeat:?}");
        }
    }

    /// Chance moves a delay by a fifth at most, and only prolongs what the system asked for (RET-11); what is no
    /// chance moves nothing.
    #[test]
    fn jitter_spreads() {
        for (jitter, transient_ms, limited_ms) in [
            (0.0, 800, 36_000),
            (0.25, 900, 33_000),
            (0.5, 1_000, 30_000),
            (0.75, 1_100, 33_000),
            (1.0, 1_200, 36_000),
            (7.0, 1_000, 30_000),
            (f64::NAN, 1_000, 30_000),
        ] {
            assert_eq!(decide(Class::Transient, 0, jitter, SafeRepeat::None), RetryAfterMs(transient_ms), "{jitter}");
            let limited = decide(Class::RateLimited(Some(30_000)), 0, jitter, SafeRepeat::None);
            assert_eq!(limited, RetryAfterMs(limited_ms), "{jitter}");
        }
    }
}
