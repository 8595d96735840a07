//! Sealed credentials. This room sees no secret in clear: the gate's vault seals and opens them.

use super::rows::Bind;
use super::{Commit, Error, Store};
use tollgate_core::model::{ConnectionName, Tenant};

/// A credential as it lies in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// The key that seals it.
    pub kek_id: String,
    /// Nonce, ciphertext and tag, as the vault lays them out.
    pub sealed: Vec<u8>,
}

impl Commit {
    /// Stores a sealed credential of a connection in place of the one with this name.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn put_secret(
        &mut self,
        connection: &ConnectionName,
        name: &str,
        kek_id: &str,
        sealed: &[u8],
    ) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(connection.as_str()).text(name).text(kek_id);
        self.session
            .execute(
                "INSERT INTO secret (tenant, connection, name, kek_id, sealed, at) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant, connection, name) DO UPDATE
                 SET kek_id = excluded.kek_id, sealed = excluded.sealed, at = excluded.at",
                bind.bytes(sealed).int(self.at.0),
            )
            .await
            .map(drop)
    }

    /// Whether a connection has a credential of this name.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn has_secret(&mut self, connection: &ConnectionName, name: &str) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(connection.as_str()).text(name);
        let sql = "SELECT name FROM secret WHERE tenant = $1 AND connection = $2 AND name = $3";
        Ok(self.session.fetch_one(sql, bind, |_| Ok(())).await?.is_some())
    }

    /// Removes a credential; says whether there was one.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn remove_secret(&mut self, connection: &ConnectionName, name: &str) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(connection.as_str()).text(name);
        let sql = "DELETE FROM secret WHERE tenant = $1 AND connection = $2 AND name = $3";
        Ok(self.session.execute(sql, bind).await? == 1)
    }

    /// Stores a sealed credential in place of the one that was `seen`; false, and nothing changed, if it is another one by
    /// now. Each sealing has a nonce of its own, so that equal bytes are the very same one.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn replace_secret(
        &mut self,
        (connection, name): (&ConnectionName, &str),
        new: &SealedSecret,
        seen: &[u8],
    ) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(connection.as_str()).text(name).text(&new.kek_id);
        let sql = "UPDATE secret SET kek_id = $4, sealed = $5, at = $6
                   WHERE tenant = $1 AND connection = $2 AND name = $3 AND sealed = $7";
        let bind = bind.bytes(&new.sealed).int(self.at.0).bytes(seen);
        Ok(self.session.execute(sql, bind).await? == 1)
    }
}

impl Store {
    /// One sealed credential.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn secret(
        &self,
        tenant: &Tenant,
        connection: &ConnectionName,
        name: &str,
    ) -> Result<Option<SealedSecret>, Error> {
        self.reader()
            .await?
            .fetch_one(
                "SELECT kek_id, sealed FROM secret WHERE tenant = $1 AND connection = $2 AND name = $3",
                Bind::new().text(tenant.as_str()).text(connection.as_str()).text(name),
                |row| Ok(SealedSecret { kek_id: row.text(0)?, sealed: row.bytes(1)? }),
            )
            .await
    }

    /// The names of a connection's credentials, sorted.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn secret_names(&self, tenant: &Tenant, connection: &ConnectionName) -> Result<Vec<String>, Error> {
        let mut names = self
            .reader()
            .await?
            .fetch(
                "SELECT name FROM secret WHERE tenant = $1 AND connection = $2",
                Bind::new().text(tenant.as_str()).text(connection.as_str()),
                |row| row.text(0),
            )
            .await?;
        names.sort();
        Ok(names)
    }
}
