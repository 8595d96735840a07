//! The job that both sides do: copy accounts from one organisation to another, 18 fields each.

use anyhow::{Context, Result, ensure};
use std::fmt::Write;
use tollgate::app::documents::Document;
use tollgate_tests::native::Org;
use tollgate_tests::sims::salesforce;

/// Says how many accounts are moved.
const ACCOUNTS_VARIABLE: &str = "TOLLGATE_BENCH_ACCOUNTS";
/// Accounts unless said otherwise.
const ACCOUNTS: usize = 50_000;
/// What may be asked for: the simulated organisation serves 100,000 calls a day, and a record costs about 3 KB there.
const ACCOUNTS_MAX: usize = 1_000_000;

/// The connections, which are also the names of the systems: source and target.
pub(crate) const CONNECTIONS: [&str; 2] = ["crm_a", "crm_b"];
/// The flow.
pub(crate) const FLOW: &str = "accounts";
/// What it moves.
pub(crate) const ENTITY: &str = "account";
/// The link of a copy to its original.
pub(crate) const LINK: &str = "ERP_Id__c";

/// The fields that travel; `tollgate_tests::native` has the same ones, and samples of both sides are compared.
pub(crate) const FIELDS: [&str; 18] = [
    "Name",
    "AccountNumber",
    "Type",
    "Industry",
    "AnnualRevenue",
    "NumberOfEmployees",
    "Year_Established__c",
    "BillingStreet",
    "BillingCity",
    "BillingState",
    "BillingPostalCode",
    "BillingCountry",
    "ShippingStreet",
    "ShippingCity",
    "ShippingCountry",
    "Phone",
    "Website",
    "Description",
];

/// How many accounts are moved.
///
/// # Errors
/// The environment asks for a number that is none, or too large.
pub(crate) fn accounts() -> Result<usize> {
    let Some(text) = std::env::var_os(ACCOUNTS_VARIABLE) else { return Ok(ACCOUNTS) };
    let count = text.to_str().and_then(|text| text.replace('_', "").parse().ok());
    let count = count.with_context(|| format!("{ACCOUNTS_VARIABLE} must be a number of accounts"))?;
    ensure!((1..=ACCOUNTS_MAX).contains(&count), "{ACCOUNTS_VARIABLE} must be within 1 and {ACCOUNTS_MAX}");
    Ok(count)
}

/// The simulated organisation behind a connection.
pub(crate) fn options(connection: &str) -> salesforce::Options {
    let host = format!("{}.my.salesforce.com", connection.replace('_', "-"));
    salesforce::Options { host, ..salesforce::Options::default() }
}

/// How to sign in to it.
pub(crate) fn org(connection: &str) -> Org {
    let salesforce::Options { host, client_id, client_secret, .. } = options(connection);
    Org { host, client_id, client_secret }
}

/// The configuration: two connections, the entity map and the flow.
pub(crate) fn documents() -> Vec<Document> {
    let [source, target] = CONNECTIONS;
    let document = |name: &str, text: String| Document { file: format!("{name}.yaml"), text };
    let mut documents = CONNECTIONS.map(|name| document(name, connection(name))).to_vec();
    let mut map = format!(
        "entity: {ENTITY}\nsystems:\n  {source}: {{ connection: {source}, stream: Account }}\n  {target}: {{ connection: \
         {target}, stream: Account }}\nidentity:\n  link: {{ {target}: {LINK} }}\nlife:\n  create: {{ from: {source}, in: \
         [{target}] }}\nfields:\n"
    );
    for field in FIELDS {
        let more = if field == "Name" { ", rules: [trim], required: true" } else { "" };
        let name = field.to_ascii_lowercase().replace("__c", "");
        let _ = writeln!(map, "  {name}: {{ owner: {source}, {source}: {field}, {target}: {field}{more} }}");
    }
    documents.push(document(ENTITY, map));
    // Nothing changes after the first look, so that the next one need not come while it is measured.
    let flow = format!("flow: {FLOW}\nentity: {ENTITY}\nfrom: {source}\nto: {target}\nevery_ms: 3600000\n");
    documents.push(document(FLOW, flow));
    documents
}

fn connection(name: &str) -> String {
    let host = options(name).host;
    format!(
        "connection: {name}\nplugin: tollgate/salesforce\naccount: {name}\nendpoints:\n  login: https://{host}\n  api: \
         https://{host}\nsettings:\n  pricebook: \"01s000000000001AAA\"\n"
    )
}
