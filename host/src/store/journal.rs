//! Every call that a plugin made, allowed or not.

use super::audit::next_numbers;
use super::group::Item;
use super::rows::{Bind, Fields, Many, Session};
use super::{Error, Store};
use sqlx::AnyConnection;
use std::collections::BTreeMap;
use std::ops::DerefMut;
use tollgate_core::model::{AccountId, At, ConnectionName, RunId, Tenant};

/// One call. Holds names and sizes, no values that the plugin sent and no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// When it was decided.
    pub at: At,
    /// In which run.
    pub run: RunId,
    /// Through which connection.
    pub connection: ConnectionName,
    /// To which account.
    pub account: AccountId,
    /// By which route; `files:read` and the like for asks of a folder.
    pub route: String,
    /// The HTTP method.
    pub method: String,
    /// The origin that was reached.
    pub origin: String,
    /// The route's path template, without the values; of an ask of a folder the names.
    pub path: String,
    /// `sent`, `stored` (answered from what was stored), `done` (an ask of a folder), or `denied:RULE`.
    pub decision: String,
    /// The HTTP status, 0 if there was none.
    pub status: u16,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
    /// Milliseconds from the decision to the answer.
    pub took_ms: u64,
    /// What went wrong, empty if nothing.
    pub error: String,
}

/// Calls of one run that went the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTotals {
    /// Through which connection.
    pub connection: ConnectionName,
    /// By which route.
    pub route: String,
    /// What was decided.
    pub decision: String,
    /// How many there were.
    pub count: u64,
    /// Milliseconds, all together.
    pub took_ms: u64,
    /// Milliseconds of the longest one.
    pub took_ms_max: u64,
}

const WRITE: Many<'_> = Many {
    before:
        "INSERT INTO journal (tenant, seq, at, run, connection, account, route, method, origin, path, decision, status,
             request_bytes, response_bytes, took_ms, error) VALUES ",
    row: "($1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    after: "",
};

/// Replaces what no database can hold: parts of an entry come from plugins and systems, and one entry must not keep a
/// whole group from being written.
pub(super) fn clean(mut entry: JournalEntry) -> JournalEntry {
    let texts = [
        &mut entry.route,
        &mut entry.method,
        &mut entry.origin,
        &mut entry.path,
        &mut entry.decision,
        &mut entry.error,
    ];
    for text in texts {
        if text.contains('\0') {
            *text = text.replace('\0', "\u{fffd}");
        }
    }
    entry
}

/// Writes entries, each with the next number of its tenant.
pub(super) async fn write<'a, C>(
    session: &mut Session<C>,
    entries: impl Iterator<Item = &'a (Tenant, JournalEntry)>,
) -> Result<(), Error>
where
    C: DerefMut<Target = AnyConnection> + Send,
{
    let mut by_tenant: BTreeMap<&Tenant, Vec<&JournalEntry>> = BTreeMap::new();
    for (tenant, entry) in entries {
        by_tenant.entry(tenant).or_default().push(entry);
    }
    for (tenant, entries) in by_tenant {
        let first = next_numbers(session, tenant, "journal", entries.len()).await?;
        let numbered: Vec<_> = (first..).zip(entries).collect();
        session
            .insert(
                WRITE,
                || Bind::new().text(tenant.as_str()),
                &numbered,
                |bind, (seq, entry)| bind_entry(bind.int(*seq), entry),
            )
            .await?;
    }
    Ok(())
}

fn bind_entry(bind: Bind, entry: &JournalEntry) -> Bind {
    bind.int(entry.at.0)
        .text(entry.run.as_str())
        .text(entry.connection.as_str())
        .text(entry.account.as_str())
        .text(&entry.route)
        .text(&entry.method)
        .text(&entry.origin)
        .text(&entry.path)
        .text(&entry.decision)
        .int(entry.status.into())
        .count(entry.request_bytes)
        .count(entry.response_bytes)
        .count(entry.took_ms)
        .text(&entry.error)
}

