//! SOQL text to tokens, each with its place in the text.

use super::{Refused, malformed};

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name or keyword, dots included (`Account.Name`).
    Word(String),
    /// A string literal, its escapes resolved.
    Text(String),
    /// A number as it stands.
    Number(String),
    /// A date or an instant, as it stands.
    Date(String),
    /// `(`, `)`, `,` or a comparison.
    Sign(&'static str),
}

/// A token and the byte where it starts.
pub type Placed = (Token, usize);

const SIGNS: [&str; 9] = ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")"];

/// All tokens of a query.
///
/// # Errors
/// `MALFORMED_QUERY` at an unknown character, an unknown escape or a string without its end.
pub fn tokens(text: &str) -> Result<Vec<Placed>, Refused> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let (token, length) = match character {
            space if space.is_whitespace() => {
                at += space.len_utf8();
                continue;
            }
            ',' => (Token::Sign(","), 1),
            '\'' => literal(text, at)?,
            digit if digit.is_ascii_digit() || matches!(digit, '-' | '+') => number_or_date(text, at),
            letter if letter.is_alphabetic() || letter == '_' => word(&text[at..]),
            _ => match SIGNS.iter().find(|sign| text[at..].starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => return Err(malformed(text, at, &format!("unexpected token: '{character}'"))),
            },
        };
        found.push((token, at));
        at += length;
    }
    Ok(found)
}

fn word(rest: &str) -> (Token, usize) {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
    (Token::Word(rest[..end].to_owned()), end)
}

fn number_or_date(text: &str, at: usize) -> (Token, usize) {
    let rest = &text[at..];
    let end = rest
        .char_indices()
        .find(|(n, c)| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-') || (*c == '+' && *n > 0) || *n == 0))
        .map_or(rest.len(), |(n, _)| n);
    let token = rest[..end].to_owned();
    let is_date = token.len() >= 10 && token.as_bytes()[4] == b'-';
    (if is_date { Token::Date(token) } else { Token::Number(token) }, end)
}

fn literal(text: &str, at: usize) -> Result<(Token, usize), Refused> {
    let mut value = String::new();
    let mut rest = text[at + 1..].char_indices();
    while let Some((n, character)) = rest.next() {
        match character {
            '\'' => return Ok((Token::Text(value), n + 2)),
            '\\' => match rest.next().map(|(_, escaped)| escaped) {
                Some(plain @ ('\'' | '"' | '\\' | '_' | '%')) => value.push(plain),
                Some('n' | 'N') => value.push('\n'),
                Some('r' | 'R') => value.push('\r'),
                Some('t' | 'T') => value.push('\t'),
                _ => return Err(malformed(text, at + 1 + n, "Invalid string literal. Illegal character sequence")),
            },
            plain => value.push(plain),
        }
    }
    Err(malformed(text, at, "unexpected token: <EOF>: a string literal has no end"))
}
