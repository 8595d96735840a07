//! The main job, whole: customers, items and won deals from a CRM to an ERP, faults and mends included.
//!
//! Every number that decides is read from the simulators' ledgers and compared with what the CSV files alone say.

use anyhow::{Context, Result, bail};
use clap::Parser;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use tollgate::app::App;
use tollgate::app::tables::{RowSet, RowWish};
use tollgate::cli::review;
use tollgate::clock::{Clock, SystemClock};
use tollgate::store::RecordRow;
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{Flag, FlowName};
use tollgate_tests::data::{Crm, Expected, Mends, expected, generator, passes};
use tollgate_tests::world::{FLOWS, Orders, World};
use tollgate_tests::{guests, process};

/// Moves customers, items and won deals from a simulated CRM to a simulated ERP.
#[derive(Parser)]
struct Arguments {
    /// Folder with accounts.csv, products.csv, sales_pipeline.csv and sales_teams.csv; generated if not given
    #[arg(long)]
    data: Option<PathBuf>,
    /// Leave host and simulators running at the end
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    tollgate_tests::trace();
    match demo(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(arguments: Arguments) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("tollgate-demo-").tempdir()?;
    let crm = data(&arguments, &folder)?;
    plugins()?;

    let world = World::start().await?;
    world.load(&crm);
    let app = world.open(&folder.path().join("host"), None).await?;
    for connection in ["salesforce", "netsuite"] {
        let account = app.check(&connection.into()).await?;
        println!("connection {connection}: account {} ({})", account.name, account.id);
    }

    let mut demo = Demo { world: &world, app: &app, crm: &crm, mends: Mends::default() };
    demo.run().await?;
    demo.one_more_deal().await?;
    if arguments.keep {
        keep(&world).await?;
    }
    app.stop().await;
    Ok(())
}

fn data(arguments: &Arguments, folder: &tempfile::TempDir) -> Result<Crm> {
    let (source, path) = match &arguments.data {
        Some(path) => (path.display().to_string(), path.clone()),
        None => {
            let path = folder.path().join("data");
            generator::write(&generator::Sizes::default(), &path)?;
            ("generated".to_owned(), path)
        }
    };
    let crm = Crm::read(&path)?;
    let won = crm.deals.iter().filter(|deal| deal.is_won()).count();
    println!(
        "data {source}: {} accounts, {} products, {} deals of which {won} are won\n",
        crm.accounts.len(),
        crm.products.len(),
        crm.deals.len()
    );
    Ok(crm)
}

/// Builds both connectors and shows what each may do.
fn plugins() -> Result<()> {
    for name in ["salesforce", "netsuite"] {
        let admitted = tollgate_sandbox::admit(&guests::component(name))?;
        println!("{}", review::page(&admitted));
    }
    Ok(())
}

/// What the passes share.
struct Demo<'a> {
    world: &'a World,
    app: &'a App,
    crm: &'a Crm,
    mends: Mends,
}

