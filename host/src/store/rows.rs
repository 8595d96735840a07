//! Statements and what they bind: one row, many rows, or a list of keys.
//!
//! A statement over many rows is written once with one row in it; this file repeats the row. The drivers keep prepared
//! statements by their text, at most 100 to a connection, so the number of rows comes from a short list: powers of two
//! for rows, powers of four for keys (a list of keys is filled up with its last one, which changes nothing).
//!
//! The lists end early because SQLite looks up a parameter by its name, one after the other: the cost of a statement
//! grows with the square of its parameters. For the same reason values that all rows share are bound once.

use super::error::{Error, Place, beginning};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe, Executor, Row, SqlSafeStr};
use std::fmt::Write;
use std::ops::DerefMut;
use tollgate_core::model::limits;

/// The arguments of one statement, in order.
#[derive(Default)]
pub(super) struct Bind {
    arguments: AnyArguments,
    refused: Option<Error>,
}

impl Bind {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        if let Err(error) = verify_text(text) {
            self.refused.get_or_insert(error);
        }
        self.add(text)
    }

    pub(super) fn maybe(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(text),
            None => self.add(None::<String>),
        }
    }

    pub(super) fn int(self, number: i64) -> Self {
        self.add(number)
    }

    pub(super) fn maybe_int(self, number: Option<i64>) -> Self {
        self.add(number)
    }

    /// A count; what does not fit 63 bits is stored as the most that does.
    pub(super) fn count(self, number: u64) -> Self {
        self.add(i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(super) fn flag(self, is_set: bool) -> Self {
        self.add(i64::from(is_set))
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        self.add(bytes)
    }

    fn add<'t, T: sqlx::Encode<'t, sqlx::Any> + sqlx::Type<sqlx::Any> + 't>(mut self, value: T) -> Self {
        self.arguments.add(value).expect("text, numbers and bytes always encode");
        self
    }

    fn finish(self) -> Result<AnyArguments, Error> {
        match self.refused {
            Some(error) => Err(error),
            None => Ok(self.arguments),
        }
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
    fn text(&self, shared: usize, rows: usize) -> String {
        let mut text = String::with_capacity(self.before.len() + self.after.len() + rows * (self.row.len() + 16));
        text.push_str(self.before);
        let mut parameter = shared;
        for row in 0..rows {
            if row > 0 {
                text.push(',');
            }
            for (piece, part) in self.row.split('?').enumerate() {
                if piece > 0 {
                    parameter += 1;
                    write!(text, "${parameter}").expect("a String takes all text");
                }
                text.push_str(part);
            }
        }
        text.push_str(self.after);
        text
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
            let bind = shared();
            let text = many.text(bind.arguments.len(), now.len());
            self.execute(AssertSqlSafe(text), now.iter().fold(bind, &each)).await?;
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
            let (text, bind) = with_keys(many, shared(), chunk, &each);
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
            let (text, bind) = with_keys(list.many, shared(), chunk, &list.each);
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

fn with_keys<K>(many: Many<'_>, shared: Bind, keys: &[K], each: impl Fn(Bind, &K) -> Bind) -> (String, Bind) {
    let mut places = 1;
    while places < keys.len() {
        places *= 4;
    }
    let text = many.text(shared.arguments.len(), places);
    let padding = keys.iter().rev().take(1).cycle().take(places - keys.len());
    (text, keys.iter().chain(padding).fold(shared, each))
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

    /// Shared parameters keep their numbers and each row gets its own: two rows after two shared values.
    #[test]
    fn a_row_is_repeated_with_parameters_of_its_own() {
        assert_eq!(MANY.text(2, 2), "INSERT INTO t VALUES ($1, $3, $4, $2),($1, $5, $6, $2) ON CONFLICT DO NOTHING");
    }

    /// Lists of keys come in few lengths: every number of keys is padded to a power of four and binds as many.
    #[test]
    fn keys_are_padded_to_few_lengths() {
        let many = Many { before: "SELECT k FROM t WHERE k IN (", row: "?", after: ")" };
        for (count, places) in [(1, 1), (2, 4), (4, 4), (5, 16), (64, 64), (65, 256), (256, 256)] {
            let keys = vec!["k"; count];
            let (text, bind) = with_keys(many, Bind::new(), &keys, |bind, key| bind.text(key));
            assert_eq!(bind.arguments.len(), places, "{count} keys");
            assert!(text.ends_with(&format!("${places})")), "{text}");
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