impl Store {
    /// Queues an entry; it is written with the next group commit.
    ///
    /// # Errors
    /// [`Error::Closed`], and [`Error::Unstorable`] for a name that cannot be stored.
    pub async fn put_journal(&self, tenant: &Tenant, entry: JournalEntry) -> Result<(), Error> {
        for name in [tenant.as_str(), entry.run.as_str(), entry.connection.as_str(), entry.account.as_str()] {
            super::rows::verify_text(name)?;
        }
        self.0.group.queue(Item::Journal { tenant: tenant.clone(), entry: Box::new(clean(entry)) }).await
    }

    /// The newest `most` entries of one run, or of all, newest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn journal(&self, tenant: &Tenant, run: Option<&RunId>, most: u32) -> Result<Vec<JournalEntry>, Error> {
        const COLUMNS: &str = "SELECT at, run, connection, account, route, method, origin, path, decision, status,
             request_bytes, response_bytes, took_ms, error FROM journal WHERE tenant = $1";
        let bind = Bind::new().text(tenant.as_str()).int(most.into());
        let (of_run, bind) = match run {
            Some(run) => (" AND run = $3", bind.text(run.as_str())),
            None => ("", bind),
        };
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS}{of_run} ORDER BY seq DESC LIMIT $2"));
        self.reader().await?.fetch(sql, bind, read).await
    }

    /// A run's entries before the one with number `before`, newest first, at most `most`, each with its number.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn run_journal(
        &self,
        tenant: &Tenant,
        run: &RunId,
        before: i64,
        most: u32,
    ) -> Result<Vec<(i64, JournalEntry)>, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(run.as_str()).int(before).int(most.into());
        self.reader()
            .await?
            .fetch(
                "SELECT at, run, connection, account, route, method, origin, path, decision, status, request_bytes,
                        response_bytes, took_ms, error, seq FROM journal
                 WHERE tenant = $1 AND run = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4",
                bind,
                |row| Ok((row.int(14)?, read(row)?)),
            )
            .await
    }

    /// What a run called, by connection, route and decision.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn run_calls(&self, tenant: &Tenant, run: &RunId) -> Result<Vec<CallTotals>, Error> {
        self.reader()
            .await?
            .fetch(
                "SELECT connection, route, decision, count(*), CAST(sum(took_ms) AS BIGINT), max(took_ms) FROM journal
                 WHERE tenant = $1 AND run = $2 GROUP BY connection, route, decision
                 ORDER BY connection, route, decision",
                Bind::new().text(tenant.as_str()).text(run.as_str()),
                |row| {
                    Ok(CallTotals {
                        connection: row.text(0)?.into(),
                        route: row.text(1)?,
                        decision: row.text(2)?,
                        count: row.number(3)?,
                        took_ms: row.number(4)?,
                        took_ms_max: row.number(5)?,
                    })
                },
            )
            .await
    }

    /// How many entries an account has.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn journal_count(&self, tenant: &Tenant, account: &AccountId) -> Result<u64, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(account.as_str());
        let sql = "SELECT count(*) FROM journal WHERE tenant = $1 AND account = $2";
        Ok(self.reader().await?.fetch_one(sql, bind, |row| row.number(0)).await?.unwrap_or(0))
    }
}

fn read(row: &Fields<'_>) -> Result<JournalEntry, Error> {
    Ok(JournalEntry {
        at: At(row.int(0)?),
        run: row.text(1)?.into(),
        connection: row.text(2)?.into(),
        account: row.text(3)?.into(),
        route: row.text(4)?,
        method: row.text(5)?,
        origin: row.text(6)?,
        path: row.text(7)?,
        decision: row.text(8)?,
        status: row.number(9)?,
        request_bytes: row.number(10)?,
        response_bytes: row.number(11)?,
        took_ms: row.number(12)?,
        error: row.text(13)?,
    })
}
