//! Statements and what they bind: one row, many rows, or a list of keys.
//!
//! A statement over many rows is written once with one row in it; this file repeats the row. The drivers keep prepared
//! statements by their text, at most 100 to a connection, so the number of rows comes from a short list: powers of two
//! for rows, powers of four for keys (a list of keys is filled up with its last one, which changes nothing).
//!
//! PostgreSQL gets numbered parameters, of which those that all rows share are bound once. SQLite gets parameters without
//! a name, in the order of the text, and shared ones again for each row: it looks names up one after the other, so that
//! the cost of a statement with names grows with the square of its parameters (measured).

use super::dialect::Dialect;
use super::error::{Error, Place, beginning};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe, Executor, Row, SqlSafeStr};
use std::fmt::Write;
use std::ops::DerefMut;
use tollgate_core::model::limits;

/// The values of one statement, in order.
#[derive(Default)]
pub(super) struct Bind {
    values: Vec<Value>,
    refused: Option<Error>,
}

#[derive(Clone)]
enum Value {
    Text(String),
    NoText,
    Int(i64),
    NoInt,
    Bytes(Vec<u8>),
}

impl Bind {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        if let Err(error) = verify_text(text) {
            self.refused.get_or_insert(error);
        }
        self.add(Value::Text(text.to_owned()))
    }

    pub(super) fn maybe(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(text),
            None => self.add(Value::NoText),
        }
    }

    pub(super) fn int(self, number: i64) -> Self {
        self.add(Value::Int(number))
    }

    pub(super) fn maybe_int(self, number: Option<i64>) -> Self {
        self.add(number.map_or(Value::NoInt, Value::Int))
    }

    /// A count; what does not fit 63 bits is stored as the most that does.
    pub(super) fn count(self, number: u64) -> Self {
        self.int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(super) fn flag(self, is_set: bool) -> Self {
        self.int(i64::from(is_set))
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        self.add(Value::Bytes(bytes.to_owned()))
    }

    fn add(mut self, value: Value) -> Self {
        self.values.push(value);
        self
    }

    fn finish(self) -> Result<AnyArguments, Error> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let mut arguments = AnyArguments::default();
        arguments.reserve(self.values.len(), 0);
        for value in self.values {
            let added = match value {
                Value::Text(text) => arguments.add(text),
                Value::NoText => arguments.add(None::<String>),
                Value::Int(number) => arguments.add(number),
                Value::NoInt => arguments.add(None::<i64>),
                Value::Bytes(bytes) => arguments.add(bytes),
            };
            added.expect("text, numbers and bytes always encode");
        }
        Ok(arguments)
    }
}

/// Refuses text that PostgreSQL cannot hold, on both databases.
pub(super) fn verify_text(text: &str) -> Result<(), Error> {
    match text.split_once('\0') {
        Some((before, _)) => Err(Error::Unstorable { beginning: beginning(before) }),
        None => Ok(()),
    }
}

/// A statement over many rows: `before`, then `row` as often as needed with commas between, then `after`. In `row`, `$1`
/// and so on are shared by all rows, and each `?` is a parameter of the row's own.
#[derive(Clone, Copy)]
pub(super) struct Many<'a> {
    pub(super) before: &'a str,
    pub(super) row: &'a str,
    pub(super) after: &'a str,
}

impl Many<'_> {
    /// The statement for these rows, each given as what it binds.
    fn of_rows(&self, dialect: Dialect, shared: Bind, rows: impl Iterator<Item = Bind>) -> (String, Bind) {
        let mut statement = Statement::new(dialect, shared);
        statement.append(self.before);
        for (index, row) in rows.enumerate() {
            if index > 0 {
                statement.text.push(',');
            }
            statement.append_row(self.row, row);
        }
        statement.append(self.after);
        statement.finish()
    }
}

/// A statement that is being written, in the dialect's way to name parameters.
struct Statement {
    dialect: Dialect,
    text: String,
    shared: Bind,
    bind: Bind,
}

impl Statement {
    fn new(dialect: Dialect, shared: Bind) -> Self {
        Self { dialect, text: String::with_capacity(1024), shared, bind: Bind::new() }
    }

    /// Appends SQL whose only parameters are shared ones.
    fn append(&mut self, sql: &str) {
        self.append_row(sql, Bind::new());
    }

    /// Appends SQL; each `?` in it is the next value of `row`.
    fn append_row(&mut self, sql: &str, row: Bind) {
        let mut own = row.values.into_iter();
        let mut rest = sql;
        while let Some(at) = rest.find(['?', '$']) {
            let (before, parameter) = rest.split_at(at);
            self.text.push_str(before);
            let digits = parameter[1..].bytes().take_while(u8::is_ascii_digit).count();
            let (name, after) = parameter.split_at(1 + digits);
            rest = after;
            match name[1..].parse::<usize>() {
                Ok(number) => self.shared(number),
                Err(_) => self.own(own.next().expect("a row binds as many values as it has `?`")),
            }
        }
        self.text.push_str(rest);
        assert!(own.next().is_none(), "a row has as many `?` as it binds values");
        self.bind.refused = self.bind.refused.take().or(row.refused);
    }