impl Demo<'_> {
    async fn run(&mut self) -> Result<()> {
        self.pass(1, "nothing is mended", None).await?;
        let [_, products, all] = passes(self.crm);
        self.mends = products;
        self.pass(2, "a steward says which products are meant", Some(("product", &all.products))).await?;
        self.mends = all.clone();
        self.pass(3, "and which countries", Some(("country", &all.countries))).await?;
        self.pass(4, "nothing; every source is read anew", None).await
    }

    /// Mends, waits for rest, shows what the ledgers say, and insists that it is what the files say.
    async fn pass(&self, number: u32, title: &str, mend: Option<(&str, &BTreeMap<String, String>)>) -> Result<()> {
        println!("pass {number}: {title}");
        let (before, moved_before) = (self.world.orders(), self.moved().await?);
        let (started, cpu) = (process::now(), process::cpu());
        for (table, (from, to)) in mend.iter().flat_map(|(table, rows)| rows.iter().map(move |row| (*table, row))) {
            let wish = RowWish { table: &table.into(), from, to, version: None, actor: "demo" };
            let RowSet::Set { released, .. } = self.app.set_table_row(wish).await? else {
                bail!("no version was asked for, so any is right");
            };
            println!("  table {table}: `{from}` is `{to}`; {released} records take it up by themselves");
        }
        match number {
            1 => self.app.start().await?,
            4 => self.read_anew().await?,
            _ => {}
        }
        self.app.rest().await?;
        let seconds = started.elapsed().as_secs_f64();
        let orders = self.world.orders();
        let expected = expected(self.crm, &self.mends);
        self.show(&orders, &expected, before).await?;
        let moved = orders.writes - before.writes;
        let (read, written) = self.moved().await?;
        let (read, written) = (read - moved_before.0, written - moved_before.1);
        println!(
            "  {seconds:.1} s: {read} records read, {written} written, {:.0} records/s; {:.1} s of CPU with both simulators, peak memory {} MiB\n",
            read.max(written) as f64 / seconds,
            (process::cpu() - cpu).as_secs_f64(),
            process::memory_peak_mib().map_or("?".into(), |mib| mib.to_string())
        );
        verify(&orders, &expected)?;
        if number == 4 && moved > 0 {
            bail!("pass 4 must not write, and the ERP received {moved} writes");
        }
        Ok(())
    }

    /// Records read and written so far, by all flows.
    async fn moved(&self) -> Result<(u64, u64)> {
        let (mut read, mut written) = (0, 0);
        for flow in FLOWS {
            let tally = self.app.tally(&flow.into()).await?;
            read += tally.read;
            written += tally.written;
        }
        Ok((read, written))
    }

    async fn read_anew(&self) -> Result<()> {
        for flow in FLOWS {
            self.app.read_anew(&flow.into(), "demo").await?;
        }
        Ok(())
    }

    async fn show(&self, orders: &Orders, expected: &Expected, before: Orders) -> Result<()> {
        println!(
            "  orders in the ERP  {:>6}  {:>16}   by the files {:>6}  {:>16}   writes received {}",
            orders.count,
            money(orders.value),
            expected.orders,
            money(expected.total),
            orders.writes - before.writes
        );
        for flow in FLOWS {
            let tally = self.app.tally(&flow.into()).await?;
            println!("  {flow:<10} {tally}");
            verify_conserved(flow, &tally)?;
            for (kind, rule, count) in self.app.set_aside_by_rule(&flow.into()).await? {
                let rows = self.app.set_aside(&flow.into(), kind, 10_000).await?;
                let example = rows.iter().find(|row| row.rule == rule).map_or("", |row| row.reason.as_str());
                println!("  {:<10} {count} x {} `{rule}`, such as: {example}", "", kind.as_str());
            }
        }
        let flagged = self.app.flagged(&"customers".into(), 10_000).await?;
        for (flag, count) in flags(&flagged) {
            let whom = flag.whom.as_deref().map_or(String::new(), |whom| format!(", for {whom} to look at"));
            println!("  {:<10} {count} x flag `{}`{whom}", "customers", flag.flag);
        }
        for account in ["salesforce-acme", "netsuite-1234567"] {
            let usage = self.app.usage(&account.into());
            let day = usage.limit_per_day.map_or("no daily limit".into(), |limit| format!("of {limit} a day"));
            println!(
                "  {account:<17} {} calls {day}; at most {} at once, peak {}",
                usage.used, usage.concurrency, usage.concurrency_peak
            );
        }
        Ok(())
    }

    /// Closes one more deal in the CRM and watches it arrive.
    async fn one_more_deal(&self) -> Result<()> {
        let open = self.crm.deals.iter().find(|deal| !deal.is_won() && deal.account.is_some());
        let deal = open.context("the data has no open deal with an account")?;
        let before = self.world.orders();
        let started = process::now();
        println!("one more deal: {} of {} is closed in the CRM", deal.id, deal.account.as_deref().unwrap_or_default());
        self.world
            .crm
            .vendor()
            .close_deal(&deal.id, Decimal::new(123_450, 2), "2018-01-02")
            .map_err(anyhow::Error::msg)?;
        let flow: FlowName = "orders".into();
        while self.world.orders().count == before.count {
            if started.elapsed().as_secs() > 30 {
                let tally = self.app.tally(&flow).await?;
                bail!("the deal did not arrive within 30 s: {tally}; {:?}", self.app.status(&flow).await);
            }
            // The flow is only watched here: it looks at its source every second by itself.
            SystemClock.sleep_ms(20).await;
        }
        let orders = self.world.orders();
        println!(
            "  it is an order in the ERP after {:.1} s: {} orders, {}\n",
            started.elapsed().as_secs_f64(),
            orders.count,
            money(orders.value)
        );
        if orders.value - before.value != Decimal::new(123_450, 2) {
            bail!("the order's value must be 1,234.50");
        }
        Ok(())
    }
}

fn verify(orders: &Orders, expected: &Expected) -> Result<()> {
    if orders.count != expected.orders as u64 || orders.value != expected.total {
        bail!(
            "the ERP must hold {} orders worth {}, and holds {} worth {}",
            expected.orders,
            money(expected.total),
            orders.count,
            money(orders.value)
        );
    }
    if orders.duplicates > 0 {
        bail!("the ERP holds {} doubles", orders.duplicates);
    }
    Ok(())
}

fn verify_conserved(flow: &str, tally: &Tally) -> Result<()> {
    if !tally.is_conserved() || tally.in_flight > 0 {
        bail!("flow {flow}: {tally}: {} changes are not accounted for", tally.read.abs_diff(tally.accounted()));
    }
    Ok(())
}

/// Each flag with the number of records that carry it.
fn flags(rows: &[RecordRow]) -> Vec<(Flag, usize)> {
    let mut counted: Vec<(Flag, usize)> = Vec::new();
    for flag in rows.iter().flat_map(|row| &row.flags) {
        match counted.iter_mut().find(|(known, _)| known == flag) {
            Some((_, count)) => *count += 1,
            None => counted.push((flag.clone(), 1)),
        }
    }
    counted
}

/// `10005534` as `10,005,534.00`.
fn money(value: Decimal) -> String {
    let text = format!("{value:.2}");
    let (whole, cents) = text.split_once('.').expect("two decimals were asked for");
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{cents}")
}

async fn keep(world: &World) -> Result<()> {
    println!("everything stays up until you interrupt it:");
    println!("  CRM ledger  {}/_sim/ledger", world.crm.control_url());
    println!("  ERP ledger  {}/_sim/ledger", world.erp.control_url());
    std::io::stdout().flush()?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
