//! The transform `redact`: takes values out of records before they are stored or sent. README.md says what each mode
//! leaves; `plugin.toml` is what it asks the host for.
//!
//! [`rule`] reads the setting; [`redact`] does it to one record. Invariant: a record passes with every named value gone, or
//! not at all, and no message holds a value.

mod redact;
mod rule;

use rule::Rule;
use tollgate_sdk::{Change, Operation, Result, Transform, Violation, json};

/// The plugin.
#[derive(Debug)]
pub struct Redact;

tollgate_sdk::export!(Redact: transform);

impl Transform for Redact {
    fn apply(changes: Vec<Change>) -> Result<Vec<std::result::Result<Vec<Change>, Violation>>> {
        let rules = rule::configured()?;
        Ok(changes.into_iter().map(|change| apply(&rules, change)).collect())
    }
}

fn apply(rules: &[Rule], change: Change) -> std::result::Result<Vec<Change>, Violation> {
    if matches!(change.operation, Operation::Deleted | Operation::MergedInto(_)) {
        // Nothing of such a record is needed, so nothing of it is passed on.
        return Ok(vec![Change { data: "{}".into(), ..change }]);
    }
    let Ok(mut data) = json::object(&change.data) else {
        return Err(Violation::new("redact", "the record's data is no JSON object, so nothing can be found in it"));
    };
    for rule in rules {
        redact::redact(&mut data, rule)?;
    }
    Ok(vec![Change { data: json::print(&data), ..change }])
}

#[cfg(test)]
mod tests;
