//! Keeps pages in order: a checkpoint is stored when its page and all pages before it have nothing open.

use crate::store::Checkpoint;
use std::collections::{HashSet, VecDeque};
use tollgate_core::model::BatchId;

/// Pages that are being decided or have open batches, oldest first. Only the newest one is ever being decided.
#[derive(Debug, Default)]
pub struct Pages {
    open: VecDeque<OpenPage>,
}

#[derive(Debug)]
struct OpenPage {
    checkpoint: Checkpoint,
    batches: HashSet<BatchId>,
    is_decided: bool,
}

impl OpenPage {
    /// Whether nothing would be open without this batch.
    fn is_done_without(&self, batch: Option<&BatchId>) -> bool {
        self.is_decided && self.batches.iter().all(|open| Some(open) == batch)
    }
}

impl Pages {
    /// Whether no page is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Begins a page behind the others. A page without batches still waits for those before it.
    pub fn begin(&mut self, checkpoint: Checkpoint) {
        self.open.push_back(OpenPage { checkpoint, batches: HashSet::new(), is_decided: false });
    }

    /// Adds to the page that is being decided; `is_last`: it is decided now.
    pub fn add(&mut self, batches: impl IntoIterator<Item = BatchId>, is_last: bool) {
        let page = self.open.back_mut().expect("a page was begun");
        page.batches.extend(batches);
        page.is_decided = is_last;
        self.drop_done();
    }

    /// Whether the page that is being decided is the only one and has nothing open: its checkpoint may be stored with
    /// its last decisions, if they leave nothing open either.
    pub fn is_last_free(&self) -> bool {
        self.open.len() == 1 && self.open[0].batches.is_empty()
    }

    /// The checkpoint that may be stored once `batch` is closed, if that closes the oldest page.
    pub fn checkpoint_after(&self, batch: &BatchId) -> Option<&Checkpoint> {
        self.open.iter().take_while(|page| page.is_done_without(Some(batch))).last().map(|page| &page.checkpoint)
    }

    /// `batch` is closed; `again` took its place if it has to be tried again.
    pub fn close(&mut self, batch: &BatchId, again: Option<&BatchId>) {
        for page in &mut self.open {
            if page.batches.remove(batch) {
                page.batches.extend(again.cloned());
            }
        }
        self.drop_done();
    }

    fn drop_done(&mut self) {
        while self.open.front().is_some_and(|page| page.is_done_without(None)) {
            self.open.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(cursor: &str) -> Checkpoint {
        Checkpoint { source: "s".into(), cursor_format: 1, cursor: cursor.into(), is_caught_up: false }
    }

    fn stored(pages: &Pages, batch: &str) -> Option<String> {
        pages.checkpoint_after(&batch.into()).map(|checkpoint| checkpoint.cursor.clone())
    }

    /// Three pages; the second closes first, and a retry keeps the first one open: nothing is stored before the first
    /// page is closed, then the newest of the closed ones is (IDE-07).
    #[test]
    fn a_checkpoint_waits_for_every_earlier_page() {
        let mut pages = Pages::default();
        for (cursor, batches) in [("1", vec!["a", "b"]), ("2", vec!["c"]), ("3", vec!["d"])] {
            pages.begin(checkpoint(cursor));
            pages.add(batches.into_iter().map(BatchId::from), true);
        }

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

    /// The first slice of a page is written before the second one is decided: its checkpoint waits for that one, and
    /// is stored with it if that leaves nothing open (IDE-07).
    #[test]
    fn a_checkpoint_waits_for_the_whole_page() {
        let mut pages = Pages::default();
        pages.begin(checkpoint("1"));
        pages.add(["a".into()], false);
        assert!(!pages.is_last_free());
        assert_eq!(stored(&pages, "a"), None, "more is to come");
        pages.close(&"a".into(), None);
        assert!(pages.is_last_free() && !pages.is_empty());
        pages.add([], true);
        assert!(pages.is_empty());
    }
}
