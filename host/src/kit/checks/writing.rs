//! Writing to a stream: two records that are taken, one that is not, an update, the same again, and what goes wrong.

use crate::kit::Error;
use crate::kit::bench::{Bench, Done, How};
use crate::kit::checks::reading::{Read, request};
use crate::kit::checks::{failures, lookup, over, same};
use crate::kit::report::{Check, Verdict};
use crate::kit::script::{StreamScript, WriteScript, fill, object};
use crate::kit::stage::Purpose;
use crate::kit::watch::Trouble;
use std::collections::BTreeSet;
use tollgate_core::model::manifest::Effect;
use tollgate_core::model::schema::{SafeRepeat, Stream};
use tollgate_core::model::{Action, ExternalId, Failure, Intent, Json, Next, Outcome, StreamName, http, json};
use tollgate_sandbox::CallError;

/// Milliseconds that the read after a write looks back: systems whose times have whole seconds need it.
const OVERLAP_MS: u32 = 60_000;
/// Pages in which a written record must come.
const PAGES_MAX: usize = 10;

/// What was written.
pub(super) struct Written {
    /// The keys of the first and the second record.
    pub(super) keys: [String; 2],
    /// Their data, as the script has it.
    pub(super) data: [String; 2],
}

/// What all steps of one stream share.
struct Plan<'a> {
    stream: Stream,
    name: StreamName,
    script: &'a WriteScript,
}

/// Writes and judges; the keys, if both records were written.
pub(super) async fn check(
    bench: &mut Bench<'_>,
    script: &StreamScript,
    read: Option<&Read>,
) -> Result<Option<Written>, Error> {
    let Some(stream) = bench.stream(&script.name).cloned() else { return Ok(None) };
    let Some(write) = &script.write else {
        let why = "kit.toml says nothing of writing to it";
        bench.find(Check::Outcomes, script.name.as_str(), Verdict::skip(why));
        return Ok(None);
    };
    let plan = Plan { stream, name: script.name.clone(), script: write };
    let written = batch(bench, &plan).await?;
    if let Some(written) = &written {
        let verdict = changes(bench, &plan, (read, written)).await?;
        bench.find(Check::Changes, plan.name.as_str(), verdict);
        let verdict = partial(bench, &plan, written).await?;
        bench.find(Check::Partial, plan.name.as_str(), verdict);
        let verdict = repeat(bench, &plan, written).await?;
        bench.find(Check::Repeat, plan.name.as_str(), verdict);
    }
    let verdict = trouble(bench, &plan).await?;
    bench.find(Check::WriteFailures, plan.name.as_str(), verdict);
    Ok(written)
}

impl Plan<'_> {
    /// The intent that makes a record of this text.
    fn make(&self, bench: &Bench<'_>, (id, n): (u32, usize), sample: &str) -> Intent {
        let data = fill(sample, n, &bench.run);
        let link = self.script.link.as_ref().filter(|_| self.stream.writing.upsert);
        let external_id = link.map(|field| {
            let given = object(&data).ok().and_then(|data| data.get(field)?.as_str().map(str::to_owned));
            ExternalId { field: field.clone(), value: given.unwrap_or_else(|| format!("kit-{}-{n}", bench.run)) }
        });
        let action = if external_id.is_some() { Action::Upsert } else { Action::Create };
        Intent { id, action, key: None, external_id, expected_version: None, data }
    }

    /// The name of the intent for this record; the same whenever it is written again.
    fn intent_name(&self, bench: &Bench<'_>, n: usize) -> String {
        format!("kit-{}-{}-{n}", bench.run, self.name)
    }

    async fn write(
        &self,
        bench: &mut Bench<'_>,
        (name, names, intents): (String, Vec<String>, Vec<Intent>),
        how: How,
    ) -> Result<Done<Vec<Outcome>>, Error> {
        let stream = self.name.clone();
        bench
            .call((Purpose::Write(names), name), how, |plugin, broker, limits| async move {
                plugin.write(&stream, &intents, broker, limits).await
            })
            .await
    }
}

