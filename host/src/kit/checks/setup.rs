//! Who is there, and what: `setup.check` and `setup.discover`.

use crate::kit::Error;
use crate::kit::bench::{Bench, How};
use crate::kit::report::{Check, Verdict};
use crate::kit::stage::Purpose;
use std::collections::BTreeSet;
use tollgate_core::model::schema::{Account, Stream};

/// Calls both and keeps what was discovered.
pub(super) async fn check(bench: &mut Bench<'_>) -> Result<(), Error> {
    let account = bench
        .call((Purpose::Check, "check".into()), How::default(), |plugin, broker, limits| async move {
            plugin.check(broker, limits).await
        })
        .await?;
    let discovered = bench
        .call((Purpose::Discover, "discover".into()), How::default(), |plugin, broker, limits| async move {
            plugin.discover(broker, limits).await
        })
        .await?;
    let judged = match (account.value("`check`"), discovered.value("`discover`")) {
        (Ok(account), Ok(streams)) => {
            bench.streams.clone_from(streams);
            let complaint = nameless(account).or_else(|| unfit(bench, streams));
            Verdict::of(complaint, "describe the account and each stream as the system has them")
        }
        // The other half still serves the checks that follow.
        (account, streams) => {
            bench.streams = streams.cloned().unwrap_or_default();
            account.err().or(discovered.value("`discover`").err()).unwrap_or(Verdict::Passed)
        }
    };
    bench.find(Check::Setup, "", judged);
    Ok(())
}

fn nameless(account: &Account) -> Option<String> {
    let is_empty = |text: &str| text.trim().is_empty();
    is_empty(&account.id).then(|| "the account has no id: nobody could confirm it".to_owned())
}

/// What the streams say that cannot be.
fn unfit(bench: &Bench<'_>, streams: &[Stream]) -> Option<String> {
    let mut names = BTreeSet::new();
    if let Some(twice) = streams.iter().find(|stream| !names.insert(stream.name.as_str())) {
        return Some(format!("stream `{}` is there twice", twice.name));
    }
    if let Some(missing) = bench.script.streams.iter().find(|script| !names.contains(script.name.as_str())) {
        let names: Vec<_> = names.iter().copied().collect();
        return Some(format!("kit.toml names stream `{}`; there are: {}", missing.name, names.join(", ")));
    }
    streams.iter().find_map(|stream| stream_unfit(bench, stream))
}

fn stream_unfit(bench: &Bench<'_>, stream: &Stream) -> Option<String> {
    let mut paths = BTreeSet::new();
    if let Some(twice) = stream.fields.iter().find(|field| !paths.insert(field.path.as_str())) {
        return Some(format!("stream `{}`: field `{}` is there twice", stream.name, twice.path));
    }
    let named = [("filterable", &stream.filterable), ("matchable", &stream.matchable)];
    for (what, fields) in named {
        if let Some(unknown) = fields.iter().find(|field| !paths.contains(field.as_str())) {
            return Some(format!("stream `{}`: `{unknown}` is {what} and no field", stream.name));
        }
    }
    let (reading, writing) = (stream.reading, stream.writing);
    let reads = reading.incremental || reading.backfill;
    let writes = writing.create || writing.update || writing.upsert || writing.delete;
    if reads && !bench.has("source") {
        return Some(format!("stream `{}` can be read, and the plugin does not export `source`", stream.name));
    }
    if writes && !bench.has("target") {
        return Some(format!("stream `{}` can be written, and the plugin does not export `target`", stream.name));
    }
    (writes && stream.write_max == 0).then(|| format!("stream `{}` takes no intent: `write-max` is 0", stream.name))
}
