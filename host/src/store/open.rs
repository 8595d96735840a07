//! Opens a database: reads its address, looks at its version, updates its schema, makes the pools.

use super::dialect::Dialect;
use super::error::{Error, Place};
use super::rows::{Bind, Session};
use super::{Base, Growth, Inner, Store, group, schema};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tollgate_core::model::limits;
use url::Url;

/// The first SQLite whose write-ahead log survives a reset under readers.
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// An address that was understood.
struct Address {
    /// What sqlx takes.
    options: AnyConnectOptions,
    place: Place,
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://..`, makes or updates the schema, and starts the group committer. A SQLite file
    /// that does not exist is made, readable for this user only. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Unusable`] for an address or version that a person must change, [`Error::Unreachable`] when there is no
    /// way to the database, [`Error::Corrupt`] for a file that is no database.
    pub async fn open(url: &str) -> Result<Store, Error> {
        sqlx::any::install_default_drivers();
        let address = Address::read(url)?;
        let mut first = address.connect().await?;
        schema::update(&mut first, &address.place).await?;
        first.close().await.map_err(|error| address.place.error("close", error))?;

        let (writer, reader) = address.pools();
        let base = Arc::new(Base {
            place: address.place,
            writer,
            reader,
            held: Mutex::new(HashMap::new()),
            commits: AtomicU64::new(0),
            growth: Growth::default(),
        });
        Ok(Store(Arc::new(Inner { group: group::Committer::start(Arc::clone(&base)), base })))
    }
}

impl Address {
    fn read(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Self::sqlite(path.strip_prefix("//").unwrap_or(path));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Self::postgres(url);
        }
        // The rest of the address may hold a password: only the part before the colon is shown.
        let scheme = url.split(':').next().filter(|scheme| scheme.len() < url.len()).unwrap_or_default();
        Err(unusable(format!("the database address begins with `{scheme}:`: write `sqlite:PATH` or `postgres://..`")))
    }

    fn sqlite(path: &str) -> Result<Self, Error> {
        if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
            return Err(unusable(format!(
                "the database address `sqlite:{path}`: write `sqlite:` and the path of a file"
            )));
        }
        let place = Place { database: path.into(), dialect: Dialect::Sqlite };
        make_file(Path::new(path)).map_err(|error| place.error("open", sqlx::Error::Io(error)))?;
        let url = Url::parse(&format!("sqlite:{}", escape(path)))
            .map_err(|_| unusable(format!("the path `{path}` is no address")))?;
        Ok(Self { options: options(&url)?, place })
    }

    fn postgres(url: &str) -> Result<Self, Error> {
        let url = Url::parse(url)
            .map_err(|error| unusable(format!("the database address `postgres://..` cannot be read: {error}")))?;
        let database = format!("{}:{}{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432), url.path());
        let place = Place { database: database.into(), dialect: Dialect::Postgres };
        Ok(Self { options: options(&url)?, place })
    }

    /// Makes the first connection by itself, because a pool goes on trying and then only says that it took too long.
    async fn connect(&self) -> Result<AnyConnection, Error> {
        let limit = Duration::from_millis(limits::DATABASE_CONNECT_MS_MAX);
        let connected = tokio::time::timeout(limit, self.options.connect()).await;
        let late = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        let connection =
            connected.unwrap_or_else(|_| Err(late())).map_err(|error| self.place.error("connect", error))?;
        let mut session = Session { connection: Box::new(connection), place: self.place.clone() };
        let version = session.fetch_one(self.place.dialect.version(), Bind::new(), |row| row.text(0)).await?;
        if self.place.dialect == Dialect::Sqlite {
            verify_version(&version.unwrap_or_default())?;
        }
        let prepare = self.place.dialect.prepare_writer();
        let prepared = (&mut *session.connection).execute(sqlx::raw_sql(prepare)).await;
        prepared.map_err(|error| self.place.error(prepare, error))?;
        Ok(*session.connection)
    }

    /// The writing and the reading pool; on PostgreSQL they are the same one.
    fn pools(&self) -> (AnyPool, AnyPool) {
        match self.place.dialect {
            Dialect::Sqlite => (
                self.pool(1, self.place.dialect.prepare_writer()),
                self.pool(limits::DATABASE_READERS_MAX, self.place.dialect.prepare_reader()),
            ),
            Dialect::Postgres => {
                let pool = self.pool(limits::DATABASE_CONNECTIONS_MAX, self.place.dialect.prepare_writer());
                (pool.clone(), pool)
            }
        }
    }

    fn pool(&self, connections_max: u32, prepare: &'static str) -> AnyPool {
        let is_file = self.place.dialect == Dialect::Sqlite;
        let mut pool = AnyPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_millis(limits::DATABASE_WAIT_MS_MAX))
            // A file does not hang up; a server may have.
            .test_before_acquire(!is_file)
            .after_connect(move |connection, _| {
                Box::pin(async move { connection.execute(sqlx::raw_sql(prepare)).await.map(drop) })
            });
        if is_file {
            pool = pool.idle_timeout(None).max_lifetime(None);
        }
        pool.connect_lazy_with(self.options.clone())
    }
}

fn options(url: &Url) -> Result<AnyConnectOptions, Error> {
    AnyConnectOptions::from_url(url).map_err(|error| unusable(format!("the database address cannot be used: {error}")))
}

fn unusable(text: String) -> Error {
    Error::Unusable(text)
}

/// Makes the file before SQLite does, so that nobody else may read it; its log files take over its permissions.
fn make_file(path: &Path) -> std::io::Result<()> {
    let mut how = OpenOptions::new();
    how.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    how.open(path).map(drop)
}

/// Percent-encodes what has a meaning of its own in an address; sqlx decodes it.
fn escape(path: &str) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(path.len() + 8);
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => escaped.push(char::from(byte)),
            _ => write!(escaped, "%{byte:02X}").expect("a String takes all text"),
        }
    }
    escaped
}

fn verify_version(text: &str) -> Result<(), Error> {
    let mut numbers = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let version = (next(), next(), next());
    if version >= SQLITE_VERSION_MIN {
        return Ok(());
    }
    let (major, minor, patch) = SQLITE_VERSION_MIN;
    Err(unusable(format!(
        "this program was built with SQLite {text}; it needs {major}.{minor}.{patch}, where the write-ahead log is safe: build it anew"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions compare by number, not as text: 3.100 is newer than 3.51, and text that is no version is refused.
    #[test]
    fn old_versions_of_sqlite_are_refused() {
        for (text, is_fine) in
            [("3.51.3", true), ("3.100.0", true), ("4.0", true), ("3.51.2", false), ("3.9.9", false), ("", false)]
        {
            assert_eq!(verify_version(text).is_ok(), is_fine, "{text}");
        }
    }

    /// An address that cannot be used is refused in words that never show a password, whatever is wrong with it.
    #[test]
    fn addresses_are_refused_without_their_password() {
        for url in
            ["mysql://u:hunter2@h/d", "postgres://u:hunter2@h:notaport/d", "hunter2", "sqlite:", "sqlite::memory:"]
        {
            let Err(error) = Address::read(url) else { panic!("`{url}` passed") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let fine = Address::read("postgres://u:hunter2@h/d?password=hunter2").unwrap();
        assert_eq!(&*fine.place.database, "h:5432/d");
    }

    /// A path reaches sqlx as it was written, whatever characters it has: encoding and decoding it gives the same.
    #[test]
    fn paths_are_escaped() {
        assert_eq!(escape("/a b/ü#1%.db"), "/a%20b/%C3%BC%231%25.db");
    }
}