    fn shared(&mut self, number: usize) {
        match self.dialect {
            Dialect::Sqlite => self.own(self.shared.values[number - 1].clone()),
            Dialect::Postgres => self.name(number),
        }
    }

    fn own(&mut self, value: Value) {
        self.bind.values.push(value);
        match self.dialect {
            Dialect::Sqlite => self.text.push('?'),
            Dialect::Postgres => self.name(self.shared.values.len() + self.bind.values.len()),
        }
    }

    fn name(&mut self, number: usize) {
        write!(self.text, "${number}").expect("a String takes all text");
    }

    fn finish(mut self) -> (String, Bind) {
        let refused = self.shared.refused.or(self.bind.refused);
        let values = match self.dialect {
            Dialect::Sqlite => self.bind.values,
            Dialect::Postgres => {
                self.shared.values.append(&mut self.bind.values);
                self.shared.values
            }
        };
        (self.text, Bind { values, refused })
    }
}

/// One connection that knows where it leads, so that every error can say so.
pub(super) struct Session<C> {
    pub(super) connection: C,
    pub(super) place: Place,
}

impl<C: DerefMut<Target = AnyConnection> + Send> Session<C> {
    /// Runs one statement; says how many rows it touched.
    pub(super) async fn execute(&mut self, sql: impl SqlSafeStr, bind: Bind) -> Result<u64, Error> {
        let sql = sql.into_sql_str();
        let query = sqlx::query_with(sql.clone(), bind.finish()?);
        match (&mut *self.connection).execute(query).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(self.place.error(sql.as_str(), error)),
        }
    }

    /// Runs one statement and reads each row that it answers with.
    pub(super) async fn fetch<T>(
        &mut self,
        sql: impl SqlSafeStr,
        bind: Bind,
        read: impl Fn(&Fields<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let sql = sql.into_sql_str();
        let query = sqlx::query_with(sql.clone(), bind.finish()?);
        match (&mut *self.connection).fetch_all(query).await {
            Ok(rows) => rows.iter().map(|row| read(&Fields { row, place: &self.place })).collect(),
            Err(error) => Err(self.place.error(sql.as_str(), error)),
        }
    }

    /// Runs one statement that answers with at most one row.
    pub(super) async fn fetch_one<T>(
        &mut self,
        sql: impl SqlSafeStr,
        bind: Bind,
        read: impl Fn(&Fields<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        Ok(self.fetch(sql, bind, read).await?.pop())
    }

    /// Writes rows, in as few statements as the rows' number has binary ones. A statement must not meet the same key
    /// twice: PostgreSQL refuses that.
    pub(super) async fn insert<T>(
        &mut self,
        many: Many<'_>,
        shared: impl Fn() -> Bind,
        rows: &[T],
        each: impl Fn(Bind, &T) -> Bind,
    ) -> Result<(), Error> {
        let mut rest = rows;
        while !rest.is_empty() {
            let most = rest.len().min(limits::STATEMENT_ROWS_MAX);
            let (now, later) = rest.split_at(1 << most.ilog2());
            let rows = now.iter().map(|row| each(Bind::new(), row));
            let (text, bind) = many.of_rows(self.place.dialect, shared(), rows);
            self.execute(AssertSqlSafe(text), bind).await?;
            rest = later;
        }
        Ok(())
    }

    /// Runs a statement with a list of keys, in chunks; says how many rows it touched.
    pub(super) async fn execute_for<K>(
        &mut self,
        many: Many<'_>,
        shared: impl Fn() -> Bind,
        keys: &[K],
        each: impl Fn(Bind, &K) -> Bind,
    ) -> Result<u64, Error> {
        let mut touched = 0;
        for chunk in keys.chunks(limits::STATEMENT_KEYS_MAX) {
            let rows = padded(chunk).map(|key| each(Bind::new(), key));
            let (text, bind) = many.of_rows(self.place.dialect, shared(), rows);
            touched += self.execute(AssertSqlSafe(text), bind).await?;
        }
        Ok(touched)
    }

    /// Runs a statement with a list of keys, in chunks, and reads each row that it answers with.
    pub(super) async fn fetch_for<K, T>(
        &mut self,
        list: Keys<'_, K, impl Fn(Bind, &K) -> Bind>,
        shared: impl Fn() -> Bind,
        read: impl Fn(&Fields<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        for chunk in list.keys.chunks(limits::STATEMENT_KEYS_MAX) {
            let rows = padded(chunk).map(|key| (list.each)(Bind::new(), key));
            let (text, bind) = list.many.of_rows(self.place.dialect, shared(), rows);
            found.extend(self.fetch(AssertSqlSafe(text), bind, &read).await?);
        }
        Ok(found)
    }
}

/// A list of keys and the statement that asks for them.
pub(super) struct Keys<'a, K, F> {
    pub(super) many: Many<'a>,
    pub(super) keys: &'a [K],
    pub(super) each: F,
}

/// The keys, filled up to a power of four with the last one.
fn padded<K>(keys: &[K]) -> impl Iterator<Item = &K> {
    let mut places = 1;
    while places < keys.len() {
        places *= 4;
    }
    keys.iter().chain(keys.iter().rev().take(1).cycle()).take(places)
}

/// The fields of one row, read by position.
pub(super) struct Fields<'a> {
    row: &'a AnyRow,
    place: &'a Place,
}

