//! Consents of people to what a connection may do: one row per connection, from asking to what came of it.

use super::rows::{Bind, Fields};
use super::{Commit, Error, Store};
use tollgate_core::model::{At, ConnectionName, Tenant};

/// How far a consent has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentState {
    /// It was asked for; nobody has answered.
    Pending,
    /// Somebody has answered; what follows is under way.
    Answered,
    /// It was given, and what it is worth is stored.
    Done,
    /// It was not given, or is no longer good.
    Failed,
}

impl ConsentState {
    const ALL: [Self; 4] = [Self::Pending, Self::Answered, Self::Done, Self::Failed];

    /// Its name as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentState::Pending => "pending",
            ConsentState::Answered => "answered",
            ConsentState::Done => "done",
            ConsentState::Failed => "failed",
        }
    }
}

/// One consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRow {
    /// Of which connection.
    pub connection: ConnectionName,
    /// How far it has come.
    pub state: ConsentState,
    /// SHA-256 of what the callback must bring.
    pub state_hash: Vec<u8>,
    /// The key that seals the next.
    pub kek_id: String,
    /// What the code is exchanged with; empty once somebody has answered.
    pub sealed: Vec<u8>,
    /// Who asked for it, as the audit log names it.
    pub actor: String,
    /// Why it failed.
    pub reason: String,
    /// When it was asked for.
    pub began: At,
    /// From then on no answer is taken.
    pub expires: At,
    /// When it came to an end.
    pub ended: Option<At>,
}

/// A step of a consent.
#[derive(Clone, Debug)]
pub struct ConsentStep<'a> {
    /// How far it must have come.
    pub from: ConsentState,
    /// How far it comes.
    pub to: ConsentState,
    /// Why it failed; empty if it did not.
    pub reason: &'a str,
}

const COLUMNS: &str = "SELECT connection, state, state_hash, kek_id, sealed, actor, reason, began, expires, ended
                       FROM consent WHERE tenant = $1";

impl Commit {
    /// Stores a consent that is asked for, in place of the connection's last one.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn put_consent(&mut self, row: &ConsentRow) -> Result<(), Error> {
        let bind = Bind::new()
            .text(self.tenant.as_str())
            .text(row.connection.as_str())
            .text(row.state.as_str())
            .bytes(&row.state_hash)
            .text(&row.kek_id)
            .bytes(&row.sealed)
            .text(&row.actor)
            .text(&row.reason)
            .int(row.began.0)
            .int(row.expires.0)
            .maybe_int(row.ended.map(|at| at.0));
        self.session
            .execute(
                "INSERT INTO consent
                     (tenant, connection, state, state_hash, kek_id, sealed, actor, reason, began, expires, ended)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 ON CONFLICT (tenant, connection) DO UPDATE
                 SET state = excluded.state, state_hash = excluded.state_hash, kek_id = excluded.kek_id,
                     sealed = excluded.sealed, actor = excluded.actor, reason = excluded.reason,
                     began = excluded.began, expires = excluded.expires, ended = excluded.ended",
                bind,
            )
            .await
            .map(drop)
    }

    /// Takes one step with the consent that has this hash; false, and nothing changed, if it has come elsewhere or another
    /// one is in its place. What was sealed for its answer is forgotten.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn step_consent(
        &mut self,
        connection: &ConnectionName,
        state_hash: &[u8],
        step: ConsentStep<'_>,
    ) -> Result<bool, Error> {
        let has_ended = matches!(step.to, ConsentState::Done | ConsentState::Failed);
        let bind = Bind::new()
            .text(self.tenant.as_str())
            .text(connection.as_str())
            .bytes(state_hash)
            .text(step.from.as_str())
            .text(step.to.as_str())
            .text(step.reason)
            .maybe_int(has_ended.then_some(self.at.0))
            .bytes(&[]);
        let sql = "UPDATE consent SET state = $5, reason = $6, ended = $7, sealed = $8
                   WHERE tenant = $1 AND connection = $2 AND state_hash = $3 AND state = $4";
        Ok(self.session.execute(sql, bind).await? == 1)
    }
}

impl Store {
    /// A connection's last consent.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn consent(&self, tenant: &Tenant, connection: &ConnectionName) -> Result<Option<ConsentRow>, Error> {
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} AND connection = $2"));
        let bind = Bind::new().text(tenant.as_str()).text(connection.as_str());
        self.reader().await?.fetch_one(sql, bind, read).await
    }

    /// The consent that a callback with this hash answers, whatever has become of it.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn consent_by_hash(&self, tenant: &Tenant, state_hash: &[u8]) -> Result<Option<ConsentRow>, Error> {
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} AND state_hash = $2"));
        let bind = Bind::new().text(tenant.as_str()).bytes(state_hash);
        self.reader().await?.fetch_one(sql, bind, read).await
    }
}

fn read(row: &Fields<'_>) -> Result<ConsentRow, Error> {
    let state = row.text(1)?;
    let state = ConsentState::ALL.into_iter().find(|known| known.as_str() == state);
    Ok(ConsentRow {
        connection: row.text(0)?.into(),
        state: state.ok_or_else(|| row.damaged(1))?,
        state_hash: row.bytes(2)?,
        kek_id: row.text(3)?,
        sealed: row.bytes(4)?,
        actor: row.text(5)?,
        reason: row.text(6)?,
        began: At(row.int(7)?),
        expires: At(row.int(8)?),
        ended: row.maybe_int(9)?.map(At),
    })
}
