//! From a guest to the model, with every bound.
//!
//! The character U+0000 is refused in every text that is stored as a column, because PostgreSQL stores none: one record
//! with it would stop its flow at every try. In a record's data it is the entity map's business.

pub(crate) use super::schema::{account, streams};
use crate::bindings::{source, target, transform, types};
use crate::line;
use std::fmt::Display;
use tollgate_core::model::{
    Change, Failure, Later, Next, Operation, Outcome, Page, StreamName, Violation, Written, limits,
};

/// What a guest handed over that the contract forbids: where, what, and the bound.
pub(crate) type Breach = String;

/// Fails when the text has more bytes than it may, or holds U+0000.
pub(super) fn bounded(text: String, at: impl Display, most: usize) -> Result<String, Breach> {
    match text.find('\0') {
        Some(place) => Err(format!("{at} holds the character U+0000 at byte {place}, which cannot be stored")),
        None => sized(text, at, most),
    }
}

/// Fails when the text has more bytes than it may. For JSON, whose reader says more of what is wrong in it.
fn sized(text: String, at: impl Display, most: usize) -> Result<String, Breach> {
    match text.len() {
        bytes if bytes > most => Err(format!("{at} has {bytes} bytes; at most {most}")),
        _ => Ok(text),
    }
}

/// Fails when there are more items than there may be.
pub(super) fn counted<T>(items: &[T], at: impl Display, most: usize) -> Result<(), Breach> {
    match items.len() {
        count if count > most => Err(format!("{at} has {count} items; at most {most}")),
        _ => Ok(()),
    }
}

/// A sentence for people: cut, with `\u{fffd}` in place of U+0000; never refused.
pub(super) fn sentence(text: String) -> String {
    let text = line::cut(text, limits::SENTENCE_BYTES_MAX);
    if text.contains('\0') { line::cut(text.replace('\0', "\u{fffd}"), limits::SENTENCE_BYTES_MAX) } else { text }
}

fn optional<T>(value: Option<T>, convert: impl FnOnce(T) -> Result<T, Breach>) -> Result<Option<T>, Breach> {
    value.map(convert).transpose()
}

fn key(text: String, at: impl Display) -> Result<String, Breach> {
    match text.is_empty() {
        true => Err(format!("{at} is empty")),
        false => bounded(text, at, limits::KEY_BYTES_MAX),
    }
}

fn cursor(text: String, at: impl Display) -> Result<String, Breach> {
    bounded(text, at, limits::CURSOR_BYTES_MAX)
}

fn version(text: Option<String>, at: impl Display) -> Result<Option<String>, Breach> {
    optional(text, |text| bounded(text, at, limits::VERSION_BYTES_MAX))
}

fn instant(text: Option<String>, at: impl Display) -> Result<Option<String>, Breach> {
    optional(text, |text| bounded(text, at, limits::INSTANT_BYTES_MAX))
}

fn later(later: types::Later, at: impl Display) -> Result<Later, Breach> {
    Ok(Later {
        ticket: cursor(later.ticket, format_args!("{at}.ticket"))?,
        after_ms: later.after_ms,
        reason: sentence(later.reason),
    })
}

/// A plugin's own classification of what went wrong.
pub(crate) fn failure(failure: types::Failure) -> Failure {
    match failure {
        types::Failure::Transient(text) => Failure::Transient(sentence(text)),
        types::Failure::RateLimited(ms) => Failure::RateLimited(ms),
        types::Failure::Unauthorized(text) => Failure::Unauthorized(sentence(text)),
        types::Failure::Misconfigured(text) => Failure::Misconfigured(sentence(text)),
        types::Failure::CursorExpired(text) => Failure::CursorExpired(sentence(text)),
        types::Failure::Unsupported(text) => Failure::Unsupported(sentence(text)),
        types::Failure::Fault(text) => Failure::Fault(sentence(text)),
    }
}

