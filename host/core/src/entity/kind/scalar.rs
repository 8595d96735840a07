//! A single value as a source sent it, before a type has read it.

use crate::entity::quote::quote;
use crate::model::{Json, json};
use std::borrow::Cow;
use std::fmt;

/// Text, a number's text, or a boolean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A JSON string.
    Text(Cow<'a, str>),
    /// The text of a JSON number.
    Number(&'a str),
    /// A JSON boolean.
    Boolean(bool),
}

/// A list or an object stands where one value is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotScalar;

impl<'a> Scalar<'a> {
    /// The value; `None` if it is blank: null, or text without a character.
    ///
    /// # Errors
    /// It is a list or an object.
    pub fn of(value: &'a Json) -> Result<Option<Self>, NotScalar> {
        match value {
            Json::Null => Ok(None),
            Json::String(text) => Ok((!text.is_empty()).then_some(Self::Text(Cow::Borrowed(text)))),
            Json::Number(number) => Ok(Some(Self::Number(number.as_str()))),
            Json::Bool(value) => Ok(Some(Self::Boolean(*value))),
            Json::Array(_) | Json::Object(_) => Err(NotScalar),
        }
    }

    /// Its text: a number without exponent and trailing zeros, so that `10.0` and `10` are found as one value.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => {
                let mut text = String::new();
                json::write_number(number, &mut text);
                Cow::Owned(text)
            }
            Self::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        }
    }
}

impl fmt::Display for Scalar<'_> {
    /// Quoted and cut, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.write_str(&quote(number)),
            _ => f.write_str(&quote(&self.text())),
        }
    }
}
