//! Who may call the host.

use super::Most;
use crate::app::access::Role;
use crate::cli::ask::{Call, Column, Deed, Show};
use serde_json::json;
use tollgate_core::model::limits;

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum TokenVerb {
    /// List the tokens; none of their texts
    List(Most),
    /// Create a token and print it, this once
    Create {
        /// What to call it
        #[arg(long)]
        name: String,
        /// vendor, operator, approver, auditor or admin
        #[arg(long)]
        role: Role,
        /// How many days it is good
        #[arg(long, default_value_t = limits::API_TOKEN_DAYS_DEFAULT)]
        days: u32,
    },
    /// Make a token good for nothing, at once
    Revoke {
        /// Its id
        id: String,
    },
}

impl TokenVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const COLUMNS: &[Column] = &[
            ("ID", "/id"),
            ("NAME", "/name"),
            ("ROLE", "/role"),
            ("EXPIRES", "/expires"),
            ("USED", "/used"),
            ("REVOKED", "/revoked"),
        ];
        match self {
            TokenVerb::List(most) => Deed::List(Call::get("/v1/tokens"), COLUMNS, most.limit),
            TokenVerb::Create { name, role, days } => {
                let body = json!({ "name": name, "role": role.as_str(), "days": days });
                Deed::Ask(Call::post("/v1/tokens").json(body), Show::Said("{/token}".into()))
            }
            TokenVerb::Revoke { id } => {
                let done = Show::Said(format!("token {id} is good for nothing now"));
                Deed::Ask(Call::delete("/v1/tokens/{id}").param(id), done)
            }
        }
    }
}