fn violation(violation: types::Violation) -> Violation {
    Violation {
        field: violation.field.map(sentence),
        rule: sentence(violation.rule),
        message: sentence(violation.message),
    }
}

/// A record. `stream`: the one that was asked for, where there was one.
fn change(change: types::Change, stream: Option<&StreamName>, at: &str) -> Result<Change, Breach> {
    if let Some(stream) = stream
        && stream.as_str() != change.stream
    {
        let named = line::cut(line::plain(&change.stream).into_owned(), limits::KEY_BYTES_MAX);
        return Err(format!("{at}.stream is `{named}`; asked was `{stream}`"));
    }
    let operation = match change.operation {
        types::Operation::Whole => Operation::Whole,
        types::Operation::Partial => Operation::Partial,
        types::Operation::Deleted => Operation::Deleted,
        types::Operation::MergedInto(into) => Operation::MergedInto(key(into, format_args!("{at}.merged-into"))?),
    };
    let stream = match stream {
        Some(stream) => stream.clone(),
        None => key(change.stream, format_args!("{at}.stream"))?.into(),
    };
    Ok(Change {
        stream,
        key: key(change.key, format_args!("{at}.key"))?,
        operation,
        version: version(change.version, format_args!("{at}.version"))?,
        modified_at: instant(change.modified_at, format_args!("{at}.modified-at"))?,
        data: sized(change.data, format_args!("{at}.data"), limits::RECORD_BYTES_MAX)?,
    })
}

/// Adds up the records of one answer.
struct Sum {
    changes: usize,
    bytes: usize,
}

impl Sum {
    fn new() -> Self {
        Self { changes: 0, bytes: 0 }
    }

    fn add(&mut self, change: &Change) -> Result<(), Breach> {
        self.changes += 1;
        self.bytes += change.data.len() + change.key.len();
        let (changes_max, bytes_max) = (limits::PAGE_CHANGES_MAX, limits::PAGE_BYTES_MAX);
        if self.changes > changes_max {
            return Err(format!("there are more than {changes_max} changes"));
        }
        if self.bytes > bytes_max {
            return Err(format!("the changes have more than {bytes_max} bytes"));
        }
        Ok(())
    }
}

/// A page of the stream that was asked for.
pub(crate) fn page(page: source::Page, stream: &StreamName) -> Result<Page, Breach> {
    let mut sum = Sum::new();
    let mut changes = Vec::with_capacity(page.changes.len().min(limits::PAGE_CHANGES_MAX));
    for (index, one) in page.changes.into_iter().enumerate() {
        let one = change(one, Some(stream), &format!("changes[{index}]"))?;
        sum.add(&one)?;
        changes.push(one);
    }
    let next = match page.next {
        source::Next::More(text) => Next::More(cursor(text, "next.more")?),
        source::Next::CaughtUp(text) => Next::CaughtUp(cursor(text, "next.caught-up")?),
        source::Next::Wait(wait) => Next::Wait(later(wait, "next.wait")?),
    };
    Ok(Page { changes, next, seen_up_to: instant(page.seen_up_to, "seen-up-to")? })
}

fn written(written: target::Written, at: &str) -> Result<Written, Breach> {
    Ok(Written {
        key: key(written.key, format_args!("{at}.key"))?,
        version: version(written.version, format_args!("{at}.version"))?,
        created: written.created,
        returned: sized(written.returned, format_args!("{at}.returned"), limits::RECORD_BYTES_MAX)?,
    })
}

