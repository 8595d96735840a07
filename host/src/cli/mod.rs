//! The command line. `serve` runs a host and ends when it is told to; the verbs of vendors (`vendor.rs`) work on files;
//! every other verb asks a running host through its API and nothing else (`verbs/`), so that whatever the command line can
//! do, the console and a script can do too.
//!
//! A verb is a value first (`ask.rs`): which call, and how its answer is shown. `perform.rs` does it with `client.rs`,
//! `show.rs` prints.

mod ask;
mod client;
mod dev;
mod perform;
pub mod review;
mod service;
mod show;
mod tried;
mod vendor;
mod verbs;

use ask::Deed;
use clap::{CommandFactory, Parser, Subcommand};
use client::HostAddress;
use std::io::IsTerminal;

/// The data folder where none is named.
const DATA_FOLDER: &str = "tollgate-data";

/// Who the audit log says it was, of what whoever starts the process does.
const ACTOR: &str = "command line";

/// A self-hosted WebAssembly plugin host for connectors.
///
/// `tollgate serve` runs a host. Most other commands ask a running one: where it is and with which token is said under
/// "Host". On the machine that runs it nothing needs to be said.
#[derive(Parser, Debug)]
#[command(name = "tollgate", version, disable_help_subcommand = true, infer_subcommands = false)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    host: HostAddress,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Run a host: its flows, and its API
    Serve(service::ServeArguments),
    /// What is stuck, since when, and the command that mends it
    Status,
    /// Take over a folder of configuration: shows the difference first
    Apply(verbs::ApplyArguments),
    /// Put the configuration of an earlier revision in force again
    Rollback(verbs::RollbackArguments),
    /// The revisions of the configuration
    #[command(subcommand)]
    Revision(verbs::RevisionVerb),
    /// The documents in force: connections, entity maps, flows
    #[command(subcommand)]
    Document(verbs::DocumentVerb),
    /// Build, test and inspect plugins; install, activate and roll them back on a host
    #[command(subcommand)]
    Plugin(PluginVerb),
    /// Connections: create, check, discover
    #[command(subcommand)]
    Connection(verbs::ConnectionVerb),
    /// Secrets of connections; they only ever go in
    #[command(subcommand)]
    Secret(verbs::SecretVerb),
    /// Budgets of the remote accounts
    #[command(subcommand)]
    Account(verbs::AccountVerb),
    /// Flows: look, start, pause, resume, cancel
    #[command(subcommand)]
    Flow(verbs::FlowVerb),
    /// Entities: what would become of a record, and whether the maps fit
    #[command(subcommand)]
    Entity(verbs::EntityVerb),
    /// Runs of flows and the calls that they made
    #[command(subcommand)]
    Run(verbs::RunVerb),
    /// Exceptions, holds and dead letters: look, edit, release, discard
    #[command(subcommand)]
    SetAside(verbs::SetAsideVerb),
    /// Translation tables
    #[command(subcommand)]
    Table(verbs::TableVerb),
    /// Tokens of the API
    #[command(subcommand)]
    Token(verbs::TokenVerb),
    /// Who did what
    Audit(verbs::AuditArguments),
    /// Print the completions of a shell
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
}

#[derive(Subcommand, Debug)]
enum PluginVerb {
    #[command(flatten)]
    Vendor(vendor::PluginVerb),
    #[command(flatten)]
    Installed(verbs::InstalledVerb),
}

/// What is done without a running host.
enum Local {
    Serve(service::ServeArguments),
    Vendor(vendor::PluginVerb),
    Completions(clap_complete::Shell),
}

/// What a verb is: something of this machine, or something that a host is asked for.
enum Kind {
    Local(Local),
    Asked(Deed),
}

impl Verb {
    fn kind(self) -> anyhow::Result<Kind> {
        let deed = match self {
            Verb::Serve(arguments) => return Ok(Kind::Local(Local::Serve(arguments))),
            Verb::Plugin(PluginVerb::Vendor(verb)) => return Ok(Kind::Local(Local::Vendor(verb))),
            Verb::Completions { shell } => return Ok(Kind::Local(Local::Completions(shell))),
            Verb::Status => Deed::Ask(ask::Call::get("/v1/status"), ask::Show::Status),
            Verb::Apply(arguments) => arguments.deed()?,
            Verb::Rollback(arguments) => arguments.deed(),
            Verb::Revision(verb) => verb.deed(),
            Verb::Document(verb) => verb.deed(),
            Verb::Plugin(PluginVerb::Installed(verb)) => verb.deed()?,
            Verb::Connection(verb) => verb.deed(),
            Verb::Secret(verb) => verb.deed()?,
            Verb::Account(verb) => verb.deed(),
            Verb::Flow(verb) => verb.deed(),
            Verb::Entity(verb) => verb.deed(),
            Verb::Run(verb) => verb.deed(),
            Verb::SetAside(verb) => verb.deed()?,
            Verb::Table(verb) => verb.deed(),
            Verb::Token(verb) => verb.deed(),
            Verb::Audit(arguments) => arguments.deed(),
        };
        Ok(Kind::Asked(deed))
    }
}

/// Does what the arguments say.
///
/// # Errors
/// What went wrong, where, and what to do next.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("TOLLGATE_LOG").unwrap_or_else(|_| "tollgate=info,warn".into()),
        )
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .init();
    match arguments.verb.kind()? {
        Kind::Local(Local::Serve(arguments)) => service::serve(arguments).await,
        Kind::Local(Local::Vendor(verb)) => vendor::run(verb).await,
        Kind::Local(Local::Completions(shell)) => {
            clap_complete::generate(shell, &mut Arguments::command(), "tollgate", &mut std::io::stdout());
            Ok(())
        }
        Kind::Asked(deed) => perform::perform(deed, arguments.host).await,
    }
}

#[cfg(test)]
mod tests;
