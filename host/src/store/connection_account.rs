//! Which remote account a connection leads to: the one that was confirmed, and the one that was seen last.

use super::rows::{Bind, Fields};
use super::{Commit, Error, Store};
use tollgate_core::model::{At, ConnectionName, Tenant};

/// The accounts of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// The system's id of the confirmed account.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Who confirmed it.
    pub actor: String,
    /// When.
    pub at: At,
    /// The system's id of the account that was seen last.
    pub seen_id: String,
    /// Its name, for people.
    pub seen_name: String,
    /// When it was seen.
    pub seen: At,
}

impl AccountRow {
    /// Whether the connection leads where somebody confirmed that it should.
    pub fn is_confirmed(&self) -> bool {
        self.id == self.seen_id
    }
}

const RETURNED: &str = "account_id, account_name, actor, at, seen_id, seen_name, seen_at";

impl Commit {
    /// Writes down the account, as id and name, that a connection leads to now; the first one is taken for confirmed.
    /// Gives back what is known then.
    ///
    /// # Errors
    /// As [`Store::begin`], and [`Error::Unstorable`].
    pub async fn see_account(
        &mut self,
        connection: &ConnectionName,
        (id, name): (&str, &str),
        actor: &str,
    ) -> Result<AccountRow, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(connection.as_str()).text(id).text(name);
        let sql = format!(
            "INSERT INTO connection_account
                 (tenant, connection, account_id, account_name, actor, at, seen_id, seen_name, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $3, $4, $6)
             ON CONFLICT (tenant, connection) DO UPDATE
             SET seen_id = excluded.seen_id, seen_name = excluded.seen_name, seen_at = excluded.seen_at
             RETURNING {RETURNED}"
        );
        let bind = bind.text(actor).int(self.at.0);
        let row = self.session.fetch_one(sqlx::AssertSqlSafe(sql), bind, read).await?;
        row.ok_or_else(|| self.session.place.corrupt(format_args!("the account of `{connection}`")))
    }

    /// Confirms the account of this id, if it is the one that was seen last; says whether it is.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn confirm_account(&mut self, connection: &ConnectionName, id: &str, actor: &str) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(connection.as_str()).text(id).text(actor);
        let sql = "UPDATE connection_account
                   SET account_id = seen_id, account_name = seen_name, actor = $4, at = $5
                   WHERE tenant = $1 AND connection = $2 AND seen_id = $3";
        Ok(self.session.execute(sql, bind.int(self.at.0)).await? == 1)
    }
}

impl Store {
    /// The accounts of a connection; none before its first check.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn connection_account(
        &self,
        tenant: &Tenant,
        connection: &ConnectionName,
    ) -> Result<Option<AccountRow>, Error> {
        let sql = format!("SELECT {RETURNED} FROM connection_account WHERE tenant = $1 AND connection = $2");
        let bind = Bind::new().text(tenant.as_str()).text(connection.as_str());
        self.reader().await?.fetch_one(sqlx::AssertSqlSafe(sql), bind, read).await
    }
}

fn read(row: &Fields<'_>) -> Result<AccountRow, Error> {
    Ok(AccountRow {
        id: row.text(0)?,
        name: row.text(1)?,
        actor: row.text(2)?,
        at: At(row.int(3)?),
        seen_id: row.text(4)?,
        seen_name: row.text(5)?,
        seen: At(row.int(6)?),
    })
}
