//! The Acme connector: contacts. One file per stream ([`contact`]); [`api`]: answers and errors.

mod api;
mod contact;

use tollgate_sdk::{Account, Connector, Failure, Lookup, Result, Serve, Source, Target, http};

/// The plugin.
#[derive(Debug)]
pub struct Acme;

impl Connector for Acme {
    fn check() -> Result<Account> {
        let me: api::Me = http::request("me").send()?.ok()?.json()?;
        if me.id.is_empty() {
            return Err(Failure::Fault("Acme names no account".into()));
        }
        Ok(Account::new(me.id, me.name))
    }

    fn streams() -> &'static [&'static dyn Serve] {
        &[&contact::Contact]
    }
}

impl Source for Acme {}
impl Target for Acme {}
impl Lookup for Acme {}

tollgate_sdk::export!(Acme: source, target, lookup);

#[cfg(test)]
mod tests;
