//! What was spent: calls per account and hour.

use super::group::Item;
use super::rows::{self, Bind, Many, Session};
use super::{Error, Store};
use sqlx::AnyConnection;
use std::collections::BTreeMap;
use std::ops::DerefMut;
use tollgate_core::model::{AccountId, Tenant};

/// Adds to what is stored.
pub(super) async fn write<C>(
    session: &mut Session<C>,
    usage: &BTreeMap<(Tenant, AccountId, i64), u64>,
) -> Result<(), Error>
where
    C: DerefMut<Target = AnyConnection> + Send,
{
    let many = Many {
        before: "INSERT INTO usage (tenant, account, hour, calls) VALUES ",
        row: "(?, ?, ?, ?)",
        after: " ON CONFLICT (tenant, account, hour) DO UPDATE SET calls = usage.calls + excluded.calls",
    };
    let rows: Vec<_> = usage.iter().collect();
    session
        .insert(many, Bind::new, &rows, |bind, ((tenant, account, hour), calls)| {
            bind.text(tenant.as_str()).text(account.as_str()).int(*hour).count(**calls)
        })
        .await
}

impl Store {
    /// Queues `calls` more calls to an account in an hour, counted from 1970; they are written with the next group commit.
    ///
    /// # Errors
    /// [`Error::Closed`], and [`Error::Unstorable`] for a name that cannot be stored.
    pub async fn add_usage(&self, tenant: &Tenant, account: &AccountId, hour: i64, calls: u64) -> Result<(), Error> {
        rows::verify_text(tenant.as_str())?;
        rows::verify_text(account.as_str())?;
        let item = Item::Usage { tenant: tenant.clone(), account: account.clone(), hour, calls };
        self.0.group.queue(item).await
    }

    /// The calls to an account from an hour on.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn usage(&self, tenant: &Tenant, account: &AccountId, since_hour: i64) -> Result<u64, Error> {
        let calls = self
            .reader()
            .await?
            .fetch_one(
                "SELECT CAST(COALESCE(sum(calls), 0) AS BIGINT) FROM usage
                 WHERE tenant = $1 AND account = $2 AND hour >= $3",
                Bind::new().text(tenant.as_str()).text(account.as_str()).int(since_hour),
                |row| row.number(0),
            )
            .await?;
        Ok(calls.unwrap_or(0))
    }
}
