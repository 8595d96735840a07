//! Tokens to the tree of a query.

use super::token::{Placed, Token, tokens};
use super::{Refused, malformed};
use crate::sims::time;

/// A dotted name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name with its dots.
    pub text: String,
    /// The byte where it starts.
    pub at: usize,
}

/// One item of a select list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// A field.
    Field(Name),
    /// `FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`.
    All(Name),
    /// A sub-select over a child relation.
    Children(Box<Query>),
}

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `NULL`.
    Null,
    /// `TRUE` or `FALSE`.
    Bool(bool),
    /// A number.
    Number(String),
    /// Text.
    Text(String),
    /// An instant, milliseconds since 1970.
    Time(i64),
    /// A day.
    Day(String),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`.
    Equal,
    /// `!=` or `<>`.
    Unequal,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All hold.
    And(Vec<Condition>),
    /// One holds.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A field against a literal.
    Compare(Name, Operator, Literal),
    /// A field among literals; the flag turns it round.
    In(Name, Vec<Literal>, bool),
}

/// One key of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The field.
    pub name: Name,
    /// Largest first.
    pub is_descending: bool,
    /// Empty values last; the vendor's default is first.
    pub is_nulls_last: bool,
}

/// One query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What is read; empty for `COUNT()`.
    pub select: Vec<Selected>,
    /// Whether it only counts.
    pub is_count: bool,
    /// The object, or the relation in a sub-select.
    pub from: Name,
    /// Which records.
    pub condition: Option<Condition>,
    /// In which order.
    pub order: Vec<OrderKey>,
    /// How many at most.
    pub limit: Option<usize>,
    /// How many are left out first.
    pub offset: usize,
}

/// The tree of a query.
///
/// # Errors
/// `MALFORMED_QUERY` with the place of the first token that does not fit.
pub fn parse(text: &str) -> Result<Query, Refused> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0 };
    let query = parser.query(true)?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.text.len(), |(_, at)| *at)
    }

    fn unexpected(&self) -> Refused {
        let token = match self.peek() {
            Some(Token::Word(text) | Token::Text(text) | Token::Number(text) | Token::Date(text)) => text.as_str(),
            Some(Token::Sign(sign)) => sign,
            None => "<EOF>",
        };
        malformed(self.text, self.place(), &format!("unexpected token: '{token}'"))
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn need_word(&mut self, word: &str) -> Result<(), Refused> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn need_sign(&mut self, sign: &str) -> Result<(), Refused> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<Name, Refused> {
        let at = self.place();
        match self.peek() {
            Some(Token::Word(word)) if !RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved)) => {
                let name = Name { text: word.clone(), at };
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn query(&mut self, is_top: bool) -> Result<Query, Refused> {
        self.need_word("SELECT")?;
        let mut select = Vec::new();
        let mut is_count = false;
        loop {
            if is_top && self.is_word("COUNT") && select.is_empty() {
                self.at += 1;
                self.need_sign("(")?;
                self.need_sign(")")?;
                is_count = true;
                break;
            }
            select.push(self.selected(is_top)?);
            if !self.take_sign(",") {
                break;
            }
        }
        self.need_word("FROM")?;
        let from = self.name()?;
        let condition = if self.take_word("WHERE") { Some(self.any()?) } else { None };
        let order = if self.take_word("ORDER") { self.order()? } else { Vec::new() };
        let limit = if self.take_word("LIMIT") { Some(self.whole()?) } else { None };
        let offset = if self.take_word("OFFSET") { self.whole()? } else { 0 };
        Ok(Query { select, is_count, from, condition, order, limit, offset })
    }

    fn selected(&mut self, is_top: bool) -> Result<Selected, Refused> {
        if is_top && self.take_sign("(") {
            let inner = self.query(false)?;
            self.need_sign(")")?;
            return Ok(Selected::Children(Box::new(inner)));
        }
        let name = self.name()?;
        if name.text.eq_ignore_ascii_case("FIELDS") {
            self.need_sign("(")?;
            let which = self.name()?;
            self.need_sign(")")?;
            return Ok(Selected::All(which));
        }
        Ok(Selected::Field(name))
    }

    fn any(&mut self) -> Result<Condition, Refused> {
        let first = self.single()?;
        let (word, joins_all) = match self.peek() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("AND") => ("AND", true),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("OR") => ("OR", false),
            _ => return Ok(first),
        };
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(self.single()?);
        }
        // The vendor wants parentheses where AND and OR meet.
        if self.is_word("AND") || self.is_word("OR") {
            return Err(self.unexpected());
        }
        Ok(if joins_all { Condition::And(parts) } else { Condition::Or(parts) })
    }

    fn single(&mut self) -> Result<Condition, Refused> {
        if self.take_word("NOT") {
            return Ok(Condition::Not(Box::new(self.single()?)));
        }
        if self.take_sign("(") {
            let inner = self.any()?;
            self.need_sign(")")?;
            return Ok(inner);
        }
        let name = self.name()?;
        let turned = self.take_word("NOT");
        if self.take_word("IN") {
            self.need_sign("(")?;
            let mut literals = vec![self.literal()?];
            while self.take_sign(",") {
                literals.push(self.literal()?);
            }
            self.need_sign(")")?;
            return Ok(Condition::In(name, literals, turned));
        }
        let operator = match self.peek() {
            Some(Token::Sign("=")) if !turned => Operator::Equal,
            Some(Token::Sign("!=" | "<>")) if !turned => Operator::Unequal,
            Some(Token::Sign("<")) if !turned => Operator::Less,
            Some(Token::Sign("<=")) if !turned => Operator::LessOrEqual,
            Some(Token::Sign(">")) if !turned => Operator::Greater,
            Some(Token::Sign(">=")) if !turned => Operator::GreaterOrEqual,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Condition::Compare(name, operator, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, Refused> {
        let literal = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Number(text)) if rust_decimal::Decimal::from_str_exact(text).is_ok() => {
                Literal::Number(text.clone())
            }
            Some(Token::Date(text)) if time::is_date(text) => Literal::Day(text.clone()),
            Some(Token::Date(text)) => match time::parse_timestamp(text) {
                Some(ms) => Literal::Time(ms),
                None => return Err(self.unexpected()),
            },
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("NULL") => Literal::Null,
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("TRUE") => Literal::Bool(true),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("FALSE") => Literal::Bool(false),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(literal)
    }

    fn order(&mut self) -> Result<Vec<OrderKey>, Refused> {
        self.need_word("BY")?;
        let mut keys = Vec::new();
        loop {
            let name = self.name()?;
            let is_descending = self.take_word("DESC");
            if !is_descending {
                self.take_word("ASC");
            }
            let mut is_nulls_last = false;
            if self.take_word("NULLS") {
                is_nulls_last = self.take_word("LAST");
                if !is_nulls_last {
                    self.need_word("FIRST")?;
                }
            }
            keys.push(OrderKey { name, is_descending, is_nulls_last });
            if !self.take_sign(",") {
                return Ok(keys);
            }
        }
    }

    fn whole(&mut self) -> Result<usize, Refused> {
        let number = match self.peek() {
            Some(Token::Number(text)) => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(number)
    }
}

/// Words that are no names.
const RESERVED: [&str; 12] =
    ["SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "ORDER", "LIMIT", "OFFSET", "GROUP"];

#[cfg(test)]
mod tests {
    use super::*;

    /// What connectors send must be understood, and a query with a slip must be refused with the vendor's code and
    /// place.
    #[test]
    fn only_whole_queries_are_understood() {
        for good in [
            "SELECT Id, Account.Name, (SELECT Id, Product2.ProductCode FROM OpportunityLineItems) FROM Opportunity",
            "select Id from Account where (SystemModstamp > 2026-11-21T10:00:00.000Z OR (SystemModstamp = \
             2026-11-21T10:00:00.000+0000 AND Id > '001x')) order by SystemModstamp, Id DESC NULLS LAST limit 5 offset 2",
            "SELECT COUNT() FROM Account WHERE NOT Name IN ('O\\'Hare', 'a\\\\b') AND Amount >= -1.50 AND X = NULL",
            "SELECT Id FROM Account WHERE CloseDate = 2026-11-21 AND IsWon = TRUE",
        ] {
            parse(good).unwrap_or_else(|refused| panic!("{good}: {refused:?}"));
        }
        for (bad, column) in [
            ("SELECT FROM Account", 8),
            ("SELECT Id FROM Account WHERE", 29),
            ("SELECT Id FROM Account WHERE Name = 'x", 37),
            ("SELECT Id FROM Account WHERE Name LIKE 'x%'", 35),
            ("SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3", 46),
            ("SELECT Id FROM Account GROUP BY Id", 24),
            ("SELECT Id FROM Account; DROP", 23),
            ("SELECT Id FROM Account WHERE X = 2026-11-21T10:00:00", 34),
        ] {
            let refused = parse(bad).expect_err(bad);
            assert_eq!(refused.code, "MALFORMED_QUERY", "{bad}");
            assert!(refused.message.contains(&format!("Row:1:Column:{column}\n")), "{bad}: {}", refused.message);
        }
    }
}
