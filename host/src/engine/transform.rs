//! What the flow's transforms make of a page, before the entity map sees it.
//!
//! Each transform runs in a fresh instance, with its settings and without network, on what the one before it left. For
//! each change it says what takes its place. One that is left out is counted as skipped; one that is refused becomes an
//! exception; a transform that gives no answer stops the page as a source does that cannot be read, and is tried again
//! with it.
//!
//! Decision: what is stored is the change as the transforms left it, never as it was read. A transform may be there to
//! keep a value away from us, so that storing what it has not yet seen would defeat it; and a change that is taken up
//! again is decided at once, not transformed a second time, so that a correction by a person is what counts. For the same
//! reason nothing is stored of a refused record but its key: whoever takes it up again has it read anew from its source
//! ([`read_again`]) and transformed then. (Rejected: storing the change as it was read, with a note of how far it had
//! come. It keeps what `redact` refused to let through.)

use crate::engine::flow::{OpenFlow, OpenTransform};
use crate::engine::{Error, describe};
use crate::gate::{CallContext, Purpose, TransformDoor};
use std::collections::HashMap;
use std::sync::Arc;
use tollgate_core::entity::Stop;
use tollgate_core::model::{Change, Operation, RunId, Violation, limits};
use tollgate_sandbox::{CallError, CallLimits};

/// A change on its way from the transforms to the entity map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The change; without its data unless it passed.
    pub change: Change,
    /// What the transforms say of it.
    pub fate: Fate,
}

/// What the transforms say of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is to be decided.
    Passed,
    /// Nothing takes its place.
    Dropped,
    /// It is an exception.
    Refused(Stop),
}

impl Incoming {
    /// A change that nothing stands against.
    pub fn passed(change: Change) -> Self {
        Self { change, fate: Fate::Passed }
    }

    fn dropped(change: Change) -> Self {
        Self { change: withheld(change), fate: Fate::Dropped }
    }

    fn refused(change: Change, stop: Stop) -> Self {
        Self { change: withheld(change), fate: Fate::Refused(stop) }
    }

    fn is_passed(&self) -> bool {
        self.fate == Fate::Passed
    }
}

/// The change without its data. No stored data is empty otherwise: a record's is JSON.
fn withheld(change: Change) -> Change {
    Change { data: String::new(), ..change }
}

fn is_withheld(change: &Change) -> bool {
    change.data.is_empty() && matches!(change.operation, Operation::Whole | Operation::Partial)
}

/// Takes a page through all transforms of the flow, in order.
///
/// # Errors
/// The first transform that gave no answer, or none that the contract allows.
pub async fn apply(flow: &OpenFlow, run: &RunId, changes: Vec<Change>) -> Result<Vec<Incoming>, Error> {
    let mut incoming: Vec<Incoming> = changes.into_iter().map(Incoming::passed).collect();
    for transform in &flow.transforms {
        let passed = incoming.iter().filter(|one| one.is_passed()).map(|one| one.change.clone()).collect();
        let results = call(flow, run, transform, passed).await.map_err(|source| Error::Transform {
            flow: flow.name.clone(),
            plugin: transform.name.clone(),
            source,
        })?;
        incoming = replace(incoming, results, &transform.name);
    }
    Ok(incoming)
}

type Results = Vec<Result<Vec<Change>, Violation>>;

/// One call: one result for each change, of the stream that is read and together no more than a page.
async fn call(
    flow: &OpenFlow,
    run: &RunId,
    transform: &OpenTransform,
    changes: Vec<Change>,
) -> Result<Results, CallError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let door = TransformDoor::new(&transform.name, run.clone(), &transform.settings, flow.clock.clone());
    let results = transform.plugin.apply(changes, Arc::new(door), CallLimits::default()).await?;
    let stream = flow.from.stream.name.as_str();
    let strange = results.iter().flatten().flatten().find(|change| change.stream.as_str() != stream);
    match strange {
        Some(change) => Err(CallError::Broke(format!(
            "`transform.apply` made a change of stream `{}`; this flow reads `{stream}`",
            change.stream
        ))),
        None => Ok(results),
    }
}

/// Puts the results in the places of the changes that passed so far.
fn replace(incoming: Vec<Incoming>, results: Results, name: &str) -> Vec<Incoming> {
    let mut results = results.into_iter();
    let mut replaced = Vec::with_capacity(incoming.len());
    for one in incoming {
        // The sandbox has counted the results: there is one for each change that was given.
        let result = if one.is_passed() { results.next() } else { None };
        match result {
            None => replaced.push(one),
            Some(Ok(changes)) if changes.is_empty() => replaced.push(Incoming::dropped(one.change)),
            Some(Ok(changes)) => replaced.extend(changes.into_iter().map(Incoming::passed)),
            Some(Err(violation)) => {
                let stop = stop(violation, name);
                replaced.push(Incoming::refused(one.change, stop));
            }
        }
    }
    replaced
}

fn stop(violation: Violation, name: &str) -> Stop {
    Stop {
        field: violation.field.unwrap_or_default(),
        rule: violation.rule,
        message: format!("{} (refused by transform `{name}`, so that its data is not kept)", violation.message),
        needs: Vec::new(),
    }
}

