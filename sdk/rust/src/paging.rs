//! Cursors: how a read goes on where it stopped.
//!
//! [`Keyset`] is for systems that sort by the time of change: its place is the last record's time and key, so that no
//! page moves when records change, and records of one instant are told apart by their keys. A link to the system's own
//! next page rides along and is only a short cut: when it expires, the place still holds. [`Offset`] is for systems
//! that can only count.
//!
//! A cursor is compact JSON with the number of its format; another format is `cursor-expired`, and the host starts
//! anew.

use crate::{Change, Failure, Next, Page, ReadRequest, Result, time};
use serde::{Deserialize, Serialize};

/// Most changes of a page (`wit/exports.wit`).
pub const CHANGES_MAX: usize = 2_000;
/// Most bytes of data that these pages hold: the contract's 8 MiB less 1 MiB for keys, times and the encoding.
pub const BYTES_MAX: usize = 7 << 20;
const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Position {
    at: String,
    id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cursor {
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    behind: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// The read had caught up: the next one looks back.
    #[serde(default)]
    done: bool,
    /// It had caught up so late after its last record that nothing older can show up any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    settled: bool,
}

/// Where a read by time and key starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// At the beginning.
    Start,
    /// Behind this record.
    Behind {
        /// Its time of change, RFC 3339.
        at: String,
        /// Its key.
        id: String,
    },
    /// At this instant, records of the instant included.
    Since {
        /// RFC 3339.
        at: String,
    },
}

impl Place {
    /// The condition in a query language of the SQL kind; none at the start. `instant` and `key` print literals.
    pub fn condition(
        &self,
        (at_column, id_column): (&str, &str),
        instant: impl Fn(&str) -> String,
        key: impl Fn(&str) -> String,
    ) -> Option<String> {
        match self {
            Place::Start => None,
            Place::Since { at } => Some(format!("{at_column} >= {}", instant(at))),
            Place::Behind { at, id } => {
                let (at, id) = (instant(at), key(id));
                Some(format!("({at_column} > {at} OR ({at_column} = {at} AND {id_column} > {id}))"))
            }
        }
    }
}

/// What the system has beyond this answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Rest {
    /// Nothing.
    Nothing,
    /// More, to be asked for by place.
    More,
    /// More, behind this link.
    Link(String),
}

/// A read by time and key.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyset {
    cursor: Cursor,
    overlap_ms: u32,
    now_ms: Option<u64>,
}

impl Keyset {
    /// Reads the request's cursor. Its time is an instant and may stand in a statement; its key is any text.
    ///
    /// # Errors
    /// [`Failure::CursorExpired`] if it is of another format.
    pub fn of(request: &ReadRequest) -> Result<Self> {
        let cursor = match &request.cursor {
            None => Cursor::default(),
            Some(text) => parse(text, |cursor: &Cursor| cursor.v)?,
        };
        if cursor.behind.as_ref().is_some_and(|position| time::rfc3339(&position.at).is_err()) {
            return Err(Failure::CursorExpired("the cursor holds no instant".into()));
        }
        Ok(Self { cursor, overlap_ms: request.overlap_ms, now_ms: None })
    }

    /// Looks back only until the overlap has passed since the last record: then a system that shows changes late, though
    /// never later than the overlap, has shown them all, and the same records need not be read at each look. For systems
    /// whose clock differs from the host's (`now_ms`) by less than the overlap leaves beside the delay.
    #[must_use]
    pub fn settling(self, now_ms: u64) -> Self {
        Self { now_ms: Some(now_ms), ..self }
    }

    /// The system's own next page, if the last answer gave one.
    pub fn link(&self) -> Option<&str> {
        self.cursor.link.as_deref()
    }

    /// Where to go on without a link. Looks back only from a cursor that had caught up: within a read that would read
    /// the same records for ever.
    ///
    /// # Errors
    /// [`Failure::Fault`] if the cursor holds no instant, which [`Keyset::of`] has ruled out.
    pub fn place(&self) -> Result<Place> {
        Ok(match &self.cursor.behind {
            None => Place::Start,
            Some(Position { at, .. }) if self.cursor.done && !self.cursor.settled && self.overlap_ms > 0 => {
                Place::Since { at: time::before(at, self.overlap_ms)? }
            }
            Some(Position { at, id }) => Place::Behind { at: at.clone(), id: id.clone() },
        })
    }

