//! Tokens to the tree of a query.

use super::invalid;
use super::token::{Token, tokens};
use crate::sims::netsuite::errors::Error;
use rust_decimal::Decimal;
use std::cmp::Ordering;

/// A value of a row; `C` is how a column is named: by its words, or once bound by its place.
#[derive(Clone, Debug)]
pub enum Expression<C> {
    /// A column.
    Column(C),
    /// Text.
    Text(String),
    /// A number.
    Number(Decimal),
    /// An instant or a day as text in a format.
    ToChar(Box<Expression<C>>, Option<String>),
    /// Text in a format as an instant.
    ToTime(Box<Expression<C>>, String),
    /// `*`, `+` or `-`.
    Math(Box<Expression<C>>, char, Box<Expression<C>>),
}

/// A column by its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The table's name or other name.
    pub table: Option<String>,
    /// The column.
    pub column: String,
}

/// A comparison, by the orders of the two sides that satisfy it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison(pub &'static [Ordering]);

/// `=`.
pub const EQUAL: Comparison = Comparison(&[Ordering::Equal]);

/// A condition.
#[derive(Clone, Debug)]
pub enum Condition<C> {
    /// All hold.
    And(Vec<Condition<C>>),
    /// One holds.
    Or(Vec<Condition<C>>),
    /// It does not hold.
    Not(Box<Condition<C>>),
    /// One value against another.
    Compare(Expression<C>, Comparison, Expression<C>),
    /// A value among others.
    In(Expression<C>, Vec<Expression<C>>),
    /// A value is empty.
    IsNull(Expression<C>),
}

/// A table of the `FROM`.
#[derive(Clone, Debug)]
pub struct Source {
    /// The table.
    pub table: String,
    /// Its other name, or its own.
    pub alias: String,
    /// How its rows join those before it; none for the first.
    pub on: Option<Condition<Named>>,
    /// Whether rows without a match stay.
    pub is_left: bool,
}

/// One query.
#[derive(Clone, Debug)]
pub struct Query {
    /// The values of an item and their names.
    pub select: Vec<(Expression<Named>, String)>,
    /// The tables.
    pub from: Vec<Source>,
    /// Which rows.
    pub condition: Option<Condition<Named>>,
    /// In which order; the flag is for the largest first.
    pub order: Vec<(Expression<Named>, bool)>,
}

/// The tree of a query.
///
/// # Errors
/// `INVALID_PARAMETER` at the first token that does not fit.
pub fn parse(text: &str) -> Result<Query, Error> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let query = parser.query()?;
    if parser.at < parser.tokens.len() {
        return Err(parser.unexpected());
    }
    Ok(query)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

