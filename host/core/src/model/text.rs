//! Characters that make a line look like something that it is not.

/// Whether the character could forge a line or repaint it: control characters (line ends, terminal escapes), line and
/// paragraph separators, and those that turn the direction of writing (Unicode Technical Report 36 section 2.6).
pub fn is_deceptive(c: char) -> bool {
    let turns_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns_direction || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tricks are recognised one by one; letters of any script, signs and emoji are none.
    #[test]
    fn deceptive() {
        for c in [
            '\0', '\t', '\n', '\r', '\u{1b}', '\u{7f}', '\u{9b}', '\u{61c}', '\u{200f}', '\u{202e}', '\u{2028}',
            '\u{2066}',
        ] {
            assert!(is_deceptive(c), "{c:?}");
        }
        assert!(!"Größe 東京 مرحبا 🚚 — \u{200d}…`".contains(is_deceptive));
    }
}
