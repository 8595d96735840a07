//! Numbers as exact decimals: read digit by digit, refused rather than rounded.
//!
//! `rust_decimal`'s own readers round silently beyond 28 digits, or accept `_` between digits; here the digits are
//! counted first, so that a refusal can say how many there were.

use crate::model::json::Json;
use crate::model::limits::NUMBER_DIGITS_MAX;
use rust_decimal::Decimal;

/// The digits of a number, zeros that carry nothing left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digits {
    is_negative: bool,
    /// All significant digits as one number; meaningless beyond [`NUMBER_DIGITS_MAX`].
    mantissa: u128,
    /// Significant digits.
    significant: u64,
    /// The value is `mantissa / 10^scale`.
    scale: i64,
}

impl Digits {
    /// Takes a number apart: JSON's grammar, and leading zeros, which numbers in texts have. `None` if it is none.
    pub fn of(number: &str) -> Option<Self> {
        let (is_negative, rest) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let (plain, exponent) = match rest.split_once(['e', 'E']) {
            Some((plain, exponent)) => (plain, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match plain.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (plain, ""),
        };
        if whole.is_empty() {
            return None;
        }
        let mut digits = Self { is_negative, mantissa: 0, significant: 0, scale: 0 };
        let mut zeros = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            match byte {
                b'0' => zeros += u64::from(digits.significant > 0),
                b'1'..=b'9' => {
                    digits.push(zeros, byte - b'0');
                    zeros = 0;
                }
                _ => return None,
            }
        }
        if digits.significant == 0 {
            return Some(Self { is_negative: false, ..digits });
        }
        let written = i64::try_from(fraction.len()).ok()?;
        digits.scale = written.saturating_sub(i64::try_from(zeros).ok()?).saturating_sub(exponent);
        Some(digits)
    }

    /// Appends `zeros` zeros and one digit.
    fn push(&mut self, zeros: u64, digit: u8) {
        self.significant += zeros + 1;
        if self.significant <= NUMBER_DIGITS_MAX {
            for _ in 0..=zeros {
                self.mantissa *= 10;
            }
            self.mantissa += u128::from(digit);
        }
    }

    /// Digits before the point.
    pub fn whole(&self) -> u64 {
        let significant = i64::try_from(self.significant).unwrap_or(i64::MAX);
        significant.saturating_sub(self.scale).max(0).unsigned_abs()
    }

    /// Digits after the point.
    pub fn fraction(&self) -> u64 {
        self.scale.max(0).unsigned_abs()
    }

    /// All digits, written plainly.
    pub fn count(&self) -> u64 {
        self.whole().saturating_add(self.fraction())
    }

    /// The exact decimal; `None` beyond [`NUMBER_DIGITS_MAX`].
    pub fn decimal(&self) -> Option<Decimal> {
        if self.count() > NUMBER_DIGITS_MAX {
            return None;
        }
        let mut mantissa = i128::try_from(self.mantissa).ok()?;
        for _ in self.scale..0 {
            mantissa *= 10;
        }
        let scale = u32::try_from(self.fraction()).ok()?;
        Decimal::try_from_i128_with_scale(if self.is_negative { -mantissa } else { mantissa }, scale).ok()
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value =
        digits.bytes().fold(0_i64, |value, byte| value.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
    Some(if is_negative { -value } else { value })
}

/// An exact decimal from number text, exponents included, without trailing zeros; `None` beyond 28 digits: it never
/// rounds.
pub fn decimal(number: &str) -> Option<Decimal> {
    Digits::of(number)?.decimal()
}

/// A JSON number with exactly this decimal's digits.
pub fn number(decimal: Decimal) -> Json {
    serde_json::from_str(&decimal.to_string()).expect("a decimal prints as a JSON number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A number is read exactly or not at all (FIN-08); its digits are counted as they would be written plainly.
    #[test]
    fn exact_or_refused() {
        let nines = "9".repeat(28);
        for (text, value, count) in [
            ("0", Some("0"), 0),
            ("-0.00", Some("0"), 0),
            ("1.50", Some("1.5"), 2),
            ("007", Some("7"), 1),
            ("1.5e2", Some("150"), 3),
            ("1E-3", Some("0.001"), 3),
            ("-12.25", Some("-12.25"), 4),
            (nines.as_str(), Some(nines.as_str()), 28),
            ("1e27", Some("1000000000000000000000000000"), 28),
            ("1e28", None, 29),
            ("1e-28", Some("0.0000000000000000000000000001"), 28),
            ("1e-29", None, 29),
            ("1234567890123456789012345678901234567890", None, 40),
            ("0e999999999999999999999", Some("0"), 0),
        ] {
            let digits = Digits::of(text).unwrap_or_else(|| panic!("{text} is a number"));
            assert_eq!(digits.decimal().map(|value| value.to_string()).as_deref(), value, "{text}");
            assert_eq!(digits.count(), count, "{text}");
        }
        assert_eq!(Digits::of("1e999999999999999999999").unwrap().decimal(), None);
        for text in ["", "-", ".5", "1.", "1e", "1e+", "1_000", "1,000", "+1", " 1", "0x10", "NaN", "١"] {
            assert_eq!(Digits::of(text), None, "{text}");
        }
    }

    proptest! {
        /// What `rust_decimal` prints is read back as the same value.
        #[test]
        fn reads_what_is_printed(
            mantissa in -9_999_999_999_999_999_999_999_999_999_i128..=9_999_999_999_999_999_999_999_999_999,
            scale in 0_u32..=28,
        ) {
            let value = Decimal::try_from_i128_with_scale(mantissa, scale).unwrap();
            prop_assert_eq!(decimal(&value.to_string()), Some(value));
        }

        /// No text makes it panic.
        #[test]
        fn survives_any_text(text in "[-+0-9.eE_]{0,80}") {
            let _ = Digits::of(&text).map(|digits| (digits.count(), digits.decimal()));
        }
    }
}
