//! Predicates: `StageName == "Closed Won" && Amount >= 1000.00`.
//!
//! The language is a subset of CEL (Common Expression Language), and every expression that is accepted here means the
//! same there. It is read and evaluated by this module, because the `cel` crate (0.15) reads JSON numbers as binary
//! floats: a comparison of money would not be exact. Here numbers are exact decimals (FIN-08).
//!
//! - `read`: text to expression, errors with a column;
//! - `eval`: expression and data to true or false.
//!
//! What there is: `==` `!=` `<` `<=` `>` `>=`, `in [..]`, `&&` `||` `!`, parentheses, dotted paths, texts, numbers,
//! `true`, `false`, `null`. A path that the record does not have is null, as if it had been declared so; of a partial change
//! it is unknown. As in CEL, `&&` and `||` need not know a side that does not matter: `StageName == "Closed Won" && Amount > 0` is false for an open deal
//! without an amount.

mod eval;
mod read;

use crate::model::Json;
use rust_decimal::Decimal;

/// An expression that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    root: Expr,
    text: String,
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct Error {
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Why the data gives neither true nor false: a sentence that names paths and kinds, not values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecided(String);

/// A node of an expression.
#[derive(Clone, Debug, PartialEq)]
enum Expr {
    /// At least two.
    Or(Vec<Expr>),
    /// At least two.
    And(Vec<Expr>),
    Not(Box<Expr>),
    Compare(Box<Expr>, Comparison, Box<Expr>),
    In(Box<Expr>, Vec<Literal>),
    Path(String),
    Literal(Literal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(String),
}

impl Predicate {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is not of the language, too long or too deep; says in which column.
    pub fn parse(text: &str) -> Result<Self, Error> {
        read::read(text).map(|root| Self { root, text: text.to_owned() })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the expression holds for a record's data.
    ///
    /// # Errors
    /// A comparison that matters has sides that cannot be compared, or the expression is neither true nor false.
    pub fn holds(&self, data: &Json) -> Result<bool, Undecided> {
        eval::Evaluation { data, is_partial: false }.holds(&self.root)
    }

    /// As [`Self::holds`], for a part of a record's data: a path that it does not have is unknown.
    ///
    /// # Errors
    /// As there; also where the answer depends on what is unknown.
    pub fn holds_of_part(&self, data: &Json) -> Result<bool, Undecided> {
        eval::Evaluation { data, is_partial: true }.holds(&self.root)
    }

    /// The paths that the expression reads, in order, each once.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths = Vec::new();
        collect(&self.root, &mut paths);
        paths
    }
}

fn collect<'a>(expr: &'a Expr, paths: &mut Vec<&'a str>) {
    match expr {
        Expr::Or(parts) | Expr::And(parts) => parts.iter().for_each(|part| collect(part, paths)),
        Expr::Not(inner) | Expr::In(inner, _) => collect(inner, paths),
        Expr::Compare(left, _, right) => {
            collect(left, paths);
            collect(right, paths);
        }
        Expr::Path(path) if !paths.contains(&path.as_str()) => paths.push(path),
        Expr::Path(_) | Expr::Literal(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The paths of an expression are known, so that a connector can be asked for them.
    #[test]
    fn paths() {
        let predicate = Predicate::parse(r#"a.b == 1 && (c in ["x"] || !d) && a.b < e"#).unwrap();
        assert_eq!(predicate.paths(), ["a.b", "c", "d", "e"]);
    }

    proptest! {
        /// No text makes the reader panic, and what it reads never makes the evaluation panic.
        #[test]
        fn survives_any_text(text in prop_oneof![any::<String>(), "[ab.()!&|<=>\"'\\\\\\[\\],0-9 e+-]{0,60}"]) {
            if let Ok(predicate) = Predicate::parse(&text) {
                let _ = predicate.holds(&serde_json::json!({"a": {"b": 1}, "b": "x"}));
            }
        }
    }
}
