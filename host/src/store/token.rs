//! Tokens of the API: who may call, under which role, until when. The secret is never stored, only its hash.

use super::rows::{Bind, Fields};
use super::{Commit, Error, Store};
use tollgate_core::model::{At, Tenant};

/// One token, as it was created and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// What it is looked up by; part of its text, no secret.
    pub id: String,
    /// What its admin calls it.
    pub name: String,
    /// The role's name, as the room that decides about roles writes it.
    pub role: String,
    /// SHA-256 of the token's whole text.
    pub hash: Vec<u8>,
    /// When it was created.
    pub created: At,
    /// From when on it is good for nothing.
    pub expires: At,
    /// When it was last seen, to about a minute.
    pub used: Option<At>,
    /// When it was revoked.
    pub revoked: Option<At>,
}

const COLUMNS: &str = "SELECT id, name, role, hash, created, expires, used, revoked FROM token WHERE tenant = $1";

impl Commit {
    /// Stores a new token.
    ///
    /// # Errors
    /// As [`Store::begin`]; [`Error::Database`] when the id is taken.
    pub async fn add_token(&mut self, row: &TokenRow) -> Result<(), Error> {
        let bind = Bind::new()
            .text(self.tenant.as_str())
            .text(&row.id)
            .text(&row.name)
            .text(&row.role)
            .bytes(&row.hash)
            .int(row.created.0)
            .int(row.expires.0)
            .maybe_int(row.used.map(|at| at.0))
            .maybe_int(row.revoked.map(|at| at.0));
        self.session
            .execute(
                "INSERT INTO token (tenant, id, name, role, hash, created, expires, used, revoked)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                bind,
            )
            .await
            .map(drop)
    }

    /// Makes a token good for nothing from now on; says whether there is one of this id. The first instant is kept.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn revoke_token(&mut self, id: &str) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(id).int(self.at.0);
        let sql = "UPDATE token SET revoked = COALESCE(revoked, $3) WHERE tenant = $1 AND id = $2";
        Ok(self.session.execute(sql, bind).await? > 0)
    }
}

impl Store {
    /// The token of this id, whether it is still good or not.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn token(&self, tenant: &Tenant, id: &str) -> Result<Option<TokenRow>, Error> {
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} AND id = $2"));
        self.reader().await?.fetch_one(sql, Bind::new().text(tenant.as_str()).text(id), read).await
    }

    /// A tenant's tokens behind the one with the id `after` (empty: from the newest on), newest first, at most `most`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn tokens(&self, tenant: &Tenant, after: &str, most: u32) -> Result<Vec<TokenRow>, Error> {
        let bind = Bind::new().text(tenant.as_str()).int(most.into());
        let (behind, bind) = match after {
            "" => ("", bind),
            after => {
                let sql = " AND (created, id) < (SELECT created, id FROM token WHERE tenant = $1 AND id = $3)";
                (sql, bind.text(after))
            }
        };
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS}{behind} ORDER BY created DESC, id DESC LIMIT $2"));
        self.reader().await?.fetch(sql, bind, read).await
    }

    /// Writes down that a token was seen; an earlier instant changes nothing.
    ///
    /// # Errors
    /// [`Error::Contended`] and [`Error::Unreachable`].
    pub async fn touch_token(&self, tenant: &Tenant, id: &str, at: At) -> Result<(), Error> {
        let sql = "UPDATE token SET used = $3 WHERE tenant = $1 AND id = $2 AND (used IS NULL OR used < $3)";
        let bind = Bind::new().text(tenant.as_str()).text(id).int(at.0);
        self.writer().await?.execute(sql, bind).await.map(drop)
    }
}

fn read(row: &Fields<'_>) -> Result<TokenRow, Error> {
    Ok(TokenRow {
        id: row.text(0)?,
        name: row.text(1)?,
        role: row.text(2)?,
        hash: row.bytes(3)?,
        created: At(row.int(4)?),
        expires: At(row.int(5)?),
        used: row.maybe_int(6)?.map(At),
        revoked: row.maybe_int(7)?.map(At),
    })
}
