//! The verbs on the command line. Each does what its name says and ends; `run` and `serve` end when they are told to.

pub mod review;
mod service;

use crate::app::apply::Wish;
use crate::app::{App, Options, documents};
use crate::clock::SystemClock;
use crate::gate::net::SystemNet;
use crate::pack;
use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tollgate_core::model::ConnectionName;

/// Who the audit log says it was.
const ACTOR: &str = "command line";

/// A self-hosted WebAssembly plugin host for connectors.
#[derive(Parser)]
#[command(name = "tollgate", version, about, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build, check and read plugins
    #[command(subcommand)]
    Plugin(PluginVerb),
    /// Store a secret of a connection, sealed; the value is read from standard input
    Secret {
        /// The connection
        connection: ConnectionName,
        /// The secret's name, as the plugin's manifest asks for it: `client_id`, `private_key`
        name: String,
        #[command(flatten)]
        host: HostArguments,
    },
    /// Take over configuration and run its flows until interrupted
    Run {
        /// Folder with connections, entity maps, flows and tables as YAML files
        #[arg(long, short = 'f')]
        config: PathBuf,
        /// Plugin to install first; may be repeated
        #[arg(long = "plugin")]
        plugins: Vec<PathBuf>,
        #[command(flatten)]
        host: HostArguments,
    },
    /// Take over configuration, run its flows and answer the API until interrupted
    Serve(service::ServeArguments),
    /// Tokens of the API
    #[command(subcommand)]
    Token(service::TokenVerb),
}

#[derive(Subcommand)]
enum PluginVerb {
    /// Compile a plugin crate and encode it, with its plugin.toml, as one component
    Build {
        /// The crate's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Show everything that a component may do, or why it is refused
    Show {
        /// The component
        file: PathBuf,
    },
}

#[derive(clap::Args)]
struct HostArguments {
    /// Data folder: key, compiled code and, without --database, the database
    #[arg(long, env = "TOLLGATE_DATA", default_value = "tollgate-data")]
    data: PathBuf,
    /// `postgres://..` or `sqlite:PATH`
    #[arg(long, env = "TOLLGATE_DATABASE", hide_env_values = true)]
    database: Option<String>,
}

impl HostArguments {
    async fn open(self) -> anyhow::Result<App> {
        let options = Options {
            data_dir: self.data,
            database_url: self.database,
            tenant: "default".into(),
            net: Arc::new(SystemNet),
            clock: Arc::new(SystemClock),
        };
        Ok(App::open(options).await?)
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
    match arguments.verb {
        Verb::Plugin(PluginVerb::Build { folder }) => build(&folder),
        Verb::Plugin(PluginVerb::Show { file }) => show(&file),
        Verb::Secret { connection, name, host } => set_secret(&connection, &name, host).await,
        Verb::Run { config, plugins, host } => run_flows(&config, &plugins, host).await,
        Verb::Serve(arguments) => service::serve(arguments).await,
        Verb::Token(verb) => service::token(verb).await,
    }
}

fn build(folder: &Path) -> anyhow::Result<()> {
    let built = pack::build(folder, &pack::Options::default())?;
    println!("{} ({} bytes, {})", built.component.display(), built.bytes.len(), built.digest);
    Ok(())
}

fn show(file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let admitted = tollgate_sandbox::admit(&bytes).with_context(|| file.display().to_string())?;
    print!("{}", review::page(&admitted));
    Ok(())
}

async fn set_secret(connection: &ConnectionName, name: &str, host: HostArguments) -> anyhow::Result<()> {
    let mut value = String::new();
    std::io::stdin().read_to_string(&mut value).context("reading the secret from standard input")?;
    let value = value.strip_suffix('\n').unwrap_or(&value);
    if value.is_empty() {
        bail!("the secret is empty: pipe its value into this command");
    }
    let app = host.open().await?;
    app.set_secret(connection, name, value, ACTOR).await?;
    app.stop().await;
    println!("secret `{name}` of connection `{connection}` is stored, sealed");
    Ok(())
}

async fn run_flows(config: &Path, plugins: &[PathBuf], host: HostArguments) -> anyhow::Result<()> {
    let documents =
        documents::read_folder(config).with_context(|| format!("reading configuration in {}", config.display()))?;
    let app = host.open().await?;
    for file in plugins {
        install(&app, file).await?;
    }
    apply(&app, &documents).await?;
    app.start().await?;
    interrupted().await?;
    app.stop().await;
    Ok(())
}

async fn apply(app: &App, files: &[documents::Document]) -> anyhow::Result<()> {
    let applied = app.apply(Wish::new(files, ACTOR)).await?;
    let changed: Vec<String> =
        applied.changes.iter().map(|change| format!("{} {}", change.kind, change.name)).collect();
    let (revision, rows) = (applied.revision, applied.rows.len());
    tracing::info!(revision, changed = changed.join(", "), rows, "configuration applied");
    Ok(())
}

async fn install(app: &App, file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let installed = app.install(&bytes, true, ACTOR).await.with_context(|| file.display().to_string())?;
    let admitted = &installed.admitted;
    tracing::info!(plugin = admitted.manifest().plugin.name, digest = %admitted.digest(), "installed");
    Ok(())
}

async fn interrupted() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    tracing::info!("flows are running; interrupt to stop");
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("listening for an interrupt")?,
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: what is under way is finished first");
    Ok(())
}
