//! Keeps pages in order: a checkpoint is stored when its page and all pages before it have nothing open.

use crate::store::Checkpoint;
use std::collections::{HashSet, VecDeque};
use tollgate_core::model::BatchId;

/// Pages that were decided and still have open batches, oldest first.
#[derive(Debug, Default)]
pub struct Pages {
    open: VecDeque<OpenPage>,
}

#[derive(Debug)]
struct OpenPage {
    checkpoint: Checkpoint,
    batches: HashSet<BatchId>,
}

impl Pages {
    /// Whether no page is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Adds a page behind the others. A page without batches still waits for those before it.
    pub fn push(&mut self, checkpoint: Checkpoint, batches: impl IntoIterator<Item = BatchId>) {
        self.open.push_back(OpenPage { checkpoint, batches: batches.into_iter().collect() });
    }

    /// The checkpoint that may be stored once `batch` is closed, if that closes the oldest page.
    pub fn checkpoint_after(&self, batch: &BatchId) -> Option<&Checkpoint> {
        let closed = |page: &&OpenPage| page.batches.iter().all(|open| open == batch);
        self.open.iter().take_while(closed).last().map(|page| &page.checkpoint)
    }

    /// `batch` is closed; `again` took its place if it has to be tried again.
    pub fn close(&mut self, batch: &BatchId, again: Option<&BatchId>) {
        for page in &mut self.open {
            if page.batches.remove(batch) {
                page.batches.extend(again.cloned());
            }
        }
        while self.open.front().is_some_and(|page| page.batches.is_empty()) {
            self.open.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(cursor: &str) -> Checkpoint {
        Checkpoint { cursor_format: 1, cursor: cursor.into(), is_caught_up: false }
    }

    /// Three pages; the second closes first, and a retry keeps the first one open: nothing is stored before the first
    /// page is closed, then the newest of the closed ones is (IDE-07).
    #[test]
    fn a_checkpoint_waits_for_every_earlier_page() {
        let mut pages = Pages::default();
        pages.push(checkpoint("1"), ["a".into(), "b".into()]);
        pages.push(checkpoint("2"), ["c".into()]);
        pages.push(checkpoint("3"), ["d".into()]);
        let stored = |pages: &Pages, batch: &str| pages.checkpoint_after(&batch.into()).map(|c| c.cursor.clone());

        assert_eq!(stored(&pages, "c"), None);
        pages.close(&"c".into(), None);
        assert_eq!(stored(&pages, "a"), None, "b is open");
        pages.close(&"a".into(), Some(&"a2".into()));
        assert_eq!(stored(&pages, "b"), None, "a2 is open");
        pages.close(&"b".into(), None);
        assert_eq!(stored(&pages, "a2").as_deref(), Some("2"), "page 2 was closed before");
        pages.close(&"a2".into(), None);
        assert_eq!(stored(&pages, "d").as_deref(), Some("3"));
        pages.close(&"d".into(), None);
        assert!(pages.is_empty());
    }
}