    /// The page of these changes, which are in the order of time and key. What would make it too large is left for the
    /// next page.
    ///
    /// # Errors
    /// [`Failure::Fault`] if the last change says no time.
    pub fn page(&self, mut changes: Vec<Change>, rest: Rest) -> Result<Page> {
        let rest = if cut(&mut changes) { Rest::More } else { rest };
        let done = rest == Rest::Nothing;
        let behind = match (changes.last(), &self.cursor.behind) {
            (None, before) => before.clone(),
            (Some(last), before) => {
                let no_time = || Failure::Fault(format!("record {} says no time of change", last.key));
                let at = last.modified_at.clone().ok_or_else(no_time)?;
                match before {
                    // A look back that ends earlier than the cursor must not move it back.
                    Some(before) if done && before.at > at => Some(before.clone()),
                    _ => Some(Position { at, id: last.key.clone() }),
                }
            }
        };
        let seen_up_to = behind.as_ref().map(|position| position.at.clone());
        let link = if let Rest::Link(link) = rest { Some(link) } else { None };
        let settled = done && self.is_settled(behind.as_ref())?;
        let cursor = print(&Cursor { v: FORMAT, behind, link, done, settled });
        Ok(Page { changes, next: if done { Next::CaughtUp(cursor) } else { Next::More(cursor) }, seen_up_to })
    }
}

/// What [`Keyset::whole_instants`] asks of a system.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// Records from this place on, in the order of time.
    ByTime(Place),
    /// Records of one instant, in the order of keys.
    ByKey {
        /// RFC 3339.
        at: String,
        /// Behind this key; from the first one on where there is none.
        behind: Option<String>,
    },
}

impl Keyset {
    /// The page from a system that takes one sort and promises no order among equals: a page that ended within an instant
    /// would lose records of it. So the last instant of an answer that is not the last is left to the next page, where
    /// it comes whole; one that fills an answer alone is asked for by key. `look` says whether there is more; `order`
    /// gives a key's place among keys.
    ///
    /// # Errors
    /// Those of `look`, and of [`Keyset::page`].
    pub fn whole_instants<K: Ord>(
        &self,
        look: impl Fn(&Look) -> Result<(Vec<Change>, bool)>,
        order: impl Fn(&str) -> K,
    ) -> Result<Page> {
        let place = self.place()?;
        let (mut changes, has_more) = look(&Look::ByTime(place.clone()))?;
        if let Some(last) = changes.last().filter(|_| has_more).and_then(|change| change.modified_at.clone()) {
            changes.retain(|change| change.modified_at.as_ref() != Some(&last));
            if changes.is_empty() {
                let behind = match place {
                    Place::Behind { at, id } if at == last => Some(id),
                    _ => None,
                };
                changes = look(&Look::ByKey { at: last, behind })?.0;
            }
        }
        changes.sort_by_cached_key(|change| (change.modified_at.clone(), order(&change.key)));
        self.page(changes, if has_more { Rest::More } else { Rest::Nothing })
    }

    fn is_settled(&self, behind: Option<&Position>) -> Result<bool> {
        let (Some(now_ms), Some(Position { at, .. })) = (self.now_ms, behind) else { return Ok(false) };
        // Instants of one format are in the order of their texts.
        Ok(time::rfc3339(at)? < time::before(&time::at_ms(now_ms), self.overlap_ms)?)
    }
}

/// A read by counting. Records that change between two pages move others: give it an overlap, or a stable order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offset {
    v: u32,
    /// Records that were read so far.
    pub offset: u64,
}

impl Offset {
    /// Reads the request's cursor; 0 at the start.
    ///
    /// # Errors
    /// [`Failure::CursorExpired`] if it is of another format.
    pub fn of(request: &ReadRequest) -> Result<Self> {
        request
            .cursor
            .as_deref()
            .map_or(Ok(Self { v: FORMAT, offset: 0 }), |text| parse(text, |cursor: &Self| cursor.v))
    }

    /// The page of these changes; a stream that has caught up starts again at 0. What would make the page too large is
    /// left for the next one.
    pub fn page(&self, mut changes: Vec<Change>, more: bool) -> Page {
        let more = cut(&mut changes) || more;
        let read = self.offset + changes.len() as u64;
        let next = Self { v: FORMAT, offset: if more { read } else { 0 } };
        Page {
            changes,
            next: if more { Next::More(print(&next)) } else { Next::CaughtUp(print(&next)) },
            seen_up_to: None,
        }
    }
}

/// Shortens a page to what may be returned, and says whether it did.
fn cut(changes: &mut Vec<Change>) -> bool {
    let mut bytes = 0;
    let fits = changes.iter().take(CHANGES_MAX).take_while(|change| {
        bytes += change.data.len();
        bytes <= BYTES_MAX
    });
    let keep = fits.count();
    let is_cut = keep < changes.len();
    changes.truncate(keep);
    is_cut
}

fn parse<T: serde::de::DeserializeOwned>(text: &str, format: impl Fn(&T) -> u32) -> Result<T> {
    let other = || Failure::CursorExpired(format!("the cursor is not of format {FORMAT}"));
    let cursor: T = serde_json::from_str(text).map_err(|_| other())?;
    if format(&cursor) == FORMAT { Ok(cursor) } else { Err(other()) }
}

