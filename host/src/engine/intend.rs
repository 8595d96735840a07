//! Turns decisions into one commit: intents, holds, exceptions, what is known now, and the counts.

use crate::engine::Error;
use crate::engine::evaluate::Decided;
use crate::engine::flow::OpenFlow;
use crate::engine::run::Run;
use crate::engine::settle::parked;
use crate::store::{Basis, BatchRow, Checkpoint, Commit, Kind, RecordRow, RunCounts, SetAsideRow, Tries};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use tollgate_core::entity::{Skip, Stop, Verdict, need};
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{At, BatchId, Change, EntityId, Fence, Flag, Intent, RunId, audit, json};

/// Intents that one write call serves, with where they came from.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its id in the store.
    pub id: BatchId,
    /// The intents; `id` is the place in the list.
    pub intents: Vec<Intent>,
    /// Where each intent came from, in the same order.
    pub sources: Vec<Source>,
    /// Failures so far.
    pub attempt: u32,
    /// When it was first stored: the time that its call sees.
    pub decided: At,
    /// Not before.
    pub due: At,
    /// It was open when this process started: some of its requests may have been answered or may be under way.
    pub is_resumed: bool,
}

/// Where an intent came from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Source {
    /// The intent's own key, the same at every attempt: what idempotency keys are made of.
    pub intent_key: String,
    /// The business thing.
    pub entity_id: EntityId,
    /// The hash of what is to be written.
    pub hash: String,
    /// The natural key, if the entity has one.
    pub natural: Option<String>,
    /// What a person should look at once it is written.
    pub flags: Vec<Flag>,
    /// When an attempt first ended with nobody knowing what became of it.
    pub unknown_since: Option<At>,
    /// The tries so far, whatever batch they were made in.
    #[serde(default)]
    pub tries: Tries,
    /// The change that was decided: kept so that it can be decided again.
    pub change: Change,
}

/// Where the changes of a step came from.
pub enum Origin {
    /// Read from the source.
    Page {
        /// Changes of the same page that gave way to a later one of their record and are not among these.
        superseded: usize,
    },
    /// Taken up again: they were counted when they were read.
    Released(HashMap<String, SetAsideRow>),
}

/// What one commit of decisions needs to know.
pub struct Step<'a> {
    /// The flow.
    pub flow: &'a OpenFlow,
    /// The lease's fence.
    pub fence: Fence,
    /// The run.
    pub run: &'a Run,
    /// Where the changes came from.
    pub origin: Origin,
    /// The number of the last release before the look-ups: a need satisfied since then makes its waiters ready at once.
    pub seen_seq: i64,
    /// To be stored if the page leaves nothing open.
    pub checkpoint: Option<Checkpoint>,
}

/// What a commit of decisions leaves to do.
pub struct Intended {
    /// To be delivered.
    pub batches: Vec<Batch>,
    /// Set-aside records, of any flow, that may be taken up again.
    pub released: u64,
}

/// Commits what was decided and gives back the batches to deliver.
///
/// # Errors
/// [`Error::Fenced`] if another node holds the flow; otherwise the store. Nothing is stored then.
pub async fn commit(step: Step<'_>, decided: Vec<Decided>) -> Result<Intended, Error> {
    let Step { flow, fence, run, origin, seen_seq, checkpoint } = step;
    let now = flow.clock.now();
    let earlier = match &origin {
        Origin::Released(rows) => rows.clone(),
        Origin::Page { .. } => earlier(flow, &decided).await?,
    };
    let taken_up = if let Origin::Released(rows) = &origin { rows.len() as u64 } else { 0 };
    let mut sorted = Sorted::new(&origin, decided.len());
    for decided in decided {
        sorted.add((flow, &run.row.id), decided, &earlier, now)?;
    }
    let summary = sorted.summary();
    let batches = batches(flow, std::mem::take(&mut sorted.writes), now);

    let audit = audit::Record::new("engine", "flow.decide", format!("flow:{}", flow.name), summary);
    let mut commit = flow.store.begin(&flow.tenant, audit, now).await?;
    guard(&mut commit, flow, fence).await?;
    commit.put_records(&flow.entity, &sorted.records, fence, now).await?;
    let is_page = sorted.is_page;
    let is_settled = |key: &&str| is_page || sorted.set_aside.iter().all(|row| row.key != *key);
    let settled: Vec<&str> = earlier.keys().map(String::as_str).filter(is_settled).collect();
    let removed = commit.remove_set_aside(&flow.name, &settled).await?;
    if is_page {
        // They gave way to the change just read. Counted here, because a person may have discarded one meanwhile.
        sorted.tally.skipped_superseded += removed.len() as u64;
    }
    let mut released = commit.put_set_aside(&flow.name, &sorted.set_aside, fence, seen_seq).await?;
    let rows = batches.iter().map(|batch| row(flow, &run.row.id, batch)).collect::<Result<Vec<_>, _>>()?;
    commit.put_batches(&rows, fence).await?;
    let needs: Vec<&str> = sorted.satisfied.iter().map(String::as_str).collect();
    released += commit.release(&needs).await?;
    commit.add_tally(&flow.name, &sorted.tally, fence).await?;
    run.add(&mut commit, sorted.counts(taken_up), fence).await?;
    if let (Some(checkpoint), true) = (&checkpoint, batches.is_empty()) {
        commit.put_checkpoint(&flow.name, checkpoint, fence).await?;
    }
    commit.finish().await?;
    Ok(Intended { batches, released })
}

