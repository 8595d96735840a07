//! What the host writes down of itself, numbered without gaps.

use super::rows::{Bind, Session};
use super::{Commit, Error, Store};
use sqlx::AnyConnection;
use std::ops::DerefMut;
use tollgate_core::model::{At, Tenant, audit};

/// Takes the next `count` numbers of a tenant's series and gives the first. The row that holds the last number is made
/// at first use and stays, so two transactions always meet at it and take turns.
pub(super) async fn next_numbers<C>(
    session: &mut Session<C>,
    tenant: &Tenant,
    series: &str,
    count: usize,
) -> Result<i64, Error>
where
    C: DerefMut<Target = AnyConnection> + Send,
{
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let last = session
        .fetch_one(
            "INSERT INTO head (tenant, series, last) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, series) DO UPDATE SET last = head.last + excluded.last RETURNING last",
            Bind::new().text(tenant.as_str()).text(series).int(count),
            |row| row.int(0),
        )
        .await?;
    let last = last.ok_or_else(|| session.place.corrupt(format_args!("the last number of `{series}`")))?;
    Ok(last - count + 1)
}

pub(super) async fn write(commit: &mut Commit) -> Result<(), Error> {
    let seq = next_numbers(&mut commit.session, &commit.tenant, "audit", 1).await?;
    let record = &commit.audit;
    let bind = Bind::new()
        .text(commit.tenant.as_str())
        .int(seq)
        .int(commit.at.0)
        .text(&record.actor)
        .text(&record.action)
        .text(&record.subject)
        .text(&record.detail);
    commit
        .session
        .execute(
            "INSERT INTO audit (tenant, seq, at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            bind,
        )
        .await
        .map(drop)
}

impl Store {
    /// At most `most` audit records after the one with number `after_seq` (0 for all), in order, each with its number.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn audit(
        &self,
        tenant: &Tenant,
        after_seq: i64,
        most: u32,
    ) -> Result<Vec<(i64, At, audit::Record)>, Error> {
        let bind = Bind::new().text(tenant.as_str()).int(after_seq).int(most.into());
        self.reader()
            .await?
            .fetch(
                "SELECT seq, at, actor, action, subject, detail FROM audit
                 WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                bind,
                |row| {
                    let record = audit::Record {
                        actor: row.text(2)?,
                        action: row.text(3)?,
                        subject: row.text(4)?,
                        detail: row.text(5)?,
                    };
                    Ok((row.int(0)?, At(row.int(1)?), record))
                },
            )
            .await
    }
}
