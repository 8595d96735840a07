//! A transform with a fault: it drops a change that has the data of the one before, so that a page's edge decides what
//! becomes of a record. The conformance kit must find it.

use tollgate_sdk::{Change, Result, Transform, Violation};

struct Dedup;

tollgate_sdk::export!(Dedup: transform);

impl Transform for Dedup {
    fn apply(changes: Vec<Change>) -> Result<Vec<std::result::Result<Vec<Change>, Violation>>> {
        let mut before = None;
        let one = |change: Change| {
            let is_same = before.replace(change.data.clone()) == Some(change.data.clone());
            Ok(if is_same { Vec::new() } else { vec![change] })
        };
        Ok(changes.into_iter().map(one).collect())
    }
}