/// Refuses to go on if another node holds the flow.
pub async fn guard(commit: &mut Commit, flow: &OpenFlow, fence: Fence) -> Result<(), Error> {
    match commit.guard(&flow.lease_name(), fence).await {
        Err(crate::store::Error::Fenced { .. }) => Err(Error::Fenced(flow.name.clone())),
        other => Ok(other?),
    }
}

/// What was set aside of the same records before.
async fn earlier(flow: &OpenFlow, decided: &[Decided]) -> Result<HashMap<String, SetAsideRow>, Error> {
    let keys: Vec<&str> = decided.iter().map(|decided| decided.change.key.as_str()).collect();
    let rows = flow.store.set_aside(&flow.tenant, &flow.name, &keys).await?;
    Ok(rows.into_iter().map(|row| (row.key.clone(), row)).collect())
}

/// Decisions, sorted by what is stored for them.
struct Sorted {
    records: Vec<RecordRow>,
    set_aside: Vec<SetAsideRow>,
    writes: Vec<(Intent, Source)>,
    satisfied: Vec<String>,
    tally: Tally,
    /// The changes were just read; nobody has decided that a parked one may be written again.
    is_page: bool,
}

impl Sorted {
    fn new(origin: &Origin, decided: usize) -> Self {
        let tally = match origin {
            Origin::Released(_) => Tally::default(),
            Origin::Page { superseded } => Tally {
                read: (decided + superseded) as u64,
                skipped_superseded: *superseded as u64,
                ..Tally::default()
            },
        };
        Self {
            records: Vec::with_capacity(decided),
            set_aside: Vec::new(),
            writes: Vec::new(),
            satisfied: Vec::new(),
            tally,
            is_page: matches!(origin, Origin::Page { .. }),
        }
    }

