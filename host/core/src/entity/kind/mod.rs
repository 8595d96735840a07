//! The types of fields: each reads a value in one side's format and prints it in the other's.
//!
//! - `text`, `boolean`, `currency`: one form;
//! - `number`: integer, decimal, money, all exact;
//! - `date`, `date_time`: days and instants;
//! - `country`, `us_state`: names and codes.
//!
//! A type refuses what it does not know and never guesses: what it refuses goes to the exceptions until a translation
//! table or the source mends it (MAP-05). What is blank never reaches a type. Every type holds: reading what was
//! printed gives the value again.

mod boolean;
mod country;
mod currency;
mod date;
mod date_time;
mod number;
mod scalar;
mod text;
mod us_state;

pub use country::Country;
pub use scalar::Scalar;
pub use us_state::State;

use crate::model::Json;
use rust_decimal::Decimal;
use std::borrow::Cow;

/// A type of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text, as it is. What a field is that names no type.
    Text,
    /// A whole number.
    Integer,
    /// An exact decimal.
    Decimal,
    /// An exact decimal with at most 4 digits after the point, printed with at least 2.
    Money,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// A country of ISO 3166-1.
    Country,
    /// A state, possession or military mail region of the United States.
    UsState,
    /// A currency code of ISO 4217.
    Currency,
}

/// How one side writes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The only form there is.
    Plain,
    /// `2017-03-01`.
    Iso,
    /// `03/01/2017`.
    Us,
    /// `20170301`.
    Compact,
    /// Milliseconds since 1970, UTC.
    EpochMs,
    /// `2026-11-21T10:00:00Z`, with any offset.
    Rfc3339,
    /// `2026-11-21T10:00:00.000+0000`.
    Salesforce,
    /// A name for people.
    Name,
    /// Two letters.
    Alpha2,
    /// Three letters.
    Alpha3,
    /// A short code.
    Code,
}

/// A value that a type has read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// An integer or decimal.
    Number(Decimal),
    /// Money.
    Money(Decimal),
    /// True or false.
    Boolean(bool),
    /// A day.
    Date(jiff::civil::Date),
    /// An instant.
    Instant(jiff::Timestamp),
    /// A country.
    Country(&'static Country),
    /// A state.
    State(&'static State),
    /// A currency code.
    Currency(&'static str),
}

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule that refused it: the type's name.
    pub rule: &'static str,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Refusal {
    fn new(rule: &'static str, message: impl Into<String>) -> Self {
        Self { rule, message: message.into() }
    }

    /// Says that `value` does not have the form that the format wants.
    fn form(rule: &'static str, value: &Scalar<'_>, wanted: &str) -> Self {
        Self::new(
            rule,
            format!(
                "{rule} {value} is not {wanted}; mend it at the source, or declare the format that the source writes"
            ),
        )
    }
}

impl Type {
    /// All types.
    pub const ALL: [Type; 10] = [
        Type::Text,
        Type::Integer,
        Type::Decimal,
        Type::Money,
        Type::Boolean,
        Type::Date,
        Type::DateTime,
        Type::Country,
        Type::UsState,
        Type::Currency,
    ];

    /// Its name in an entity map, and the rule that its refusals name.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Text => "text",
            Type::Integer => "integer",
            Type::Decimal => "decimal",
            Type::Money => "money",
            Type::Boolean => "boolean",
            Type::Date => "date",
            Type::DateTime => "date_time",
            Type::Country => "country",
            Type::UsState => "us_state",
            Type::Currency => "currency",
        }
    }

    /// The formats that a side may declare; empty if there is only one form.
    pub const fn formats(self) -> &'static [Format] {
        match self {
            Type::Date => &[Format::Iso, Format::Us, Format::Compact, Format::EpochMs],
            Type::DateTime => &[Format::Rfc3339, Format::Salesforce, Format::EpochMs],
            Type::Country => &[Format::Name, Format::Alpha2, Format::Alpha3],
            Type::UsState => &[Format::Name, Format::Code],
            _ => &[],
        }
    }

    /// The format of a side that declares none; `None` where a side must say how it writes.
    pub const fn format_default(self) -> Option<Format> {
        match self {
            Type::Date => Some(Format::Iso),
            Type::DateTime => Some(Format::Rfc3339),
            Type::Country | Type::UsState => None,
            _ => Some(Format::Plain),
        }
    }

    /// Reads a value that is not blank.
    ///
    /// # Errors
    /// The type does not know the value in this format.
    pub fn read(self, value: &Scalar<'_>, format: Format) -> Result<Value, Refusal> {
        match self {
            Type::Text => Ok(Value::Text(text::read(value))),
            Type::Integer => number::read_integer(value).map(Value::Number),
            Type::Decimal => number::read_decimal(value).map(Value::Number),
            Type::Money => number::read_money(value).map(Value::Money),
            Type::Boolean => boolean::read(value).map(Value::Boolean),
            Type::Date => date::read(value, format).map(Value::Date),
            Type::DateTime => date_time::read(value, format).map(Value::Instant),
            Type::Country => country::read(value, format).map(Value::Country),
            Type::UsState => us_state::read(value, format).map(Value::State),
            Type::Currency => currency::read(value).map(Value::Currency),
        }
    }
}

