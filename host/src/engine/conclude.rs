//! Commits what became of a batch: outcomes, identity, released holds, what is tried again, the checkpoint, the counts.
//! All of it is one transaction.

use crate::engine::Error;
use crate::engine::deliver::Delivered;
use crate::engine::flow::OpenFlow;
use crate::engine::intend::{Aside, Batch, Source, guard, row, set_aside};
use crate::engine::run::Run;
use crate::engine::settle::{Circumstances, Settled, repeat_of, settle};
use crate::store::{Checkpoint, Kind, RecordRow, RunCounts, SetAsideRow};
use tollgate_core::entity::need;
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{At, Fence, Intent, Outcome, RunId, Written, audit};
use tollgate_core::retry;

/// What is left to do after a batch was committed.
pub struct Concluded {
    /// The intents that are tried again.
    pub again: Option<Batch>,
    /// Set-aside records, of any flow, that may be taken up again.
    pub released: u64,
    /// Why the flow gets nowhere, if the trouble is not a record's own.
    pub trouble: Option<String>,
}

/// Commits the outcomes of a batch. `checkpoint` is stored if nothing of the batch is tried again.
///
/// # Errors
/// [`Error::Fenced`] if another node holds the flow; otherwise the store. Nothing is stored then, and the batch stays
/// open with its stored answers.
pub async fn commit(
    flow: &OpenFlow,
    fence: Fence,
    run: &Run,
    delivered: Delivered,
    checkpoint: Option<Checkpoint>,
) -> Result<Concluded, Error> {
    let Delivered { batch, outcomes, is_cut_short } = delivered;
    let now = flow.clock.now();
    let id = batch.id.clone();
    let jitter = flow.jitter();
    if let (true, Some(after_ms)) = (is_cut_short, retry::delay_ms(batch.attempt, jitter)) {
        let mut batch = Batch { attempt: batch.attempt + 1, due: now.plus_ms(after_ms), is_resumed: true, ..batch };
        batch
            .sources
            .iter_mut()
            .for_each(|source| source.tries.add(now, "the call ended before it said what became of it"));
        return run_again(flow, fence, &run.row.id, batch).await;
    }
    let mut sorted = Sorted::default();
    for ((intent, mut source), outcome) in batch.intents.into_iter().zip(batch.sources).zip(outcomes) {
        if let Outcome::Unknown(_) = outcome {
            source.unknown_since.get_or_insert(now);
        }
        let repeat = repeat_of(intent.action, flow.to.stream.repeat);
        let unknown_for_ms = source.unknown_since.map(|since| now.since_ms(since));
        let circumstances = Circumstances { attempt: batch.attempt, repeat, jitter, unknown_for_ms };
        sorted.add((flow, &run.row.id), (intent, source), settle(outcome, circumstances), now)?;
    }
    let summary = sorted.summary(&id);
    let again = sorted.again(flow, batch.attempt, now);

    let audit = audit::Record::new("engine", "flow.outcomes", format!("flow:{}", flow.name), summary);
    let mut commit = flow.store.begin(&flow.tenant, audit, now).await?;
    guard(&mut commit, flow, fence).await?;
    commit.put_records(&flow.entity, &sorted.records, fence, now).await?;
    // Nothing can satisfy these but a person, so that no need can have been satisfied in the meantime.
    commit.put_set_aside(&flow.name, &sorted.set_aside, fence, i64::MAX).await?;
    commit.remove_batch(&id).await?;
    let rows = again.iter().map(|batch| row(flow, &run.row.id, batch)).collect::<Result<Vec<_>, _>>()?;
    commit.put_batches(&rows, fence).await?;
    let needs: Vec<&str> = sorted.satisfied.iter().map(String::as_str).collect();
    let released = commit.release(&needs).await?;
    commit.add_tally(&flow.name, &sorted.tally, fence).await?;
    run.add(&mut commit, sorted.counts(), fence).await?;
    if let (Some(checkpoint), None) = (&checkpoint, &again) {
        commit.put_checkpoint(&flow.name, checkpoint, fence).await?;
    }
    commit.finish().await?;
    Ok(Concluded { again, released, trouble: sorted.trouble })
}

