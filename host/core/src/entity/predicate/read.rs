//! Reads the text of a predicate: tokens, then CEL's precedence (`||`, `&&`, relations, `!`).

use super::{Comparison, Error, Expr, Literal};
use crate::entity::quote::quote;
use crate::model::json;
use crate::model::limits::{PREDICATE_BYTES_MAX, PREDICATE_DEPTH_MAX};
use std::iter::Peekable;
use std::str::CharIndices;

/// Words that CEL keeps for itself.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Names that mean a type in CEL where a path begins.
const TYPES: &[&str] = &["bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "type", "uint"];

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A dotted path or a single word.
    Path(String),
    Literal(Literal),
    Compare(Comparison),
    In,
    And,
    Or,
    Not,
    Open,
    Close,
    ListOpen,
    ListClose,
    Comma,
}

/// Reads a whole expression.
pub(super) fn read(text: &str) -> Result<Expr, Error> {
    if text.len() > PREDICATE_BYTES_MAX {
        let message = format!("{} bytes; a predicate has at most {PREDICATE_BYTES_MAX}", text.len());
        return Err(Error { column: 1, message });
    }
    let end = text.chars().count() + 1;
    let mut reader = Reader { tokens: tokens(text)?.into_iter().peekable(), end, depth: 0 };
    let expr = reader.or()?;
    match reader.tokens.next() {
        None => Ok(expr),
        Some((column, _)) => Err(Error { column, message: "expected `&&`, `||` or the end".into() }),
    }
}

struct Reader {
    tokens: Peekable<std::vec::IntoIter<(usize, Token)>>,
    end: usize,
    depth: usize,
}

impl Reader {
    fn or(&mut self) -> Result<Expr, Error> {
        let mut parts = vec![self.and()?];
        while self.take(&Token::Or) {
            parts.push(self.and()?);
        }
        Ok(if parts.len() > 1 { Expr::Or(parts) } else { parts.remove(0) })
    }

    fn and(&mut self) -> Result<Expr, Error> {
        let mut parts = vec![self.relation()?];
        while self.take(&Token::And) {
            parts.push(self.relation()?);
        }
        Ok(if parts.len() > 1 { Expr::And(parts) } else { parts.remove(0) })
    }

    fn relation(&mut self) -> Result<Expr, Error> {
        let left = self.unary()?;
        let expr = match self.tokens.peek() {
            Some((_, Token::Compare(comparison))) => {
                let comparison = *comparison;
                self.tokens.next();
                Expr::Compare(Box::new(left), comparison, Box::new(self.unary()?))
            }
            Some((_, Token::In)) => {
                self.tokens.next();
                Expr::In(Box::new(left), self.list()?)
            }
            _ => return Ok(left),
        };
        match self.tokens.peek() {
            Some((column, Token::Compare(_) | Token::In)) => {
                Err(Error { column: *column, message: "comparisons do not chain; join them with `&&`".into() })
            }
            _ => Ok(expr),
        }
    }

    fn unary(&mut self) -> Result<Expr, Error> {
        let Some((column, token)) = self.tokens.next() else {
            return Err(Error { column: self.end, message: "the expression ends too early".into() });
        };
        match token {
            Token::Path(path) => Ok(Expr::Path(path)),
            Token::Literal(literal) => Ok(Expr::Literal(literal)),
            Token::Not => self.deeper(column, |reader| Ok(Expr::Not(Box::new(reader.unary()?)))),
            Token::Open => self.deeper(column, |reader| {
                let expr = reader.or()?;
                if reader.take(&Token::Close) { Ok(expr) } else { Err(reader.expected("`)`")) }
            }),
            _ => Err(Error { column, message: "expected a path, a value, `!` or `(`".into() }),
        }
    }

    fn deeper(&mut self, column: usize, read: impl FnOnce(&mut Self) -> Result<Expr, Error>) -> Result<Expr, Error> {
        if self.depth == PREDICATE_DEPTH_MAX {
            return Err(Error { column, message: format!("nested deeper than {PREDICATE_DEPTH_MAX} levels") });
        }
        self.depth += 1;
        let expr = read(self);
        self.depth -= 1;
        expr
    }

