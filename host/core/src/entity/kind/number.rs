//! Integer, decimal and money: JSON numbers or numeric texts, exact (FIN-08).
//!
//! Nothing is rounded: a value with more digits than are kept is refused, and the message says how many there were.

use super::{Refusal, Scalar};
use crate::model::limits::{MONEY_SCALE_MAX, NUMBER_DIGITS_MAX};
use crate::model::{Json, json};
use rust_decimal::Decimal;

pub(super) fn read_integer(value: &Scalar<'_>) -> Result<Decimal, Refusal> {
    read("integer", value, 0)
}

pub(super) fn read_decimal(value: &Scalar<'_>) -> Result<Decimal, Refusal> {
    read("decimal", value, NUMBER_DIGITS_MAX)
}

pub(super) fn read_money(value: &Scalar<'_>) -> Result<Decimal, Refusal> {
    read("money", value, MONEY_SCALE_MAX)
}

fn read(rule: &'static str, value: &Scalar<'_>, scale_max: u64) -> Result<Decimal, Refusal> {
    let text = match value {
        Scalar::Number(number) => *number,
        Scalar::Text(text) => text,
        Scalar::Boolean(_) => "",
    };
    let Some(digits) = json::Digits::of(text) else {
        return Err(Refusal::new(
            rule,
            format!(
                "{rule} {value} is no number; write digits with at most one point, no signs of grouping or currency"
            ),
        ));
    };
    if digits.fraction() > scale_max && digits.count() <= NUMBER_DIGITS_MAX {
        let found = digits.fraction();
        let bound =
            if scale_max == 0 { "a whole number has none".to_owned() } else { format!("at most {scale_max} are kept") };
        return Err(Refusal::new(
            rule,
            format!(
                "{rule} {value} has {found} digits after the point; {bound}, and none is rounded away; mend it at the \
                 source"
            ),
        ));
    }
    digits.decimal().ok_or_else(|| {
        let found = digits.count();
        let bound = format!("at most {NUMBER_DIGITS_MAX} are kept, and none is rounded away; mend it at the source");
        Refusal::new(rule, format!("{rule} {value} has {found} digits; {bound}"))
    })
}

/// A JSON number with at least 2 digits after the point.
pub(super) fn print_money(value: Decimal) -> Json {
    let mut text = value.normalize().to_string();
    match text.find('.').map_or(0, |point| text.len() - point - 1) {
        0 => text.push_str(".00"),
        1 => text.push('0'),
        _ => {}
    }
    serde_json::from_str(&text).expect("digits with one point are a JSON number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Scalar<'_> {
        Scalar::Number(text)
    }

    /// Money is read exactly, from numbers and numeric texts, and printed with at least 2 decimals.
    #[test]
    fn money() {
        for (value, printed) in [
            (number("1054"), "1054.00"),
            (number("0"), "0.00"),
            (number("1054.0"), "1054.00"),
            (number("0.1"), "0.10"),
            (number("-12.3456"), "-12.3456"),
            (number("1.00000"), "1.00"),
            (number("1e3"), "1000.00"),
            (Scalar::Text("92000.50".into()), "92000.50"),
            (number("9999999999999999999999999999"), "9999999999999999999999999999.00"),
        ] {
            assert_eq!(print_money(read_money(&value).unwrap()).to_string(), printed);
        }
    }

    /// What cannot be kept exactly is refused by name, with the digits that it has; nothing is rounded (FIN-08).
    #[test]
    fn refuses() {
        let forty = "1234567890123456789012345678901234567890";
        for (read, value, message) in [
            (
                read_money as fn(&Scalar<'_>) -> Result<Decimal, Refusal>,
                number(forty),
                "has 40 digits; at most 28 are kept",
            ),
            (read_decimal, number(forty), "has 40 digits; at most 28 are kept"),
            (read_money, number("1.23456"), "has 5 digits after the point; at most 4 are kept"),
            (read_money, number("1e999999999999"), "digits; at most 28 are kept"),
            (read_money, Scalar::Text("$1,250.00".into()), "money `$1,250.00` is no number"),
            (read_money, Scalar::Boolean(true), "money `true` is no number"),
            (read_integer, number("1.5"), "has 1 digits after the point; a whole number has none"),
            (read_decimal, Scalar::Text("1_000".into()), "is no number"),
        ] {
            let refusal = read(&value).unwrap_err();
            assert!(refusal.message.contains(message), "{}", refusal.message);
        }
        assert_eq!(read_money(&number(forty)).unwrap_err().rule, "money");
    }

    /// A million times 0.10 is exactly 100,000.00 (FIN-08).
    #[test]
    fn sums_exactly() {
        let dime = read_money(&number("0.10")).unwrap();
        let sum = (0..1_000_000).fold(Decimal::ZERO, |sum, _| sum + dime);
        assert_eq!(print_money(sum).to_string(), "100000.00");
    }
}
