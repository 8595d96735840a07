//! The processes of a measured copy: the benchmark starts itself again in each of these roles, so that the processor time
//! and the memory of one side are its own.
//!
//! A role gets one line of JSON on standard input, says one on standard output, and ends. The vendors stay until their
//! input ends and say their ledger for each further line.

use crate::measure::Watch;
use crate::setup::{self, CONNECTIONS, FIELDS, FLOW, LINK};
use anyhow::{Context, Result, bail, ensure};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use tollgate::app::apply::Wish;
use tollgate::app::{App, Options};
use tollgate::clock::{Clock, SystemClock};
use tollgate::gate::simulated::Simulators;
use tollgate_core::model::FlowName;
use tollgate_tests::data::bulk;
use tollgate_tests::native;
use tollgate_tests::process;
use tollgate_tests::sims::{Json, Salesforce, Sim};
use tollgate_tests::tls::TestCa;

/// The first argument of a process with a role.
pub(crate) const WORD: &str = "role";
/// How long a copy may make no progress.
const STUCK_MS: u64 = 60_000;
/// Copies that are compared with their originals, field by field.
const SAMPLES: usize = 100;
/// Between two looks at a flow's status, which costs a lock and a clone.
const LOOK_MS: u64 = 5;

/// What a side is told.
#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) simulators: Simulators,
    pub(crate) accounts: usize,
    /// The product's data folder.
    pub(crate) folder: PathBuf,
    /// The connector, built.
    pub(crate) component: PathBuf,
}

/// What a side says.
#[derive(Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) wall_s: f64,
    /// Of the whole process, start included.
    pub(crate) cpu_s: f64,
    /// None where the system does not say.
    pub(crate) memory_mib: Option<u64>,
}

/// What the vendors truly hold.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ledgers {
    /// The source's accounts, from its own ledger.
    pub(crate) source: Json,
    /// The target's.
    pub(crate) target: Json,
    /// What a sample of the copies has other than its original; empty is right.
    pub(crate) unlike: Vec<String>,
}

pub(crate) fn play(role: &str) -> Result<()> {
    let runtime = crate::runtime()?;
    match role {
        "vendors" => runtime.block_on(vendors()),
        "prepare" => runtime.block_on(prepare(&hear()?)),
        "product" => say(&runtime.block_on(product(&hear()?))?),
        "native" => say(&runtime.block_on(natively(&hear()?))?),
        unknown => bail!("there is no role `{unknown}`"),
    }
}

fn hear<T: serde::de::DeserializeOwned>() -> Result<T> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    serde_json::from_str(&line).context("the line that says what to do")
}

fn say(what: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(what)?);
    Ok(std::io::stdout().flush()?)
}

/// Both organisations; the first line is the number of accounts in the source.
async fn vendors() -> Result<()> {
    let accounts: usize = hear()?;
    let ca = TestCa::new();
    let [source, target] = CONNECTIONS.map(setup::options);
    let (source, target) = (Salesforce::start(source, &ca).await?, Salesforce::start(target, &ca).await?);
    bulk::accounts(source.vendor(), accounts);
    let host = |sim: &Sim<Salesforce>| (sim.host().to_owned(), sim.tls_port());
    say(&Simulators { hosts: vec![host(&source), host(&target)], root: hex::encode(ca.root()) })?;
    let held = |sim: &Sim<Salesforce>| sim.ledger()["objects"]["Account"].clone();
    let ledgers = move || -> Result<Ledgers> {
        let unlike = unlike(source.vendor(), target.vendor(), accounts)?;
        Ok(Ledgers { source: held(&source), target: held(&target), unlike })
    };
    let listen = move || -> Result<()> {
        for line in std::io::stdin().lock().lines() {
            line?;
            say(&ledgers()?)?;
        }
        Ok(())
    };
    tokio::task::spawn_blocking(listen).await?
}

