//! Finding records: by key, in order, and by condition.

use crate::kit::Error;
use crate::kit::bench::{Bench, Done, How};
use crate::kit::checks::reading::Read;
use crate::kit::checks::writing::Written;
use crate::kit::report::{Check, Verdict};
use crate::kit::script::{StreamScript, object};
use crate::kit::stage::Purpose;
use std::collections::BTreeSet;
use tollgate_core::model::{Change, Comparison, Condition, Json, StreamName, json};
use tollgate_sandbox::Search;

/// A key that no system gives.
const NO_KEY: &str = "kit-no-such-key";
/// Records that a search may bring.
const FOUND_MAX: u32 = 50;

/// Judges `fetch` and `search` with the records that were written, or else read.
pub(super) async fn check(
    bench: &mut Bench<'_>,
    script: &StreamScript,
    (read, written): (Option<&Read>, Option<&Written>),
) -> Result<(), Error> {
    if !bench.has("lookup") {
        return Ok(());
    }
    let known: Vec<String> = match (written, read) {
        (Some(written), _) => written.keys.to_vec(),
        (None, Some(read)) => distinct(read),
        (None, None) => Vec::new(),
    };
    let verdict = match &known[..] {
        [] => Verdict::skip("no record is known to look up"),
        [one, rest @ ..] => {
            let other = rest.first().unwrap_or(one).clone();
            match fetched(bench, &script.name, (&other, one)).await? {
                Verdict::Passed => searched(bench, script, (one, read, written)).await?,
                failed => failed,
            }
        }
    };
    bench.find(Check::Lookup, script.name.as_str(), verdict);
    Ok(())
}

fn distinct(read: &Read) -> Vec<String> {
    let mut seen = BTreeSet::new();
    read.changes().map(|change| change.key.clone()).filter(|key| seen.insert(key.clone())).take(2).collect()
}

async fn fetch(
    bench: &mut Bench<'_>,
    stream: &StreamName,
    keys: Vec<String>,
) -> Result<Done<Vec<Option<Change>>>, Error> {
    let (stream, name) = (stream.clone(), format!("fetch {stream}"));
    bench
        .call((Purpose::Lookup, name), How::default(), |plugin, broker, limits| async move {
            plugin.fetch(&stream, &keys, broker, limits).await
        })
        .await
}

/// The data of one record; none where there is no such record.
pub(super) async fn one(
    bench: &mut Bench<'_>,
    stream: &StreamName,
    key: &str,
) -> Result<Result<Option<Json>, Verdict>, Error> {
    let done = fetch(bench, stream, vec![key.to_owned()]).await?;
    Ok(done
        .value("looking the record up")
        .map(|found| found[0].as_ref().and_then(|change| json::parse(&change.data).ok())))
}

async fn fetched(bench: &mut Bench<'_>, stream: &StreamName, (one, two): (&str, &str)) -> Result<Verdict, Error> {
    let done = fetch(bench, stream, vec![one.into(), NO_KEY.into(), two.into()]).await?;
    let found = match done.value("looking three keys up") {
        Ok(found) => found,
        Err(verdict) => return Ok(verdict),
    };
    let keys: Vec<_> = found.iter().map(|change| change.as_ref().map(|change| change.key.as_str())).collect();
    let why = (keys != [Some(one), None, Some(two)])
        .then(|| format!("asked for {one}, a key that there is not, and {two}, it found {keys:?}"));
    Ok(Verdict::of(why, "return one record or none for each key, in the order of the keys"))
}

async fn search(bench: &mut Bench<'_>, stream: &StreamName, condition: Condition) -> Result<Done<Vec<Change>>, Error> {
    let (stream, name) = (stream.clone(), format!("search {stream} by {}", condition.field));
    bench
        .call((Purpose::Lookup, name), How::default(), |plugin, broker, limits| async move {
            let only = [condition];
            plugin.search(Search { stream: &stream, only: &only, most: FOUND_MAX }, broker, limits).await
        })
        .await
}

/// The keys of the records that have a field as in this sample.
pub(super) async fn by_field(
    bench: &mut Bench<'_>,
    stream: &StreamName,
    (field, sample): (&str, &str),
) -> Result<Result<BTreeSet<String>, Verdict>, Error> {
    let sample = Json::Object(object(sample).unwrap_or_default());
    let Some(value) = json::at(&sample, field) else {
        return Ok(Err(Verdict::skip(format!("the sample of kit.toml has no `{field}`"))));
    };
    let condition = Condition { field: field.to_owned(), is: Comparison::Equal(json::text(value)) };
    let done = search(bench, stream, condition).await?;
    Ok(done.value("searching").map(|found| found.iter().map(|change| change.key.clone()).collect()))
}

/// A search by a field of a known record finds that record, and none that has another value there.
async fn searched(
    bench: &mut Bench<'_>,
    script: &StreamScript,
    (key, read, written): (&str, Option<&Read>, Option<&Written>),
) -> Result<Verdict, Error> {
    let matchable = bench.stream(&script.name).map(|stream| stream.matchable.clone()).unwrap_or_default();
    let named = script.write.as_ref().and_then(|write| write.find.clone());
    let sample = match (written, read) {
        (Some(written), _) => written.data[0].clone(),
        (None, Some(read)) => {
            read.changes().find(|change| change.key == key).map(|c| c.data.clone()).unwrap_or_default()
        }
        (None, None) => String::new(),
    };
    let data = Json::Object(object(&sample).unwrap_or_default());
    let has_text = |field: &&String| json::at(&data, field).is_some_and(Json::is_string);
    let Some(field) = named.or_else(|| matchable.iter().find(has_text).cloned()) else {
        return Ok(Verdict::Passed);
    };
    Ok(match by_field(bench, &script.name, (&field, &sample)).await? {
        Ok(keys) if keys.contains(key) || keys.len() == FOUND_MAX as usize => Verdict::Passed,
        Ok(keys) => Verdict::failed(
            format!("searching by `{field}` finds {} records and not {key}, which has that value", keys.len()),
            "let `search` find the records that meet all conditions",
        ),
        Err(Verdict::NotApplicable(_)) => Verdict::Passed,
        Err(verdict) => verdict,
    })
}
