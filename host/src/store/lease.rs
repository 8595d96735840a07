//! Leases: who may work on something now. Each claim gets a fence that is greater than all before it, so that whoever
//! lost a lease without noticing is refused at the next write.

use super::rows::Bind;
use super::{Error, Store};
use sqlx::AssertSqlSafe;
use tollgate_core::model::{At, Fence, Tenant};

impl Store {
    /// Claims a lease that is free, expired, or this holder's own, for `life_ms`; none if another holds it. On PostgreSQL
    /// the database's time decides and `now` is not used.
    ///
    /// # Errors
    /// [`Error::Contended`] and [`Error::Unreachable`]: try again later.
    pub async fn claim(
        &self,
        tenant: &Tenant,
        name: &str,
        holder: &str,
        now: At,
        life_ms: u64,
    ) -> Result<Option<Fence>, Error> {
        assert!(!holder.is_empty(), "a lease without a holder is a free one");
        let time = self.base().place.dialect.now("$4");
        let sql = format!(
            "INSERT INTO lease (tenant, name, holder, fence, expires) VALUES ($1, $2, $3, 1, {time} + $5)
             ON CONFLICT (tenant, name) DO UPDATE
             SET holder = excluded.holder, fence = lease.fence + 1, expires = excluded.expires
             WHERE lease.holder = '' OR lease.holder = excluded.holder OR lease.expires <= {time} RETURNING fence"
        );
        let bind = Bind::new().text(tenant.as_str()).text(name).text(holder).int(now.0).count(life_ms);
        let fence = self.writer().await?.fetch_one(AssertSqlSafe(sql), bind, |row| Ok(Fence(row.int(0)?))).await?;
        if let Some(fence) = fence {
            self.base().held().insert((tenant.clone(), name.to_owned()), fence);
        }
        Ok(fence)
    }

    /// Extends a lease to `life_ms` from now; false if it is in other hands. One that expired unnoticed and that nobody
    /// claimed is still ours.
    ///
    /// # Errors
    /// As [`Store::claim`].
    pub async fn renew(&self, tenant: &Tenant, name: &str, fence: Fence, now: At, life_ms: u64) -> Result<bool, Error> {
        let time = self.base().place.dialect.now("$4");
        let sql = format!(
            "UPDATE lease SET expires = {time} + $5 WHERE tenant = $1 AND name = $2 AND fence = $3 AND holder <> ''"
        );
        let bind = Bind::new().text(tenant.as_str()).text(name).int(fence.0).int(now.0).count(life_ms);
        let is_ours = self.writer().await?.execute(AssertSqlSafe(sql), bind).await? == 1;
        if !is_ours {
            self.forget(tenant, name, fence);
        }
        Ok(is_ours)
    }

    /// Gives a lease back at once. One that is in other hands already is left alone.
    ///
    /// # Errors
    /// As [`Store::claim`]; the lease then ends by itself when it expires.
    pub async fn release(&self, tenant: &Tenant, name: &str, fence: Fence) -> Result<(), Error> {
        self.forget(tenant, name, fence);
        let bind = Bind::new().text(tenant.as_str()).text(name).int(fence.0);
        self.writer()
            .await?
            .execute("UPDATE lease SET holder = '' WHERE tenant = $1 AND name = $2 AND fence = $3", bind)
            .await
            .map(drop)
    }

    fn forget(&self, tenant: &Tenant, name: &str, fence: Fence) {
        let key = (tenant.clone(), name.to_owned());
        let mut held = self.base().held();
        if held.get(&key) == Some(&fence) {
            held.remove(&key);
        }
    }
}
