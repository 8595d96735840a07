//! The NetSuite connector: customers, items and sales orders of one account. README.md says what it needs, what it
//! sends and what to know of the system; `plugin.toml` is what it asks the host for.
//!
//! - one file per stream: [`customer`], [`item`], [`order`], each a value of [`record::Record`];
//! - [`record`]: what all records share: reading, look-up; [`describe`]: their fields; [`write`]: writing;
//! - [`suiteql`]: statements; [`api`]: answers and errors.

mod api;
mod customer;
mod describe;
mod item;
mod order;
mod record;
mod suiteql;
mod write;

use tollgate_sdk::{Account, Connector, Failure, Lookup, Result, Serve, Source, Target};

/// The plugin.
#[derive(Debug)]
pub struct NetSuite;

static STREAMS: &[&dyn Serve] = &[&customer::CUSTOMER, &item::ITEM, &order::ORDER];

impl Connector for NetSuite {
    /// The account is the first label of the host that the answer's own link names; the plugin sees no host otherwise.
    fn check() -> Result<Account> {
        let answer = suiteql::query("SELECT 1 AS ok FROM dual", 1, 0)?;
        let own = answer.links.iter().find(|link| link.rel == "self");
        let host = own.and_then(|link| link.href.strip_prefix("https://"));
        let id = host.and_then(|host| host.split('.').next()).filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Failure::Fault("the answer has no link `self` that names the account".into()))?;
        Ok(Account::new(id, format!("NetSuite account {id}")))
    }

    fn streams() -> &'static [&'static dyn Serve] {
        STREAMS
    }
}

impl Source for NetSuite {}
impl Target for NetSuite {}
impl Lookup for NetSuite {}

tollgate_sdk::export!(NetSuite: source, target, lookup);

#[cfg(test)]
mod tests;
