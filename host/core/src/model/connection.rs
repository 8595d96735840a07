//! A connection: one connector set up for one account. Written by the admin in YAML, `connection: NAME`.

use crate::model::{AccountId, ConnectionName, EndpointName, Json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an admin says of a connection. Secrets are set apart from it and never stand in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Its name.
    pub connection: ConnectionName,
    /// The plugin, `vendor/name`.
    pub plugin: String,
    /// The remote account; owns the budget. Connections of one account share it.
    pub account: AccountId,
    /// The exact origin of each endpoint of the manifest: `https://acme.my.salesforce.com`.
    pub endpoints: BTreeMap<EndpointName, String>,
    /// Settings for the plugin, as its manifest describes them.
    #[serde(default)]
    pub settings: BTreeMap<String, Json>,
    /// Limits below the vendor's preset.
    #[serde(default)]
    pub budget: crate::model::manifest::Budget,
}
