//! Where the product's processor time goes: each stage of a record's life measured alone, in the order of that life, on
//! the engine's own functions, with a store on disk and answers that simulators gave before the clocks started.
//!
//! The gate and the wire are not among them: what the whole costs beyond the sum of these is theirs and the runtime's.

use crate::canned::Canned;
use crate::measure::{Cost, Watch, median, number, row, table, us_each};
use crate::setup::{self, CONNECTIONS, ENTITY, FLOW};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use tollgate::app::documents::Documents;
use tollgate::clock::{SharedClock, SystemClock};
use tollgate::engine::deliver::Delivered;
use tollgate::engine::evaluate::evaluate;
use tollgate::engine::intend::{self, Batch, Origin, Step};
use tollgate::engine::run::Run;
use tollgate::engine::transform::Incoming;
use tollgate::engine::{OpenFlow, Side, conclude};
use tollgate::gate::Gate;
use tollgate::gate::budget::Counters;
use tollgate::gate::simulated::Simulators;
use tollgate::gate::vault::{Kek, Vault};
use tollgate::store::{JournalEntry, Store};
use tollgate_core::entity::{Plan, Tables, Verdict};
use tollgate_core::model::schema::{Reading, SafeRepeat, Stream, Writing};
use tollgate_core::model::{Change, Fence, Next, Page, ReadRequest, RunId, http, limits};
use tollgate_sandbox::{CallLimits, Interruption, Options, Plugin, Sandbox, admit};
use tollgate_tests::data::bulk;
use tollgate_tests::guests;
use tollgate_tests::native;
use tollgate_tests::sims::Salesforce;
use tollgate_tests::tls::TestCa;

/// Pages that are measured, one after the other into the same store; the median of each stage counts.
const PAGES: usize = 7;
/// Records of a page.
const PAGE: usize = limits::PAGE_CHANGES_MAX;

/// The stages, in the order of a record's life.
const STAGES: [&str; 7] = [
    "guest: read",
    "look-ups",
    "entity map",
    "commit of intents",
    "guest: write",
    "marks and answers",
    "commit of outcomes",
];

pub(crate) async fn run() -> Result<()> {
    let answers = answers().await?;
    let folder = tempfile::tempdir()?;
    let mut bench = Bench::open(folder.path()).await?;
    let (mut costs, mut native) = (BTreeMap::<&str, Vec<Cost>>::new(), Vec::new());
    for (place, page) in answers.iter().enumerate() {
        let measured = bench.page(page).await?;
        let natively = natively(page)?;
        // The first page warms up.
        if place > 0 {
            for (stage, cost) in measured {
                costs.entry(stage).or_default().push(cost);
            }
            native.push(us_each(natively.cpu, PAGE));
        }
    }
    bench.flow.store.close().await;
    println!("{}", report(&costs, median(native)));
    Ok(())
}

fn report(costs: &BTreeMap<&str, Vec<Cost>>, native: f64) -> String {
    let us = |stage: &str, time: fn(&Cost) -> std::time::Duration| {
        median(costs[stage].iter().map(|cost| us_each(time(cost), PAGE)).collect())
    };
    let cpu = |stage: &str| us(stage, |cost| cost.cpu);
    let sum: f64 = STAGES.iter().map(|stage| cpu(stage)).sum();
    let mut rows = vec![row(["stage", "share", "CPU us a record", "wall us a record"])];
    for stage in STAGES {
        let share = format!("{:.0} %", cpu(stage) / sum * 100.0);
        rows.push(row([stage, &share, &number(cpu(stage)), &number(us(stage, |cost| cost.wall))]));
    }
    rows.push(row(["all of these", "100 %", &number(sum), ""]));
    rows.push(row([
        "native: parse, map and print the same",
        &format!("{:.0} %", native / sum * 100.0),
        &number(native),
        "",
    ]));
    table(&format!("Stages, each alone, pages of {PAGE} records"), &rows)
}

/// What the systems answered for one page.
struct Answers {
    /// To the read.
    read: Bytes,
    /// To each write of 200.
    writes: Vec<Bytes>,
}

