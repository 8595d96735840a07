//! Which failure a status is. A connector knows its system's own codes; this is what HTTP alone says.

use crate::{Failure, Outcome};

/// The failure that a status stands for when the system says no more than `message`.
///
/// 429 is rate-limited; 401 unauthorized; 403 misconfigured, because a renewed credential was understood and has not
/// the right; 408, 425 and 5xx transient; anything else a fault: the request was not what the system expects.
pub fn of_status(status: u16, message: &str) -> Failure {
    match status {
        401 => Failure::Unauthorized(message.into()),
        403 => Failure::Misconfigured(message.into()),
        429 => Failure::RateLimited(None),
        408 | 425 | 500..=599 => Failure::Transient(message.into()),
        _ => Failure::Fault(message.into()),
    }
}

/// The outcome of a write that failed as a whole. `repeatable`: sending it again changes nothing more. A 5xx, except
/// 503, may come after the effect: then only a repeatable write has failed, the other is unknown.
pub fn of_write(status: u16, failure: Failure, repeatable: bool) -> Outcome {
    match failure {
        Failure::Transient(message) if !repeatable && status >= 500 && status != 503 => Outcome::Unknown(message),
        failure => Outcome::Failed(failure),
    }
}

/// A vendor's text, cut to what a person reads of it.
pub fn brief(text: &str) -> String {
    const CHARACTERS_MAX: usize = 500;
    text.chars().take(CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each status has its one reaction.
    #[test]
    fn statuses() {
        let text = || "x".to_owned();
        for (status, failure) in [
            (400, Failure::Fault(text())),
            (401, Failure::Unauthorized(text())),
            (403, Failure::Misconfigured(text())),
            (404, Failure::Fault(text())),
            (408, Failure::Transient(text())),
            (429, Failure::RateLimited(None)),
            (500, Failure::Transient(text())),
            (503, Failure::Transient(text())),
        ] {
            assert_eq!(of_status(status, "x"), failure, "{status}");
        }
    }

    /// A create that a gateway broke off may have happened; an upsert is only tried again.
    #[test]
    fn a_broken_create_is_unknown() {
        let transient = || Failure::Transient("x".into());
        for (status, failure, repeatable, outcome) in [
            (502, transient(), false, Outcome::Unknown("x".into())),
            (502, transient(), true, Outcome::Failed(transient())),
            (503, transient(), false, Outcome::Failed(transient())),
            (400, transient(), false, Outcome::Failed(transient())),
            (429, Failure::RateLimited(None), false, Outcome::Failed(Failure::RateLimited(None))),
        ] {
            assert_eq!(of_write(status, failure, repeatable), outcome, "{status} {repeatable}");
        }
    }
}