/// The first batch: a good record, a bad one, a good one.
async fn batch(bench: &mut Bench<'_>, plan: &Plan<'_>) -> Result<Option<Written>, Error> {
    let name = plan.name.as_str();
    let mut intents = vec![plan.make(bench, (0, 1), &plan.script.create)];
    let mut numbers = vec![1];
    if let Some(bad) = &plan.script.bad {
        intents.push(plan.make(bench, (1, 3), bad));
        numbers.push(3);
    }
    intents.push(plan.make(bench, (u32::try_from(intents.len()).unwrap_or(0), 2), &plan.script.create));
    numbers.push(2);
    let names: Vec<_> = numbers.iter().map(|n| plan.intent_name(bench, *n)).collect();
    let call = (format!("write {name}"), names.clone(), intents.clone());
    let done = plan.write(bench, call, How::default()).await?;
    let outcomes = match done.value("the first write") {
        Ok(outcomes) => outcomes,
        Err(verdict) => {
            bench.find(Check::Outcomes, name, verdict);
            return Ok(None);
        }
    };
    let refused = match &plan.script.bad {
        Some(_) => rejected(&outcomes[1]),
        None => Verdict::skip("kit.toml has no `bad` record"),
    };
    bench.find(Check::Rejects, name, refused);
    let again = (format!("write {name} again"), names, intents.clone());
    let again = plan.write(bench, again, over(&done.exchanges)).await?;
    bench.find(Check::Determinism, format!("{name} (write)"), same((outcomes, &done.exchanges), &again));
    let (first, last) = (&outcomes[0], &outcomes[outcomes.len() - 1]);
    let (Outcome::Written(one), Outcome::Written(two)) = (first, last) else {
        let missing = done.exchanges.iter().find_map(|exchange| exchange.answer.as_ref().err());
        let why = missing.map_or_else(String::new, |error| format!(" ({error:?})"));
        let why = format!("two good records became {first:?} and {last:?}{why}");
        bench.find(Check::Outcomes, name, Verdict::failed(why, "see that the record of kit.toml is taken"));
        return Ok(None);
    };
    let data = [intents[0].data.clone(), intents[intents.len() - 1].data.clone()];
    let written = Written { keys: [one.key.clone(), two.key.clone()], data };
    let verdict = in_order(bench, plan, &written).await?;
    // Keys that belong to other records would fail every check that follows for this one fault.
    let is_known = verdict == Verdict::Passed;
    bench.find(Check::Outcomes, name, verdict);
    Ok(is_known.then_some(written))
}

fn rejected(outcome: &Outcome) -> Verdict {
    const MEND: &str = "answer a record that the system refuses with `rejected` and its reasons (field, rule, message)";
    let is_word = |rule: &str| !rule.is_empty() && rule.len() <= 64 && !rule.contains(char::is_whitespace);
    match outcome {
        Outcome::Rejected(reasons) if reasons.is_empty() => Verdict::failed("it is rejected without a reason", MEND),
        Outcome::Rejected(reasons) => {
            let odd = reasons.iter().find(|reason| !is_word(&reason.rule) || reason.message.is_empty());
            Verdict::of(odd.map(|reason| format!("a reason has no short rule or no message: {reason:?}")), MEND)
        }
        other => Verdict::failed(format!("the bad record of kit.toml became {other:?}"), MEND),
    }
}

/// Whether each key names the record of its own intent.
async fn in_order(bench: &mut Bench<'_>, plan: &Plan<'_>, written: &Written) -> Result<Verdict, Error> {
    if written.keys[0] == written.keys[1] {
        return Ok(Verdict::failed("two records have one key", "give each outcome the key of its own record"));
    }
    if !bench.has("lookup") {
        return Ok(Verdict::Passed);
    }
    for (own, other) in [(0, 1), (1, 0)] {
        let found = match lookup::one(bench, &plan.name, &written.keys[own]).await? {
            Ok(Some(data)) => data,
            Ok(None) => {
                let why = format!("record {} was written and is not found", written.keys[own]);
                return Ok(Verdict::failed(why, "give each outcome the key of its own record"));
            }
            Err(verdict) => return Ok(verdict),
        };
        let like = |index: usize| alike(&found, &written.data[index]);
        if like(other) > like(own) {
            let why = format!("the outcome of intent {own} has the key of the record of another intent");
            return Ok(Verdict::failed(why, "return outcomes in the order of the intents"));
        }
    }
    Ok(Verdict::Passed)
}

/// How many fields of a sample a record has.
fn alike(record: &Json, sample: &str) -> usize {
    let sample = object(sample).unwrap_or_default();
    sample
        .iter()
        .filter(|(name, value)| record.get(name).is_some_and(|found| json::text(found) == json::text(value)))
        .count()
}