const RESERVED: [&str; 16] = [
    "select", "from", "where", "and", "or", "not", "in", "is", "order", "by", "join", "left", "inner", "on", "group",
    "fetch",
];

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn unexpected(&self) -> Error {
        match self.peek() {
            Some(Token::Word(text) | Token::Text(text) | Token::Number(text)) => {
                invalid(&format!("Invalid or unsupported search: unexpected '{text}'."))
            }
            Some(Token::Sign(sign)) => invalid(&format!("Invalid or unsupported search: unexpected '{sign}'.")),
            None => invalid("Invalid or unsupported search: unexpected end."),
        }
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn need_word(&mut self, word: &str) -> Result<(), Error> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn take_sign(&mut self, sign: &'static str) -> bool {
        self.take(&Token::Sign(sign))
    }

    fn need_sign(&mut self, sign: &'static str) -> Result<(), Error> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<String, Error> {
        match self.peek() {
            Some(Token::Word(word)) if !RESERVED.contains(&word.as_str()) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn query(&mut self) -> Result<Query, Error> {
        self.need_word("select")?;
        let mut select = Vec::new();
        loop {
            let value = self.value()?;
            let name = match (&value, self.take_word("as")) {
                (_, true) => self.name()?,
                (Expression::Column(named), false) => named.column.clone(),
                (_, false) => format!("expr{}", select.len() + 1),
            };
            select.push((value, name));
            if !self.take_sign(",") {
                break;
            }
        }
        self.need_word("from")?;
        let mut from = vec![self.source(None)?];
        while let Some(is_left) = self.join()? {
            from.push(self.source(Some(is_left))?);
        }
        let condition = if self.take_word("where") { Some(self.any()?) } else { None };
        let mut order = Vec::new();
        if self.take_word("order") {
            self.need_word("by")?;
            loop {
                let value = self.value()?;
                let is_descending = self.take_word("desc");
                if !is_descending {
                    self.take_word("asc");
                }
                order.push((value, is_descending));
                if !self.take_sign(",") {
                    break;
                }
            }
        }
        Ok(Query { select, from, condition, order })
    }

    fn join(&mut self) -> Result<Option<bool>, Error> {
        if self.take_word("left") {
            self.take_word("outer");
            self.need_word("join")?;
            return Ok(Some(true));
        }
        if self.take_word("inner") {
            self.need_word("join")?;
            return Ok(Some(false));
        }
        Ok(self.take_word("join").then_some(false))
    }

    fn source(&mut self, joined: Option<bool>) -> Result<Source, Error> {
        let table = self.name()?;
        self.take_word("as");
        let alias = match self.peek() {
            Some(Token::Word(word)) if !RESERVED.contains(&word.as_str()) => self.name()?,
            _ => table.clone(),
        };
        let on = match joined {
            None => None,
            Some(_) => {
                self.need_word("on")?;
                Some(self.any()?)
            }
        };
        Ok(Source { table, alias, on, is_left: joined == Some(true) })
    }

    fn any(&mut self) -> Result<Condition<Named>, Error> {
        let mut parts = vec![self.all()?];
        while self.take_word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Or(parts) })
    }

    fn all(&mut self) -> Result<Condition<Named>, Error> {
        let mut parts = vec![self.single()?];
        while self.take_word("and") {
            parts.push(self.single()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::And(parts) })
    }

    fn single(&mut self) -> Result<Condition<Named>, Error> {
        if self.take_word("not") {
            return Ok(Condition::Not(Box::new(self.single()?)));
        }
        if self.take_sign("(") {
            let inner = self.any()?;
            self.need_sign(")")?;
            return Ok(inner);
        }
        let left = self.value()?;
        if self.take_word("is") {
            let turned = self.take_word("not");
            self.need_word("null")?;
            return Ok(turn(turned, Condition::IsNull(left)));
        }
        let turned = self.take_word("not");
        if self.take_word("in") {
            self.need_sign("(")?;
            let mut values = vec![self.value()?];
            while self.take_sign(",") {
                values.push(self.value()?);
            }
            self.need_sign(")")?;
            return Ok(turn(turned, Condition::In(left, values)));
        }
        let comparison = match self.peek() {
            Some(Token::Sign("=")) if !turned => EQUAL,
            Some(Token::Sign("!=" | "<>")) if !turned => Comparison(&[Ordering::Less, Ordering::Greater]),
            Some(Token::Sign("<")) if !turned => Comparison(&[Ordering::Less]),
            Some(Token::Sign("<=")) if !turned => Comparison(&[Ordering::Less, Ordering::Equal]),
            Some(Token::Sign(">")) if !turned => Comparison(&[Ordering::Greater]),
            Some(Token::Sign(">=")) if !turned => Comparison(&[Ordering::Greater, Ordering::Equal]),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Condition::Compare(left, comparison, self.value()?))
    }

    fn value(&mut self) -> Result<Expression<Named>, Error> {
        let mut left = self.factor()?;
        loop {
            let sign = match self.peek() {
                Some(Token::Sign("*")) => '*',
                Some(Token::Sign("+")) => '+',
                Some(Token::Sign("-")) => '-',
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expression::Math(Box::new(left), sign, Box::new(self.factor()?));
        }
    }

    fn factor(&mut self) -> Result<Expression<Named>, Error> {
        if self.take_sign("-") {
            let zero = Box::new(Expression::Number(Decimal::ZERO));
            return Ok(Expression::Math(zero, '-', Box::new(self.factor()?)));
        }
        let found = match self.peek() {
            Some(Token::Text(text)) => Expression::Text(text.clone()),
            Some(Token::Number(text)) => {
                Expression::Number(Decimal::from_str_exact(text).map_err(|_| self.unexpected())?)
            }
            _ => return self.column_or_call(),
        };
        self.at += 1;
        Ok(found)
    }

    fn column_or_call(&mut self) -> Result<Expression<Named>, Error> {
        let first = self.name()?;
        if self.take_sign(".") {
            let column = self.name()?;
            return Ok(Expression::Column(Named { table: Some(first), column }));
        }
        if !self.take_sign("(") {
            return Ok(Expression::Column(Named { table: None, column: first }));
        }
        let value = Box::new(self.value()?);
        let format = if self.take_sign(",") {
            match self.peek() {
                Some(Token::Text(text)) => Some(text.clone()),
                _ => return Err(self.unexpected()),
            }
        } else {
            None
        };
        self.at += usize::from(format.is_some());
        self.need_sign(")")?;
        match (first.as_str(), format) {
            ("to_char", format) => Ok(Expression::ToChar(value, format)),
            ("to_timestamp" | "to_date", Some(format)) => Ok(Expression::ToTime(value, format)),
            (other, _) => Err(invalid(&format!("Invalid or unsupported search: function {other}."))),
        }
    }
}

fn turn(turned: bool, condition: Condition<Named>) -> Condition<Named> {
    if turned { Condition::Not(Box::new(condition)) } else { condition }
}
