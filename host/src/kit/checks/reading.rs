//! Reading a stream to its end, and from there on.

use crate::kit::Error;
use crate::kit::bench::{Bench, How};
use crate::kit::checks::{over, same};
use crate::kit::report::{Check, Verdict};
use crate::kit::script::StreamScript;
use crate::kit::watch::Exchange;
use std::collections::{BTreeMap, BTreeSet};
use tollgate_core::model::{Change, Next, Operation, Page, ReadRequest, StreamName};

/// Pages that the kit reads of one stream: enough for edges, few enough to wait for.
const PAGES_MAX: usize = 50;
/// Pages in a row that may bring nothing new.
const IDLE_PAGES_MAX: usize = 3;
/// Pages that are read a second time.
const AGAIN_MAX: usize = 3;

/// One page, with what led to it.
pub(super) struct OnePage {
    pub(super) request: ReadRequest,
    pub(super) page: Page,
    pub(super) exchanges: Vec<Exchange>,
}

/// A stream, read to its end.
pub(super) struct Read {
    pub(super) pages: Vec<OnePage>,
    /// Where it had caught up; none if it did not get there.
    pub(super) caught_up: Option<String>,
}

impl Read {
    /// All changes, in the order in which they came.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.pages.iter().flat_map(|page| &page.page.changes)
    }
}

/// A read of everything, from this cursor.
pub(super) fn request(stream: &StreamName, cursor: Option<&str>, overlap_ms: u32) -> ReadRequest {
    ReadRequest { stream: stream.clone(), cursor: cursor.map(str::to_owned), fields: vec![], only: vec![], overlap_ms }
}

/// Reads the stream and judges how it went; what was read, if its first page came.
pub(super) async fn check(bench: &mut Bench<'_>, script: &StreamScript) -> Result<Option<Read>, Error> {
    let stream = script.name.as_str();
    let is_read = bench.stream(&script.name).is_some_and(|s| s.reading.incremental || s.reading.backfill);
    if !is_read {
        bench.find(Check::Progress, stream, Verdict::skip("the stream is not read"));
        return Ok(None);
    }
    let (read, verdict) = to_the_end(bench, &script.name).await?;
    bench.find(Check::Progress, stream, verdict);
    let Some(first) = read.pages.first() else { return Ok(None) };
    let again = bench.read((format!("read {stream} again"), first.request.clone()), over(&first.exchanges)).await?;
    bench.find(Check::Determinism, stream, same((&first.page, &first.exchanges), &again));
    let verdict = edges(bench, script, &read).await?;
    bench.find(Check::Cursor, stream, verdict);
    let verdict = resumed(bench, script, &read).await?;
    bench.find(Check::Resume, stream, verdict);
    Ok(Some(read))
}

async fn to_the_end(bench: &mut Bench<'_>, stream: &StreamName) -> Result<(Read, Verdict), Error> {
    const MEND: &str =
        "give `more` only with a cursor behind the last change of the page, `caught-up` where nothing is left";
    let mut read = Read { pages: Vec::new(), caught_up: None };
    let (mut cursor, mut cursors, mut keys) = (None::<String>, BTreeSet::new(), BTreeSet::new());
    let mut idle = 0;
    while read.pages.len() < PAGES_MAX {
        let number = read.pages.len() + 1;
        let request = request(stream, cursor.as_deref(), 0);
        let done = bench.read((format!("read {stream}, page {number}"), request.clone()), How::default()).await?;
        let page = match done.value(&format!("reading page {number}")) {
            Ok(page) => page.clone(),
            Err(verdict) => return Ok((read, verdict)),
        };
        let new =
            page.changes.iter().filter(|change| keys.insert((change.key.clone(), change.version.clone()))).count();
        idle = if new == 0 { idle + 1 } else { 0 };
        let next = page.next.clone();
        read.pages.push(OnePage { request, page, exchanges: done.exchanges });
        let next = match next {
            Next::CaughtUp(cursor) => {
                read.caught_up = Some(cursor);
                return Ok((read, Verdict::Passed));
            }
            Next::More(next) => next,
            Next::Wait(later) => later.ticket,
        };
        if cursor.as_ref() == Some(&next) || !cursors.insert(next.clone()) {
            return Ok((read, Verdict::failed(format!("page {number} ends with a cursor that was used before"), MEND)));
        }
        if idle > IDLE_PAGES_MAX {
            return Ok((
                read,
                Verdict::failed(format!("{idle} pages in a row bring nothing new and say `more`"), MEND),
            ));
        }
        cursor = Some(next);
    }
    Ok((read, Verdict::skip(format!("the stream has more than {PAGES_MAX} pages: let the kit read a smaller one"))))
}