/// Keeps the batch under its own id: the answers that are stored say what its requests did, so that the next call goes on
/// where this one ended.
async fn run_again(flow: &OpenFlow, fence: Fence, run: &RunId, batch: Batch) -> Result<Concluded, Error> {
    let summary = format!("batch {}: ended early; run again over its answers", batch.id);
    let audit = audit::Record::new("engine", "flow.outcomes", format!("flow:{}", flow.name), summary);
    let mut commit = flow.store.begin(&flow.tenant, audit, flow.clock.now()).await?;
    guard(&mut commit, flow, fence).await?;
    commit.put_batches(&[row(flow, run, &batch)?], fence).await?;
    commit.finish().await?;
    Ok(Concluded { again: Some(batch), released: 0, trouble: None })
}

/// Settled intents, sorted by what is stored for them.
#[derive(Default)]
struct Sorted {
    records: Vec<RecordRow>,
    set_aside: Vec<SetAsideRow>,
    again: Vec<(Intent, Source)>,
    after_ms: u64,
    /// Whether an intent that is tried again has failed by itself: only then an attempt is counted.
    is_counted: bool,
    satisfied: Vec<String>,
    tally: Tally,
    trouble: Option<String>,
}

impl Sorted {
    fn add(
        &mut self,
        (flow, run): (&OpenFlow, &RunId),
        (intent, mut source): (Intent, Source),
        settled: Settled,
        now: At,
    ) -> Result<(), Error> {
        let (kind, stops) = match settled {
            Settled::Done { written, is_change } => {
                self.done(flow, source, written, is_change);
                return Ok(());
            }
            Settled::Again { after_ms, counts, reason } => {
                self.after_ms = self.after_ms.max(after_ms);
                self.is_counted |= counts;
                source.tries.add(now, &reason);
                if !counts {
                    self.trouble = Some(reason);
                }
                self.again.push((intent, source));
                return Ok(());
            }
            Settled::Exception(stops) => (Kind::Exception, stops),
            Settled::Held(stop) => (Kind::Hold, vec![stop]),
            Settled::DeadLetter(stop) => (Kind::DeadLetter, vec![stop]),
        };
        source.tries.add(now, stops.first().map_or("", |stop| stop.message.as_str()));
        let aside = Aside { kind, stops, change: &source.change, tries: source.tries, since: now };
        self.set_aside.push(set_aside(flow, run, aside)?);
        Ok(())
    }

    fn done(&mut self, flow: &OpenFlow, source: Source, written: Written, is_change: bool) {
        if is_change {
            self.tally.written += 1;
        } else {
            self.tally.unchanged += 1;
        }
        if flow.is_referred_to {
            self.satisfied.push(need::by_key(&flow.entity, &flow.from.system, &source.change.key));
            self.satisfied.push(need::by_key(&flow.entity, &flow.to.system, &written.key));
            if let (Some(field), Some(natural)) = (&flow.natural_field, &source.natural) {
                self.satisfied.push(need::by_natural(&flow.entity, field, natural));
            }
        }
        self.records.push(RecordRow {
            system: flow.to.system.clone(),
            key: written.key,
            entity_id: source.entity_id,
            natural: source.natural,
            version: written.version,
            hash: source.hash,
            state: String::new(),
            is_matched: false,
            flags: source.flags,
            outcome: if is_change { "written" } else { "unchanged" }.into(),
        });
    }

    fn again(&mut self, flow: &OpenFlow, attempt: u32, now: At) -> Option<Batch> {
        if self.again.is_empty() {
            return None;
        }
        let (intents, sources) = std::mem::take(&mut self.again).into_iter().unzip();
        let attempt = attempt + u32::from(self.is_counted);
        let due = now.plus_ms(self.after_ms);
        Some(Batch { attempt, due, ..Batch::new(flow.new_batch(), intents, sources, now) })
    }

    /// What this batch adds to the run that wrote it.
    fn counts(&self) -> RunCounts {
        RunCounts {
            written: self.tally.written,
            unchanged: self.tally.unchanged,
            set_aside: self.set_aside.len() as u64,
            ..RunCounts::default()
        }
    }

    fn summary(&self, id: &tollgate_core::model::BatchId) -> String {
        format!(
            "batch {id}: written {}, unchanged {}, set aside {}, again {}",
            self.tally.written,
            self.tally.unchanged,
            self.set_aside.len(),
            self.again.len()
        )
    }
}
