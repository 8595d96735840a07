//! The HubSpot connector: companies, contacts, deals and products of one account. README.md says what it needs, what it
//! sends and what to know of the system; `plugin.toml` is what it asks the host for.
//!
//! - [`object`]: what all objects are: reading by time of change, look-up; [`describe`]: their properties;
//! - [`write`]: batches; [`api`]: errors.

mod api;
mod describe;
mod object;
mod write;

use object::Object;
use serde::Deserialize;
use tollgate_sdk::{Account, Connector, Lookup, Result, Serve, Source, Target, http};

/// The plugin.
#[derive(Debug)]
pub struct HubSpot;

static STREAMS: &[&dyn Serve] = &[
    &Object { name: "companies", label: "Company", modified: "hs_lastmodifieddate" },
    &Object { name: "contacts", label: "Contact", modified: "lastmodifieddate" },
    &Object { name: "deals", label: "Deal", modified: "hs_lastmodifieddate" },
    &Object { name: "products", label: "Product", modified: "hs_lastmodifieddate" },
];

impl Connector for HubSpot {
    fn check() -> Result<Account> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Details {
            portal_id: u64,
            account_type: Option<String>,
        }
        let Details { portal_id, account_type } = api::ok(http::request("account").send()?)?.json()?;
        let name = format!("HubSpot account {portal_id}");
        Ok(Account { edition: account_type, ..Account::new(portal_id.to_string(), name) })
    }

    fn streams() -> &'static [&'static dyn Serve] {
        STREAMS
    }
}

impl Source for HubSpot {}
impl Target for HubSpot {}
impl Lookup for HubSpot {}

tollgate_sdk::export!(HubSpot: source, target, lookup);

#[cfg(test)]
mod tests;
