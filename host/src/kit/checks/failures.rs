//! What a plugin makes of answers that are none: it classifies, the host decides. The kit gives these answers itself.

use crate::kit::Error;
use crate::kit::bench::{Bench, Done, How};
use crate::kit::checks::reading::Read;
use crate::kit::report::{Check, Verdict};
use crate::kit::script::StreamScript;
use crate::kit::watch::{Answer, Exchange, Trouble};
use tollgate_core::model::{Failure, Next, Page, http};
use tollgate_sandbox::CallError;

/// Milliseconds that the kit says to wait for budget.
pub(super) const BUDGET_MS: u64 = 5_000;

/// One thing that goes wrong, and whether a failure names it.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) answer: Answer,
    pub(super) is: fn(&Failure) -> bool,
    pub(super) expected: &'static str,
}

fn status(status: u16) -> Answer {
    let headers = vec![("content-type".into(), "text/html".into())];
    Ok(http::Response { status, headers, body: b"<html><body>provoked by the kit</body></html>".to_vec() })
}

/// What can go wrong with any request.
pub(super) fn cases() -> Vec<Case> {
    let is_transient: fn(&Failure) -> bool = |failure| matches!(failure, Failure::Transient(_));
    let transient = |what, answer| Case { what, answer, is: is_transient, expected: "transient" };
    vec![
        Case {
            what: "401",
            answer: status(401),
            is: |failure| matches!(failure, Failure::Unauthorized(_)),
            expected: "unauthorized",
        },
        Case {
            what: "429",
            answer: status(429),
            is: |failure| matches!(failure, Failure::RateLimited(_)),
            expected: "rate-limited",
        },
        transient("500", status(500)),
        transient("503", status(503)),
        transient("a request that did not leave", Err(http::Error::NotSent("provoked by the kit".into()))),
    ]
}

/// Reads the first page with wrong answers, from its first request on and at its last one.
pub(super) async fn reads(bench: &mut Bench<'_>, script: &StreamScript, read: &Read) -> Result<(), Error> {
    // A request that was not granted is the business of `routes` and gets no answer here.
    let is_granted = |exchange: &&Exchange| !matches!(exchange.answer, Err(http::Error::Denied(_)));
    let requests = read.pages[0].exchanges.iter().filter(is_granted).count();
    if requests == 0 {
        let why = "reading makes no request";
        bench.find(Check::ReadFailures, script.name.as_str(), Verdict::skip(why));
        bench.find(Check::Budget, script.name.as_str(), Verdict::skip(why));
        return Ok(());
    }
    let mut places = vec![0, requests - 1];
    places.dedup();
    let (mut named, mut budget) = (Verdict::Passed, Verdict::Passed);
    for from in places {
        for case in cases() {
            let done = troubled(bench, read, (from, case.answer.clone(), case.what)).await?;
            named = worse(named, classified(&done, from, &case));
        }
        let done = troubled(bench, read, (from, Err(http::Error::Budget(BUDGET_MS)), "no budget")).await?;
        budget = worse(budget, frugal(&done, &read.pages[0].page, from));
    }
    bench.find(Check::ReadFailures, script.name.as_str(), named);
    bench.find(Check::Budget, script.name.as_str(), budget);
    Ok(())
}

async fn troubled(
    bench: &mut Bench<'_>,
    read: &Read,
    (from, answer, what): (usize, Answer, &str),
) -> Result<Done<Page>, Error> {
    let request = read.pages[0].request.clone();
    let name = format!("read {}, {what} from request {}", request.stream, from + 1);
    bench.read((name, request), How::troubled(Trouble { from, effects_only: false, answer })).await
}

/// The first that is no pass; a failure before all.
pub(super) fn worse(one: Verdict, other: Verdict) -> Verdict {
    match (&one, &other) {
        (Verdict::Failed { .. }, _) | (_, Verdict::Passed) => one,
        (_, Verdict::Failed { .. }) | (Verdict::Passed, _) => other,
        _ => one,
    }
}

fn classified(done: &Done<Page>, from: usize, case: &Case) -> Verdict {
    let at = format!("request {} answered {}", from + 1, case.what);
    let mend = format!("answer it with `{}` (the SDK's `Response::ok` does)", case.expected);
    match &done.result {
        Err(CallError::Failure(failure)) if (case.is)(failure) => Verdict::Passed,
        Err(CallError::Failure(failure)) => Verdict::failed(format!("{at}: the read says `{failure}`"), mend),
        Err(_) => done.value(&format!("a read with {at}")).err().unwrap_or(Verdict::Passed),
        Ok(_) => Verdict::failed(format!("{at}: the read gave a page all the same"), mend),
    }
}

/// Without budget: the page so far, or how long to wait. A page that says `caught-up` loses what it does not hold.
fn frugal(done: &Done<Page>, whole: &Page, from: usize) -> Verdict {
    let at = format!("no budget for request {}", from + 1);
    let mend = "return the page so far with a cursor behind it, or `rate-limited` with the milliseconds";
    match &done.result {
        Err(CallError::Failure(Failure::RateLimited(Some(ms)))) if *ms == BUDGET_MS => Verdict::Passed,
        Err(CallError::Failure(failure)) => Verdict::failed(format!("{at}: the read says `{failure}`"), mend),
        Err(_) => done.value(&format!("a read with {at}")).err().unwrap_or(Verdict::Passed),
        Ok(page) if page.changes.len() < whole.changes.len() && matches!(page.next, Next::CaughtUp(_)) => {
            Verdict::failed(format!("{at}: the page holds less and says `caught-up`: the rest is lost"), mend)
        }
        Ok(_) => Verdict::Passed,
    }
}
