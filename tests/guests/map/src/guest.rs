//! The plugin around [`crate::map`].

use tollgate_sdk::{Change, Result, Transform, Violation};

struct Map;

tollgate_sdk::export!(Map: transform);

impl Transform for Map {
    fn apply(changes: Vec<Change>) -> Result<Vec<std::result::Result<Vec<Change>, Violation>>> {
        Ok(changes.into_iter().map(apply).collect())
    }
}

fn apply(change: Change) -> std::result::Result<Vec<Change>, Violation> {
    match crate::map(&change.data) {
        Ok(data) => Ok(vec![Change { data, ..change }]),
        Err(refused) => {
            let violation = Violation::new(refused.rule, refused.message);
            Err(refused.field.into_iter().fold(violation, Violation::on))
        }
    }
}
