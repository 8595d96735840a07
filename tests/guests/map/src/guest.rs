//! The plugin around [`crate::map`].

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "transformer" });
}

use bindings::exports::tollgate::plugin::transform::Guest;
use bindings::tollgate::plugin::types::{Change, Failure, Violation};

struct Map;

bindings::export!(Map with_types_in bindings);

impl Guest for Map {
    fn apply(changes: Vec<Change>) -> Result<Vec<Result<Vec<Change>, Violation>>, Failure> {
        Ok(changes.into_iter().map(apply).collect())
    }
}

fn apply(change: Change) -> Result<Vec<Change>, Violation> {
    match crate::map(&change.data) {
        Ok(data) => Ok(vec![Change { data, ..change }]),
        Err(refused) => {
            Err(Violation { field: refused.field.map(Into::into), rule: refused.rule.into(), message: refused.message })
        }
    }
}