    fn add(
        &mut self,
        (flow, run): (&OpenFlow, &RunId),
        decided: Decided,
        earlier: &HashMap<String, SetAsideRow>,
        now: At,
    ) -> Result<(), Error> {
        self.satisfy_natural(flow, &decided);
        let Decided { change, fate: _, entity_id, known, adopted, has_counterpart, projection } = decided;
        let stays = earlier.get(&change.key).filter(|_| self.is_page && !has_counterpart).and_then(stays_parked);
        let verdict = stays.unwrap_or(projection.verdict);
        let outcome = match &verdict {
            Verdict::Skipped(_) => "skipped",
            Verdict::Unchanged => "unchanged",
            Verdict::Held(_) => "held",
            Verdict::Refused(_) => "exception",
            Verdict::Write { .. } => "intended",
        };
        if let Some(key) = adopted {
            if flow.is_referred_to {
                self.satisfied.push(need::by_key(&flow.entity, &flow.from.system, &change.key));
                self.satisfied.push(need::by_key(&flow.entity, &flow.to.system, &key));
            }
            self.records.push(adopt(flow, &key, &entity_id));
        }
        self.records.push(RecordRow {
            system: flow.from.system.clone(),
            key: change.key.clone(),
            entity_id: entity_id.clone(),
            natural: projection.natural.clone(),
            version: change.version.clone(),
            hash: String::new(),
            state: projection.state,
            is_matched: projection.is_matched,
            flags: Vec::new(),
            outcome: outcome.into(),
        });
        // A newer change of the record has a history of its own.
        let tries = earlier.get(&change.key).filter(|_| !self.is_page).map(|row| row.tries.clone()).unwrap_or_default();
        let mut stop = |kind, stops: Vec<Stop>| {
            let since = earlier.get(&change.key).filter(|row| row.kind == kind).map_or(now, |row| row.since);
            let aside = Aside { kind, stops, change: &change, tries: tries.clone(), since };
            let row = set_aside(flow, run, aside)?;
            self.set_aside.push(row);
            Ok::<(), Error>(())
        };
        match verdict {
            Verdict::Skipped(Skip::Predicate) => self.tally.skipped_predicate += 1,
            Verdict::Skipped(Skip::Transform) => self.tally.skipped_transform += 1,
            Verdict::Unchanged if known.as_ref().is_some_and(is_ours) => self.tally.skipped_echo += 1,
            Verdict::Unchanged => self.tally.unchanged += 1,
            Verdict::Held(stops) => stop(Kind::Hold, stops)?,
            Verdict::Refused(stops) => stop(Kind::Exception, stops)?,
            Verdict::Write { action, key, external_id, data, hash, flags } => {
                let intent =
                    Intent { id: 0, action, key, external_id, expected_version: None, data: json::text(&data) };
                let intent_key = flow.new_key();
                let natural = projection.natural;
                self.writes.push((
                    intent,
                    Source { intent_key, entity_id, hash, natural, flags, unknown_since: None, tries, change },
                ));
            }
        }
        Ok(())
    }

    /// A natural key that was not known before may be what another flow's records wait for.
    fn satisfy_natural(&mut self, flow: &OpenFlow, decided: &Decided) {
        let natural = decided.projection.natural.as_deref();
        let known = decided.known.as_ref().and_then(|row| row.natural.as_deref());
        if let (true, Some(natural), Some(field)) =
            (flow.is_referred_to && natural != known, natural, &flow.natural_field)
        {
            self.satisfied.push(need::by_natural(&flow.entity, field, natural));
        }
    }

    /// What this step adds to its run.
    fn counts(&self, taken_up: u64) -> RunCounts {
        RunCounts {
            read: self.tally.read,
            taken_up,
            written: 0,
            unchanged: self.tally.unchanged,
            skipped: self.tally.skipped(),
            set_aside: self.set_aside.len() as u64,
        }
    }

    fn summary(&self) -> String {
        format!(
            "read {}, intents {}, set aside {}, unchanged {}, skipped {}",
            self.tally.read,
            self.writes.len(),
            self.set_aside.len(),
            self.tally.unchanged,
            self.tally.skipped()
        )
    }
}

/// What becomes of a change whose record has no counterpart and was set aside like this, whatever the change says now: only
/// a person knows whether the target has the record already. None if the change decides.
pub(super) fn stays_parked(earlier: &SetAsideRow) -> Option<Verdict> {
    earlier.is_maybe_done().then(|| Verdict::Held(vec![parked("an earlier attempt was not answered")]))
}

/// Whether the host itself wrote this record of the source last: a change of it that changes nothing is our own write.
pub(super) fn is_ours(known: &RecordRow) -> bool {
    !known.hash.is_empty()
}

fn adopt(flow: &OpenFlow, key: &str, entity_id: &EntityId) -> RecordRow {
    RecordRow {
        system: flow.to.system.clone(),
        key: key.to_owned(),
        entity_id: entity_id.clone(),
        natural: None,
        version: None,
        hash: String::new(),
        state: String::new(),
        is_matched: false,
        flags: Vec::new(),
        outcome: "adopted".into(),
    }
}

/// A change that is set aside, and why.
pub struct Aside<'a> {
    /// What it waits for.
    pub kind: Kind,
    /// Why; the first one's rule stands for all.
    pub stops: Vec<Stop>,
    /// The change.
    pub change: &'a Change,
    /// How often its write was tried.
    pub tries: Tries,
    /// Since when it waits.
    pub since: At,
}

