//! The Salesforce connector: accounts, products and opportunities of one organisation. README.md says what it needs,
//! what it sends and what to know of the system; `plugin.toml` is what it asks the host for.
//!
//! - one file per stream: [`account`], [`product`], [`opportunity`], each a value of [`object::Object`];
//! - [`object`]: what all objects share: reading, look-up; [`describe`]: their fields; [`collections`]: writing;
//! - [`soql`]: statements; [`api`]: answers and errors of the REST API.

mod account;
mod api;
mod collections;
mod describe;
mod object;
mod opportunity;
mod product;
mod soql;

use tollgate_sdk::{Account, Connector, Failure, Lookup, Result, Serve, Source, Target, http, json, json::Json};

/// The plugin.
#[derive(Debug)]
pub struct Salesforce;

static STREAMS: &[&dyn Serve] = &[&account::ACCOUNT, &product::PRODUCT, &opportunity::OPPORTUNITY];

impl Connector for Salesforce {
    fn check() -> Result<Account> {
        let organisation = api::query("SELECT Id, Name, OrganizationType FROM Organization")?.records.pop();
        let organisation =
            organisation.ok_or_else(|| Failure::Fault("the organisation does not show itself".into()))?;
        let organisation = json::object(organisation.get())?;
        let limits: Json = api::ok(http::request("limits").send()?)?.json()?;
        let text = |name: &str| organisation.get(name).and_then(json::text);
        let facts = json::json!({"daily-api-requests": limits["DailyApiRequests"]});
        Ok(Account {
            id: text("Id").ok_or_else(|| Failure::Fault("the organisation has no id".into()))?,
            name: text("Name").unwrap_or_default(),
            edition: text("OrganizationType"),
            facts: facts.to_string(),
        })
    }

    fn streams() -> &'static [&'static dyn Serve] {
        STREAMS
    }
}

impl Source for Salesforce {}
impl Target for Salesforce {}
impl Lookup for Salesforce {}

tollgate_sdk::export!(Salesforce: source, target, lookup);

#[cfg(test)]
mod tests;
