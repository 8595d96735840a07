//! A transform: it refuses records without a name and passes the others on.

use tollgate_sdk::{Change, Result, Transform, Violation, json};

struct Cleaner;

impl Transform for Cleaner {
    fn apply(changes: Vec<Change>) -> Result<Vec<std::result::Result<Vec<Change>, Violation>>> {
        changes.into_iter().map(clean).collect()
    }
}

fn clean(change: Change) -> Result<std::result::Result<Vec<Change>, Violation>> {
    let data = json::object(&change.data)?;
    let missing = || Violation::new("required", "a record needs a name").on("name");
    Ok(if data.contains_key("name") { Ok(vec![change]) } else { Err(missing()) })
}

tollgate_sdk::export!(Cleaner: transform);
