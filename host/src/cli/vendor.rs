//! A vendor's verbs: make a plugin, work on it, test it, build it, see what it may do. None of them speaks to a server.

use super::review;
use crate::app::documents::{self, Documents};
use crate::clock::{SharedClock, SystemClock};
use crate::gate::Gate;
use crate::gate::budget::Counters;
use crate::gate::vault::{Kek, Vault};
use crate::kit::{self, Report, Script, Stage};
use crate::pack;
use crate::store::Store;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tollgate_core::model::{ConnectionName, json};
use tollgate_sandbox::{Interruption, Options, Plugin, Sandbox, admit};

#[derive(clap::Subcommand, Debug)]
pub(super) enum PluginVerb {
    /// Make a plugin crate that compiles, has tests and passes the kit
    New {
        /// The system's name: small letters, digits, `-`
        name: String,
        /// The folder in which the crate's folder is made
        #[arg(long, default_value = ".")]
        into: PathBuf,
        /// The folder of the SDK's crate
        #[arg(long)]
        sdk: Option<PathBuf>,
        /// Begin from the vendor's own description: `--from openapi FILE` (OpenAPI 3, JSON or YAML)
        #[arg(long, num_args = 2, value_names = ["KIND", "FILE"])]
        from: Vec<PathBuf>,
    },
    /// Build, load and try a plugin crate, again after each change
    Dev {
        #[command(flatten)]
        target: TargetArguments,
        /// Try it once and end
        #[arg(long)]
        once: bool,
    },
    /// Build a plugin crate and run the conformance kit on it
    Test {
        #[command(flatten)]
        target: TargetArguments,
        /// Write what the connection answers to cassettes/kit.jsonl
        #[arg(long, requires = "live")]
        record: bool,
    },
    /// Compile a plugin crate and encode it, with its plugin.toml, as one component
    Build {
        /// The crate's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Where to put the component; by default beside the compiled module
        #[arg(long, short)]
        out: Option<PathBuf>,
        /// The version that it says it has, in place of the one in plugin.toml
        #[arg(long)]
        version: Option<String>,
    },
    /// Show everything that a component may do, or why it is refused
    Check {
        /// The component
        file: PathBuf,
    },
}

/// What a plugin is tried against.
#[derive(clap::Args, Debug)]
pub(super) struct TargetArguments {
    /// The crate's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Against a connection, through the gate, instead of the crate's cassettes
    #[arg(long, requires = "config", requires = "connection")]
    live: bool,
    /// Folder with the connection's YAML file
    #[arg(long, short = 'f')]
    config: Option<PathBuf>,
    /// The connection; its secrets are those of the data folder
    #[arg(long)]
    connection: Option<ConnectionName>,
    #[command(flatten)]
    host: super::service::PlaceArguments,
}

/// Does what the verb says.
pub(super) async fn run(verb: PluginVerb) -> anyhow::Result<()> {
    match verb {
        PluginVerb::New { name, into, sdk, from } => {
            new(kit::scaffold::New { name, into, sdk, openapi: description(&from)? })
        }
        PluginVerb::Dev { target, once } => super::dev::dev(target, once).await,
        PluginVerb::Test { target, record } => test(target, record).await,
        PluginVerb::Build { folder, out, version } => build(&folder, out.as_deref(), version),
        PluginVerb::Check { file } => check(&file),
    }
}

fn new(new: kit::scaffold::New) -> anyhow::Result<()> {
    let kit::scaffold::Made { folder, notes } = kit::scaffold::create(&new)?;
    for note in &notes {
        eprintln!("note: {note}");
    }
    let next = if new.openapi.is_some() { "build" } else { "test" };
    println!("{} is made; next: tollgate plugin {next} {}", folder.display(), folder.display());
    Ok(())
}

/// The file of `--from openapi FILE`.
fn description(from: &[PathBuf]) -> anyhow::Result<Option<PathBuf>> {
    match from {
        [] => Ok(None),
        [kind, file] if kind.as_os_str() == "openapi" => Ok(Some(file.clone())),
        [kind, ..] => bail!("`{}` is no kind of description: write `--from openapi FILE`", kind.display()),
    }
}

fn build(folder: &Path, out: Option<&Path>, version: Option<String>) -> anyhow::Result<()> {
    let built = pack::build(folder, &pack::Options { version, ..pack::Options::default() })?;
    let component = out.unwrap_or(&built.component);
    if let Some(out) = out {
        std::fs::write(out, &built.bytes).with_context(|| format!("writing {}", out.display()))?;
    }
    println!("{} ({} bytes, {})", component.display(), built.bytes.len(), built.digest);
    Ok(())
}

fn check(file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let admitted = admit(&bytes).with_context(|| file.display().to_string())?;
    print!("{}", review::page(&admitted));
    Ok(())
}