/// Has simulators answer everything that will be asked, one page more than is measured.
async fn answers() -> Result<Vec<Answers>> {
    let ca = TestCa::new();
    let [source, target] = CONNECTIONS.map(setup::options);
    let (source, target) = (Salesforce::start(source, &ca).await?, Salesforce::start(target, &ca).await?);
    bulk::accounts(source.vendor(), (PAGES + 1) * PAGE);
    let hosts = vec![(source.host().to_owned(), source.tls_port()), (target.host().to_owned(), target.tls_port())];
    let simulators = Simulators { hosts, root: hex::encode(ca.root()) };
    let [from, to] = CONNECTIONS.map(setup::org);
    let (from, to) =
        (native::Client::sign_in(&simulators, &from).await?, native::Client::sign_in(&simulators, &to).await?);
    let (mut answers, mut next) = (Vec::new(), Some(native::first_page()));
    while let Some(place) = next {
        let read = from.get(&place).await?;
        let page = native::Page::read(&read)?;
        next = page.next().map(str::to_owned);
        let mut writes = Vec::new();
        for (count, body) in page.upserts() {
            writes.push(to.upsert(count, body).await?);
        }
        answers.push(Answers { read, writes });
    }
    ensure!(answers.len() == PAGES + 1, "the source gave {} pages", answers.len());
    Ok(answers)
}

/// What a plain program does for a page apart from the wire.
fn natively(answers: &Answers) -> Result<Cost> {
    let watch = Watch::start();
    let page = native::Page::read(&answers.read)?;
    page.upserts().for_each(|body| drop(black_box(body)));
    Ok(watch.stop())
}

/// A flow without a running loop: the stages are called by hand.
struct Bench {
    flow: OpenFlow,
    fence: Fence,
    run: Run,
    cursor: Option<String>,
}

impl Bench {
    async fn open(folder: &Path) -> Result<Self> {
        let options = Options { cache_dir: folder.join("compiled"), interruption: Interruption::Epoch };
        let plugin = Sandbox::new(options)?.load(admit(&guests::component("salesforce"))?).await?;
        let flow = open_flow(folder, &plugin).await?;
        let now = flow.clock.now();
        let fence = flow.store.claim(&flow.tenant, &flow.lease_name(), "bench", now, limits::GUEST_WALL_MS_MAX).await?;
        Ok(Self { fence: fence.context("the lease of a new store is free")?, run: Run::new(&flow), flow, cursor: None })
    }

    /// Takes one page through all stages.
    async fn page(&mut self, answers: &Answers) -> Result<Vec<(&'static str, Cost)>> {
        let flow = &self.flow;
        let watch = Watch::start();
        let page = read(flow, self.cursor.take(), &answers.read).await?;
        let read = watch.stop();
        let (changes, tables) = (page.changes, Tables::default());
        ensure!(changes.len() == PAGE, "the guest gave {} changes", changes.len());

        let watch = Watch::start();
        ensure!(map(&flow.plan, &changes, &tables) == PAGE, "the entity map refused a record");
        let mapped = watch.stop();

        let copy = changes.clone();
        let watch = Watch::start();
        let seen_seq = flow.store.need_seq(&flow.tenant).await?;
        flow.store.translations(&flow.tenant).await?;
        let incoming = copy.into_iter().map(Incoming::passed).collect();
        let decided = evaluate(flow, &self.run.row.id, incoming, &tables).await?;
        let all = watch.stop();
        let looked = Cost { cpu: all.cpu.saturating_sub(mapped.cpu), wall: all.wall.saturating_sub(mapped.wall) };

        let origin = Origin::Page { superseded: 0 };
        let step = Step { flow, fence: self.fence, run: &self.run, origin, seen_seq, checkpoint: None };
        let watch = Watch::start();
        let intended = intend::commit(step, decided).await?;
        let intents = watch.stop();
        ensure!(intended.batches.len() == answers.writes.len(), "{} batches were made", intended.batches.len());

        let watch = Watch::start();
        let mut delivered = Vec::new();
        for (batch, answer) in intended.batches.into_iter().zip(&answers.writes) {
            delivered.push(write(flow, batch, answer).await?);
        }
        let written = watch.stop();

        let watch = Watch::start();
        for (Delivered { batch, .. }, answer) in delivered.iter().zip(&answers.writes) {
            store_answer(flow, &self.run.row.id, batch, answer).await?;
        }
        let answered = watch.stop();

        let watch = Watch::start();
        for delivered in delivered {
            let concluded = conclude::commit(flow, self.fence, &self.run, delivered, None).await?;
            ensure!(concluded.again.is_none() && concluded.trouble.is_none(), "a write was not settled");
        }
        let outcomes = watch.stop();

        let (Next::More(cursor) | Next::CaughtUp(cursor)) = page.next else {
            anyhow::bail!("the guest asks to wait");
        };
        self.cursor = Some(cursor);
        let costs = [read, looked, mapped, intents, written, answered, outcomes];
        Ok(STAGES.into_iter().zip(costs).collect())
    }
}