/// Whether both records come after the cursor that had caught up before they were written.
async fn changes(
    bench: &mut Bench<'_>,
    plan: &Plan<'_>,
    (read, written): (Option<&Read>, &Written),
) -> Result<Verdict, Error> {
    let Some(mut cursor) = read.and_then(|read| read.caught_up.clone()) else {
        return Ok(Verdict::skip("the stream was not read to its end before"));
    };
    if !plan.stream.reading.incremental {
        return Ok(Verdict::skip("the stream is not incremental"));
    }
    let mut missing: BTreeSet<_> = written.keys.iter().cloned().collect();
    for page in 1..=PAGES_MAX {
        let name = format!("read {} after the write, page {page}", plan.name);
        let done = bench.read((name, request(&plan.name, Some(&cursor), OVERLAP_MS)), How::default()).await?;
        let page = match done.value("reading after the write") {
            Ok(page) => page,
            Err(verdict) => return Ok(verdict),
        };
        missing.retain(|key| page.changes.iter().all(|change| change.key != *key));
        match &page.next {
            Next::More(next) => cursor.clone_from(next),
            Next::Wait(later) => cursor.clone_from(&later.ticket),
            Next::CaughtUp(_) => break,
        }
    }
    let why = missing.first().map(|key| format!("record {key} was written and does not come"));
    Ok(Verdict::of(why, "read what changed since the cursor, new records included"))
}

/// An update of some fields; the others must be what they were.
async fn partial(bench: &mut Bench<'_>, plan: &Plan<'_>, written: &Written) -> Result<Verdict, Error> {
    let Some(update) = &plan.script.update else { return Ok(Verdict::skip("kit.toml has no `update`")) };
    if !plan.stream.writing.partial || !plan.stream.writing.update {
        return Ok(Verdict::skip("the stream is not updated field by field"));
    }
    if !bench.has("lookup") {
        return Ok(Verdict::skip("without `lookup` nobody can see what became of the other fields"));
    }
    let (data, key) = (fill(update, 1, &bench.run), written.keys[0].clone());
    let changed = object(&data).unwrap_or_default();
    let before = match lookup::one(bench, &plan.name, &key).await? {
        Ok(found) => found.unwrap_or_default(),
        Err(verdict) => return Ok(verdict),
    };
    let intent = Intent {
        id: 0,
        action: Action::Update,
        key: Some(key.clone()),
        external_id: None,
        expected_version: None,
        data,
    };
    let call = (format!("update {}", plan.name), vec![plan.intent_name(bench, 4)], vec![intent]);
    let done = plan.write(bench, call, How::default()).await?;
    match done.value("the update") {
        Ok(outcomes) if matches!(outcomes[0], Outcome::Written(_) | Outcome::Unchanged(_)) => {}
        Ok(outcomes) => {
            let why = format!("the update of kit.toml became {:?}", outcomes[0]);
            return Ok(Verdict::failed(why, "see that the update of kit.toml is taken"));
        }
        Err(verdict) => return Ok(verdict),
    }
    let after = match lookup::one(bench, &plan.name, &key).await? {
        Ok(found) => found.unwrap_or_default(),
        Err(verdict) => return Ok(verdict),
    };
    let sample = object(&written.data[0]).unwrap_or_default();
    let mut kept = sample.keys().filter(|name| !changed.contains_key(*name));
    let lost = kept.find(|name| before.get(*name).map(json::text) != after.get(*name).map(json::text));
    let stale =
        changed.keys().find(|name| sample.get(*name) != changed.get(*name) && before.get(*name) == after.get(*name));
    let why = lost
        .map(|name| format!("`{name}` was not in the update and is another one now"))
        .or_else(|| stale.map(|name| format!("`{name}` was in the update and is what it was")));
    Ok(Verdict::of(why, "send the fields of the intent and no others"))
}

/// The same write again, as harmless as the stream declares.
async fn repeat(bench: &mut Bench<'_>, plan: &Plan<'_>, written: &Written) -> Result<Verdict, Error> {
    const MEND: &str = "declare what the system really does with the same write: `repeat` of the stream";
    match plan.stream.repeat {
        SafeRepeat::None => return Ok(Verdict::skip("the stream declares that nothing makes a write repeatable")),
        SafeRepeat::ReadBack => return read_back(bench, plan, written).await,
        SafeRepeat::ExternalId if plan.script.link.is_none() || !plan.stream.writing.upsert => {
            return Ok(Verdict::skip("kit.toml names no `link`: the stream is repeatable by external id"));
        }
        SafeRepeat::Key(_) if !has_idempotency(bench) => {
            return Ok(Verdict::failed("no route that writes has an `idempotency_header` in plugin.toml", MEND));
        }
        SafeRepeat::ExternalId | SafeRepeat::Key(_) => {}
    }
    let intent = plan.make(bench, (0, 1), &plan.script.create);
    let call = (format!("write {} twice", plan.name), vec![plan.intent_name(bench, 1)], vec![intent]);
    let done = plan.write(bench, call, How::default()).await?;
    let outcome = match done.value("the repeated write") {
        Ok(outcomes) => &outcomes[0],
        Err(verdict) => return Ok(verdict),
    };
    let is_upsert = plan.stream.repeat == SafeRepeat::ExternalId;
    Ok(match outcome {
        Outcome::Written(again) | Outcome::Unchanged(again) if again.key != written.keys[0] => {
            Verdict::failed(format!("the same write made record {} and then {}", written.keys[0], again.key), MEND)
        }
        Outcome::Written(again) if is_upsert && again.created => Verdict::failed(
            "the second time says `created`, and the record was there",
            "say `created` only of new records",
        ),
        Outcome::Written(_) | Outcome::Unchanged(_) => Verdict::Passed,
        other => Verdict::failed(format!("the second time became {other:?}"), MEND),
    })
}

