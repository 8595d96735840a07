//! The one kind of transaction there is: nothing that flows and people decide changes outside of one, and none ends
//! without its audit record.

use super::error::Error;
use super::rows::{Bind, Session};
use super::{Base, Store};
use sqlx::{Any, Transaction};
use std::sync::Arc;
use tollgate_core::model::{At, Fence, Tenant, audit};

/// Changes that become true together, or never: dropped before [`Commit::finish`] it is rolled back.
pub struct Commit {
    pub(super) session: Session<Transaction<'static, Any>>,
    pub(super) tenant: Tenant,
    pub(super) at: At,
    pub(super) audit: audit::Record,
    /// The revision that this commit makes, if it makes one.
    pub(super) revision: Option<i64>,
    /// Rows put into the tables that are searched by lists of keys.
    pub(super) rows: u64,
    guarded: Option<(String, Fence)>,
    base: Arc<Base>,
}

impl Store {
    /// Starts a commit of this tenant. Its audit record is written with it. On SQLite this waits for the one writer.
    ///
    /// # Errors
    /// [`Error::Contended`] and [`Error::Unreachable`]: try again later.
    pub async fn begin(&self, tenant: &Tenant, audit: audit::Record, at: At) -> Result<Commit, Error> {
        let session = self.base().begin().await?;
        Ok(Commit {
            session,
            tenant: tenant.clone(),
            at,
            audit,
            revision: None,
            rows: 0,
            guarded: None,
            base: Arc::clone(&self.0.base),
        })
    }
}

impl Commit {
    /// Goes on only if the lease is still held under this fence, and keeps it so until the commit ends. Must come before
    /// every write that takes a fence.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease was released or claimed anew.
    pub async fn guard(&mut self, lease: &str, fence: Fence) -> Result<(), Error> {
        let sql = format!(
            "SELECT fence FROM lease WHERE tenant = $1 AND name = $2 AND fence = $3 AND holder <> ''{}",
            self.base.place.dialect.lock("lease")
        );
        let bind = Bind::new().text(self.tenant.as_str()).text(lease).int(fence.0);
        let held = self.session.fetch_one(sqlx::AssertSqlSafe(sql), bind, |row| row.int(0)).await?;
        if held.is_none() {
            return Err(Error::fenced(format_args!("lease `{lease}`")));
        }
        self.guarded = Some((lease.to_owned(), fence));
        Ok(())
    }

    /// Writes the audit record and makes everything true. Durable when it returns.
    ///
    /// # Errors
    /// As [`Store::begin`]; nothing was committed then. Only when the connection broke while the answer was on its way is
    /// the end unknown: read before doing it again.
    pub async fn finish(mut self) -> Result<(), Error> {
        super::audit::write(&mut self).await?;
        self.base.finish(self.session).await?;
        self.base.grow(self.rows).await;
        Ok(())
    }

    /// Whose data this commit changes.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The lease that covers a write under this fence.
    pub(super) fn guarded(&self, fence: Fence) -> &str {
        match &self.guarded {
            Some((lease, guarded)) if *guarded == fence => lease,
            _ => panic!("a fenced write needs `Commit::guard` with the same fence before it, in the same commit"),
        }
    }
}

impl std::fmt::Debug for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Commit({}, {})", self.tenant, self.audit.action)
    }
}
