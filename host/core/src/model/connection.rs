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
    /// The folder that the plugin works on, if it asks for `files`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
    /// Limits below the vendor's preset.
    #[serde(default)]
    pub budget: crate::model::manifest::Budget,
}

/// The folder of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Its absolute path on the machine of the host. It holds an empty file `.tollgate`.
    pub folder: String,
}
