//! What an outcome means for its record. Pure.

use crate::store::{PARKED, PENDING};
use tollgate_core::entity::Stop;
use tollgate_core::model::schema::SafeRepeat;
use tollgate_core::model::{Action, Outcome, Violation, Written, limits};
use tollgate_core::retry::{self, Class, Decision};

/// What becomes of one intent.
#[derive(Debug, PartialEq)]
pub enum Settled {
    /// The target holds it.
    Done {
        /// What it stored.
        written: Written,
        /// Whether it had to change anything.
        is_change: bool,
    },
    /// The target refused the record: a person or the source must mend it.
    Exception(Vec<Stop>),
    /// It waits for a person.
    Held(Stop),
    /// Tried often enough.
    DeadLetter(Stop),
    /// To be tried again.
    Again {
        /// Milliseconds from now.
        after_ms: u64,
        /// Whether it counts as a failed attempt.
        counts: bool,
        /// Why.
        reason: String,
    },
}

/// What the decision depends on beside the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Failures so far.
    pub attempt: u32,
    /// Whether the target forgives a repeat.
    pub repeat: SafeRepeat,
    /// `0.0..1.0`.
    pub jitter: f64,
    /// Milliseconds since an attempt whose outcome nobody knows, if there was one.
    pub unknown_for_ms: Option<u64>,
}

/// Decides what becomes of an intent with this outcome.
pub fn settle(outcome: Outcome, circumstances: Circumstances) -> Settled {
    keyed(said(outcome, circumstances), circumstances)
}

/// Once an attempt may have been done, only the target's key forgives another one: within its window, and only while it
/// is this intent. What would be decided anew would get a new key.
fn keyed(settled: Settled, circumstances: Circumstances) -> Settled {
    let (Some(unknown_ms), SafeRepeat::Key(seconds)) = (circumstances.unknown_for_ms, circumstances.repeat) else {
        return settled;
    };
    match settled {
        Settled::Again { after_ms, .. } if unknown_ms.saturating_add(after_ms) < seconds.saturating_mul(1_000) => {
            settled
        }
        Settled::Again { reason, .. } => Settled::Held(parked(&reason)),
        Settled::DeadLetter(stop) => Settled::Held(parked(&stop.message)),
        Settled::Exception(stops) => {
            Settled::Held(parked(stops.first().map_or("it was refused later", |stop| &stop.message)))
        }
        Settled::Done { .. } | Settled::Held(_) => settled,
    }
}

fn said(outcome: Outcome, circumstances: Circumstances) -> Settled {
    match outcome {
        Outcome::Written(written) => Settled::Done { written, is_change: true },
        Outcome::Unchanged(written) => Settled::Done { written, is_change: false },
        Outcome::Rejected(violations) => Settled::Exception(refusals(violations)),
        Outcome::Conflict(_) => Settled::Held(stop(
            "conflict",
            "the record was changed in the target at the same time: look at both, then release it",
        )),
        Outcome::Gone(replaced_by) => Settled::Held(match replaced_by {
            Some(key) => {
                stop("gone", format!("the target's record was merged into `{key}`: link the record to that one"))
            }
            None => stop("gone", "the target's record no longer exists: restore it there, or remove the link"),
        }),
        Outcome::Pending(later) => Settled::Held(stop(
            PENDING,
            format!(
                "the target accepted the write and has not finished it ({}): see there what became of it",
                later.reason
            ),
        )),
        Outcome::Failed(failure) => after(&failure.to_string(), Class::from(&failure), circumstances),
        Outcome::Unknown(reason) => after(&reason, Class::Unknown, circumstances),
    }
}

fn after(reason: &str, class: Class, circumstances: Circumstances) -> Settled {
    let Circumstances { attempt, repeat, jitter, .. } = circumstances;
    match retry::decide(class, attempt, jitter, repeat) {
        Decision::RetryAfterMs(after_ms) => Settled::Again { after_ms, counts: true, reason: reason.to_owned() },
        Decision::PauseConnection => {
            Settled::Again { after_ms: limits::FLOW_PAUSE_MS, counts: false, reason: reason.to_owned() }
        }
        Decision::Park => Settled::Held(parked(reason)),
        Decision::DeadLetter | Decision::Restart => Settled::DeadLetter(stop(
            "attempts",
            format!("given up after {} attempts: {reason}; mend the cause, then release it", attempt + 1),
        )),
    }
}

/// The hold of a write that may have been done.
pub fn parked(reason: &str) -> Stop {
    stop(
        PARKED,
        format!(
            "it is not known whether the target stored this ({reason}), and the target cannot be asked twice without risk \
             of a double: look there, then release or discard it"
        ),
    )
}

fn refusals(violations: Vec<Violation>) -> Vec<Stop> {
    if violations.is_empty() {
        return vec![stop(
            "refused",
            "the target refused the record and did not say why: try it there by hand, then correct or discard it",
        )];
    }
    let stop = |violation: Violation| Stop {
        field: violation.field.unwrap_or_default(),
        rule: violation.rule,
        message: format!(
            "the target refused it: {}; mend it at the source, or correct it here",
            violation.message.trim_end_matches(['.', ' '])
        ),
        needs: Vec::new(),
    };
    violations.into_iter().take(limits::VIOLATIONS_MAX).map(stop).collect()
}

