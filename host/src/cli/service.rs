//! `tollgate serve` and `tollgate token`: the host as a service, and the first token to call it with.

use super::{ACTOR, HostArguments, apply, install, interrupted};
use crate::api;
use crate::app::access::{Role, TokenWish};
use crate::app::{App, documents};
use anyhow::Context;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tollgate_core::model::limits;

#[derive(clap::Args)]
pub(super) struct ServeArguments {
    /// Folder with connections, entity maps, flows and tables as YAML files; without it, what is stored is run
    #[arg(long, short = 'f')]
    config: Option<PathBuf>,
    /// Plugin to install first; may be repeated
    #[arg(long = "plugin")]
    plugins: Vec<PathBuf>,
    /// Where to listen; plain HTTP
    #[arg(long, env = "TOLLGATE_LISTEN", default_value = "127.0.0.1:7310")]
    listen: SocketAddr,
    #[command(flatten)]
    host: HostArguments,
}

#[derive(clap::Subcommand)]
pub(super) enum TokenVerb {
    /// Create a token for the API and print it, this once; no host may run on the data folder
    Create {
        /// What to call it
        #[arg(long)]
        name: String,
        /// vendor, operator, approver, auditor or admin
        #[arg(long)]
        role: Role,
        /// How long it is good
        #[arg(long, default_value_t = limits::API_TOKEN_DAYS_DEFAULT)]
        days: u32,
        #[command(flatten)]
        host: HostArguments,
    },
}

/// Runs the flows and answers requests until interrupted.
pub(super) async fn serve(arguments: ServeArguments) -> anyhow::Result<()> {
    let ServeArguments { config, plugins, listen, host } = arguments;
    let files = config
        .map(|folder| {
            documents::read_folder(&folder).with_context(|| format!("reading configuration in {}", folder.display()))
        })
        .transpose()?;
    // Listened for first: a port that is taken is told before anything is changed.
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let app = Arc::new(host.open().await?);
    for file in &plugins {
        install(&app, file).await?;
    }
    if let Some(files) = files {
        apply(&app, &files).await?;
    }
    app.start().await?;
    tell(&listener, &app).await?;
    let stop = async {
        if let Err(error) = interrupted().await {
            tracing::error!(%error, "interrupts cannot be heard: stopping");
        }
    };
    api::serve(app, listener, stop).await.context("answering requests")
}

/// Says where requests are answered, and what an admin should know about it.
async fn tell(listener: &TcpListener, app: &App) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the address that is listened on")?;
    tracing::info!(%address, "answering requests over plain HTTP");
    if !address.ip().is_loopback() {
        tracing::warn!("tokens cross the network in clear: let a proxy with TLS stand in front");
    }
    if app.tokens().await?.is_empty() {
        tracing::warn!("there is no token yet: stop, then `tollgate token create --name NAME --role admin`");
    }
    Ok(())
}

/// Creates a token and prints nothing else on standard output, so that it can be piped where it is kept.
pub(super) async fn token(verb: TokenVerb) -> anyhow::Result<()> {
    let TokenVerb::Create { name, role, days, host } = verb;
    let app = host.open().await?;
    let created = app.create_token(TokenWish { name: &name, role, days, actor: ACTOR }).await;
    app.stop().await;
    let created = created?;
    eprintln!("token {} as {role}, good until {}; it is not shown again:", created.row.id, created.row.expires);
    println!("{}", created.text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cli::{Arguments, Verb};
    use clap::{CommandFactory, Parser};

    /// The service listens on the loopback address unless told otherwise, and a role that does not exist is refused with
    /// the list of those that do. Provoked by parsing command lines.
    #[test]
    fn command_lines_are_read() {
        Arguments::command().debug_assert();
        let Ok(Arguments { verb: Verb::Serve(arguments) }) = Arguments::try_parse_from(["tollgate", "serve"]) else {
            panic!("`serve` needs nothing else");
        };
        assert!(arguments.listen.ip().is_loopback() && arguments.config.is_none());
        let line = |role| ["tollgate", "token", "create", "--name", "ci", "--role", role];
        assert!(Arguments::try_parse_from(line("operator")).is_ok());
        let refused = Arguments::try_parse_from(line("king")).err().expect("there is no such role").to_string();
        assert!(refused.contains("approver, auditor, admin"), "{refused}");
    }
}
