//! The same mapping code in the sandbox and natively: what the sandbox itself costs.
//!
//! In the sandbox a call makes a fresh instance, copies the records in, reads and prints their JSON and copies the
//! results out. Natively it is a loop over the same function.

use crate::canned::Canned;
use crate::measure::{Watch, median, number, row, table, us_each};
use anyhow::{Context, Result, ensure};
use std::hint::black_box;
use tollgate_core::model::{Change, Operation};
use tollgate_guest_map::{RECORD, map};
use tollgate_sandbox::{CallLimits, Interruption, Options, Plugin, Sandbox, admit};
use tollgate_tests::guests;

/// Records of one call.
const SIZES: [usize; 3] = [1, 100, 1_000];
/// Rounds of each size and side; the median counts.
const ROUNDS: usize = 9;
/// Records of one round: enough for the clock, few enough for the cache of a small machine.
const ROUND_RECORDS: usize = 4_000;

pub(crate) async fn run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = Options { cache_dir: folder.path().join("compiled"), interruption: Interruption::Epoch };
    let plugin = Sandbox::new(options)?.load(admit(&guests::component("map"))?).await?;
    let mut rows = vec![row(["records a call", "ratio", "sandbox: CPU us a record", "native: CPU us a record"])];
    for size in SIZES {
        let (mut inside, mut native) = (Vec::new(), Vec::new());
        // The first round of each warms up and is dropped; the sides take turns, so that a slow moment meets both.
        for _ in 0..=ROUNDS {
            inside.push(in_sandbox(&plugin, size).await?);
            native.push(natively(size)?);
        }
        let (inside, native) = (median(inside.split_off(1)), median(native.split_off(1)));
        rows.push(row([&size.to_string(), &format!("{}x", number(inside / native)), &number(inside), &number(native)]));
    }
    println!("{}", table(&format!("Transform: {} bytes, 20 fields in, an order out", RECORD.len()), &rows));
    Ok(())
}

fn calls(size: usize) -> Vec<Vec<Change>> {
    let change = Change {
        stream: "Opportunity".into(),
        key: "006Hs00001XyZaBIAV".into(),
        operation: Operation::Whole,
        version: Some("2026-03-14T16:20:31.000Z".into()),
        modified_at: Some("2026-03-14T16:20:31Z".into()),
        data: RECORD.into(),
    };
    vec![vec![change; size]; ROUND_RECORDS / size]
}

/// CPU microseconds a record.
async fn in_sandbox(plugin: &Plugin, size: usize) -> Result<f64> {
    let calls = calls(size);
    let watch = Watch::start();
    for changes in calls {
        let orders = plugin.apply(changes, Canned::silent(), CallLimits::default()).await?;
        ensure!(orders.len() == size && orders.iter().all(Result::is_ok), "the guest refused a record");
        black_box(orders);
    }
    Ok(us_each(watch.stop().cpu, ROUND_RECORDS))
}

/// CPU microseconds a record.
fn natively(size: usize) -> Result<f64> {
    let calls = calls(size);
    let watch = Watch::start();
    for changes in calls {
        let order = |change: Change| map(&change.data).map(|data| Change { data, ..change });
        let orders: Option<Vec<Change>> = changes.into_iter().map(|change| order(change).ok()).collect();
        black_box(orders.context("the mapping refused a record")?);
    }
    Ok(us_each(watch.stop().cpu, ROUND_RECORDS))
}
