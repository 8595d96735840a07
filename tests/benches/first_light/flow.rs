//! Accounts from one organisation to another: the whole product against a plain program, each in a process of its own,
//! against simulators in a third one. Both are judged by the simulators' ledgers.

use crate::measure::{number, row, table};
use crate::roles::{self, Job, Ledgers, Said};
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tollgate::gate::simulated::Simulators;
use tollgate_tests::guests;
use tollgate_tests::sims::Json;

/// Runs of each side; the one with the median wall time counts.
const RUNS: usize = 3;

pub(crate) fn run(accounts: usize) -> Result<()> {
    let component = guests::component("salesforce");
    let (mut product, mut native) = (Vec::new(), Vec::new());
    // The sides take turns, so that a slow moment of the machine meets both.
    for _ in 0..RUNS {
        native.push(copy("native", accounts, &component)?);
        product.push(copy("product", accounts, &component)?);
    }
    let (product, native) = (middle(product), middle(native));
    println!("{}", report(accounts, &product, &native));
    Ok(())
}

fn middle(mut runs: Vec<Said>) -> Said {
    runs.sort_by(|one, other| one.wall_s.total_cmp(&other.wall_s));
    runs.swap_remove(runs.len() / 2)
}

fn report(accounts: usize, product: &Said, native: &Said) -> String {
    let mut rows = vec![row(["", "ratio", "Tollgate", "native"])];
    let mut add = |what: &str, product: f64, native: f64| {
        rows.push(row([what, &format!("{}x", number(product / native)), &number(product), &number(native)]));
    };
    let accounts_f = accounts as f64;
    add("records a second", accounts_f / product.wall_s, accounts_f / native.wall_s);
    add("CPU us a record", product.cpu_s * 1e6 / accounts_f, native.cpu_s * 1e6 / accounts_f);
    add("processors kept busy", product.cpu_s / product.wall_s, native.cpu_s / native.wall_s);
    if let (Some(product), Some(native)) = (product.memory_mib, native.memory_mib) {
        add("peak memory, MiB", product as f64, native as f64);
    }
    table(&format!("{accounts} accounts from one Salesforce to another, 200 a call"), &rows)
}

/// Has one side copy everything between fresh simulators, and asks those what they hold then.
fn copy(side: &'static str, accounts: usize, component: &[u8]) -> Result<Said> {
    let folder = tempfile::tempdir()?;
    let mut vendors = Process::start("vendors")?;
    vendors.tell(&accounts)?;
    let simulators: Simulators = vendors.hear()?;
    let job =
        Job { simulators, accounts, folder: folder.path().join("host"), component: folder.path().join("component") };
    std::fs::write(&job.component, component)?;
    if side == "product" {
        let mut prepare = Process::start("prepare")?;
        prepare.tell(&job)?;
        let () = prepare.hear()?;
        prepare.end()?;
    }
    let mut process = Process::start(side)?;
    process.tell(&job)?;
    let said = process.hear()?;
    process.end()?;
    vendors.tell(&"ledgers")?;
    let ledgers: Ledgers = vendors.hear()?;
    vendors.end()?;
    judge(&ledgers, accounts).with_context(|| format!("the side `{side}` did not do its job"))?;
    Ok(said)
}

/// What is truly there: every account once, each made by one write, the same sum of revenue on both sides, and no
/// difference in a sample of copies.
fn judge(Ledgers { source, target, unlike }: &Ledgers, accounts: usize) -> Result<()> {
    let count = |ledger: &Json, pointer: &str| ledger.pointer(pointer).and_then(Json::as_u64);
    let accounts = accounts as u64;
    let right =
        [("/count", accounts), ("/duplicates", 0), ("/writes/received", accounts), ("/writes/created", accounts)];
    for (pointer, expected) in right {
        let found = count(target, pointer);
        ensure!(found == Some(expected), "the target's ledger says {found:?} at {pointer}, and not {expected}");
    }
    ensure!(count(source, "/writes/received") == Some(0), "the source was written to");
    let [given, held] = [source, target].map(|ledger| &ledger["totals"]["AnnualRevenue"]);
    ensure!(given.is_string() && given == held, "the revenue is {given} at the source and {held} at the target");
    ensure!(unlike.is_empty(), "{} values of copies differ, one of them: {}", unlike.len(), unlike[0]);
    Ok(())
}

/// This program in a role. Ends with the benchmark: its input is closed then.
struct Process {
    role: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(role: &'static str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([roles::WORD, role])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().context("the output is a pipe")?);
        Ok(Self { role, input: child.stdin.take(), child, output })
    }

    fn tell(&mut self, what: &impl Serialize) -> Result<()> {
        let input = self.input.as_mut().context("the input is open until the end")?;
        writeln!(input, "{}", serde_json::to_string(what)?)?;
        Ok(input.flush()?)
    }

    fn hear<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the process `{}` said {line:?}", self.role))
    }

    fn end(mut self) -> Result<()> {
        drop(self.input.take());
        let status = self.child.wait()?;
        ensure!(status.success(), "the process `{}` ended with {status}", self.role);
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After `end` there is nothing left to end; after an error nobody must stay behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