fn outcome(outcome: target::Outcome, stream: &StreamName, at: &str) -> Result<Outcome, Breach> {
    Ok(match outcome {
        target::Outcome::Written(record) => Outcome::Written(written(record, at)?),
        target::Outcome::Unchanged(record) => Outcome::Unchanged(written(record, at)?),
        target::Outcome::Rejected(reasons) => {
            Outcome::Rejected(reasons.into_iter().take(limits::VIOLATIONS_MAX).map(violation).collect())
        }
        target::Outcome::Conflict(there) => {
            Outcome::Conflict(there.map(|there| change(there, Some(stream), at)).transpose()?)
        }
        target::Outcome::Gone(by) => Outcome::Gone(optional(by, |by| key(by, format_args!("{at}.gone")))?),
        target::Outcome::Pending(wait) => Outcome::Pending(later(wait, at)?),
        target::Outcome::Failed(why) => Outcome::Failed(failure(why)),
        target::Outcome::Unknown(text) => Outcome::Unknown(sentence(text)),
    })
}

/// One outcome for each of `count` intents, in order.
pub(crate) fn outcomes(
    outcomes: Vec<target::Outcome>,
    count: usize,
    stream: &StreamName,
) -> Result<Vec<Outcome>, Breach> {
    if outcomes.len() != count {
        return Err(format!("there are {} outcomes for {count} intents", outcomes.len()));
    }
    outcomes.into_iter().enumerate().map(|(index, one)| outcome(one, stream, &format!("outcomes[{index}]"))).collect()
}

/// One record or none for each of `count` keys, in order.
pub(crate) fn fetched(
    found: Vec<Option<types::Change>>,
    count: usize,
    stream: &StreamName,
) -> Result<Vec<Option<Change>>, Breach> {
    if found.len() != count {
        return Err(format!("there are {} records for {count} keys", found.len()));
    }
    let mut sum = Sum::new();
    let mut records = Vec::with_capacity(count);
    for (index, one) in found.into_iter().enumerate() {
        let one = one.map(|one| change(one, Some(stream), &format!("records[{index}]"))).transpose()?;
        one.iter().try_for_each(|one| sum.add(one))?;
        records.push(one);
    }
    Ok(records)
}

/// At most `most` records.
pub(crate) fn matches(found: Vec<types::Change>, most: u32, stream: &StreamName) -> Result<Vec<Change>, Breach> {
    counted(&found, "the answer", most as usize)?;
    let mut sum = Sum::new();
    let mut records = Vec::with_capacity(found.len());
    for (index, one) in found.into_iter().enumerate() {
        let one = change(one, Some(stream), &format!("records[{index}]"))?;
        sum.add(&one)?;
        records.push(one);
    }
    Ok(records)
}

