//! A flow: when and how an entity's changes move. Written by the admin in YAML, `flow: NAME`. What moves, and in which
//! direction, is the entity map's business.

use crate::model::{EntityName, FlowName, Json, SystemName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an admin says of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Its name.
    pub flow: FlowName,
    /// The entity that it moves.
    pub entity: EntityName,
    /// The system that it reads.
    pub from: SystemName,
    /// The system that it writes.
    pub to: SystemName,
    /// Milliseconds between two looks at the source.
    #[serde(default = "every_ms_default")]
    pub every_ms: u64,
    /// Most intents in one write, below the stream's own bound.
    #[serde(default)]
    pub write_batch: Option<u32>,
    /// How far each read looks back, for systems that show a change late.
    #[serde(default)]
    pub overlap_ms: u32,
    /// Transforms that each page goes through before the entity map sees it, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Transform>,
}

/// A transform of a flow: a plugin that changes what was read, with settings of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// The plugin, `vendor/name`; it exports `transform`.
    pub plugin: String,
    /// Settings for the plugin, as its manifest describes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Json>,
    /// Paths of the source that it needs and the entity map does not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
}

fn every_ms_default() -> u64 {
    60_000
}
