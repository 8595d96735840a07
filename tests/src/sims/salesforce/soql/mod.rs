//! The part of SOQL that connectors use: parsed, bound to the schema, run over the store.
//!
//! Select lists with dotted parents and one level of child sub-selects, `FIELDS(ALL)`, `COUNT()`, conditions with
//! `AND`, `OR`, `NOT`, parentheses, the comparisons and `IN`, `ORDER BY`, `LIMIT` and `OFFSET`. Everything else gets
//! the vendor's own error.

pub mod bind;
pub mod parse;
pub mod print;
pub mod run;
pub mod token;

use super::errors::ApiError;

/// Why a query is refused: the vendor's code and its message.
pub type Refused = ApiError;

/// The vendor's syntax error, which shows the place.
fn malformed(text: &str, at: usize, why: &str) -> Refused {
    ApiError::new("MALFORMED_QUERY", format!("{}\n{why}", pointer(text, at)))
}

/// The vendor's way to point into a query: the line, a caret, the row and the column.
fn pointer(text: &str, at: usize) -> String {
    let at = at.min(text.len());
    let start = at.saturating_sub(40);
    let start = (start..=at).find(|n| text.is_char_boundary(*n)).unwrap_or(at);
    let end = (at + 30).min(text.len());
    let end = (end..=text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len());
    format!("\n{}\n{}^\nERROR at Row:1:Column:{}", &text[start..end], " ".repeat(at - start), at + 1)
}
