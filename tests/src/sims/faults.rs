//! Misbehaviour on command: rules that a test sets, drawn from a seeded generator.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// What a simulator does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 429 with the vendor's body; nothing is done.
    TooManyRequests,
    /// 403 REQUEST_LIMIT_EXCEEDED where the vendor knows it, else its throttle answer; nothing is done.
    RequestLimit,
    /// 500 with the vendor's body; nothing is done.
    ServerError,
    /// 503 with the vendor's body; nothing is done.
    Unavailable,
    /// 200 with a page that no vendor sends, as a proxy in between may; nothing is done.
    Garbage,
    /// The answer comes `delay_ms` later; combines with the other kinds.
    Slow,
    /// The work is done, the connection ends in the middle of the answer.
    Cut,
    /// The work is done, the connection ends before the answer.
    LostResponse,
    /// One record of the write is locked by someone else.
    Lock,
    /// The caller's token is not valid any more, before its time.
    ExpiredToken,
}

/// Which requests a rule looks at. Requests for a token are never touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// All of them; for a lost response or a lock: writes only, for they mean nothing else.
    #[default]
    Any,
    /// Requests that change nothing.
    Reads,
    /// Requests that may change data.
    Writes,
}

/// One rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How often, in 1,000 of the requests that it looks at.
    #[serde(default = "always")]
    pub per_mille: u16,
    /// How many times at most; none means for ever.
    #[serde(default)]
    pub count: Option<u64>,
    /// How many of the requests that it looks at pass first.
    #[serde(default)]
    pub skip: u64,
    /// Which requests it looks at.
    #[serde(default)]
    pub on: On,
    /// For [`FaultKind::Slow`].
    #[serde(default)]
    pub delay_ms: u64,
    /// How many times it happened.
    #[serde(default, skip_deserializing)]
    pub fired: u64,
}

fn always() -> u16 {
    1_000
}

impl Fault {
    /// A rule that always happens.
    #[must_use]
    pub fn always(kind: FaultKind) -> Self {
        Self { kind, per_mille: 1_000, count: None, skip: 0, on: On::Any, delay_ms: 0, fired: 0 }
    }

    /// A rule that happens this many times and then no more.
    #[must_use]
    pub fn times(kind: FaultKind, count: u64) -> Self {
        Self { count: Some(count), ..Self::always(kind) }
    }

    /// A rule that happens in this many of 1,000 requests.
    #[must_use]
    pub fn per_mille(kind: FaultKind, per_mille: u16) -> Self {
        Self { per_mille, ..Self::always(kind) }
    }

    /// A rule that delays every answer.
    #[must_use]
    pub fn slow(delay_ms: u64) -> Self {
        Self { delay_ms, ..Self::always(FaultKind::Slow) }
    }

    /// The same rule, only for these requests.
    #[must_use]
    pub fn on(self, on: On) -> Self {
        Self { on, ..self }
    }

    /// The same rule, once this many requests have passed.
    #[must_use]
    pub fn after(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    fn looks_at(&self, effectful: bool) -> bool {
        let on = match (self.on, self.kind) {
            (On::Any, FaultKind::LostResponse | FaultKind::Lock) => On::Writes,
            (on, _) => on,
        };
        match on {
            On::Any => true,
            On::Reads => !effectful,
            On::Writes => effectful,
        }
    }
}

/// All rules of one simulator and their generator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// Seed of the generator: the same requests in the same order meet the same faults.
    #[serde(default)]
    pub seed: u64,
    /// The rules, first match first.
    #[serde(default)]
    pub rules: Vec<Fault>,
    #[serde(skip)]
    generator: Option<Xoshiro256PlusPlus>,
}

/// What shall happen to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// How long the answer waits.
    pub delay_ms: u64,
    /// What else goes wrong.
    pub fault: Option<FaultKind>,
    /// A number from the generator, for faults that choose a victim.
    pub draw: u64,
}

impl Faults {
    /// No misbehaviour.
    #[must_use]
    pub fn none() -> Self {
        Self::new(0, Vec::new())
    }

    /// These rules with this seed.
    #[must_use]
    pub fn new(seed: u64, rules: Vec<Fault>) -> Self {
        Self { seed, rules, generator: None }
    }

    /// Decides about one request: every slow rule that fires adds its delay, of the others the first one happens.
    pub fn decide(&mut self, effectful: bool) -> Plan {
        let mut plan = Plan::default();
        if self.rules.is_empty() {
            return plan;
        }
        let seed = self.seed;
        let generator = self.generator.get_or_insert_with(|| Xoshiro256PlusPlus::seed_from_u64(seed));
        plan.draw = generator.random::<u64>();
        for rule in &mut self.rules {
            let spent = rule.count.is_some_and(|count| rule.fired >= count);
            let taken = plan.fault.is_some() && rule.kind != FaultKind::Slow;
            if spent || taken || !rule.looks_at(effectful) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if generator.random_range(0..1_000u16) >= rule.per_mille {
                continue;
            }
            rule.fired += 1;
            match rule.kind {
                FaultKind::Slow => plan.delay_ms += rule.delay_ms,
                kind => plan.fault = Some(kind),
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule must happen as often as it says, on the requests it says, and the same seed must give the same faults.
    #[test]
    fn rules_keep_their_word() {
        let rules = || {
            vec![
                Fault::slow(20).on(On::Reads),
                Fault::times(FaultKind::LostResponse, 2).after(3),
                Fault::per_mille(FaultKind::ServerError, 250),
            ]
        };
        let run = |seed| {
            let mut faults = Faults::new(seed, rules());
            (0..4_000).map(|n| faults.decide(n % 2 == 1)).collect::<Vec<_>>()
        };
        let plans = run(7);
        assert_eq!(plans, run(7));
        assert_ne!(plans, run(8));
        let lost: Vec<usize> = (0..plans.len()).filter(|n| plans[*n].fault == Some(FaultKind::LostResponse)).collect();
        assert_eq!(lost, [7, 9], "the fourth and fifth write");
        let errors = plans.iter().filter(|plan| plan.fault == Some(FaultKind::ServerError)).count();
        assert!((850..1_150).contains(&errors), "a quarter of 4,000, not {errors}");
        assert!(plans.iter().enumerate().all(|(n, plan)| (plan.delay_ms == 20) == (n % 2 == 0)));
    }

    /// A fault set must be readable from a test's JSON, and a misspelt member must be refused.
    #[test]
    fn faults_are_json() {
        let text = r#"{"seed":1,"rules":[{"kind":"too_many_requests","per_mille":50,"count":3,"on":"writes"}]}"#;
        let faults: Faults = serde_json::from_str(text).unwrap();
        assert_eq!((faults.rules[0].kind, faults.rules[0].count), (FaultKind::TooManyRequests, Some(3)));
        assert!(serde_json::from_str::<Faults>(r#"{"rules":[{"kind":"cut","permille":5}]}"#).is_err());
    }
}
