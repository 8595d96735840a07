//! SuiteQL text to tokens.

use super::invalid;
use crate::sims::netsuite::errors::Error;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name or keyword, in lower case.
    Word(String),
    /// A string literal.
    Text(String),
    /// A number.
    Number(String),
    /// A sign.
    Sign(&'static str),
}

const SIGNS: [&str; 14] = ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ",", ".", "*", "+", "-"];

/// All tokens of a query.
///
/// # Errors
/// `INVALID_PARAMETER` at an unknown character or a string without its end.
pub fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            space if space.is_whitespace() => space.len_utf8(),
            '\'' => {
                let (value, length) = literal(rest)?;
                found.push(Token::Text(value));
                length
            }
            digit if digit.is_ascii_digit() => {
                let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
                found.push(Token::Number(rest[..end].to_owned()));
                end
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                found.push(Token::Word(rest[..end].to_lowercase()));
                end
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| invalid(&format!("Unexpected character '{character}'.")))?;
                found.push(Token::Sign(sign));
                sign.len()
            }
        };
        rest = &rest[length..];
    }
    Ok(found)
}

fn literal(rest: &str) -> Result<(String, usize), Error> {
    let mut value = String::new();
    let mut at = 1;
    loop {
        let end = rest[at..].find('\'').ok_or_else(|| invalid("A string literal has no end."))?;
        value.push_str(&rest[at..at + end]);
        at += end + 1;
        // Two quotes are one.
        if !rest[at..].starts_with('\'') {
            return Ok((value, at));
        }
        value.push('\'');
        at += 1;
    }
}
