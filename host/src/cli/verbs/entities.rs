//! Entities: what would become of one record, and whether a map fits its systems.

use crate::cli::ask::{Call, Column, Deed, Show};
use serde_json::json;

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum EntityVerb {
    /// Say what of an entity map does not fit its systems as they are now
    Check {
        /// The entity
        entity: String,
    },
    /// Show what a flow would do with one record, step by step, and why; nothing is written
    Try {
        /// The flow
        flow: String,
        /// The record's key in the source
        key: String,
    },
}

impl EntityVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const FINDINGS: &[Column] = &[
            ("SEVERITY", "/severity"),
            ("LINE", "/line"),
            ("SYSTEM", "/system"),
            ("FIELD", "/field"),
            ("VALUES", "/count"),
            ("MESSAGE", "/message"),
        ];
        match self {
            EntityVerb::Check { entity } => {
                Deed::Ask(Call::post("/v1/entities/{entity}/check").param(entity), Show::Rows(FINDINGS))
            }
            EntityVerb::Try { flow, key } => {
                Deed::Ask(Call::post("/v1/flows/{flow}/try").param(flow).json(json!({ "key": key })), Show::Tried)
            }
        }
    }
}
