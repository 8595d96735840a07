//! Brings a database's schema up to date, one step per version.

use super::error::{Error, Place};
use super::rows::{Bind, Session};
use sqlx::AnyConnection;
use sqlx::{Connection, Executor};

/// What leads from one version to the next. A step that was ever released is never changed; a new one is added.
const STEPS: &[&str] = &[include_str!("schema.sql")];

const VERSION: &str = "SELECT max(version) FROM schema_version";

/// Applies the steps that this database has not seen, all or none of them.
pub(super) async fn update(connection: &mut AnyConnection, place: &Place) -> Result<(), Error> {
    // Looked at without the write lock first: the usual start waits for nobody. What fails here is told below.
    let mut look = Session { connection: &mut *connection, place: place.clone() };
    let seen = look.fetch_one(VERSION, Bind::new(), |row| row.maybe_int(0)).await;
    if matches!(seen, Ok(Some(Some(version))) if usize::try_from(version) == Ok(STEPS.len())) {
        return Ok(());
    }
    let begin = place.dialect.begin();
    let transaction = connection.begin_with(begin).await.map_err(|error| place.error(begin, error))?;
    let mut session = Session { connection: transaction, place: place.clone() };
    session.execute(place.dialect.lock_schema(), Bind::new()).await?;
    session.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)", Bind::new()).await?;
    let stored = session.fetch_one(VERSION, Bind::new(), |row| row.maybe_int(0)).await?;
    let stored = stored.flatten().unwrap_or(0);
    let Some(missing) = usize::try_from(stored).ok().and_then(|seen| STEPS.get(seen..)) else {
        return Err(Error::Unusable(format!(
            "the database {} has schema version {stored}, this program knows {}: use a newer tollgate",
            place.database,
            STEPS.len()
        )));
    };
    if missing.is_empty() {
        return Ok(());
    }
    if stored == 0 {
        session.execute(place.dialect.prepare_schema(), Bind::new()).await?;
    }
    for step in missing {
        (&mut *session.connection).execute(sqlx::raw_sql(*step)).await.map_err(|error| place.error(step, error))?;
    }
    let version = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    session.execute("INSERT INTO schema_version (version) VALUES ($1)", Bind::new().int(version)).await?;
    session.connection.commit().await.map_err(|error| place.error("COMMIT", error))
}
