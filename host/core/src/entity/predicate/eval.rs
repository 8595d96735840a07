//! Evaluates a predicate: numbers as exact decimals, errors absorbed by `&&` and `||` as in CEL.

use super::{Comparison, Expr, Literal, Undecided};
use crate::model::{Json, json};
use rust_decimal::Decimal;
use std::cmp::Ordering;

#[derive(Clone, Copy)]
enum Value<'a> {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(&'a str),
    /// A list or an object.
    Whole(&'a Json),
}

/// Evaluates over one record's data.
pub(super) struct Evaluation<'a> {
    pub(super) data: &'a Json,
    /// What is absent is unknown, not null: the data is a part of the record.
    pub(super) is_partial: bool,
}

impl<'a> Evaluation<'a> {
    pub(super) fn holds(&self, expr: &'a Expr) -> Result<bool, Undecided> {
        match expr {
            Expr::Or(parts) => self.absorb(parts, true),
            Expr::And(parts) => self.absorb(parts, false),
            Expr::Not(inner) => Ok(!self.holds(inner)?),
            Expr::Compare(left, comparison, right) => compare(self.value(left)?, *comparison, self.value(right)?)
                .map_err(|why| Undecided(format!("{}: {why}", name(left)))),
            Expr::In(inner, items) => {
                let found = self.value(inner)?;
                Ok(items.iter().any(|item| equal(found, literal(item))))
            }
            Expr::Path(_) | Expr::Literal(_) => match self.value(expr)? {
                Value::Boolean(value) => Ok(value),
                other => Err(Undecided(format!("{}: is {}, neither true nor false", name(expr), kind(other)))),
            },
        }
    }

    /// `&&` and `||`: the deciding value wins over an error on the other side.
    fn absorb(&self, parts: &'a [Expr], deciding: bool) -> Result<bool, Undecided> {
        let mut undecided = None;
        for part in parts {
            match self.holds(part) {
                Ok(value) if value == deciding => return Ok(deciding),
                Ok(_) => {}
                Err(error) => undecided = undecided.or(Some(error)),
            }
        }
        undecided.map_or(Ok(!deciding), Err)
    }

    fn value(&self, expr: &'a Expr) -> Result<Value<'a>, Undecided> {
        match expr {
            Expr::Literal(value) => Ok(literal(value)),
            Expr::Path(path) => match json::at(self.data, path) {
                None if self.is_partial => Err(Undecided(format!("{path}: this partial change does not say it"))),
                None | Some(Json::Null) => Ok(Value::Null),
                Some(Json::Bool(value)) => Ok(Value::Boolean(*value)),
                Some(Json::String(text)) => Ok(Value::Text(text)),
                Some(Json::Number(number)) => json::decimal(number.as_str())
                    .map(Value::Number)
                    .ok_or_else(|| Undecided(format!("{path}: has more than 28 digits"))),
                Some(whole) => Ok(Value::Whole(whole)),
            },
            _ => self.holds(expr).map(Value::Boolean),
        }
    }
}

fn literal(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Boolean(value) => Value::Boolean(*value),
        Literal::Number(number) => Value::Number(*number),
        Literal::Text(text) => Value::Text(text),
    }
}

fn compare(left: Value<'_>, comparison: Comparison, right: Value<'_>) -> Result<bool, String> {
    match comparison {
        Comparison::Equal => return Ok(equal(left, right)),
        Comparison::NotEqual => return Ok(!equal(left, right)),
        _ => {}
    }
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.cmp(&right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(&right),
        _ => return Err(format!("{} and {} have no order", kind(left), kind(right))),
    };
    Ok(match comparison {
        Comparison::Less => order == Ordering::Less,
        Comparison::AtMost => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        _ => order != Ordering::Less,
    })
}

/// Values of different kinds are not equal; numbers are compared by value, whatever their spelling.
fn equal(left: Value<'_>, right: Value<'_>) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Boolean(left), Value::Boolean(right)) => left == right,
        (Value::Number(left), Value::Number(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Whole(left), Value::Whole(right)) => json::canonical(left) == json::canonical(right),
        _ => false,
    }
}