impl Fields<'_> {
    pub(super) fn text(&self, position: usize) -> Result<String, Error> {
        self.get(position)
    }

    pub(super) fn maybe(&self, position: usize) -> Result<Option<String>, Error> {
        self.get(position)
    }

    pub(super) fn int(&self, position: usize) -> Result<i64, Error> {
        self.get(position)
    }

    pub(super) fn maybe_int(&self, position: usize) -> Result<Option<i64>, Error> {
        self.get(position)
    }

    pub(super) fn bytes(&self, position: usize) -> Result<Vec<u8>, Error> {
        self.get(position)
    }

    pub(super) fn maybe_bytes(&self, position: usize) -> Result<Option<Vec<u8>>, Error> {
        self.get(position)
    }

    pub(super) fn flag(&self, position: usize) -> Result<bool, Error> {
        Ok(self.int(position)? != 0)
    }

    /// A number that is smaller in the model than in the database.
    pub(super) fn number<T: TryFrom<i64>>(&self, position: usize) -> Result<T, Error> {
        T::try_from(self.int(position)?).map_err(|_| self.damaged(position))
    }

    /// The error for a field whose text is not what it must be.
    pub(super) fn damaged(&self, position: usize) -> Error {
        let name = self.row.columns().get(position).map_or("?", |column| sqlx::Column::name(column));
        self.place.corrupt(format_args!("a value of the column `{name}`"))
    }

    fn get<'r, T>(&'r self, position: usize) -> Result<T, Error>
    where
        T: sqlx::Decode<'r, sqlx::Any> + sqlx::Type<sqlx::Any>,
    {
        self.row.try_get(position).map_err(|_| self.damaged(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: Many<'_> =
        Many { before: "INSERT INTO t VALUES ", row: "($1, ?, ?, $2)", after: " ON CONFLICT DO NOTHING" };

    fn numbers(bind: Bind) -> Vec<i64> {
        let number = |value| if let Value::Int(number) = value { number } else { panic!("no number") };
        bind.values.into_iter().map(number).collect()
    }

    /// Two rows after two shared values: PostgreSQL binds the shared ones once, SQLite each time they are named.
    #[test]
    fn a_row_is_repeated_with_parameters_of_its_own() {
        let shared = || Bind::new().int(1).int(2);
        let rows = || [10, 20].into_iter().map(|row| Bind::new().int(row).int(row + 1));
        for (dialect, text, values) in [
            (
                Dialect::Postgres,
                "INSERT INTO t VALUES ($1, $3, $4, $2),($1, $5, $6, $2) ON CONFLICT DO NOTHING",
                vec![1, 2, 10, 11, 20, 21],
            ),
            (
                Dialect::Sqlite,
                "INSERT INTO t VALUES (?, ?, ?, ?),(?, ?, ?, ?) ON CONFLICT DO NOTHING",
                vec![1, 10, 11, 2, 1, 20, 21, 2],
            ),
        ] {
            let (written, bind) = MANY.of_rows(dialect, shared(), rows());
            assert_eq!(written, text);
            assert_eq!(numbers(bind), values, "{dialect:?}");
        }
    }

    /// Lists of keys come in few lengths: every number of keys is padded to a power of four with its last one.
    #[test]
    fn keys_are_padded_to_few_lengths() {
        for (count, places) in [(1, 1), (2, 4), (4, 4), (5, 16), (64, 64), (65, 256), (256, 256)] {
            let keys: Vec<_> = (1..=count).collect();
            let padded: Vec<_> = padded(&keys).copied().collect();
            assert_eq!((padded.len(), padded[count - 1..].iter().min()), (places, Some(&count)), "{count} keys");
        }
    }

    /// PostgreSQL cannot hold NUL in text, so neither database gets to see one.
    #[test]
    fn text_with_nul_is_refused_before_it_is_sent() {
        let refused = Bind::new().text("fine").text("ab\0cd").finish();
        let Err(Error::Unstorable { beginning }) = refused else { panic!("NUL passed") };
        assert_eq!(beginning, "ab");
    }
}