/// What became of each of `count` changes, in order; together not more than a page.
pub(crate) fn applied(
    results: Vec<Result<Vec<transform::Change>, transform::Violation>>,
    count: usize,
) -> Result<Vec<Result<Vec<Change>, Violation>>, Breach> {
    if results.len() != count {
        return Err(format!("there are {} results for {count} changes", results.len()));
    }
    let mut sum = Sum::new();
    let mut applied = Vec::with_capacity(count);
    for (index, result) in results.into_iter().enumerate() {
        applied.push(match result {
            Ok(changes) => {
                let mut replaced = Vec::new();
                for one in changes {
                    let one = change(one, None, &format!("results[{index}]"))?;
                    sum.add(&one)?;
                    replaced.push(one);
                }
                Ok(replaced)
            }
            Err(reason) => Err(violation(reason)),
        });
    }
    Ok(applied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(stream: &str, data_bytes: usize) -> types::Change {
        types::Change {
            stream: stream.into(),
            key: "k".into(),
            operation: types::Operation::Whole,
            version: None,
            modified_at: None,
            data: "d".repeat(data_bytes),
        }
    }

    /// A text with U+0000 is refused by its place wherever it would become a key, a version or a cursor, because no
    /// database stores it; in a sentence another character stands for it, and a record's data passes, to be refused as one
    /// record. Each case puts it into one place.
    #[test]
    fn no_text_holds_the_null_character() {
        let page = |changes, next| source::Page { changes, next, seen_up_to: None };
        let caught_up = || source::Next::CaughtUp("c".into());
        let with = |edit: fn(&mut types::Change)| {
            let mut change = record("s", 1);
            edit(&mut change);
            vec![change]
        };
        let pages = [
            (page(with(|change| change.key = "a\0".into()), caught_up()), "changes[0].key"),
            (page(with(|change| change.version = Some("\0".into())), caught_up()), "changes[0].version"),
            (page(with(|change| change.modified_at = Some("\0".into())), caught_up()), "changes[0].modified-at"),
            (
                page(with(|change| change.operation = types::Operation::MergedInto("\0".into())), caught_up()),
                "changes[0].merged-into",
            ),
            (page(vec![], source::Next::More("\0".into())), "next.more"),
            (page(vec![], source::Next::CaughtUp("\0".into())), "next.caught-up"),
        ];
        for (refused, place) in pages {
            let breach = super::page(refused, &"s".into()).unwrap_err();
            assert!(breach.starts_with(&format!("{place} holds the character U+0000 at byte")), "{breach}");
        }
        let data = page(with(|change| change.data = "\0".into()), caught_up());
        assert_eq!(super::page(data, &"s".into()).unwrap().changes[0].data, "\0");

        let written = |key: &str, version: Option<&str>| {
            let (key, version) = (key.to_owned(), version.map(str::to_owned));
            target::Outcome::Written(target::Written { key, version, created: true, returned: "{}".into() })
        };
        let named =
            |field: &str| types::Violation { field: Some(field.into()), rule: field.into(), message: field.into() };
        for (refused, place) in [
            (written("\0", None), "outcomes[0].key"),
            (written("k", Some("\0")), "outcomes[0].version"),
            (target::Outcome::Gone(Some("\0".into())), "outcomes[0].gone"),
        ] {
            let breach = outcomes(vec![refused], 1, &"s".into()).unwrap_err();
            assert!(breach.starts_with(&format!("{place} holds the character U+0000 at byte 0")), "{breach}");
        }
        let kept = outcomes(vec![target::Outcome::Rejected(vec![named("a\0b")])], 1, &"s".into()).unwrap();
        let [Outcome::Rejected(violations)] = kept.as_slice() else { panic!("{kept:?}") };
        let text = "a\u{fffd}b".to_owned();
        assert_eq!(violations[0], Violation { field: Some(text.clone()), rule: text.clone(), message: text });
        assert!(sentence("\0".repeat(limits::SENTENCE_BYTES_MAX)).len() <= limits::SENTENCE_BYTES_MAX);
    }

    /// What a transform makes of a page may be no larger than a page, however it is spread over the changes, and has one
    /// result per change; each case breaks one bound.
    #[test]
    fn transforms_are_bounded() {
        let many = || Ok(vec![record("s", 0); limits::PAGE_CHANGES_MAX / 2 + 1]);
        let large = || Ok(vec![record("s", limits::RECORD_BYTES_MAX); 5]);
        let cases = [
            (vec![], 1, "there are 0 results for 1 changes"),
            (vec![many(), many()], 2, "there are more than 2000 changes"),
            (vec![large(), large()], 2, "the changes have more than 8388608 bytes"),
            (vec![Ok(vec![record("", 0)])], 1, "results[0].stream is empty"),
        ];
        for (results, count, breach) in cases {
            assert_eq!(applied(results, count), Err(breach.to_owned()));
        }
        assert_eq!(applied(vec![Ok(vec![])], 1), Ok(vec![Ok(vec![])]));
    }

    /// Look-ups are bounded like pages: keys that name large records add up.
    #[test]
    fn look_ups_are_bounded() {
        let found = vec![Some(record("s", limits::RECORD_BYTES_MAX)); 9];
        assert_eq!(fetched(found, 9, &"s".into()), Err("the changes have more than 8388608 bytes".to_owned()));
        let strange = fetched(vec![None, Some(record("t", 0))], 2, &"s".into());
        assert_eq!(strange, Err("records[1].stream is `t`; asked was `s`".to_owned()));
    }
}