async fn test(target: TargetArguments, record: bool) -> anyhow::Result<()> {
    let workbench = Workbench::new()?;
    let plugin = workbench.load(&target.folder).await?;
    let script = Script::of_crate(&target.folder)?;
    let name = plugin.manifest().plugin.name.clone();
    let mut reports = Vec::new();
    if target.live {
        let live = live(&target, &plugin).await?;
        if record {
            let recorder = kit::cassette::Recorder::new(&live, &[]);
            reports.push(kit::run(&plugin, &script, &recorder).await?);
            let path = target.folder.join("cassettes/kit.jsonl");
            recorder.save(&name, &path)?;
            println!("recorded {}", path.display());
        } else {
            reports.push(kit::run(&plugin, &script, &live).await?);
        }
    } else {
        for stage in offline(&target.folder, &plugin)? {
            reports.push(kit::run(&plugin, &script, &*stage).await?);
        }
    }
    judge(&reports)
}

fn judge(reports: &[Report]) -> anyhow::Result<()> {
    for report in reports {
        println!("{report}");
    }
    let failed: usize = reports.iter().map(|report| report.failed().len()).sum();
    if failed > 0 {
        bail!("{failed} checks failed");
    }
    Ok(())
}

/// Where plugins are loaded while a vendor works: compiled code is kept only as long as the verb runs.
pub(super) struct Workbench {
    sandbox: Sandbox,
    folder: PathBuf,
}

impl Workbench {
    pub(super) fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("tollgate-{}", uuid::Uuid::now_v7()));
        let options = Options { cache_dir: folder.join("compiled"), interruption: Interruption::Epoch };
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self { sandbox: Sandbox::new(options)?, folder })
    }

    /// Builds and loads the crate's plugin.
    pub(super) async fn load(&self, folder: &Path) -> anyhow::Result<Plugin> {
        let folder = folder.to_owned();
        let built = tokio::task::spawn_blocking(move || pack::build(&folder, &pack::Options::default())).await??;
        Ok(self.sandbox.load(admit(&built.bytes)?).await?)
    }
}

impl Drop for Workbench {
    fn drop(&mut self) {
        // What stays behind is a folder of compiled code in the place for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The crate's cassettes, in order of their names. A transform needs none.
pub(super) fn offline(folder: &Path, plugin: &Plugin) -> anyhow::Result<Vec<Box<dyn Stage>>> {
    let about = &plugin.manifest().plugin;
    let cassettes = folder.join("cassettes");
    let mut paths: Vec<PathBuf> = match std::fs::read_dir(&cassettes) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?,
        Err(_) => Vec::new(),
    };
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    if paths.is_empty() && !about.exports.contains("transform") {
        bail!(
            "there is no cassette in {}: record one with `tollgate plugin test {} --live -f CONFIG --connection NAME --record`",
            cassettes.display(),
            folder.display()
        );
    }
    let open = |path: &PathBuf| Ok(Box::new(kit::cassette::Cassette::open(path, &about.name)?) as Box<dyn Stage>);
    if paths.is_empty() {
        let empty = kit::cassette::Cassette::blank(&Script::of_crate(folder)?);
        return Ok(vec![Box::new(empty)]);
    }
    paths.iter().map(open).collect()
}

/// The connection behind the gate, with the secrets of the data folder.
pub(super) async fn live(target: &TargetArguments, plugin: &Plugin) -> anyhow::Result<kit::Live> {
    let (Some(config), Some(name)) = (&target.config, &target.connection) else {
        bail!("`--live` needs `-f CONFIG` and `--connection NAME`");
    };
    let files = documents::read_folder(config).with_context(|| format!("reading {}", config.display()))?;
    let documents = Documents::parse(&files).map_err(|faults| {
        anyhow::anyhow!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    let connection = documents.connection(name).with_context(|| format!("there is no connection `{name}`"))?.clone();
    let settings = json::text(&serde_json::to_value(&connection.settings)?);
    let clock: SharedClock = Arc::new(SystemClock);
    let data = &target.host.data;
    let default = || format!("sqlite:{}", data.join("tollgate.db").display());
    let store = Store::open(&target.host.database.clone().unwrap_or_else(default)).await?;
    let vault = Arc::new(Vault::new(store.clone(), Kek::load_or_create(&data.join("key"))?, clock.clone()));
    let budget = Arc::new(Counters::new(clock.clone()));
    let gate = Gate::new(store.clone(), clock.clone(), target.host.net()?, vault, budget)?;
    let line = gate.open(connection, plugin.manifest().clone(), "default".into())?;
    Ok(kit::Live::new(gate, line, (store, clock), settings))
}

impl TargetArguments {
    /// The crate's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it is tried against a connection.
    pub(super) fn is_live(&self) -> bool {
        self.live
    }
}
