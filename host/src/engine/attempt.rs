//! What would become of one record, and why, with nothing written and nothing sent that has an effect.
//!
//! The record goes through the flow's transforms and is decided by [`evaluate`], as every change is, and explained by the entity map. Calls have the purpose
//! `Lookup`: the gate lets no request with an effect through for it.

use crate::engine::evaluate::{Decided, evaluate, resolve};
use crate::engine::flow::OpenFlow;
use crate::engine::intend::{is_ours, stays_parked};
use crate::engine::{Error, runner, transform};
use crate::gate::{CallContext, Purpose};
use crate::store::{RecordRow, SetAsideRow};
use std::sync::Arc;
use tollgate_core::entity::{Explanation, Verdict};
use tollgate_core::model::{Change, RunId};
use tollgate_sandbox::CallLimits;

/// Where the record was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Its system, now.
    Source,
    /// What is set aside of it: the source cannot be asked for single records.
    SetAside,
}

/// What would become of a record.
pub struct Attempt {
    /// The record.
    pub change: Change,
    /// Where it was taken from.
    pub taken: Taken,
    /// What is known of it in the source.
    pub known: Option<RecordRow>,
    /// Its record in the target.
    pub counterpart: Option<RecordRow>,
    /// The target's record that was found by what recognises it and would be adopted.
    pub adopted: Option<String>,
    /// What is set aside of it now.
    pub set_aside: Option<SetAsideRow>,
    /// The way of each field.
    pub explanation: Explanation,
    /// What would become of it.
    pub verdict: Verdict,
    /// It would change nothing because the host itself wrote the source's record last.
    pub is_echo: bool,
}

/// Tries one record; none if the source has no such record, or cannot be asked and nothing is set aside.
///
/// # Errors
/// The store, or a call of either system's plugin.
pub async fn attempt(flow: &OpenFlow, key: &str) -> Result<Option<Attempt>, Error> {
    let run = RunId::from("try");
    let set_aside = flow.store.set_aside(&flow.tenant, &flow.name, &[key]).await?.pop();
    let Some((change, taken)) = take(flow, &run, (key, set_aside.as_ref())).await? else { return Ok(None) };
    let incoming = match taken {
        Taken::Source => transform::apply(flow, &run, vec![change]).await?,
        Taken::SetAside => transform::read_again(flow, &run, vec![change]).await,
    };
    let Some(incoming) = incoming.into_iter().next() else { return Ok(None) };
    let tables = runner::tables(flow.store.translations(&flow.tenant).await?);
    let draft = flow.plan.read(&incoming.change, &tables);
    let resolved = resolve(flow, std::iter::once(&draft)).await?;
    let explanation = flow.plan.explain(&incoming.change, &tables, &|reference| resolved.get(reference).cloned());
    let Some(decided) = evaluate(flow, &run, vec![incoming], &tables).await?.pop() else { return Ok(None) };
    let Decided { change, fate: _, entity_id, known, adopted, has_counterpart, projection } = decided;
    let counterparts = flow.store.counterparts(&flow.tenant, &flow.entity, &flow.to.system, &[&entity_id]).await?;
    let stays = set_aside.as_ref().filter(|_| !has_counterpart).and_then(stays_parked);
    let verdict = stays.unwrap_or(projection.verdict);
    let is_echo = verdict == Verdict::Unchanged && known.as_ref().is_some_and(is_ours);
    let counterpart = counterparts.into_iter().next();
    Ok(Some(Attempt { change, taken, known, counterpart, adopted, set_aside, explanation, verdict, is_echo }))
}

/// Whether the source can be asked for single records.
pub fn can_fetch(flow: &OpenFlow) -> bool {
    flow.from.plugin.exports().iter().any(|export| export.contains("/lookup@"))
}

async fn take(
    flow: &OpenFlow,
    run: &RunId,
    (key, set_aside): (&str, Option<&SetAsideRow>),
) -> Result<Option<(Change, Taken)>, Error> {
    if !can_fetch(flow) {
        let corrupt = |source| Error::Corrupt { flow: flow.name.clone(), what: "set-aside change", source };
        let stored = set_aside.map(|row| serde_json::from_str(&row.change)).transpose().map_err(corrupt)?;
        return Ok(stored.map(|change| (change, Taken::SetAside)));
    }
    let call =
        CallContext { run: run.clone(), purpose: Purpose::Lookup, seed: flow.new_seed(), lease: Arc::new(|| true) };
    let door = flow.gate.door(flow.from.line.clone(), call);
    let stream = flow.from.stream.name.as_str().into();
    let found = flow.from.plugin.fetch(&stream, &[key.to_owned()], door, CallLimits::default()).await;
    let found = found.map_err(|source| Error::Fetch {
        flow: flow.name.clone(),
        connection: flow.from.connection.to_string(),
        stream: flow.from.stream.name.clone(),
        key: key.to_owned(),
        source,
    })?;
    Ok(found.into_iter().next().flatten().map(|change| (change, Taken::Source)))
}
