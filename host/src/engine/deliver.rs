//! Has one batch of intents written by the target's plugin.
//!
//! The batch is in the store before; what became of it is committed by [`crate::engine::conclude`] afterwards. Whatever
//! ends the call early (a limit, a crash of the guest), the gate finishes what has left and stores its answer, so that
//! only a request without an answer makes an intent unknown.

use crate::engine::flow::OpenFlow;
use crate::engine::intend::Batch;
use crate::gate::{CallContext, Purpose};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tollgate_core::model::{Failure, Outcome, RunId};
use tollgate_sandbox::{CallError, CallLimits, Ending};

/// A batch and what the target said of each intent.
pub struct Delivered {
    /// The batch.
    pub batch: Batch,
    /// One outcome each, in order.
    pub outcomes: Vec<Outcome>,
    /// The call ended before it spoke, and some of its requests were answered: run again over those answers, it says
    /// what became of them.
    pub is_cut_short: bool,
}

/// Writes the batch. `lease` says whether this node still holds the flow; the gate asks it right before it sends.
///
/// # Errors
/// The store, when the stored answers of a resumed batch cannot be read. Everything else is an outcome.
pub async fn deliver(
    flow: Arc<OpenFlow>,
    run: RunId,
    batch: Batch,
    lease: Arc<dyn Fn() -> bool + Send + Sync>,
) -> Result<Delivered, crate::store::Error> {
    let stored = if batch.is_resumed { flow.store.answers(&flow.tenant, &batch.id).await? } else { HashMap::new() };
    let keys = batch.sources.iter().map(|source| source.intent_key.clone()).collect();
    let purpose = Purpose::Write { batch: batch.id.clone(), keys, stored, started: batch.decided };
    let door = flow.gate.door(flow.to.line.clone(), CallContext { run, purpose, seed: flow.new_seed(), lease });
    let stream = flow.to.stream.name.as_str().into();
    let result = flow.to.plugin.write(&stream, &batch.intents, door.clone(), CallLimits::default()).await;
    // A call that ended early leaves its last requests under way: what they were answered decides.
    door.drain().await;
    let served =
        if let Err(CallError::Ended(_) | CallError::Broke(_)) = &result { door.served() } else { BTreeSet::new() };
    let known = Known { unanswered: door.unanswered(), served };
    let outcomes = outcomes(result, batch.intents.len(), &known);
    Ok(Delivered { batch, outcomes, is_cut_short: !known.served.is_empty() })
}

/// What the gate knows of a call's intents.
#[derive(Default)]
struct Known {
    /// With a request that nobody answered.
    unanswered: BTreeSet<u32>,
    /// With an answered request, of a call that ended before it spoke.
    served: BTreeSet<u32>,
}

/// One outcome per intent, whatever the call did. An intent with an unanswered request is unknown, whatever the plugin
/// says of it; so is one with an answered request of which the plugin did not come to speak.
fn outcomes(result: Result<Vec<Outcome>, CallError>, count: usize, known: &Known) -> Vec<Outcome> {
    let mut outcomes = match result {
        Ok(outcomes) => outcomes,
        Err(error) => vec![Outcome::Failed(failure(error)); count],
    };
    for (id, outcome) in (0..).zip(&mut outcomes) {
        if known.unanswered.contains(&id) && !matches!(outcome, Outcome::Unknown(_)) {
            *outcome = Outcome::Unknown("a request with an effect was sent and not answered".into());
        } else if known.served.contains(&id) {
            *outcome =
                Outcome::Unknown("a request was answered, and the plugin ended before it said what that means".into());
        }
    }
    outcomes
}

/// A call that ended without outcomes, by what the host does about it.
fn failure(error: CallError) -> Failure {
    match error {
        CallError::Failure(failure) => failure,
        CallError::Ended(Ending::Wall) => Failure::Transient("the call took longer than its time".into()),
        CallError::Ended(ending) => Failure::Fault(format!("the call was ended: {ending}")),
        CallError::Broke(what) => Failure::Fault(format!("the plugin broke the contract: {what}")),
        CallError::Missing(interface) => Failure::Misconfigured(format!("the plugin does not export `{interface}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_core::model::Written;

    fn written() -> Outcome {
        Outcome::Written(Written { key: "1".into(), version: None, created: true, returned: "{}".into() })
    }

    /// The plugin's word holds, but not over a request that has no answer.
    #[test]
    fn an_unanswered_request_makes_its_intent_unknown() {
        let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown(_));
        let unanswered = |ids: &[u32]| Known { unanswered: ids.iter().copied().collect(), ..Known::default() };
        let kept = outcomes(Ok(vec![written(), written()]), 2, &unanswered(&[1]));
        assert_eq!(kept[0], written());
        assert!(unknown(&kept[1]));

        let ended = outcomes(Err(CallError::Ended(Ending::Cpu)), 3, &unanswered(&[0]));
        assert!(unknown(&ended[0]));
        assert!(matches!(ended[1], Outcome::Failed(Failure::Fault(_))));
        assert_eq!(ended.len(), 3);

        let served = Known { served: BTreeSet::from([1]), ..Known::default() };
        let trapped = outcomes(Err(CallError::Ended(Ending::Cpu)), 2, &served);
        assert!(matches!(trapped[0], Outcome::Failed(Failure::Fault(_))));
        assert!(unknown(&trapped[1]), "created, and nobody said so");
    }
}