fn kind(value: Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::Whole(_) => "a list or an object",
    }
}

fn name(expr: &Expr) -> &str {
    match expr {
        Expr::Path(path) => path,
        _ => "predicate",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Predicate;
    use crate::model::json;

    /// Expressions mean what they mean in CEL; numbers are compared as exact decimals (FIN-08). `None`: undecided.
    #[test]
    fn means_what_cel_means() {
        let data = json::parse(
            r#"{"StageName":"Closed Won","Amount":1054.10,"Tiny":0.1000000000000000000000000001,
                "Big":12345678901234567890123456789012,"Open":false,"Owner":{"Name":"Zoë","Id":null},"List":[1,2.0],"Same":[1.0,2],"Text":"10","Won":true}"#,
        )
        .unwrap();
        for (text, expected) in [
            (r#"StageName == "Closed Won""#, Some(true)),
            (r#"StageName == 'closed won'"#, Some(false)),
            (r#"StageName != "Lost""#, Some(true)),
            ("Amount == 1054.1", Some(true)),
            ("Amount == 1.0541e3", Some(true)),
            ("Amount > 1054.0999999999999999999999", Some(true)),
            ("Amount <= 1054.10 && Amount >= 1054.10", Some(true)),
            ("Tiny == 0.1", Some(false)),
            ("Tiny > 0.1", Some(true)),
            ("Amount < -5", Some(false)),
            (r#"Text == 10"#, Some(false)),
            (r#"Text < "9""#, Some(true)),
            (r#"Owner.Name == "Zo\u00eb""#, Some(true)),
            ("Owner.Id == null", Some(true)),
            ("Owner.Phone.Home == null", Some(true)),
            ("Absent == null", Some(true)),
            ("Absent != 1", Some(true)),
            (r#"StageName in ["Won", "Closed Won"]"#, Some(true)),
            ("Amount in [1, 1054.10, null]", Some(true)),
            ("Absent in [null]", Some(true)),
            ("Amount in []", Some(false)),
            ("Won", Some(true)),
            ("!Open && Won", Some(true)),
            ("!Open == Won", Some(true)),
            ("!(Open || Won)", Some(false)),
            ("!!Won", Some(true)),
            ("Open || Won && Open", Some(false)),
            ("(Amount > 1) == true", Some(true)),
            ("Open < Won", Some(true)),
            ("List == Same", Some(true)),
            ("List == 1", Some(false)),
            ("true", Some(true)),
            // An error on one side does not matter where the other side decides.
            ("Absent > 1 && Open", Some(false)),
            ("Open && Absent > 1", Some(false)),
            ("Absent > 1 || Won", Some(true)),
            ("Absent > 1 && Won", None),
            ("Absent > 1 || Open", None),
            ("!(Absent > 1)", None),
            (r#"Amount > "1""#, None),
            ("List > 1", None),
            ("StageName", None),
            ("Big > 1", None),
        ] {
            let predicate = Predicate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(predicate.holds(&data).ok(), expected, "{text}");
        }
        let part = json::parse(r#"{"Stage":"Won","Owner":null}"#).unwrap();
        for (text, expected) in [
            (r#"Stage == "Won""#, Some(true)),
            (r#"Stage == "Won" && Amount > 0"#, None),
            (r#"Stage == "Lost" && Amount > 0"#, Some(false)),
            (r#"Stage == "Won" || Amount > 0"#, Some(true)),
            ("Amount == null", None),
            ("Amount in [null]", None),
            ("Owner.Name == null", Some(true)),
        ] {
            assert_eq!(Predicate::parse(text).unwrap().holds_of_part(&part).ok(), expected, "{text}");
        }
        let undecided = Predicate::parse("Absent > 1").unwrap().holds(&data).unwrap_err();
        assert_eq!(undecided.to_string(), "Absent: null and a number have no order");
    }
}
