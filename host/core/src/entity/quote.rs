//! Values inside messages: short, on one line.

use crate::model::limits::QUOTE_CHARS_MAX;

/// The value between backticks: control characters escaped, cut after [`QUOTE_CHARS_MAX`] characters.
pub(crate) fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len().min(QUOTE_CHARS_MAX) + 4);
    quoted.push('`');
    for (index, c) in value.chars().enumerate() {
        if index == QUOTE_CHARS_MAX {
            quoted.push('…');
            break;
        }
        if c.is_control() { quoted.extend(c.escape_default()) } else { quoted.push(c) }
    }
    quoted.push('`');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quoted value stays on one line and short, whatever it holds; whole characters survive.
    #[test]
    fn quotes() {
        for (value, quoted) in [("Korea", "`Korea`"), ("a\nb", "`a\\nb`"), ("🚚", "`🚚`")] {
            assert_eq!(quote(value), quoted);
        }
        assert_eq!(quote(&"é".repeat(1_000)), format!("`{}…`", "é".repeat(QUOTE_CHARS_MAX)));
    }
}