    fn list(&mut self) -> Result<Vec<Literal>, Error> {
        if !self.take(&Token::ListOpen) {
            return Err(self.expected("`[`"));
        }
        let mut items = Vec::new();
        if self.take(&Token::ListClose) {
            return Ok(items);
        }
        loop {
            match self.tokens.next() {
                Some((_, Token::Literal(literal))) => items.push(literal),
                Some((column, _)) => {
                    return Err(Error { column, message: "expected a text, a number, true, false or null".into() });
                }
                None => return Err(self.expected("`]`")),
            }
            if self.take(&Token::ListClose) {
                return Ok(items);
            }
            if !self.take(&Token::Comma) {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    fn take(&mut self, token: &Token) -> bool {
        self.tokens.next_if(|(_, next)| next == token).is_some()
    }

    fn expected(&mut self, what: &str) -> Error {
        let column = self.tokens.peek().map_or(self.end, |(column, _)| *column);
        Error { column, message: format!("expected {what}") }
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Error> {
    let mut lexer = Lexer { text, chars: text.char_indices().peekable(), column: 0 };
    let mut tokens = Vec::new();
    while let Some((start, c)) = lexer.bump() {
        let column = lexer.column;
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        let token = match c {
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::ListOpen,
            ']' => Token::ListClose,
            ',' => Token::Comma,
            '=' if lexer.eat('=') => Token::Compare(Comparison::Equal),
            '!' if lexer.eat('=') => Token::Compare(Comparison::NotEqual),
            '!' => Token::Not,
            '<' if lexer.eat('=') => Token::Compare(Comparison::AtMost),
            '<' => Token::Compare(Comparison::Less),
            '>' if lexer.eat('=') => Token::Compare(Comparison::AtLeast),
            '>' => Token::Compare(Comparison::Greater),
            '&' if lexer.eat('&') => Token::And,
            '|' if lexer.eat('|') => Token::Or,
            '"' | '\'' => Token::Literal(Literal::Text(lexer.string(c, column)?)),
            '-' | '0'..='9' => Token::Literal(lexer.number(start, column)?),
            'a'..='z' | 'A'..='Z' | '_' => lexer.word(start, column)?,
            '=' => return Err(Error { column, message: "one `=`; write `==` to compare".into() }),
            _ => {
                return Err(Error {
                    column,
                    message: format!("{} has no meaning here", quote(c.encode_utf8(&mut [0; 4]))),
                });
            }
        };
        tokens.push((column, token));
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    /// Of the character that was taken last.
    column: usize,
}

impl<'a> Lexer<'a> {
    fn bump(&mut self) -> Option<(usize, char)> {
        self.column += 1;
        self.chars.next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.eat_if(|c| c == wanted)
    }

    fn eat_if(&mut self, wanted: impl FnOnce(char) -> bool) -> bool {
        let eaten = self.chars.next_if(|(_, c)| wanted(*c)).is_some();
        self.column += usize::from(eaten);
        eaten
    }

    /// The text from `start` up to the character that comes next.
    fn since(&mut self, start: usize) -> &'a str {
        let end = self.chars.peek().map_or(self.text.len(), |(index, _)| *index);
        &self.text[start..end]
    }

    fn string(&mut self, quote: char, column: usize) -> Result<String, Error> {
        let mut string = String::new();
        loop {
            match self.bump() {
                Some((_, c)) if c == quote => return Ok(string),
                None | Some((_, '\n' | '\r')) => {
                    return Err(Error { column, message: "the text has no closing quote".into() });
                }
                Some((_, '\\')) => string.push(self.escape()?),
                Some((_, c)) => string.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let column = self.column;
        let escaped = match self.bump() {
            Some((_, c @ ('\\' | '"' | '\''))) => Some(c),
            Some((_, 'n')) => Some('\n'),
            Some((_, 'r')) => Some('\r'),
            Some((_, 't')) => Some('\t'),
            Some((_, 'u')) => {
                let digits: Option<String> =
                    (0..4).map(|_| self.bump().map(|(_, c)| c).filter(char::is_ascii_hexdigit)).collect();
                digits.and_then(|digits| u32::from_str_radix(&digits, 16).ok()).and_then(char::from_u32)
            }
            _ => None,
        };
        escaped.ok_or_else(|| Error { column, message: r#"unknown escape; there are \\ \" \' \n \r \t \uXXXX"#.into() })
    }

    fn number(&mut self, start: usize, column: usize) -> Result<Literal, Error> {
        while self.eat_if(|c| c.is_ascii_digit()) {}
        let mut is_whole = true;
        if self.eat('.') {
            is_whole = false;
            while self.eat_if(|c| c.is_ascii_digit()) {}
        }
        if self.eat_if(|c| matches!(c, 'e' | 'E')) {
            is_whole = false;
            self.eat_if(|c| matches!(c, '+' | '-'));
            while self.eat_if(|c| c.is_ascii_digit()) {}
        }
        let text = self.since(start);
        let glued = self.chars.peek().is_some_and(|(_, c)| c.is_alphanumeric() || matches!(c, '_' | '.'));
        match json::decimal(text) {
            _ if glued => Err(Error { column, message: format!("{} and what follows is no number", quote(text)) }),
            None => {
                Err(Error { column, message: format!("{} is no number that is kept exactly (28 digits)", quote(text)) })
            }
            // CEL's integers have 64 bits.
            Some(_) if is_whole && text.parse::<i64>().is_err() => {
                Err(Error { column, message: format!("{} is beyond 64 bits; write it with `.0`", quote(text)) })
            }
            Some(number) => Ok(Literal::Number(number)),
        }
    }

    fn word(&mut self, start: usize, column: usize) -> Result<Token, Error> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        loop {
            while self.eat_if(is_part) {}
            if !self.eat('.') {
                break;
            }
            if !self.eat_if(|c| c.is_ascii_alphabetic() || c == '_') {
                return Err(Error { column: self.column + 1, message: "a name follows the `.`".into() });
            }
        }
        let word = self.since(start);
        match word {
            "true" => return Ok(Token::Literal(Literal::Boolean(true))),
            "false" => return Ok(Token::Literal(Literal::Boolean(false))),
            "null" => return Ok(Token::Literal(Literal::Null)),
            "in" => return Ok(Token::In),
            _ => {}
        }
        let first = word.split('.').next().unwrap_or_default();
        match word.split('.').find(|part| RESERVED.contains(part)).or(TYPES.iter().copied().find(|of| *of == first)) {
            Some(reserved) => Err(Error {
                column,
                message: format!("`{reserved}` is a word of the language; it cannot be read from a record"),
            }),
            None => Ok(Token::Path(word.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not of the language is refused, with the column where it goes wrong.
    #[test]
    fn faults_name_the_column() {
        let deep = "(".repeat(PREDICATE_DEPTH_MAX + 1) + "a";
        let not = "!".repeat(PREDICATE_DEPTH_MAX + 1) + "a";
        for (text, column, message) in [
            ("", 1, "ends too early"),
            ("a ==", 5, "ends too early"),
            ("a = 1", 3, "write `==`"),
            ("a == 1 b", 8, "expected `&&`"),
            ("é == 1", 1, "`é` has no meaning"),
            ("a == \"x", 6, "no closing quote"),
            ("a == \"\\x\"", 7, "unknown escape"),
            ("a == \"\\ud800\"", 7, "unknown escape"),
            ("a < b < c", 7, "do not chain"),
            ("a in b", 6, "expected `[`"),
            ("a in [b]", 7, "expected a text"),
            ("a in [1", 8, "expected `,` or `]`"),
            ("a in [1,", 9, "expected `]`"),
            ("(a == 1", 8, "expected `)`"),
            ("a. == 1", 3, "a name follows"),
            ("a == 12345678901234567890", 6, "beyond 64 bits"),
            ("a == 1.00000000000000000000000000001", 6, "28 digits"),
            ("a == 1u", 6, "is no number"),
            ("a == 1.", 6, "is no number"),
            ("a == -", 6, "is no number"),
            ("a == --1", 6, "is no number"),
            ("a + 1", 3, "`+` has no meaning"),
            ("a & b", 3, "`&` has no meaning"),
            ("a.in == 1", 1, "word of the language"),
            ("type == 1", 1, "word of the language"),
            ("size(a) == 1", 5, "expected `&&`"),
            (deep.as_str(), PREDICATE_DEPTH_MAX + 1, "nested deeper"),
            (not.as_str(), PREDICATE_DEPTH_MAX + 1, "nested deeper"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.column == column && error.message.contains(message), "{text}: {error}");
        }
        assert!(read(&" ".repeat(PREDICATE_BYTES_MAX + 1)).is_err());
    }
}