fn print(cursor: &impl Serialize) -> String {
    serde_json::to_string(cursor).expect("a cursor is plain texts and numbers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json;

    const TEN: &str = "2026-11-21T10:00:00.000Z";
    const ELEVEN: &str = "2026-11-21T11:00:00.000Z";

    fn request(cursor: Option<&str>, overlap_ms: u32) -> ReadRequest {
        ReadRequest { stream: "s".into(), cursor: cursor.map(Into::into), fields: vec![], only: vec![], overlap_ms }
    }

    fn keyset(cursor: Option<&str>, overlap_ms: u32) -> Keyset {
        Keyset::of(&request(cursor, overlap_ms)).unwrap()
    }

    fn change(key: &str, at: &str) -> Change {
        Change::whole("s", key, &json!({})).at(at, at)
    }

    fn cursor(page: &Page) -> &str {
        match &page.next {
            Next::More(cursor) | Next::CaughtUp(cursor) => cursor,
            Next::Wait(_) => panic!("these pages never wait"),
        }
    }

    fn behind(at: &str, id: &str) -> Place {
        Place::Behind { at: at.into(), id: id.into() }
    }

    /// Records of one instant are told apart by key: the next read starts behind the last of them, not at the instant.
    #[test]
    fn ties() {
        let page = keyset(None, 0).page(vec![change("1", TEN), change("2", TEN)], Rest::More).unwrap();
        let next = keyset(Some(cursor(&page)), 60_000);
        assert_eq!(next.place().unwrap(), behind(TEN, "2"));
        let condition = next.place().unwrap().condition(("At", "Id"), |at| format!("<{at}>"), |id| format!("'{id}'"));
        let expected = format!("(At > <{TEN}> OR (At = <{TEN}> AND Id > '2'))");
        assert_eq!(condition.as_deref(), Some(expected.as_str()));
    }

    /// A read looks back once it had caught up, and only then; an empty page keeps the place.
    #[test]
    fn looking_back() {
        let page = keyset(None, 0).page(vec![change("1", TEN)], Rest::Nothing).unwrap();
        assert!(matches!(page.next, Next::CaughtUp(_)));
        assert_eq!(page.seen_up_to.as_deref(), Some(TEN));
        let since = Place::Since { at: "2026-11-21T09:59:00.000Z".into() };
        assert_eq!(keyset(Some(cursor(&page)), 60_000).place().unwrap(), since);
        assert_eq!(
            since.condition(("At", "Id"), str::to_owned, str::to_owned).unwrap(),
            "At >= 2026-11-21T09:59:00.000Z"
        );
        assert_eq!(keyset(Some(cursor(&page)), 0).place().unwrap(), behind(TEN, "1"));
        let empty = keyset(Some(cursor(&page)), 60_000).page(vec![], Rest::Nothing).unwrap();
        assert_eq!(cursor(&empty), cursor(&page));
    }

    /// A read that settles looks back once more after the overlap has passed, and then no more until something is new.
    #[test]
    fn settling() {
        // 2026-11-21T10:00:00Z, which is `TEN`.
        const TEN_MS: u64 = 1_795_255_200_000;
        let mut last = None;
        for (now_ms, changes, place) in [
            (TEN_MS + 10_000, vec![change("1", TEN)], Place::Start),
            (TEN_MS + 60_000, vec![change("1", TEN)], Place::Since { at: "2026-11-21T09:59:00.000Z".into() }),
            (TEN_MS + 60_001, vec![change("1", TEN)], Place::Since { at: "2026-11-21T09:59:00.000Z".into() }),
            (TEN_MS + 90_000, vec![], behind(TEN, "1")),
            (TEN_MS + 3_600_000, vec![change("2", ELEVEN)], behind(TEN, "1")),
            (TEN_MS + 3_660_000, vec![change("2", ELEVEN)], Place::Since { at: "2026-11-21T10:59:00.000Z".into() }),
        ] {
            let keyset = keyset(last.as_deref(), 60_000).settling(now_ms);
            assert_eq!(keyset.place().unwrap(), place, "{now_ms}");
            last = Some(cursor(&keyset.page(changes, Rest::Nothing).unwrap()).to_owned());
        }
    }

    /// Every record is read once, whatever the order among equals: a system of 40 records in instants of 1, 3 and 36, that
    /// gives 5 an answer and equals in an order of its own, is read to its end.
    #[test]
    fn instants_are_read_whole() {
        let stored: Vec<_> = (0..40)
            .map(|n| {
                change(
                    &n.to_string(),
                    if n < 1 {
                        "2026-11-21T09:00:00.000Z"
                    } else if n < 4 {
                        TEN
                    } else {
                        ELEVEN
                    },
                )
            })
            .collect();
        let number = |key: &str| key.parse::<u32>().unwrap();
        let look = |look: &Look| {
            let is_met = |change: &&Change| {
                let (at, key) = (change.modified_at.clone().unwrap(), number(&change.key));
                match look {
                    Look::ByTime(Place::Start) => true,
                    Look::ByTime(Place::Since { at: from }) => at >= *from,
                    Look::ByTime(Place::Behind { at: from, id }) => (at, key) > (from.clone(), number(id)),
                    Look::ByKey { at: of, behind } => at == *of && behind.as_ref().is_none_or(|id| key > number(id)),
                }
            };
            let mut found: Vec<_> = stored.iter().filter(is_met).cloned().collect();
            match look {
                Look::ByTime(_) => found.sort_by_key(|c| (c.modified_at.clone(), number(&c.key) * 7 % 41)),
                Look::ByKey { .. } => found.sort_by_key(|c| number(&c.key)),
            }
            let has_more = found.len() > 5;
            found.truncate(5);
            Ok((found, has_more))
        };
        let (mut read, mut last) = (Vec::new(), None);
        loop {
            let page = keyset(last.as_deref(), 0).whole_instants(look, number).unwrap();
            read.extend(page.changes.iter().map(|change| number(&change.key)));
            last = Some(cursor(&page).to_owned());
            if matches!(page.next, Next::CaughtUp(_)) {
                break;
            }
        }
        assert_eq!(read, (0..40).collect::<Vec<_>>());
    }

    /// A look back that finds less than before does not move the cursor back.
    #[test]
    fn never_backwards() {
        let page = keyset(None, 0).page(vec![change("9", ELEVEN)], Rest::Nothing).unwrap();
        let again = keyset(Some(cursor(&page)), 7_200_000).page(vec![change("1", TEN)], Rest::Nothing).unwrap();
        assert_eq!(cursor(&again), cursor(&page));
    }

    /// The link rides along with the place, and a page that was cut drops it: the rest is asked for by place.
    #[test]
    fn links() {
        let page = keyset(None, 0).page(vec![change("1", TEN)], Rest::Link("/next".into())).unwrap();
        let next = keyset(Some(cursor(&page)), 0);
        assert_eq!((next.link(), next.place().unwrap()), (Some("/next"), behind(TEN, "1")));
        let many: Vec<_> = (0..=CHANGES_MAX).map(|n| change(&n.to_string(), TEN)).collect();
        let page = keyset(None, 0).page(many, Rest::Link("/next".into())).unwrap();
        let next = keyset(Some(cursor(&page)), 0);
        assert_eq!((page.changes.len(), next.link()), (CHANGES_MAX, None));
        assert_eq!(next.place().unwrap(), behind(TEN, "1999"));
    }

    /// A page is cut by its bytes too, at a record's border, and is never caught up then.
    #[test]
    fn large_records() {
        let large = |key: &str| Change { data: "x".repeat(BYTES_MAX / 2), ..change(key, TEN) };
        let page = keyset(None, 0).page(vec![large("1"), large("2"), large("3")], Rest::Nothing).unwrap();
        assert_eq!(page.changes.len(), 2);
        assert!(matches!(page.next, Next::More(_)));
    }

    /// A stream without records has caught up at its beginning, and is read from there again.
    #[test]
    fn nothing_there() {
        let page = keyset(None, 60_000).page(vec![], Rest::Nothing).unwrap();
        assert_eq!(page.seen_up_to, None);
        assert_eq!(keyset(Some(cursor(&page)), 60_000).place().unwrap(), Place::Start);
    }

    /// A cursor of another format, or one that could break out of a statement, starts the stream anew.
    #[test]
    fn other_formats() {
        const FOREIGN: &str = r#"{"v":1,"behind":{"at":"2026-11-21T10:00:00.000Z OR Id > ''","id":"1"}}"#;
        for text in ["", "7", "{}", r#"{"v":2,"done":true}"#, r#"{"v":1,"behind":{"at":"x"}}"#, FOREIGN] {
            assert!(matches!(Keyset::of(&request(Some(text), 0)), Err(Failure::CursorExpired(_))), "{text}");
        }
        assert!(matches!(Offset::of(&request(Some("{}"), 0)), Err(Failure::CursorExpired(_))));
    }

    /// Counting goes on behind what was returned and starts anew when all was read.
    #[test]
    fn offsets() {
        let page = Offset::of(&request(None, 0)).unwrap().page(vec![change("1", TEN), change("2", TEN)], true);
        let next = Offset::of(&request(Some(cursor(&page)), 0)).unwrap();
        assert_eq!(next.offset, 2);
        let last = next.page(vec![change("3", TEN)], false);
        assert!(matches!(last.next, Next::CaughtUp(_)));
        assert_eq!(Offset::of(&request(Some(cursor(&last)), 0)).unwrap().offset, 0);
    }
}