/// Changes that are taken up again. Those that passed when they were read go on as they are; those whose data was
/// withheld are read from their source again and transformed. What cannot be had is an exception again, with the reason.
pub async fn read_again(flow: &OpenFlow, run: &RunId, changes: Vec<Change>) -> Vec<Incoming> {
    let keys: Vec<String> = changes.iter().filter(|one| is_withheld(one)).map(|one| one.key.clone()).collect();
    let mut found = HashMap::new();
    for keys in keys.chunks(limits::FETCH_KEYS_MAX) {
        let again = fetch(flow, run, keys).await;
        found.extend(keys.iter().cloned().zip(again));
    }
    let again = |change: Change| match found.remove(&change.key) {
        None => Incoming::passed(change),
        Some(Ok(incoming)) => incoming,
        Some(Err(why)) => Incoming::refused(change, not_again(&why)),
    };
    changes.into_iter().map(again).collect()
}

fn not_again(why: &str) -> Stop {
    let message = format!(
        "a transform refused this record, and its data was not kept; {why}. Mend it in its source, or put the whole \
         record here as it is to be mapped"
    );
    Stop { field: String::new(), rule: "withheld".into(), message, needs: Vec::new() }
}

/// One answer for each key.
async fn fetch(flow: &OpenFlow, run: &RunId, keys: &[String]) -> Vec<Result<Incoming, String>> {
    let from = &flow.from;
    if from.plugin.exports().iter().all(|export| !export.contains("/lookup@")) {
        let why = format!("connection `{}` cannot be asked for a single record", from.connection);
        return vec![Err(why); keys.len()];
    }
    let call =
        CallContext { run: run.clone(), purpose: Purpose::Lookup, seed: flow.new_seed(), lease: Arc::new(|| true) };
    let door = flow.gate.door(from.line.clone(), call);
    let stream = from.stream.name.as_str().into();
    let fetched = match from.plugin.fetch(&stream, keys, door, CallLimits::default()).await {
        Ok(fetched) => fetched,
        Err(error) => return vec![Err(format!("reading it again failed: {error}")); keys.len()],
    };
    let changes: Vec<Change> = fetched.into_iter().flatten().collect();
    let mut by_key: HashMap<String, Vec<Incoming>> = HashMap::new();
    match apply(flow, run, changes).await {
        Ok(incoming) => {
            incoming.into_iter().for_each(|one| by_key.entry(one.change.key.clone()).or_default().push(one));
        }
        Err(error) => return vec![Err(describe(&error)); keys.len()],
    }
    keys.iter().map(|key| one_of(by_key.remove(key), &from.connection)).collect()
}

/// What was set aside as one change is taken up as one: anything else would be counted wrongly.
fn one_of(found: Option<Vec<Incoming>>, connection: &tollgate_core::model::ConnectionName) -> Result<Incoming, String> {
    match found.map(<[Incoming; 1]>::try_from) {
        Some(Ok([one])) => Ok(one),
        Some(Err(several)) => {
            Err(format!("it became {} changes, which only reading the flow anew takes up", several.len()))
        }
        None => Err(format!("`{connection}` gave no record under its key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, data: &str) -> Change {
        Change {
            stream: "s".into(),
            key: key.into(),
            operation: Operation::Whole,
            version: None,
            modified_at: None,
            data: data.into(),
        }
    }

    /// Two transforms after one another: the results of the second find their places among what the first one left, and
    /// nothing that was dropped or refused keeps its data.
    #[test]
    fn results_find_their_places() {
        let read = ["a", "b", "c", "d"].map(|key| Incoming::passed(change(key, "{\"secret\":1}")));
        let refused = || Violation { field: Some("f".into()), rule: "r".into(), message: "no".into() };
        let first = vec![
            Ok(vec![change("a", "{}")]),
            Err(refused()),
            Ok(vec![change("c1", "{}"), change("c2", "{}")]),
            Ok(vec![]),
        ];
        let after_first = replace(read.into(), first, "v/one");
        let second = vec![Ok(vec![]), Ok(vec![change("c1", "[]")]), Err(refused())];
        let after = replace(after_first, second, "v/two");

        let shown: Vec<_> = after
            .iter()
            .map(|one| {
                let fate = match &one.fate {
                    Fate::Passed => "passed".to_owned(),
                    Fate::Dropped => "dropped".to_owned(),
                    Fate::Refused(stop) => format!("{} {} {}", stop.field, stop.rule, stop.message),
                };
                (one.change.key.as_str(), one.change.data.as_str(), fate)
            })
            .collect();
        let no = |name| format!("f r no (refused by transform `{name}`, so that its data is not kept)");
        assert_eq!(
            shown,
            [
                ("a", "", "dropped".to_owned()),
                ("b", "", no("v/one")),
                ("c1", "[]", "passed".to_owned()),
                ("c2", "", no("v/two")),
                ("d", "", "dropped".to_owned()),
            ]
        );
        assert!(is_withheld(&after[1].change) && !is_withheld(&after[2].change));
    }

    /// A record that was set aside once is taken up once, or not at all.
    #[test]
    fn one_stays_one() {
        let one = || Incoming::passed(change("a", "{}"));
        let name = "c".into();
        assert_eq!(one_of(Some(vec![one()]), &name), Ok(one()));
        assert!(one_of(Some(vec![one(), one()]), &name).unwrap_err().contains("2 changes"));
        assert!(one_of(None, &name).unwrap_err().contains("no record"));
    }
}
