//! Requests of a write: how each is named, and how far it has come. Those that only read are among them, because what a
//! plugin reads decides what it writes.
//!
//! A write is run again after a crash over the answers that were stored. So a request's name must follow from what the
//! plugin asked and from nothing else: a digest of the request, a number for the same request made twice in one call, and
//! the intents that it serves, so that a mark without an answer tells whose outcome is unknown even if the plugin never
//! asks again.
//!
//! The store cannot take a mark back. Where a request was marked and then did not leave, or was turned away untouched
//! (401, 429, 503), a [`released`] answer is stored in place of the mark, and the next try goes under the next name.

use crate::store::Sending;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tollgate_core::model::manifest::Effect;
use tollgate_core::model::{BatchId, http};

/// The name of one request within its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    digest: [u8; 32],
    ordinal: u32,
    text: String,
}

impl Key {
    /// As the store has it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

/// What is known of a request before it is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing: send it.
    Nothing,
    /// It was answered: hand this out.
    Answer(http::Response),
    /// It may have left, and nobody knows what came of it: do not send it.
    Unknown,
}

/// The requests of one write call.
pub(super) struct Effects {
    batch: BatchId,
    /// The key of each intent.
    keys: Vec<String>,
    state: Mutex<State>,
}

struct State {
    stored: HashMap<String, Sending>,
    ordinals: HashMap<[u8; 32], Ordinals>,
    /// Left and not answered, with the intents that they serve.
    open: BTreeMap<String, Vec<u32>>,
    /// Intents with a request that was answered, in this process or an earlier one.
    answered: BTreeSet<u32>,
}

/// Which numbers of the same request are in use.
#[derive(Default)]
struct Ordinals {
    next: u32,
    free: BTreeSet<u32>,
}

/// In place of a mark: it did not leave, or was turned away untouched.
pub(super) fn released() -> http::Response {
    http::Response { status: 0, headers: Vec::new(), body: Vec::new() }
}

/// Everything of a request that decides what it does; each part with its length.
pub(super) fn digest(request: &http::Request) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut part = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    part(request.route.as_bytes());
    for list in [&request.params, &request.query, &request.headers] {
        part(&(list.len() as u64).to_le_bytes());
        for (name, value) in list {
            part(name.as_bytes());
            part(value.as_bytes());
        }
    }
    part(request.body.as_deref().unwrap_or_default());
    for intent in &request.intents {
        part(&intent.to_le_bytes());
    }
    digest.finalize().into()
}

