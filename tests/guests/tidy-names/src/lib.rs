//! A transform for tests: trims `Name`, drops a record whose name begins with `drop `, refuses one that begins with
//! `refuse `, makes two of one that begins with `split `, and another stream's of `stray `.

use tollgate_sdk::json::{self, Json, json};
use tollgate_sdk::{Change, Result, Transform, Violation, config};

struct TidyNames;

tollgate_sdk::export!(TidyNames: transform);

impl Transform for TidyNames {
    fn apply(changes: Vec<Change>) -> Result<Vec<std::result::Result<Vec<Change>, Violation>>> {
        assert!(config::get("broken")? != Some(Json::Bool(true)), "broken, as the test asked");
        changes.into_iter().map(apply).collect()
    }
}

fn apply(change: Change) -> Result<std::result::Result<Vec<Change>, Violation>> {
    let mut data = json::object(&change.data)?;
    let name = data.get("Name").and_then(Json::as_str).unwrap_or_default().trim().to_owned();
    if !name.is_empty() {
        data.insert("Name".into(), json!(name));
    }
    let tidy = Change { data: json::print(&data), ..change };
    Ok(match name.split(' ').next() {
        Some("drop") => Ok(Vec::new()),
        Some("refuse") => Err(Violation::new("name", "a name that nobody has").on("Name")),
        Some("split") => Ok(vec![tidy.clone(), Change { key: format!("{}-2", tidy.key), ..tidy }]),
        Some("stray") => Ok(vec![Change { stream: "elsewhere".into(), ..tidy }]),
        _ => Ok(vec![tidy]),
    })
}
