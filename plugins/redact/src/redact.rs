//! Takes one field out of one record.

use crate::rule::{Mode, Rule, Step};
use tollgate_sdk::json::{self, Map};
use tollgate_sdk::{Json, Violation};

const SIGN: &str = "***";
/// A value shorter than this would be known by its last four characters.
const LAST_4_CHARACTERS_MIN: usize = 8;

/// Does what the rule says to every value that its path leads to.
///
/// # Errors
/// The record is of another shape than the path or the mode: the value may stand somewhere else.
pub(crate) fn redact(data: &mut Map<String, Json>, rule: &Rule) -> Result<(), Violation> {
    walk(data, &rule.steps, rule)
}

fn walk(object: &mut Map<String, Json>, steps: &[Step], rule: &Rule) -> Result<(), Violation> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    if rest.is_empty() && step.lists == 0 && rule.mode == Mode::Drop {
        object.remove(&step.name);
        return Ok(());
    }
    match object.get_mut(&step.name) {
        None | Some(Json::Null) => Ok(()),
        Some(value) => each(value, step.lists, rest, rule),
    }
}

/// Goes through `lists` levels of lists and does the rest to what is found there.
fn each(value: &mut Json, lists: usize, rest: &[Step], rule: &Rule) -> Result<(), Violation> {
    match (value, lists) {
        (Json::Null, _) => Ok(()),
        (Json::Array(items), 1) if rest.is_empty() && rule.mode == Mode::Drop => {
            items.clear();
            Ok(())
        }
        (Json::Array(items), 1..) => items.iter_mut().try_for_each(|item| each(item, lists - 1, rest, rule)),
        (_, 1..) => Err(refused(rule, "a list was expected on the way")),
        (value, 0) if rest.is_empty() => mask(value, rule),
        (Json::Object(members), 0) => walk(members, rest, rule),
        (_, 0) => Err(refused(rule, "an object was expected on the way")),
    }
}

fn mask(value: &mut Json, rule: &Rule) -> Result<(), Violation> {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Number(_) => json::digits(value).unwrap_or_default(),
        _ => return Err(refused(rule, "only a text or a number can be masked; drop it, or name what is in it")),
    };
    *value = Json::String(match rule.mode {
        Mode::Last4 if text.chars().count() >= LAST_4_CHARACTERS_MIN => {
            let start = text.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
            format!("{SIGN}{}", &text[start..])
        }
        _ => SIGN.to_owned(),
    });
    Ok(())
}

fn refused(rule: &Rule, why: &str) -> Violation {
    Violation::new("redact", format!("{why}: mend the record, or the transform's setting")).on(&rule.path)
}
