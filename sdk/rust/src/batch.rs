//! Writing in batches: systems that take many records of one action in a call, each with an outcome of its own.

use crate::{Intent, Outcome, Result};
use std::collections::BTreeMap;

/// Sorts intents into calls and gives back one outcome each, in order. `input` says which call an intent belongs to and
/// what it is there; `send` sends the inputs of one call, at most `inputs_max`, and says what became of each intent, in
/// order. Calls are made in the order of `Call`.
pub fn write<Call: Ord + Copy, Input>(
    intents: &[Intent],
    inputs_max: usize,
    input: impl Fn(&Intent) -> Result<(Call, Input)>,
    send: impl Fn(Call, &[(&Intent, Input)]) -> Vec<Outcome>,
) -> Vec<Outcome> {
    let (mut outcomes, mut calls) = (BTreeMap::new(), BTreeMap::<_, (Vec<_>, Vec<_>)>::new());
    for (at, intent) in intents.iter().enumerate() {
        match input(intent) {
            Ok((call, input)) => {
                let (places, inputs) = calls.entry(call).or_default();
                places.push(at);
                inputs.push((intent, input));
            }
            Err(failure) => drop(outcomes.insert(at, Outcome::Failed(failure))),
        }
    }
    for (call, (places, inputs)) in calls {
        for (places, inputs) in places.chunks(inputs_max).zip(inputs.chunks(inputs_max)) {
            outcomes.extend(places.iter().copied().zip(send(call, inputs)));
        }
    }
    let silent = || Outcome::Unknown("the connector said nothing of this record".into());
    (0..intents.len()).map(|at| outcomes.remove(&at).unwrap_or_else(silent)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Failure};

    /// Intents of two actions, mixed, become calls of at most two inputs, and each outcome goes back to its intent; what
    /// cannot be said fails alone, and what a call leaves out is unknown.
    #[test]
    fn outcomes_stay_with_their_intents() {
        let actions = [
            Action::Create,
            Action::Update,
            Action::Create,
            Action::Delete,
            Action::Create,
            Action::Update,
            Action::Update,
        ];
        let intent = |(id, action)| Intent {
            id,
            action,
            key: None,
            external_id: None,
            expected_version: None,
            data: "{}".into(),
        };
        let intents: Vec<_> = (0..).zip(actions).map(intent).collect();
        let input = |intent: &Intent| match intent.action {
            Action::Delete => Err(Failure::Unsupported("delete".into())),
            action => Ok((action as u8, intent.id * 10)),
        };
        let send = |call: u8, inputs: &[(&Intent, u32)]| {
            assert!(inputs.len() <= 2);
            let done =
                inputs.iter().map(|(intent, input)| Outcome::stored(format!("{call}-{}-{input}", intent.id), false));
            done.take(if inputs[0].0.id == 6 { 0 } else { 2 }).collect()
        };
        let done = |key: &str| Outcome::stored(key, false);
        assert_eq!(
            write(&intents, 2, input, send),
            [
                done("0-0-0"),
                done("1-1-10"),
                done("0-2-20"),
                Outcome::Failed(Failure::Unsupported("delete".into())),
                done("0-4-40"),
                done("1-5-50"),
                Outcome::Unknown("the connector said nothing of this record".into()),
            ]
        );
    }
}
