//! Text from a guest made fit for people: cut to a length, on one line, without tricks.

use std::borrow::Cow;
use tollgate_core::model::text;

/// The text, cut to at most `bytes_max` at a character's end; `…` marks the cut. What was cut off takes no memory.
pub(crate) fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        let end = text.floor_char_boundary(bytes_max.saturating_sub('…'.len_utf8()));
        text.truncate(end);
        text.shrink_to(bytes_max);
        text.push('…');
    }
    text
}

/// The text on one line: control characters (line ends, terminal escapes) and those that turn the direction of
/// writing are spelled out, so that a line can neither forge another one nor look like something else.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_trick) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_trick(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    Cow::Owned(plain)
}

fn is_trick(c: char) -> bool {
    c != '\t' && text::is_deceptive(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cut never splits a character and never exceeds the bound, wherever it falls in a text of two-byte characters.
    #[test]
    fn cuts_at_characters() {
        let text = "é".repeat(50);
        for bytes_max in 3..100 {
            let cut = cut(text.clone(), bytes_max);
            assert!(cut.len() <= bytes_max && cut.ends_with('…'), "{bytes_max}: {cut}");
        }
        assert_eq!(cut(text.clone(), 100), text);
        assert!(cut("x".repeat(1 << 20), 100).capacity() < 1_000, "the rest is given back");
    }

    /// What could forge a second line or repaint a terminal is spelled out; plain text is left alone.
    #[test]
    fn spells_tricks_out() {
        let cases = [
            ("all is well", "all is well"),
            ("panicked at a.rs:1:\nboom", "panicked at a.rs:1:\\nboom"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("invoice\u{202e}fdp.exe", "invoice\\u{202e}fdp.exe"),
            ("Müller\tGmbH", "Müller\tGmbH"),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected);
        }
    }
}
