//! Cuts a page into slices: what one slice intends is on its way while the next one is decided.

use crate::engine::transform::Incoming;
use crate::store::Checkpoint;
use std::collections::HashSet;
use tollgate_core::model::{Operation, limits};

/// A page on its way through the loop.
pub struct Slices {
    /// What is left of it, the newest change first.
    rest: Vec<Incoming>,
    /// Changes that gave way to a later one of their record and were not counted yet.
    superseded: usize,
    /// How far the source is read once the page is done.
    pub checkpoint: Checkpoint,
}

/// What is decided and committed together: one change per key.
pub struct Slice {
    /// The changes, oldest first.
    pub changes: Vec<Incoming>,
    /// Changes of the page that gave way to one of its others; counted with the first slice.
    pub superseded: usize,
}

impl Slices {
    /// Takes a page's changes. One gives way to a later one of its record, unless that one is partial and says less.
    pub fn new(changes: Vec<Incoming>, checkpoint: Checkpoint) -> Self {
        let read = changes.len();
        let mut whole = HashSet::with_capacity(read);
        let mut rest = Vec::with_capacity(read);
        for incoming in changes.into_iter().rev() {
            let change = &incoming.change;
            if whole.contains(&change.key) {
                continue;
            }
            if change.operation != Operation::Partial {
                whole.insert(change.key.clone());
            }
            rest.push(incoming);
        }
        Self { superseded: read - rest.len(), rest, checkpoint }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether the next slice holds one of these keys: then it waits, so that the order per key is kept.
    pub fn touches<'k>(&self, keys: impl IntoIterator<Item = &'k String>) -> bool {
        let next: HashSet<&str> = self.next().iter().map(|next| next.change.key.as_str()).collect();
        keys.into_iter().any(|key| next.contains(key.as_str()))
    }

    /// The next slice; an empty one of an empty page.
    pub fn take(&mut self) -> Slice {
        let mut changes = self.rest.split_off(self.rest.len() - self.next().len());
        changes.reverse();
        Slice { changes, superseded: std::mem::take(&mut self.superseded) }
    }

    /// Ends before a key that it holds already.
    fn next(&self) -> &[Incoming] {
        let mut keys = HashSet::new();
        let oldest = self.rest.iter().rev().take(limits::DECIDE_SLICE_MAX);
        let count = oldest.map(|next| next.change.key.as_str()).take_while(|key| keys.insert(*key)).count();
        &self.rest[self.rest.len() - count..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_core::model::Change;

    fn change(key: usize, data: &str) -> Change {
        Change {
            stream: "s".into(),
            key: key.to_string(),
            operation: Operation::Whole,
            version: None,
            modified_at: None,
            data: data.into(),
        }
    }

    fn slices(changes: Vec<Change>) -> Slices {
        let changes = changes.into_iter().map(Incoming::passed).collect();
        let cursor = Checkpoint { source: "s".into(), cursor_format: 1, cursor: "c".into(), is_caught_up: true };
        Slices::new(changes, cursor)
    }

    /// A page of two slices and a bit, in which the first record changed twice: all keys come once, in order, the first
    /// one with its later change, and what gave way is counted once (CON-04).
    #[test]
    fn the_last_change_of_each_key_in_order() {
        let count = 2 * limits::DECIDE_SLICE_MAX + 5;
        let twice = std::iter::once(change(0, "old")).chain((0..count).map(|key| change(key, "new")));
        let mut page = slices(twice.collect());
        let (mut keys, mut superseded, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        while !page.is_empty() {
            let slice = page.take();
            assert!(slice.changes.iter().all(|one| one.change.data == "new"));
            sizes.push(slice.changes.len());
            superseded.push(slice.superseded);
            keys.extend(slice.changes.into_iter().map(|one| one.change.key));
        }
        assert_eq!(sizes, [limits::DECIDE_SLICE_MAX, limits::DECIDE_SLICE_MAX, 5]);
        assert_eq!(superseded, [1, 0, 0]);
        assert_eq!(keys, (0..count).map(|key| key.to_string()).collect::<Vec<_>>());
    }

    /// A partial change says only what it says: one before it is decided first, in a slice of its own, and a whole one
    /// after it makes both needless.
    #[test]
    fn a_partial_change_supersedes_nothing() {
        let partial = |key, data| Change { operation: Operation::Partial, ..change(key, data) };
        let mut page = slices(vec![change(1, "a"), change(2, "b"), partial(1, "c"), partial(3, "d"), change(3, "e")]);
        let data = |slice: Slice| slice.changes.into_iter().map(|one| one.change.data).collect::<Vec<_>>().join("");
        let first = page.take();
        assert_eq!(first.superseded, 1);
        assert_eq!(data(first), "ab");
        assert!(page.touches([&"1".to_owned()]));
        assert_eq!(data(page.take()), "ce");
        assert!(page.is_empty());
    }

    /// Only the next slice waits for a key in flight, not the page.
    #[test]
    fn a_slice_waits_for_its_own_keys() {
        let last = limits::DECIDE_SLICE_MAX.to_string();
        let mut page = slices((0..=limits::DECIDE_SLICE_MAX).map(|key| change(key, "")).collect());
        assert!(page.touches([&"7".to_owned()]));
        assert!(!page.touches([&last]));
        page.take();
        assert!(page.touches([&last]));
    }

    /// A page without changes is one empty slice: its checkpoint is stored like any other.
    #[test]
    fn an_empty_page() {
        let mut page = slices(Vec::new());
        assert!(page.is_empty() && !page.touches([&"1".to_owned()]));
        let slice = page.take();
        assert!(slice.changes.is_empty() && slice.superseded == 0);
    }
}
