//! Connections: whether they work and where they lead, what they offer, their secrets, what their accounts have used.

use super::{App, Error};
use crate::gate::budget::{Budget, Payer, Usage};
use crate::gate::{CallContext, Purpose};
use crate::store::AccountRow;
use std::collections::BTreeMap;
use std::sync::Arc;
use tollgate_core::model::connection::Connection;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::schema::{Account, Stream};
use tollgate_core::model::{AccountId, ConnectionName, FlowName, limits};
use tollgate_sandbox::CallLimits;

/// One connection with what is known of it.
#[derive(Clone, Debug)]
pub struct ConnectionState {
    /// As an admin wrote it.
    pub connection: Connection,
    /// The names of the secrets that are set.
    pub secrets: Vec<String>,
    /// Where it leads; none before its first check.
    pub account: Option<AccountRow>,
}

impl App {
    /// One connection.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn connection(&self, name: &ConnectionName) -> Result<ConnectionState, Error> {
        let documents = self.documents().await?;
        let absent = || Error::Absent { what: "connection", name: name.to_string() };
        self.connection_state(documents.connection(name).ok_or_else(absent)?.clone()).await
    }

    /// What is known of a connection.
    ///
    /// # Errors
    /// The store.
    pub async fn connection_state(&self, connection: Connection) -> Result<ConnectionState, Error> {
        let secrets = self.store.secret_names(&self.tenant, &connection.connection).await?;
        let account = self.store.connection_account(&self.tenant, &connection.connection).await?;
        Ok(ConnectionState { connection, secrets, account })
    }

    /// Asks a connection's plugin whether endpoint and credential are right. The account that it leads to the first time
    /// is taken for the right one; when it is another one later, flows that use the connection are paused until an admin
    /// has confirmed it.
    ///
    /// # Errors
    /// What the plugin, the gate or the sandbox said; [`Error::AccountChanged`].
    pub async fn check_as(&self, name: &ConnectionName, actor: &str) -> Result<Account, Error> {
        let opened = self.open_connection(name).await?;
        let door = self.gate.door(opened.line, one_call("check", Purpose::Check));
        let result = opened.plugin.check(door.clone(), CallLimits::default()).await;
        let account = result.map_err(|error| Error::Call {
            connection: name.clone(),
            call: "check",
            source: door.explain(error),
        })?;
        let detail = format!("leads to account {} ({})", account.id, account.name);
        let mut commit = self.begin_as(actor, "connection.check", format!("connection:{name}"), detail).await?;
        let row = commit.see_account(name, (&account.id, &account.name), actor).await?;
        commit.finish().await?;
        if row.is_confirmed() {
            return Ok(account);
        }
        let changed = changed(name, &row);
        // Names come from the system and may be long; four bytes is the most that a character has.
        let reason: String = changed.to_string().chars().take(limits::REASON_BYTES_MAX / 4).collect();
        for flow in self.flows_of(name).await? {
            self.pause_flow(&flow, &reason, actor).await?;
        }
        Err(changed)
    }

    /// As [`App::check_as`], for whoever has the command line.
    ///
    /// # Errors
    /// As [`App::check_as`].
    pub async fn check(&self, name: &ConnectionName) -> Result<Account, Error> {
        self.check_as(name, "admin").await
    }

    /// Confirms that a connection is to lead to this account, the one that was seen last. Paused flows stay paused.
    ///
    /// # Errors
    /// [`Error::Absent`]; [`Error::Unfit`] if it is another account than the one that was seen last, or none was seen.
    pub async fn confirm_account(&self, name: &ConnectionName, id: &str, actor: &str) -> Result<AccountRow, Error> {
        self.require_connection(name).await?;
        let subject = format!("connection:{name}");
        let mut commit = self.begin_as(actor, "connection.confirm", subject, format!("account {id}")).await?;
        if commit.confirm_account(name, id, actor).await? {
            commit.finish().await?;
        } else {
            drop(commit);
            let reason = match self.store.connection_account(&self.tenant, name).await? {
                Some(row) => format!("the account that was seen last, {} ({})", row.seen_id, row.seen_name),
                None => "one that was seen: check the connection first".into(),
            };
            return Err(Error::Unfit { what: "account", reason });
        }
        let row = self.store.connection_account(&self.tenant, name).await?;
        row.ok_or_else(|| Error::Absent { what: "account of connection", name: name.to_string() })
    }

    /// What streams a connection offers, and what they can do.
    ///
    /// # Errors
    /// [`Error::Absent`]; what the plugin, the gate or the sandbox said.
    pub async fn discover(&self, name: &ConnectionName) -> Result<Vec<Stream>, Error> {
        let opened = self.open_connection(name).await?;
        let door = self.gate.door(opened.line, one_call("discover", Purpose::Discover));
        let result = opened.plugin.discover(door.clone(), CallLimits::default()).await;
        result.map_err(|error| Error::Call { connection: name.clone(), call: "discover", source: door.explain(error) })
    }

    /// Seals a secret of a connection, which is never given back; says whether there was one of this name before.
    ///
    /// # Errors
    /// The gate, the store.
    pub async fn set_secret(
        &self,
        connection: &ConnectionName,
        name: &str,
        value: &str,
        actor: &str,
    ) -> Result<bool, Error> {
        let is_replaced = self.vault.put(&self.tenant, (connection, name), value, actor).await?;
        self.nudge().await;
        Ok(is_replaced)
    }

    /// Removes a secret of a connection.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is none of this name, or the store.
    pub async fn remove_secret(&self, name: &ConnectionName, secret: &str, actor: &str) -> Result<(), Error> {
        self.require_connection(name).await?;
        let subject = format!("connection:{name}");
        let mut commit = self.begin_as(actor, "secret.remove", subject, format!("`{secret}`")).await?;
        if !commit.remove_secret(name, secret).await? {
            return Err(Error::Absent { what: "secret", name: format!("{name}/{secret}") });
        }
        Ok(commit.finish().await?)
    }

    /// Every account that a connection names, with the connections that share it and what it has used.
    ///
    /// # Errors
    /// The store.
    pub async fn accounts(&self) -> Result<Vec<(AccountId, Vec<ConnectionName>, Usage)>, Error> {
        let mut accounts: BTreeMap<AccountId, Vec<ConnectionName>> = BTreeMap::new();
        for (connection, _) in self.connections().await? {
            accounts.entry(connection.account).or_default().push(connection.connection);
        }
        let usage =
            |account: &AccountId| self.budget.usage(&Payer { tenant: self.tenant.clone(), account: account.clone() });
        Ok(accounts.into_iter().map(|(account, names)| (account.clone(), names, usage(&account))).collect())
    }

    /// Fails if a flow uses a connection that leads to another account than was confirmed.
    ///
    /// # Errors
    /// [`Error::AccountChanged`], or the store.
    pub(super) async fn require_confirmed(&self, flow: &Flow) -> Result<(), Error> {
        let documents = self.documents().await?;
        for system in [&flow.from, &flow.to] {
            let Some((name, _)) = documents.system(&flow.entity, system) else { continue };
            let row = self.store.connection_account(&self.tenant, name).await?;
            if let Some(row) = row.filter(|row| !row.is_confirmed()) {
                return Err(changed(name, &row));
            }
        }
        Ok(())
    }

    async fn flows_of(&self, connection: &ConnectionName) -> Result<Vec<FlowName>, Error> {
        let documents = self.documents().await?;
        let is_of = |flow: &&Flow| {
            let leads = |system| documents.system(&flow.entity, system).is_some_and(|(name, _)| name == connection);
            leads(&flow.from) || leads(&flow.to)
        };
        Ok(documents.flows().filter(is_of).map(|flow| flow.flow.clone()).collect())
    }
}

fn changed(name: &ConnectionName, row: &AccountRow) -> Error {
    Error::AccountChanged {
        connection: name.clone(),
        confirmed: format!("{} ({})", row.id, row.name),
        seen: format!("{} ({})", row.seen_id, row.seen_name),
    }
}

/// The context of a call outside of any run.
pub(super) fn one_call(run: &str, purpose: Purpose) -> CallContext {
    CallContext { run: run.into(), purpose, seed: 0, lease: Arc::new(|| true) }
}
