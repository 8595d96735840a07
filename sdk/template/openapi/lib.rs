//! The Acme connector, begun from the vendor's own description. [`streams`] lists what was found there; [`table`] reads
//! it. NOTES.md says what could not be taken over.

mod streams;
mod table;

use tollgate_sdk::{Account, Connector, Failure, Result, Serve, Source, config};

/// The plugin.
#[derive(Debug)]
pub struct Acme;

impl Connector for Acme {
    /// One request proves endpoint and credential. The description does not say whose account answers: the connection
    /// does.
    fn check() -> Result<Account> {
        let first = streams::TABLES.first();
        let first = first.ok_or_else(|| Failure::Misconfigured("there is no stream: see NOTES.md".into()))?;
        first.request()?.send()?.ok()?;
        let account = config::text("account")?;
        Ok(Account::new(account.clone(), account))
    }

    fn streams() -> &'static [&'static dyn Serve] {
        streams::STREAMS
    }
}

impl Source for Acme {}

tollgate_sdk::export!(Acme: source);