fn stop(rule: &'static str, message: impl Into<String>) -> Stop {
    Stop { field: String::new(), rule: rule.into(), message: message.into(), needs: Vec::new() }
}

/// What makes it harmless to send this very write again. A write that names its record, by key or by external id, sets
/// the same values twice. A plain create has no name: the stream's upsert does not help it.
pub fn repeat_of(action: Action, stream: SafeRepeat) -> SafeRepeat {
    match (action, stream) {
        (Action::Create, SafeRepeat::ExternalId) => SafeRepeat::None,
        (Action::Create, other) => other,
        (Action::Update | Action::Upsert | Action::Delete, _) => SafeRepeat::ExternalId,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_core::model::Failure;

    fn at(attempt: u32, repeat: SafeRepeat) -> Circumstances {
        Circumstances { attempt, repeat, jitter: 0.5, unknown_for_ms: None }
    }

    /// What may have been done is repeated under its key while the window lasts, and is never decided anew: whatever
    /// comes after an unknown outcome ends with a person, unless it ends well (IDE-06).
    #[test]
    fn a_key_forgives_only_within_its_window() {
        let key = SafeRepeat::Key(60);
        let busy = || Outcome::Failed(Failure::Transient("503".into()));
        let throttled = Outcome::Failed(Failure::RateLimited(Some(120_000)));
        let refused = || Outcome::Rejected(Vec::new());
        for (outcome, attempt, repeat, unknown_for_ms, is_parked) in [
            (busy(), 1, key, Some(10_000), false),
            (busy(), 1, key, Some(59_000), true),
            (throttled, 1, key, Some(1_000), true),
            (busy(), 4, key, Some(1_000), true),
            (refused(), 1, key, Some(1_000), true),
            (refused(), 1, key, None, false),
            (refused(), 1, SafeRepeat::ExternalId, Some(1_000), false),
            (busy(), 4, SafeRepeat::ExternalId, Some(1_000), false),
        ] {
            let case = format!("{outcome:?} {attempt} {repeat:?} {unknown_for_ms:?}");
            let settled = settle(outcome, Circumstances { unknown_for_ms, ..at(attempt, repeat) });
            assert_eq!(
                matches!(&settled, Settled::Held(stop) if stop.rule == PARKED),
                is_parked,
                "{case}: {settled:?}"
            );
        }
    }

    /// Each outcome at the first and at the last attempt, for targets that forgive a repeat and for one that does not
    /// (RET-01, RET-02, RET-04, IDE-06; promise 2).
    #[test]
    fn each_outcome_has_one_fate() {
        let word = |settled: Settled| match settled {
            Settled::Done { is_change: true, .. } => "written".to_owned(),
            Settled::Done { is_change: false, .. } => "unchanged".to_owned(),
            Settled::Exception(stops) => format!("exception {}", stops[0].rule),
            Settled::Held(stop) => format!("held {}", stop.rule),
            Settled::DeadLetter(stop) => format!("dead letter {}", stop.rule),
            Settled::Again { after_ms, counts, .. } => format!("again {after_ms} {counts}"),
        };
        let written = || Written { key: "1".into(), version: None, created: true, returned: "{}".into() };
        let busy = || Outcome::Failed(Failure::Transient("503".into()));
        let lost = || Outcome::Unknown("cut".into());
        let cases = [
            (Outcome::Written(written()), 0, SafeRepeat::None, "written"),
            (Outcome::Unchanged(written()), 0, SafeRepeat::None, "unchanged"),
            (Outcome::Rejected(Vec::new()), 0, SafeRepeat::None, "exception refused"),
            (Outcome::Gone(None), 0, SafeRepeat::None, "held gone"),
            (Outcome::Conflict(None), 0, SafeRepeat::None, "held conflict"),
            (busy(), 0, SafeRepeat::None, "again 1000 true"),
            (busy(), 3, SafeRepeat::None, "again 8000 true"),
            (busy(), 4, SafeRepeat::None, "dead letter attempts"),
            (Outcome::Failed(Failure::RateLimited(Some(20_000))), 0, SafeRepeat::None, "again 20000 true"),
            (Outcome::Failed(Failure::Unauthorized("no".into())), 0, SafeRepeat::None, "again 60000 false"),
            (lost(), 0, SafeRepeat::ExternalId, "again 1000 true"),
            (lost(), 0, SafeRepeat::None, "held parked"),
            (lost(), 4, SafeRepeat::ExternalId, "held parked"),
        ];
        for (outcome, attempt, repeat, expected) in cases {
            let case = format!("{outcome:?} {attempt} {repeat:?}");
            assert_eq!(word(settle(outcome, at(attempt, repeat))), expected, "{case}");
        }
    }
}
