//! Entities: what would become of one record.

use crate::cli::ask::{Call, Deed, Show};
use serde_json::json;

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum EntityVerb {
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
        match self {
            EntityVerb::Try { flow, key } => {
                Deed::Ask(Call::post("/v1/flows/{flow}/try").param(flow).json(json!({ "key": key })), Show::Tried)
            }
        }
    }
}