/// The row of a record that is set aside, with what would take it up again and what the decision rests on.
pub fn set_aside(flow: &OpenFlow, run: &RunId, aside: Aside<'_>) -> Result<SetAsideRow, Error> {
    let Aside { kind, stops, change, tries, since } = aside;
    let text = |what: &'static str, result: serde_json::Result<String>| {
        result.map_err(|source| Error::Corrupt { flow: flow.name.clone(), what, source })
    };
    let mut needs: Vec<String> = stops.iter().flat_map(|stop| stop.needs.iter().cloned()).collect();
    needs.sort();
    needs.dedup();
    Ok(SetAsideRow {
        key: change.key.clone(),
        kind,
        rule: stops.first().map(|stop| stop.rule.to_string()).unwrap_or_default(),
        reason: reason(&change.key, &stops),
        detail: text("stop", serde_json::to_string(&stops))?,
        change: text("change", serde_json::to_string(change))?,
        needs,
        tries,
        basis: Basis {
            run: run.clone(),
            map_version: flow.map_version,
            reader: flow.from.plugin.digest().to_string(),
            writer: flow.to.plugin.digest().to_string(),
        },
        since,
    })
}

/// All that a person needs to know, in one sentence: which record, then field, rule and mend of each reason (DQ-03).
fn reason(key: &str, stops: &[Stop]) -> String {
    let one = |stop: &Stop| match stop.field.as_str() {
        "" => format!("rule `{}`: {}", stop.rule, stop.message),
        field => format!("field `{field}`, rule `{}`: {}", stop.rule, stop.message),
    };
    format!("record `{key}`, {}", stops.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn batches(flow: &OpenFlow, writes: Vec<(Intent, Source)>, now: At) -> Vec<Batch> {
    let mut writes = writes.into_iter().peekable();
    let mut batches = Vec::new();
    while writes.peek().is_some() {
        let (intents, sources): (Vec<_>, Vec<_>) = writes.by_ref().take(flow.write_max).unzip();
        batches.push(Batch::new(flow.new_batch(), intents, sources, now));
    }
    batches
}

impl Batch {
    /// A batch of these intents, numbered by their place.
    pub fn new(id: BatchId, mut intents: Vec<Intent>, sources: Vec<Source>, now: At) -> Self {
        assert_eq!(intents.len(), sources.len(), "each intent has its source");
        for (place, intent) in (0..).zip(&mut intents) {
            intent.id = place;
        }
        Self { id, intents, sources, attempt: 0, decided: now, due: now, is_resumed: false }
    }

    /// A batch as it was stored.
    ///
    /// # Errors
    /// The stored JSON is not ours.
    pub fn from_row(row: &BatchRow) -> serde_json::Result<Self> {
        Ok(Self {
            id: row.id.clone(),
            intents: serde_json::from_str(&row.intents)?,
            sources: serde_json::from_str(&row.sources)?,
            attempt: row.attempt,
            decided: row.decided,
            due: row.due,
            is_resumed: true,
        })
    }
}

/// The row of a batch.
pub fn row(flow: &OpenFlow, run: &RunId, batch: &Batch) -> Result<BatchRow, Error> {
    let corrupt = |source| Error::Corrupt { flow: flow.name.clone(), what: "batch", source };
    Ok(BatchRow {
        id: batch.id.clone(),
        flow: flow.name.clone(),
        run: run.clone(),
        connection: flow.to.connection.clone(),
        stream: flow.to.stream.name.as_str().into(),
        intents: serde_json::to_string(&batch.intents).map_err(corrupt)?,
        sources: serde_json::to_string(&batch.sources).map_err(corrupt)?,
        attempt: batch.attempt,
        decided: batch.decided,
        due: batch.due,
        count: u32::try_from(batch.intents.len()).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a person reads names the record once, and field, rule and mend of every reason; a reason about the whole record
    /// names no field (DQ-03).
    #[test]
    fn a_reason_says_it_all() {
        let stop = |field: &str, rule: &str, message: &str| Stop {
            field: field.into(),
            rule: rule.into(),
            message: message.into(),
            needs: Vec::new(),
        };
        let stops = [stop("country", "country", "`Korea` is no country; mend it"), stop("", "merged", "decide")];
        let said =
            "record `001`, field `country`, rule `country`: `Korea` is no country; mend it; rule `merged`: decide";
        assert_eq!(reason("001", &stops), said);
    }
}
