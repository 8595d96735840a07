//! `tollgate serve`: a host that runs its flows and answers requests until it is told to stop.

use super::ACTOR;
use super::client::ADMIN_TOKEN_FILE;
use crate::api;
use crate::app::access::{Role, TokenWish};
use crate::app::apply::Wish;
use crate::app::{App, Options, documents};
use crate::clock::SystemClock;
use crate::gate::net::{Net, SystemNet};
use crate::gate::simulated::Simulators;
use anyhow::Context;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tollgate_core::model::limits;

#[derive(clap::Args, Debug)]
pub(super) struct ServeArguments {
    /// Folder with connections, entity maps, flows and tables as YAML files; without it, what is stored is run
    #[arg(long, short = 'f')]
    config: Option<PathBuf>,
    /// Plugin to install and activate first; may be repeated
    #[arg(long = "plugin")]
    plugins: Vec<PathBuf>,
    /// Where to listen; plain HTTP
    #[arg(long, env = "TOLLGATE_LISTEN", default_value = "127.0.0.1:7310")]
    listen: SocketAddr,
    /// Where browsers reach this host, for systems that send them back after a consent; by default http://127.0.0.1 and the
    /// port
    #[arg(long, env = "TOLLGATE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<api::PublicUrl>,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Where a host keeps what it has, and what it reaches.
#[derive(clap::Args, Debug)]
pub(super) struct PlaceArguments {
    /// Data folder: key, compiled code, the admin's token and, without --database, the database
    #[arg(long, env = "TOLLGATE_DATA", default_value = super::DATA_FOLDER)]
    pub(super) data: PathBuf,
    /// `postgres://..` or `sqlite:PATH`
    #[arg(long, env = "TOLLGATE_DATABASE", hide_env_values = true)]
    pub(super) database: Option<String>,
    /// Development only: reach the simulators that this file names, and nothing else
    #[arg(long, value_name = "FILE")]
    simulators: Option<PathBuf>,
}

/// Runs the flows and answers requests until interrupted.
pub(super) async fn serve(arguments: ServeArguments) -> anyhow::Result<()> {
    let ServeArguments { config, plugins, listen, public_url, place } = arguments;
    let files = config
        .map(|folder| {
            documents::read_folder(&folder).with_context(|| format!("reading configuration in {}", folder.display()))
        })
        .transpose()?;
    let net = place.net()?;
    let PlaceArguments { data, database, .. } = place;
    // Listened for first: a port that is taken is told before anything is changed.
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let local = listener.local_addr().context("the address that is listened on")?;
    let public_url = public_url.unwrap_or_else(|| api::PublicUrl::local(local));
    let options = Options {
        data_dir: data.clone(),
        database_url: database,
        tenant: "default".into(),
        net,
        clock: Arc::new(SystemClock),
    };
    let app = Arc::new(App::open(options).await?);
    for file in &plugins {
        install(&app, file).await?;
    }
    if let Some(files) = files {
        apply(&app, &files).await?;
    }
    app.start().await?;
    admit_admin(&app, &data).await?;
    tell(&listener)?;
    let stop = async {
        if let Err(error) = interrupted().await {
            tracing::error!(%error, "interrupts cannot be heard: stopping");
        }
    };
    api::serve_at(app, listener, public_url, stop).await.context("answering requests")
}

impl PlaceArguments {
    /// The way out of this machine.
    pub(super) fn net(&self) -> anyhow::Result<Arc<dyn Net>> {
        let Some(path) = &self.simulators else { return Ok(Arc::new(SystemNet)) };
        let named = || path.display().to_string();
        let text = std::fs::read(path).with_context(named)?;
        let simulators: Simulators = serde_json::from_slice(&text).with_context(named)?;
        let net = simulators.net().map_err(anyhow::Error::msg).with_context(named)?;
        let file = named();
        tracing::warn!(file, "DEVELOPMENT: only the simulators of this file are reached, their authority is trusted");
        Ok(Arc::new(net))
    }
}

async fn apply(app: &App, files: &[documents::Document]) -> anyhow::Result<()> {
    let applied = app.apply(Wish::new(files, ACTOR)).await?;
    let changed: Vec<String> =
        applied.changes.iter().map(|change| format!("{} {}", change.kind, change.name)).collect();
    let (revision, rows) = (applied.revision, applied.rows.len());
    tracing::info!(revision, changed = changed.join(", "), rows, "configuration applied");
    Ok(())
}

/// Installs a plugin; a version that was not there is active at once, because whoever starts the process said so.
async fn install(app: &App, file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let installed = app.install(&bytes, true, ACTOR).await.with_context(|| file.display().to_string())?;
    let admitted = &installed.admitted;
    tracing::info!(plugin = admitted.manifest().plugin.name, digest = %admitted.digest(), "installed");
    Ok(())
}

/// Sees to it that whoever owns the data folder can call the host: a token of an admin is in it, readable by its owner
/// only, as the key is that opens all secrets. One that expired or was revoked is replaced.
async fn admit_admin(app: &App, data: &Path) -> anyhow::Result<()> {
    let path = data.join(ADMIN_TOKEN_FILE);
    if let Ok(text) = std::fs::read_to_string(&path)
        && app.who(text.trim()).await?.is_ok()
    {
        return Ok(());
    }
    let wish = TokenWish {
        name: "admin of the data folder",
        role: Role::Admin,
        days: limits::API_TOKEN_DAYS_MAX,
        actor: ACTOR,
    };
    let created = app.create_token(wish).await?;
    let named = || format!("writing {}", path.display());
    let _ = std::fs::remove_file(&path);
    let mut file =
        std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path).with_context(named)?;
    file.write_all(created.text.as_bytes()).and_then(|()| file.sync_all()).with_context(named)?;
    tracing::info!(file = %path.display(), "a token for the admin is in this file");
    Ok(())
}

/// Says where requests are answered, and what an admin should know about it.
fn tell(listener: &TcpListener) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the address that is listened on")?;
    tracing::info!(%address, "answering requests over plain HTTP");
    if !address.ip().is_loopback() {
        tracing::warn!("tokens cross the network in clear: let a proxy with TLS stand in front");
    }
    Ok(())
}

async fn interrupted() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("listening for an interrupt")?,
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: what is under way is finished first");
    Ok(())
}
