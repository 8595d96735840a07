//! The checks, in the order in which they are driven: what is there, what is read, what is looked up, what is written,
//! and at the end what all calls together showed.

mod failures;
mod lookup;
mod reading;
mod setup;
mod shapes;
mod transform;
mod writing;

use crate::kit::bench::{Bench, Done, How};
use crate::kit::report::{Check, Finding, Report, Verdict};
use crate::kit::script::{Script, StreamScript};
use crate::kit::watch::Exchange;
use crate::kit::{Error, Stage};
use std::collections::BTreeSet;
use tollgate_sandbox::Plugin;

/// Runs every check that says something of this plugin. What the plugin does wrong stands in the report.
///
/// # Errors
/// The stage itself cannot be used.
pub async fn run(plugin: &Plugin, script: &Script, stage: &dyn Stage) -> Result<Report, Error> {
    let mut bench = Bench::new(plugin, script, stage);
    if bench.has("transform") {
        transform::check(&mut bench).await?;
    } else {
        setup::check(&mut bench).await?;
        for stream in streams(&bench) {
            one_stream(&mut bench, &stream).await?;
        }
    }
    overall(&mut bench);
    let about = &plugin.manifest().plugin;
    let (name, stage) = (format!("{} {}", about.name, about.version), stage.name());
    let all_routes: Vec<String> = plugin.manifest().routes.iter().map(|route| route.name.to_string()).collect();
    let (findings, used) = bench.into_findings();
    let unused_routes = all_routes.into_iter().filter(|route| !used.contains(route)).collect();
    Ok(Report { plugin: name, stage, findings: in_order(findings), unused_routes })
}

/// The streams of the script; all that there are where it names none.
fn streams(bench: &Bench<'_>) -> Vec<StreamScript> {
    let of = |name: &str| StreamScript { name: name.into(), records: None, write: None };
    match &bench.script.streams[..] {
        [] => bench.streams.iter().map(|stream| of(&stream.name)).collect(),
        named => named.iter().filter(|script| bench.stream(&script.name).is_some()).cloned().collect(),
    }
}

async fn one_stream(bench: &mut Bench<'_>, script: &StreamScript) -> Result<(), Error> {
    let read = if bench.has("source") { reading::check(bench, script).await? } else { None };
    if let Some(read) = &read {
        shapes::check(bench, script, read);
        failures::reads(bench, script, read).await?;
    }
    let written = if bench.has("target") { writing::check(bench, script, read.as_ref()).await? } else { None };
    lookup::check(bench, script, (read.as_ref(), written.as_ref())).await
}

/// What no single call shows.
fn overall(bench: &mut Bench<'_>) {
    let listed = |what: &BTreeSet<String>| {
        (!what.is_empty()).then(|| what.iter().take(3).cloned().collect::<Vec<_>>().join("; "))
    };
    let routes = Verdict::of(listed(&bench.denials), "declare the request in plugin.toml, or do not make it");
    let limits = Verdict::of(listed(&bench.ended), "do less in one call: return the page so far, and look at `left`");
    let bounds = Verdict::of(listed(&bench.broke), "return what wit/ says: its bounds, one answer for each question");
    let has_routes = !bench.manifest().routes.is_empty();
    let no_routes = || Verdict::skip("the plugin declares no route and asked for none");
    bench.find(Check::Routes, "", if has_routes || routes != Verdict::Passed { routes } else { no_routes() });
    bench.find(Check::Limits, "", limits);
    bench.find(Check::Bounds, "", bounds);
}

/// In the order of the checks; one that nobody looked at says so.
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    for check in Check::ALL {
        if !findings.iter().any(|finding| finding.check == *check) {
            let verdict = Verdict::skip("nothing that this plugin does, or that its kit.toml names, calls for it");
            findings.push(Finding { check: *check, subject: String::new(), verdict });
        }
    }
    findings.sort_by_key(|finding| finding.check);
    findings
}

/// Judges a call that was made again over the answers of the first time.
fn same<T: PartialEq>(first: (&T, &[Exchange]), again: &Done<T>) -> Verdict {
    let mend = "let nothing but arguments and answers decide what is asked: no `left`, no order of a hash map";
    let asked = |exchanges: &[Exchange]| exchanges.iter().map(|exchange| exchange.ask.clone()).collect::<Vec<_>>();
    let (before, after) = (asked(first.1), asked(&again.exchanges));
    if let Some(at) = (0..before.len().max(after.len())).find(|at| before.get(*at) != after.get(*at)) {
        return Verdict::failed(format!("request {} of the second time is another one", at + 1), mend);
    }
    match again.value("the second call") {
        Ok(value) if value == first.0 => Verdict::Passed,
        Ok(_) => Verdict::failed("the second result is another one", mend),
        Err(Verdict::NotApplicable(why)) => Verdict::skip(why),
        Err(_) => Verdict::failed("the second call failed where the first did not", mend),
    }
}

/// A call over the answers of an earlier one.
fn over(exchanges: &[Exchange]) -> How {
    How::echo(exchanges.to_vec())
}