/// What stands at the edges between pages, and whether a page can be read again.
async fn edges(bench: &mut Bench<'_>, script: &StreamScript, read: &Read) -> Result<Verdict, Error> {
    const MEND: &str = "sort by time of change and key, and go on behind that pair (`paging::Keyset` does)";
    if read.caught_up.is_none() {
        return Ok(Verdict::skip("the stream was not read to its end: see `progress`"));
    }
    if let Some(complaint) = twice(read).or_else(|| lost(script, read)) {
        return Ok(Verdict::failed(complaint, MEND));
    }
    let again: Vec<_> =
        read.pages.iter().take(AGAIN_MAX).map(|page| (page.request.clone(), keys(&page.page))).collect();
    for (number, (request, before)) in again.into_iter().enumerate() {
        let name = format!("read {}, page {} once more", script.name, number + 1);
        let done = bench.read((name, request), How::default()).await?;
        let missing = match done.value("reading a page once more") {
            Ok(page) => before.difference(&keys(page)).next().cloned(),
            Err(verdict) => return Ok(verdict),
        };
        if let Some(key) = missing {
            let why = format!("page {} was read again from the same cursor, and record {key} is not in it", number + 1);
            return Ok(Verdict::failed(why, "let nothing but the cursor decide where a page begins"));
        }
    }
    Ok(match (read.pages.len(), script.records) {
        (1, None) => Verdict::skip("all was in one page: edges show where the stream has more records than a page"),
        _ => Verdict::Passed,
    })
}

fn keys(page: &Page) -> BTreeSet<String> {
    page.changes.iter().map(|change| change.key.clone()).collect()
}

/// A record that came on two pages and did not change in between.
fn twice(read: &Read) -> Option<String> {
    let mut seen: BTreeMap<(&str, &Option<String>), usize> = BTreeMap::new();
    for (number, page) in read.pages.iter().enumerate() {
        for change in page.page.changes.iter().filter(|change| change.operation == Operation::Whole) {
            let before = *seen.entry((&change.key, &change.version)).or_insert(number);
            if before != number {
                return Some(format!(
                    "record {} is on page {} and again on page {}",
                    change.key,
                    before + 1,
                    number + 1
                ));
            }
        }
    }
    None
}

fn lost(script: &StreamScript, read: &Read) -> Option<String> {
    let expected = script.records?;
    let found: BTreeSet<_> =
        read.changes().filter(|change| change.operation == Operation::Whole).map(|c| &c.key).collect();
    (found.len() != expected)
        .then(|| format!("{} records were read; kit.toml says that there are {expected}", found.len()))
}

/// Whether the next read begins where the last one ended.
async fn resumed(bench: &mut Bench<'_>, script: &StreamScript, read: &Read) -> Result<Verdict, Error> {
    let Some(cursor) = &read.caught_up else {
        return Ok(Verdict::skip("the stream was not read to its end: see `progress`"));
    };
    if !bench.stream(&script.name).is_some_and(|stream| stream.reading.incremental) {
        return Ok(Verdict::skip("the stream is not incremental: each read begins anew"));
    }
    let all: BTreeSet<_> = read.changes().map(|change| change.key.clone()).collect();
    let instants: BTreeSet<_> = read.changes().map(|change| change.modified_at.clone()).collect();
    if instants.len() < 2 {
        return Ok(Verdict::skip("the stream has too few records to tell going on from beginning anew"));
    }
    let name = format!("read {} from where it had caught up", script.name);
    let done = bench.read((name, request(&script.name, Some(cursor), 0)), How::default()).await?;
    let keys = match done.value("reading from where it had caught up") {
        Ok(page) => keys(page),
        Err(verdict) => return Ok(verdict),
    };
    let first = read.pages[0].page.changes.first().map(|change| &change.key);
    let begins_anew = first.is_some_and(|first| keys.contains(first)) && keys.len() * 2 > all.len().min(2);
    let why = begins_anew.then(|| format!("it brings {} records from the beginning of the stream", keys.len()));
    Ok(Verdict::of(why, "keep in the cursor that had caught up how far the stream was read"))
}
