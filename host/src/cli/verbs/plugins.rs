//! The plugins that a host has.

use super::Most;
use crate::cli::ask::{Call, Column, Deed, Show};
use anyhow::Context;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum InstalledVerb {
    /// Send a component to the host; the first of its name is active at once
    Install {
        /// The component, as `plugin build` makes it
        file: PathBuf,
        /// Make it the active version of its name
        #[arg(long)]
        activate: bool,
    },
    /// List all versions of all plugins
    List(Most),
    /// Show everything that an installed plugin may do
    Show {
        /// Its digest, `sha256:..`
        digest: String,
    },
    /// Make a version the active one; flows that use it finish what is under way and go on with it
    Activate {
        /// Its digest
        digest: String,
    },
    /// Make the version active that was active before
    Rollback {
        /// The plugin, `vendor/name`
        name: String,
    },
    /// Forget a version that no connection uses
    Remove {
        /// Its digest
        digest: String,
    },
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("VERSION", "/version"),
    ("ACTIVE", "/is_active"),
    ("CONNECTIONS", "/connections"),
    ("DIGEST", "/digest"),
];

impl InstalledVerb {
    pub(in crate::cli) fn deed(self) -> anyhow::Result<Deed> {
        let said = |text: &str| Show::Said(text.to_owned());
        Ok(match self {
            InstalledVerb::Install { file, activate } => {
                let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
                let call = Call::post("/v1/plugins").query("activate", activate.then_some(true)).component(bytes);
                Deed::Ask(call, said("installed {/name} {/version} ({/digest}); active: {/is_active}"))
            }
            InstalledVerb::List(most) => Deed::List(Call::get("/v1/plugins"), COLUMNS, most.limit),
            InstalledVerb::Show { digest } => Deed::Ask(Call::get("/v1/plugins/{digest}").param(digest), Show::Whole),
            InstalledVerb::Activate { digest } => {
                let call = Call::post("/v1/plugins/{digest}/activate").param(digest);
                Deed::Ask(call, said("active: {/digest}; flows that go on with it: {/reopened}"))
            }
            InstalledVerb::Rollback { name } => {
                let call = Call::post("/v1/plugins/rollback").json(json!({ "name": name }));
                Deed::Ask(call, said("active again: {/digest}; flows that go on with it: {/reopened}"))
            }
            InstalledVerb::Remove { digest } => {
                let gone = format!("removed {digest}");
                Deed::Ask(Call::delete("/v1/plugins/{digest}").param(digest), Show::Said(gone))
            }
        })
    }
}