fn has_idempotency(bench: &Bench<'_>) -> bool {
    let routes = &bench.manifest().routes;
    routes.iter().any(|route| route.effect != Effect::None && route.idempotency_header.is_some())
}

async fn read_back(bench: &mut Bench<'_>, plan: &Plan<'_>, written: &Written) -> Result<Verdict, Error> {
    let Some(field) = &plan.script.find else {
        return Ok(Verdict::skip("kit.toml names no field to `find` a record by"));
    };
    if !bench.has("lookup") {
        return Ok(Verdict::failed("the stream is read back, and the plugin exports no `lookup`", "export `lookup`"));
    }
    let found = lookup::by_field(bench, &plan.name, (field, &written.data[0])).await?;
    Ok(match found {
        Ok(keys) if keys.contains(&written.keys[0]) => Verdict::Passed,
        Ok(_) => Verdict::failed(
            format!("record {} was written and is not found by `{field}`", written.keys[0]),
            "let `search` find what `write` stored",
        ),
        Err(verdict) => verdict,
    })
}

/// Wrong answers to the requests that write; none of them leaves.
async fn trouble(bench: &mut Bench<'_>, plan: &Plan<'_>) -> Result<Verdict, Error> {
    let mut verdict = Verdict::Passed;
    for case in failures::cases() {
        let (is, expected, what) = (case.is, case.expected, case.what);
        let judge = |outcome: &Outcome| match outcome {
            Outcome::Failed(failure) => is(failure),
            // After a 5xx the work may be done; only what the system throttled or refused is known not to be.
            Outcome::Unknown(_) => what == "500" || what == "503",
            _ => false,
        };
        let one = troubled(bench, plan, (what, Trouble { from: 0, effects_only: true, answer: case.answer })).await?;
        verdict = failures::worse(verdict, judged(&one, (what, expected), &is, judge));
    }
    let lost =
        Trouble { from: 0, effects_only: true, answer: Err(http::Error::SentNoAnswer("provoked by the kit".into())) };
    let one = troubled(bench, plan, ("a lost answer", lost)).await?;
    let judge = |outcome: &Outcome| matches!(outcome, Outcome::Unknown(_) | Outcome::Failed(Failure::Transient(_)));
    Ok(failures::worse(verdict, judged(&one, ("a lost answer", "unknown"), &|_| false, judge)))
}

async fn troubled(
    bench: &mut Bench<'_>,
    plan: &Plan<'_>,
    (what, trouble): (&str, Trouble),
) -> Result<Done<Vec<Outcome>>, Error> {
    let intents = vec![plan.make(bench, (0, 5), &plan.script.create), plan.make(bench, (1, 6), &plan.script.create)];
    let names = vec![plan.intent_name(bench, 5), plan.intent_name(bench, 6)];
    plan.write(bench, (format!("write {}, {what}", plan.name), names, intents), How::troubled(trouble)).await
}

fn judged(
    done: &Done<Vec<Outcome>>,
    (what, expected): (&str, &str),
    is: &dyn Fn(&Failure) -> bool,
    judge: impl Fn(&Outcome) -> bool,
) -> Verdict {
    let mend = format!("answer with `{expected}` (the SDK's `error::of_write` and `http::Error::outcome` do)");
    match &done.result {
        // An `err` says that nothing was written, which holds where the first request was refused.
        Err(CallError::Failure(failure)) if is(failure) => Verdict::Passed,
        Err(CallError::Failure(failure)) => {
            Verdict::failed(format!("{what} on the request that writes: the write says `{failure}`"), mend)
        }
        Err(_) => done.value(&format!("a write with {what}")).err().unwrap_or(Verdict::Passed),
        Ok(outcomes) => {
            let wrong = outcomes.iter().find(|outcome| !judge(outcome));
            Verdict::of(wrong.map(|outcome| format!("{what} on the request that writes became {outcome:?}")), &mend)
        }
    }
}
