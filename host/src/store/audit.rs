//! What the host writes down of itself, numbered without gaps.

use super::rows::{Bind, Fields, Session};
use super::{Commit, Error, Store};
use sqlx::AnyConnection;
use std::ops::DerefMut;
use tollgate_core::model::{At, Tenant, audit, limits};

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

/// One audit record, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: At,
    /// What it says.
    pub record: audit::Record,
}

/// Which audit records; what is absent or empty lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// How the actor begins.
    pub actor: String,
    /// The action.
    pub action: Option<String>,
    /// How the subject begins.
    pub subject: String,
    /// At this instant or later.
    pub since: Option<At>,
}

impl Store {
    /// At most `most` audit records before the one with number `before` (none: from the newest on) that the filter lets
    /// through, newest first, and where to go on; none at the end. Looks through at most [`limits::AUDIT_SCAN_MAX`] of
    /// them: numbers have no gaps, so that this bounds what a rare filter costs.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn audit_before(
        &self,
        tenant: &Tenant,
        filter: &AuditFilter,
        before: Option<i64>,
        most: u32,
    ) -> Result<(Vec<AuditRow>, Option<i64>), Error> {
        let mut reader = self.reader().await?;
        let before = match before {
            Some(before) => before,
            None => {
                let sql = "SELECT last FROM head WHERE tenant = $1 AND series = 'audit'";
                let last = reader.fetch_one(sql, Bind::new().text(tenant.as_str()), |row| row.int(0)).await?;
                last.unwrap_or(0).saturating_add(1)
            }
        };
        let first = before.saturating_sub(limits::AUDIT_SCAN_MAX).max(1);
        let bind = Bind::new().text(tenant.as_str()).int(before).int(first);
        let bind = bind.text(&filter.actor).text(&filter.subject).int(filter.since.map_or(i64::MIN, |at| at.0));
        let (of_action, bind) = match &filter.action {
            Some(action) => (" AND action = $8", bind.int(most.into()).text(action)),
            None => ("", bind.int(most.into())),
        };
        let sql = format!(
            "SELECT seq, at, actor, action, subject, detail FROM audit
             WHERE tenant = $1 AND seq < $2 AND seq >= $3 AND substr(actor, 1, length($4)) = $4
               AND substr(subject, 1, length($5)) = $5 AND at >= $6{of_action} ORDER BY seq DESC LIMIT $7"
        );
        let rows = reader.fetch(sqlx::AssertSqlSafe(sql), bind, read).await?;
        let is_full = rows.len() >= most as usize;
        let next = if is_full { rows.last().map(|row| row.seq) } else { Some(first) };
        Ok((rows, next.filter(|next| *next > 1)))
    }

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
                |row| read(row).map(|row| (row.seq, row.at, row.record)),
            )
            .await
    }
}

fn read(row: &Fields<'_>) -> Result<AuditRow, Error> {
    let record =
        audit::Record { actor: row.text(2)?, action: row.text(3)?, subject: row.text(4)?, detail: row.text(5)? };
    Ok(AuditRow { seq: row.int(0)?, at: At(row.int(1)?), record })
}