/// Compares some copies with their originals, field by field.
fn unlike(source: &Salesforce, target: &Salesforce, accounts: usize) -> Result<Vec<String>> {
    let mut unlike = Vec::new();
    for number in (1..=accounts).step_by(accounts.div_ceil(SAMPLES)) {
        let name = format!("Bulk Account {number:07}");
        let read = |org: &Salesforce| org.read("Account", &name).map_err(anyhow::Error::msg);
        let (original, copy) = (read(source)?, read(target)?);
        let pairs = FIELDS.iter().map(|field| (*field, *field)).chain([("Id", LINK)]);
        unlike.extend(
            pairs
                .filter(|(from, to)| !is_same(&original[*from], &copy[*to]))
                .map(|(from, to)| format!("{name}: {from} is {}, {to} of its copy is {}", original[from], copy[to])),
        );
    }
    Ok(unlike)
}

/// Whether both hold the same value. The organisation answers `1950.0` where somebody wrote `1950`: one number.
fn is_same(original: &Json, copy: &Json) -> bool {
    let number = |value: &Json| value.as_number()?.to_string().parse::<Decimal>().ok();
    match (number(original), number(copy)) {
        (Some(original), Some(copy)) => original == copy,
        _ => !original.is_null() && original == copy,
    }
}

async fn open(job: &Job) -> Result<App> {
    let options = Options {
        data_dir: job.folder.clone(),
        database_url: None,
        tenant: "default".into(),
        net: Arc::new(job.simulators.net().map_err(anyhow::Error::msg)?),
        clock: Arc::new(SystemClock),
    };
    Ok(App::open(options).await?)
}

/// Does what an admin does once: the plugin is installed and compiled, the flow configured, both connections checked.
async fn prepare(job: &Job) -> Result<()> {
    let app = open(job).await?;
    app.install(&std::fs::read(&job.component)?, true, "bench").await?;
    for name in CONNECTIONS {
        let org = setup::org(name);
        app.set_secret(&name.into(), "client_id", &org.client_id, "bench").await?;
        app.set_secret(&name.into(), "client_secret", &org.client_secret, "bench").await?;
    }
    app.apply(Wish::new(&setup::documents(), "bench")).await?;
    for name in CONNECTIONS {
        app.check(&name.into()).await?;
    }
    app.stop().await;
    say(&())
}

/// Opens a host that was prepared, and runs the flow until everything is written and committed.
async fn product(job: &Job) -> Result<Said> {
    let watch = Watch::start();
    let app = open(job).await?;
    app.start().await?;
    wait(&app).await?;
    let wall_s = watch.stop().wall.as_secs_f64();
    let (cpu_s, memory_mib) = (process::cpu().as_secs_f64(), process::memory_peak_mib());
    let tally = app.tally(&FLOW.into()).await?;
    ensure!(tally.is_conserved() && tally.written == job.accounts as u64, "the flow's own counts are wrong: {tally}");
    app.stop().await;
    Ok(Said { wall_s, cpu_s, memory_mib })
}

/// Waits until the flow is idle. Looks at the status in memory: asking the store would be work that is not the flow's.
async fn wait(app: &App) -> Result<()> {
    let flow: FlowName = FLOW.into();
    let (mut commits, mut quiet_ms) = (0, 0);
    loop {
        let status = app.status(&flow).await.context("the flow does not run")?;
        if let Some(trouble) = &status.trouble {
            bail!("the flow met trouble where none was made: {trouble}");
        }
        if status.is_idle && status.in_flight == 0 {
            return Ok(());
        }
        quiet_ms = if status.commits > commits { 0 } else { quiet_ms + LOOK_MS };
        commits = status.commits;
        ensure!(quiet_ms < STUCK_MS, "the flow makes no progress: {status:?}");
        SystemClock.sleep_ms(LOOK_MS).await;
    }
}

async fn natively(job: &Job) -> Result<Said> {
    let [source, target] = CONNECTIONS.map(setup::org);
    let watch = Watch::start();
    let copied = native::copy(&job.simulators, &source, &target).await?;
    let wall_s = watch.stop().wall.as_secs_f64();
    ensure!(copied == job.accounts, "{copied} of {} accounts were copied", job.accounts);
    Ok(Said { wall_s, cpu_s: process::cpu().as_secs_f64(), memory_mib: process::memory_peak_mib() })
}
