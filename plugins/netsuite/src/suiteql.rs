//! SuiteQL: literals, names, statements, rows. Nothing of a request reaches a statement unescaped or unchecked.

use crate::api;
use serde::Deserialize;
use tollgate_sdk::{
    Condition, Failure, FieldType, Result, Test, http,
    json::{self, Json, Map},
    query,
};

/// A row: lower-case column names, text values, no member for an empty column.
pub(crate) type Row = Map<String, Json>;

/// A page of a query.
#[derive(Debug, Deserialize)]
pub(crate) struct Rows {
    #[serde(default)]
    pub(crate) links: Vec<Link>,
    pub(crate) items: Vec<Row>,
    #[serde(rename = "hasMore", default)]
    pub(crate) has_more: bool,
}

/// A link of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    pub(crate) rel: String,
    pub(crate) href: String,
}

/// Runs a statement; at most `limit` rows, which is 1,000 at most.
pub(crate) fn query(statement: &str, limit: u32, offset: u32) -> Result<Rows> {
    let request = http::request("suiteql").header("prefer", "transient");
    let request = request.query("limit", limit.to_string()).query("offset", offset.to_string());
    api::ok(request.json(&json::json!({"q": statement})).send()?)?.json()
}

/// The text of a column; none if it is empty.
pub(crate) fn text(row: &Row, column: &str) -> Option<String> {
    row.get(column).and_then(json::text)
}

/// Whether a text is an internal id: what may stand in a statement as a number.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A text literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An instant (RFC 3339) as a literal; the columns have seconds.
pub(crate) fn instant(at: &str) -> String {
    let text = at.get(..19).unwrap_or(at).replace('T', " ");
    format!("TO_TIMESTAMP({}, 'YYYY-MM-DD HH24:MI:SS')", quoted(&text))
}

/// A column's name in statements: the field's, in lower case.
///
/// # Errors
/// [`Failure::Misconfigured`]: what is no name must not reach a statement.
pub(crate) fn name(field: &str) -> Result<String> {
    if query::is_name(field) {
        Ok(field.to_ascii_lowercase())
    } else {
        Err(Failure::Misconfigured(format!("`{field}` is no field: correct it in the entity map")))
    }
}

/// A condition on a column; none if it cannot be said for certain.
///
/// # Errors
/// A value is no JSON.
pub(crate) fn condition(column: &str, of: FieldType, condition: &Condition) -> Result<Option<String>> {
    let is_ordered = matches!(of, FieldType::Decimal | FieldType::Integer | FieldType::Date);
    let ordered = |sign: &str, value: &Json| {
        literal(of, value).filter(|_| is_ordered).map(|literal| format!("{column} {sign} {literal}"))
    };
    Ok(match condition.read()? {
        Test::AtLeast(value) => ordered(">=", &value),
        Test::Less(value) => ordered("<", &value),
        Test::OneOf(values) => match &values[..] {
            [] => None,
            [Json::Null] => Some(format!("{column} IS NULL")),
            [value] => literal(of, value).map(|literal| format!("{column} = {literal}")),
            values => {
                let literals: Option<Vec<_>> = values.iter().map(|value| literal(of, value)).collect();
                literals.map(|literals| format!("{column} IN ({})", literals.join(", ")))
            }
        },
    })
}

fn literal(of: FieldType, value: &Json) -> Option<String> {
    match (of, value) {
        (FieldType::Boolean, Json::Bool(truth)) => Some(if *truth { "'T'" } else { "'F'" }.into()),
        (FieldType::Boolean, _) => None,
        (FieldType::Decimal | FieldType::Integer, value) => json::digits(value),
        (_, Json::String(text)) => Some(quoted(text)),
        (_, Json::Number(number)) => Some(quoted(&number.to_string())),
        _ => None,
    }
}