async fn open_flow(folder: &Path, plugin: &Plugin) -> Result<OpenFlow> {
    let (documents, faults) = Documents::read(&setup::documents());
    anyhow::ensure!(faults.is_empty(), "{faults:?}");
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::open(&format!("sqlite:{}", folder.join("tollgate.db").display())).await?;
    let vault = Arc::new(Vault::new(store.clone(), Kek::load_or_create(&folder.join("key"))?, clock.clone()));
    // Nothing is sent: the gate only lends the flow its lines.
    let net =
        Simulators { hosts: Vec::new(), root: hex::encode(TestCa::new().root()) }.net().map_err(anyhow::Error::msg)?;
    let gate = Gate::new(store.clone(), clock.clone(), Arc::new(net), vault, Arc::new(Counters::new(clock.clone())))?;
    let side = |name: &str| -> Result<Side> {
        let connection = documents.connection(&name.into()).context("a connection of the setup")?;
        Ok(Side {
            system: name.into(),
            connection: name.into(),
            line: gate.open(connection.clone(), plugin.manifest().clone(), "default".into())?,
            plugin: plugin.clone(),
            stream: stream(),
        })
    };
    let [from, to] = CONNECTIONS.map(side);
    let (from, to) = (from?, to?);
    let map = documents.entity(&ENTITY.into()).context("the setup's entity map")?;
    Ok(OpenFlow {
        tenant: "default".into(),
        name: FLOW.into(),
        entity: ENTITY.into(),
        plan: map.plan(&from.system, &to.system, documents.entities()).map_err(|fault| anyhow::anyhow!("{fault}"))?,
        map_version: 1,
        natural_field: None,
        is_referred_to: false,
        every_ms: limits::FLOW_PAUSE_MS,
        overlap_ms: 0,
        write_max: OpenFlow::write_max(&to.stream, None),
        transforms: Vec::new(),
        transform_paths: Vec::new(),
        from,
        to,
        store,
        gate: Arc::new(gate),
        clock,
    })
}

/// What the engine needs to know of the stream.
fn stream() -> Stream {
    Stream {
        name: "Account".into(),
        label: "Account".into(),
        fields: Vec::new(),
        reading: Reading { incremental: true, ..Reading::default() },
        writing: Writing { upsert: true, partial: true, ..Writing::default() },
        filterable: Vec::new(),
        matchable: Vec::new(),
        repeat: SafeRepeat::ExternalId,
        write_max: limits::WRITE_INTENTS_MAX,
    }
}

async fn read(flow: &OpenFlow, cursor: Option<String>, answer: &[u8]) -> Result<Page> {
    let fields = flow.plan.source_paths();
    let request = ReadRequest { stream: "Account".into(), cursor, fields, only: Vec::new(), overlap_ms: 0 };
    Ok(flow.from.plugin.read(&request, Canned::with(answer), CallLimits::default()).await?)
}

/// How many changes become writes.
fn map(plan: &Plan, changes: &[Change], tables: &Tables) -> usize {
    let projections = changes.iter().map(|change| plan.read(change, tables).finish(None, None, &|_| None));
    projections.map(black_box).filter(|projection| matches!(projection.verdict, Verdict::Write { .. })).count()
}

async fn write(flow: &OpenFlow, batch: Batch, answer: &[u8]) -> Result<Delivered> {
    let (plugin, stream) = (&flow.to.plugin, "Account".into());
    let outcomes = plugin.write(&stream, &batch.intents, Canned::with(answer), CallLimits::default()).await?;
    Ok(Delivered { batch, outcomes, is_cut_short: false })
}

/// As the gate does around each request with an effect.
async fn store_answer(flow: &OpenFlow, run: &RunId, batch: &Batch, answer: &[u8]) -> Result<()> {
    let at = flow.clock.now();
    flow.store.mark_sending(&flow.tenant, &batch.id, "request", at).await?;
    let response = http::Response { status: 200, headers: Vec::new(), body: answer.to_vec() };
    let entry = JournalEntry {
        at,
        run: run.clone(),
        connection: flow.to.connection.clone(),
        account: flow.to.line.account().clone(),
        route: "collections-upsert".into(),
        method: "PATCH".into(),
        origin: "https://crm-b.my.salesforce.com".into(),
        path: "/services/data/v67.0/composite/sobjects/{object}/{field}".into(),
        decision: "sent".into(),
        status: 200,
        request_bytes: batch.intents.iter().map(|intent| intent.data.len() as u64).sum(),
        response_bytes: answer.len() as u64,
        took_ms: 1,
        error: String::new(),
    };
    Ok(flow.store.put_answer(&flow.tenant, &batch.id, "request", &response, entry).await?)
}
