//! SOQL: literals, names, conditions, statements. Nothing of a request reaches a statement unescaped or unchecked.

use tollgate_sdk::{Condition, Failure, Json, Result, Test, query, time};

/// A text literal.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        match character {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// A field, or a field of a parent (`Account.Name`).
///
/// # Errors
/// [`Failure::Misconfigured`]: what is no name must not reach a statement.
pub(crate) fn name(path: &str) -> Result<&str> {
    if path.split('.').all(query::is_name) {
        Ok(path)
    } else {
        Err(Failure::Misconfigured(format!("`{path}` is no field: correct it in the entity map")))
    }
}

/// A condition as SOQL; none if it cannot be said for certain: a date has another literal than a text, and only a
/// description tells which a field is. Text is compared without regard to case, so more may come back than meets it.
///
/// # Errors
/// The field is no name, or a value is no JSON.
pub(crate) fn condition(condition: &Condition) -> Result<Option<String>> {
    let field = name(&condition.field)?;
    Ok(match condition.read()? {
        Test::OneOf(values) => match &values[..] {
            [] => None,
            [value] => literal(value).map(|value| format!("{field} = {value}")),
            values if values.contains(&Json::Null) => None,
            values => {
                let literals: Option<Vec<_>> = values.iter().map(literal).collect();
                literals.map(|literals| format!("{field} IN ({})", literals.join(", ")))
            }
        },
        Test::AtLeast(Json::Number(number)) => Some(format!("{field} >= {number}")),
        Test::Less(Json::Number(number)) => Some(format!("{field} < {number}")),
        Test::AtLeast(_) | Test::Less(_) => None,
    })
}

fn literal(value: &Json) -> Option<String> {
    match value {
        Json::Null => Some("NULL".into()),
        Json::Bool(true) => Some("TRUE".into()),
        Json::Bool(false) => Some("FALSE".into()),
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) if is_date(text) => None,
        Json::String(text) => Some(quoted(text)),
        Json::Array(_) | Json::Object(_) => None,
    }
}

fn is_date(text: &str) -> bool {
    let is_day = text.len() == 10 && time::rfc3339(&format!("{text}T00:00:00Z")).is_ok();
    is_day || time::rfc3339(text).is_ok()
}

/// `SELECT .. FROM ..` with its parts; empty parts are left out.
pub(crate) fn select(fields: &str, object: &str, conditions: &[String], rest: &str) -> String {
    format!("SELECT {fields} FROM {object}{} {rest}", query::filter(conditions))
}
