//! One stored value, small and close to its JSON: tens of thousands of records are held and printed.

use rust_decimal::Decimal;

/// A value of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number with its digits.
    Number(Box<str>),
    /// Text, a date or an id.
    Text(Box<str>),
}

impl Cell {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// A decimal as this vendor prints it: at least one digit behind the point.
    #[must_use]
    pub fn decimal(value: Decimal) -> Self {
        let mut text = value.normalize().to_string();
        if !text.contains('.') {
            text.push_str(".0");
        }
        Self::Number(text.into())
    }

    /// The text of a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a number.
    #[must_use]
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Number(text) => Decimal::from_str_exact(text).ok(),
            _ => None,
        }
    }

    /// Whether it is true.
    #[must_use]
    pub fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }
}

/// Appends a text as a JSON string.
pub fn push_json_text(out: &mut String, text: &str) {
    out.push('"');
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
                plain => out.push(plain),
            }
        }
    } else {
        out.push_str(text);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text must survive the printing: a JSON parser must read back what was pushed.
    #[test]
    fn texts_survive_printing() {
        for text in ["", "plain", "O'Hare \"x\" \\ /", "line\r\n\tnext", "\u{1}\u{1f}", "Zürich 東京"] {
            let mut out = String::new();
            push_json_text(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
        assert_eq!(Cell::decimal(Decimal::new(105_400, 2)), Cell::Number("1054.0".into()));
    }
}
