//! The setting `fields`: which value is found where, and what is left of it.

use tollgate_sdk::{Failure, Json, Result, config};

/// What is left of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing.
    Drop,
    /// A sign that there was one.
    Mask,
    /// The sign and the last four characters.
    Last4,
}

/// One step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// A member of an object.
    pub(crate) name: String,
    /// Whether the member is a list, each of whose elements is meant; lists of lists count each level.
    pub(crate) lists: usize,
}

/// One field and what is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The path as the admin wrote it, for messages.
    pub(crate) path: String,
    /// The way there; at least one step.
    pub(crate) steps: Vec<Step>,
    /// What is done.
    pub(crate) mode: Mode,
}

/// The rules of this flow.
///
/// # Errors
/// [`Failure::Misconfigured`] names the first field that cannot be understood: then no record may pass.
pub(crate) fn configured() -> Result<Vec<Rule>> {
    let Some(Json::Object(fields)) = config::get("fields")? else {
        return Err(wrong("`fields` must be an object: {\"Phone\": \"drop\"}"));
    };
    if fields.is_empty() {
        return Err(wrong("`fields` names no field: take the transform out of the flow if nothing is to be redacted"));
    }
    fields.iter().map(|(path, mode)| read(path, mode)).collect()
}

fn read(path: &str, mode: &Json) -> Result<Rule> {
    let mode = match mode.as_str() {
        Some("drop") => Mode::Drop,
        Some("mask") => Mode::Mask,
        Some("last-4") => Mode::Last4,
        _ => return Err(wrong(&format!("field `{path}`: write drop, mask or last-4"))),
    };
    let steps: Option<Vec<Step>> = path.split('.').map(step).collect();
    let steps =
        steps.ok_or_else(|| wrong(&format!("field `{path}`: write names joined with dots, `contacts[].iban`")))?;
    Ok(Rule { path: path.to_owned(), steps, mode })
}

fn step(text: &str) -> Option<Step> {
    let (mut name, mut lists) = (text, 0);
    while let Some(shorter) = name.strip_suffix("[]") {
        (name, lists) = (shorter, lists + 1);
    }
    let is_name = !name.is_empty() && !name.contains(['[', ']']) && name.trim() == name;
    is_name.then(|| Step { name: name.to_owned(), lists })
}

fn wrong(what: &str) -> Failure {
    Failure::Misconfigured(format!("redact: {what}"))
}