/// The same for a link that is followed; no request has this digest.
pub(super) fn digest_link(route: &str, link: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(b"link");
    for part in [route, link] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// The seed of a batch's randomness: the same whenever the batch is run again.
pub(super) fn seed(batch: &BatchId) -> u64 {
    let digest = Sha256::new().chain_update("seed").chain_update(batch.as_str()).finalize();
    digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

impl Effects {
    /// Begins with what earlier processes stored of this batch. Whose outcome nobody knows is known before the plugin asks:
    /// it may never ask again.
    pub(super) fn new(batch: BatchId, keys: Vec<String>, stored: HashMap<String, Sending>) -> Self {
        let is_open = |sending: &Sending| match sending {
            Sending::Marked => true,
            // Only a request that writes each time keeps an answer of this kind.
            Sending::Answered(response) => is_unknown(Effect::Once, response.status),
        };
        let is_released =
            |sending: &Sending| matches!(sending, Sending::Answered(response) if response.status == released().status);
        let (mut open, mut answered) = (BTreeMap::new(), BTreeSet::new());
        for (key, sending) in &stored {
            if is_open(sending) {
                open.insert(key.clone(), intents_of(key));
            } else if !is_released(sending) {
                answered.extend(intents_of(key));
            }
        }
        Self { batch, keys, state: Mutex::new(State { stored, ordinals: HashMap::new(), open, answered }) }
    }

    pub(super) fn batch(&self) -> &BatchId {
        &self.batch
    }

    /// The value of a route's idempotency header: follows from the intents, not from the attempt, and differs between
    /// routes, because a vendor may answer one route's key with another route's stored answer.
    pub(super) fn idempotency_key(&self, route: &str, intents: &[u32]) -> String {
        let key = |intent: &u32| usize::try_from(*intent).ok().and_then(|place| self.keys.get(place));
        let keys: BTreeSet<&String> = intents.iter().filter_map(key).collect();
        let mut digest = Sha256::new();
        for part in std::iter::once(route).chain(keys.into_iter().map(String::as_str)) {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        hex::encode(&digest.finalize()[..16])
    }

    /// Names a request, and says what is known of it.
    pub(super) fn claim(&self, digest: [u8; 32], effect: Effect, intents: &[u32]) -> (Key, Found) {
        let mut state = self.state();
        let ordinals = state.ordinals.entry(digest).or_default();
        let ordinal = ordinals.free.pop_first().unwrap_or_else(|| {
            ordinals.next += 1;
            ordinals.next - 1
        });
        let mut attempt = 1;
        loop {
            let text = format!("{}.{ordinal}.{attempt}.{}", hex::encode(digest), ranges(intents));
            let found = match state.stored.get(&text) {
                Some(Sending::Answered(response)) if response.status == released().status => {
                    attempt += 1;
                    continue;
                }
                Some(Sending::Answered(response)) => Found::Answer(response.clone()),
                Some(Sending::Marked) if effect == Effect::Once => Found::Unknown,
                // It asks otherwise than before: what left then may be what it asks now.
                None if effect == Effect::Once && state.is_marked_otherwise(&digest, intents) => Found::Unknown,
                Some(Sending::Marked) | None => Found::Nothing,
            };
            if let Found::Answer(response) = &found
                && is_unknown(effect, response.status)
            {
                state.open.insert(text.clone(), intents.to_vec());
            }
            return (Key { digest, ordinal, text }, found);
        }
    }

    /// It leaves now.
    pub(super) fn leaves(&self, key: &Key, intents: &[u32]) {
        self.state().open.insert(key.text.clone(), intents.to_vec());
    }

    /// Its answer is stored.
    pub(super) fn answered(&self, key: &Key) {
        let mut state = self.state();
        let intents = state.open.remove(&key.text).unwrap_or_default();
        state.answered.extend(intents);
    }

    /// It did nothing: the same request may be made again under the same number. `was_marked`: a [`released`] answer is
    /// stored in place of its mark.
    pub(super) fn release(&self, key: &Key, was_marked: bool) {
        let mut state = self.state();
        state.open.remove(&key.text);
        state.ordinals.entry(key.digest).or_default().free.insert(key.ordinal);
        if was_marked {
            state.stored.insert(key.text.clone(), Sending::Answered(released()));
        }
    }

    /// The intents whose outcome nobody knows.
    pub(super) fn unanswered(&self) -> BTreeSet<u32> {
        self.state().open.values().flatten().copied().collect()
    }

    /// The intents with a request that was answered: what a call that ends early does not speak of.
    pub(super) fn served(&self) -> BTreeSet<u32> {
        self.state().answered.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether an earlier process marked another request for one of these intents, and nobody knows what came of it.
    fn is_marked_otherwise(&self, digest: &[u8; 32], intents: &[u32]) -> bool {
        let own = hex::encode(digest);
        let marked = self.stored.iter().filter(|(_, sending)| **sending == Sending::Marked);
        let mut others = marked.map(|(key, _)| key).filter(|key| !key.starts_with(&own));
        others.any(|key| intents_of(key).iter().any(|intent| intents.contains(intent)))
    }
}

/// An answer after which nobody knows whether something was done.
pub(super) fn is_unknown(effect: Effect, status: u16) -> bool {
    effect == Effect::Once && status >= 500
}

/// `0-3,7`: short where the intents follow each other, which is the rule.
fn ranges(intents: &[u32]) -> String {
    let mut text = String::new();
    let sorted: BTreeSet<u32> = intents.iter().copied().collect();
    let mut intents = sorted.into_iter().peekable();
    while let Some(first) = intents.next() {
        let mut last = first;
        while let Some(next) = intents.next_if(|next| *next == last + 1) {
            last = next;
        }
        let comma = if text.is_empty() { "" } else { "," };
        let _ = if first == last { write!(text, "{comma}{first}") } else { write!(text, "{comma}{first}-{last}") };
    }
    text
}

/// The intents in a stored name. A name that this version did not write serves none that it could tell.
fn intents_of(key: &str) -> Vec<u32> {
    let ranges = key.rsplit('.').next().unwrap_or_default();
    let mut intents = Vec::new();
    for range in ranges.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>())
            && last.saturating_sub(first) <= tollgate_core::model::limits::WRITE_INTENTS_MAX
        {
            intents.extend(first..=last);
        }
    }
    intents
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: [u8; 32] = [7; 32];

    fn keys() -> Vec<String> {
        vec!["one".into(), "two".into()]
    }

    fn response(status: u16) -> http::Response {
        http::Response { status, headers: vec![], body: vec![] }
    }

    fn request() -> http::Request {
        http::Request {
            route: "insert".into(),
            params: vec![("a".into(), "b".into())],
            query: vec![],
            headers: vec![],
            body: Some(b"body".to_vec()),
            intents: vec![0],
        }
    }

    /// Two requests have one name only if everything that decides their effect is the same.
    #[test]
    fn digests() {
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let variants = [
            request(),
            http::Request { route: "inser".into(), ..request() },
            http::Request { params: pair("ab", ""), ..request() },
            http::Request { params: vec![], query: pair("a", "b"), ..request() },
            http::Request { params: vec![], headers: pair("a", "b"), ..request() },
            http::Request { body: Some(b"other".to_vec()), ..request() },
            http::Request { body: None, ..request() },
            http::Request { intents: vec![1], ..request() },
            http::Request { intents: vec![0, 1], ..request() },
        ];
        let names: BTreeSet<[u8; 32]> = variants.iter().map(digest).collect();
        assert_eq!(names.len(), variants.len());
        assert_eq!(digest(&request()), digest(&request()));
        let links =
            [("get", "/a"), ("ge", "t/a"), ("get/", "a"), ("", "")].map(|(route, link)| digest_link(route, link));
        assert_eq!(BTreeSet::from(links).len(), links.len());
        let bare = http::Request { params: vec![], body: None, intents: vec![], ..request() };
        assert_ne!(digest_link("insert", ""), digest(&bare));
    }

    /// A batch that is run again has the randomness that it had; another batch has another.
    #[test]
    fn seeds() {
        assert_eq!(seed(&"one".into()), seed(&"one".into()));
        assert_ne!(seed(&"one".into()), seed(&"two".into()));
    }

    /// Intents are written short and read back; what is no list of intents is none.
    #[test]
    fn names_carry_intents() {
        for (intents, text) in [(&[0][..], "0"), (&[0, 1, 2], "0-2"), (&[5, 0, 1, 3], "0-1,3,5"), (&[], "")] {
            assert_eq!(ranges(intents), text);
            let mut sorted = intents.to_vec();
            sorted.sort_unstable();
            assert_eq!(intents_of(&format!("digest.0.1.{text}")), sorted);
        }
        assert!(intents_of("digest.0.1.0-4000000000").is_empty());
        assert!(intents_of("junk").is_empty());
    }

    /// A call that is run again gets what was answered, in order, and is not allowed to send what nobody knows about.
    #[test]
    fn run_again() {
        let first = Effects::new("b".into(), keys(), HashMap::new());
        let (one, found) = first.claim(DIGEST, Effect::Once, &[0]);
        assert_eq!(found, Found::Nothing);
        let (two, _) = first.claim(DIGEST, Effect::Once, &[0]);
        assert_ne!(one.as_str(), two.as_str(), "the same request twice is two requests");
        first.leaves(&one, &[0]);
        assert_eq!(first.unanswered(), [0].into());
        first.answered(&one);
        assert!(first.unanswered().is_empty());

        let stored = [(one.text.clone(), Sending::Answered(response(201))), (two.text.clone(), Sending::Marked)].into();
        let second = Effects::new("b".into(), keys(), stored);
        assert_eq!(second.unanswered(), [0].into(), "known before the plugin asks");
        assert_eq!(second.claim(DIGEST, Effect::Once, &[0]), (one, Found::Answer(response(201))));
        assert_eq!(second.claim(DIGEST, Effect::Once, &[0]), (two.clone(), Found::Unknown));
        let third = Effects::new("b".into(), keys(), [(two.text, Sending::Marked)].into());
        third.claim(DIGEST, Effect::Repeatable, &[0]);
        assert_eq!(third.claim(DIGEST, Effect::Repeatable, &[0]).1, Found::Nothing, "an upsert may be sent again");
    }

    /// What was turned away untouched may be made again, in this call and in the next, and its answer is found then.
    #[test]
    fn released_again() {
        let first = Effects::new("b".into(), keys(), HashMap::new());
        let (one, _) = first.claim(DIGEST, Effect::Once, &[0]);
        first.leaves(&one, &[0]);
        first.release(&one, true);
        assert!(first.unanswered().is_empty());
        let (again, found) = first.claim(DIGEST, Effect::Once, &[0]);
        assert_eq!((again.ordinal, found), (0, Found::Nothing));
        assert_ne!(again.as_str(), one.as_str(), "the released name is used up");

        let stored =
            [(one.text, Sending::Answered(released())), (again.text.clone(), Sending::Answered(response(200)))].into();
        let second = Effects::new("b".into(), keys(), stored);
        assert_eq!(second.claim(DIGEST, Effect::Once, &[0]), (again, Found::Answer(response(200))));
        assert!(second.unanswered().is_empty());
    }

    /// A stored 5xx of a request that writes each time stays unknown when the call is run again.
    #[test]
    fn stored_errors_stay_unknown() {
        let first = Effects::new("b".into(), keys(), HashMap::new());
        let (key, _) = first.claim(DIGEST, Effect::Once, &[3]);
        let second = Effects::new("b".into(), keys(), [(key.text, Sending::Answered(response(500)))].into());
        assert_eq!(second.unanswered(), [3].into(), "known even if the plugin never asks again");
        assert_eq!(second.claim(DIGEST, Effect::Once, &[3]).1, Found::Answer(response(500)));
        assert_eq!(second.unanswered(), [3].into());
    }

    /// A write that is run again and asks otherwise than before must not send what may have been done already: a mark
    /// without an answer stops every other request that writes each time for one of its intents, and no request besides.
    #[test]
    fn a_mark_stops_other_requests_of_its_intents() {
        let first = Effects::new("b".into(), keys(), HashMap::new());
        let (marked, _) = first.claim(DIGEST, Effect::Once, &[0, 1]);
        let again = || Effects::new("b".into(), keys(), [(marked.text.clone(), Sending::Marked)].into());
        for (digest, effect, intents, expected) in [
            ([8; 32], Effect::Once, &[1][..], Found::Unknown),
            ([8; 32], Effect::Once, &[1, 2], Found::Unknown),
            ([8; 32], Effect::Once, &[2], Found::Nothing),
            ([8; 32], Effect::Repeatable, &[1], Found::Nothing),
            ([8; 32], Effect::None, &[], Found::Nothing),
            (DIGEST, Effect::Once, &[0, 1], Found::Unknown),
        ] {
            assert_eq!(again().claim(digest, effect, intents).1, expected, "{effect:?} {intents:?}");
        }
        let answered =
            Effects::new("b".into(), keys(), [(marked.text.clone(), Sending::Answered(response(201)))].into());
        assert_eq!(answered.claim([8; 32], Effect::Once, &[1]).1, Found::Nothing, "it was answered");
    }

    /// The key is the same for every attempt, in whatever batch, and another one for other intents and routes.
    #[test]
    fn idempotency() {
        let of = |batch: &str, keys: Vec<String>| Effects::new(batch.into(), keys, HashMap::new());
        let key = of("b", keys()).idempotency_key("insert", &[0, 1]);
        assert_eq!(key.len(), 32);
        assert_eq!(key, of("b", keys()).idempotency_key("insert", &[1, 0]));
        let again = of("later", vec!["other".into(), "one".into(), "two".into()]);
        assert_eq!(key, again.idempotency_key("insert", &[1, 2]), "tried again in another batch, under other numbers");
        for other in [
            again.idempotency_key("insert", &[0, 1]),
            again.idempotency_key("update", &[1, 2]),
            again.idempotency_key("insert", &[1]),
        ] {
            assert_ne!(key, other);
        }
    }
}
