//! The verbs that ask a running host, one file per resource: each says which call it is and how its answer is shown.

mod configuration;
mod connections;
mod entities;
mod flows;
mod plugins;
mod set_aside;
mod tables;
mod tokens;

pub(super) use configuration::{ApplyArguments, DocumentVerb, RevisionVerb, RollbackArguments};
pub(super) use connections::{AccountVerb, ConnectionVerb, SecretVerb};
pub(super) use entities::EntityVerb;
pub(super) use flows::{AuditArguments, FlowVerb, RunVerb};
pub(super) use plugins::InstalledVerb;
pub(super) use set_aside::SetAsideVerb;
pub(super) use tables::TableVerb;
pub(super) use tokens::TokenVerb;

/// How many rows a list shows.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Most {
    /// At most so many rows
    #[arg(long, default_value_t = 100)]
    limit: usize,
}