impl Format {
    /// Its name in an entity map.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Plain => "plain",
            Format::Iso => "iso",
            Format::Us => "us",
            Format::Compact => "compact",
            Format::EpochMs => "epoch-ms",
            Format::Rfc3339 => "rfc3339",
            Format::Salesforce => "salesforce",
            Format::Name => "name",
            Format::Alpha2 => "alpha2",
            Format::Alpha3 => "alpha3",
            Format::Code => "code",
        }
    }
}

impl Value {
    /// One text per value, whatever the format that it was read from.
    pub fn canonical(&self) -> Cow<'_, str> {
        match self {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Number(value) | Value::Money(value) => Cow::Owned(value.normalize().to_string()),
            Value::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Value::Date(day) => Cow::Owned(day.to_string()),
            Value::Instant(at) => Cow::Owned(at.to_string()),
            Value::Country(country) => Cow::Borrowed(country.alpha2),
            Value::State(state) => Cow::Borrowed(state.code),
            Value::Currency(code) => Cow::Borrowed(code),
        }
    }

    /// The value as the target writes it.
    pub fn print(self, format: Format) -> Json {
        match self {
            Value::Text(text) => Json::String(text),
            Value::Number(value) => crate::model::json::number(value),
            Value::Money(value) => number::print_money(value),
            Value::Boolean(value) => Json::Bool(value),
            Value::Date(day) => date::print(day, format),
            Value::Instant(at) => date_time::print(at, format),
            Value::Country(country) => Json::String(country.print(format).to_owned()),
            Value::State(state) => Json::String(state.print(format).to_owned()),
            Value::Currency(code) => Json::String(code.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(of: Type, value: &Value) {
        let formats = if of.formats().is_empty() { &[Format::Plain] } else { of.formats() };
        for format in formats {
            let printed = value.clone().print(*format);
            let scalar = Scalar::of(&printed).expect("a printed value is one").expect("and not blank");
            assert_eq!(of.read(&scalar, *format).as_ref(), Ok(value), "{printed} as {}", format.name());
        }
    }

    /// Every country, state and currency code reads back from every format that prints it.
    #[test]
    fn codes_round_trip() {
        country::all().iter().for_each(|country| round_trip(Type::Country, &Value::Country(country)));
        us_state::STATES.iter().for_each(|state| round_trip(Type::UsState, &Value::State(state)));
        currency::CODES.iter().for_each(|code| round_trip(Type::Currency, &Value::Currency(code)));
    }

    /// Names in an entity map are unique, so that a type or format is found by its name.
    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = Type::ALL.iter().map(|of| of.name()).collect();
        assert_eq!(names.len(), Type::ALL.len());
    }

    proptest! {
        /// Reading what was printed gives the value again, for every format of every type.
        #[test]
        fn round_trips(
            text in "\\PC{1,20}",
            mantissa in -9_999_999_999_999_999_999_999_999_999_i128..=9_999_999_999_999_999_999_999_999_999,
            scale in 0_u32..=4,
            day in 0_i32..3_652_059,
            ms in -62_135_596_800_000_i64..253_402_300_800_000,
        ) {
            let decimal = Decimal::try_from_i128_with_scale(mantissa, scale).unwrap().normalize();
            round_trip(Type::Text, &Value::Text(text));
            round_trip(Type::Decimal, &Value::Number(decimal));
            round_trip(Type::Money, &Value::Money(decimal));
            let first = jiff::civil::date(1, 1, 1);
            round_trip(Type::Date, &Value::Date(first.checked_add(jiff::Span::new().days(day)).unwrap()));
            round_trip(Type::DateTime, &Value::Instant(jiff::Timestamp::from_millisecond(ms).unwrap()));
        }
    }
}
