//! A flow: when and how an entity's changes move. Written by the admin in YAML, `flow: NAME`. What moves, and in which
//! direction, is the entity map's business.

use crate::model::{EntityName, FlowName, SystemName};
use serde::{Deserialize, Serialize};

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
}

fn every_ms_default() -> u64 {
    60_000
}
