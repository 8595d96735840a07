//! `plugin dev`: builds and tries a plugin crate whenever one of its files changes.

use super::vendor::{TargetArguments, Workbench, live, offline};
use crate::clock::{Clock, SystemClock};
use crate::kit::{self, Stage, Trial};
use anyhow::bail;

/// How often the crate's files are looked at: at once for a person, nothing for the machine.
const LOOK_MS: u64 = 300;

/// Tries the crate, then again after each change, until interrupted; with `once` it ends after the first time.
pub(super) async fn dev(target: TargetArguments, once: bool) -> anyhow::Result<()> {
    let workbench = Workbench::new()?;
    loop {
        let before = kit::marks(target.folder())?;
        let tried = attempt(&workbench, &target).await;
        match (&tried, once) {
            (Err(error), true) => bail!("{error:#}"),
            (Err(error), false) => println!("{error:#}"),
            (Ok(()), true) => return Ok(()),
            (Ok(()), false) => {}
        }
        println!("waiting for a change in {}", target.folder().display());
        let changed = loop {
            SystemClock.sleep_ms(LOOK_MS).await;
            let changed = kit::marks(target.folder())?.changed_since(&before);
            if !changed.is_empty() {
                break changed;
            }
        };
        println!("changed: {}", changed.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "));
    }
}

async fn attempt(workbench: &Workbench, target: &TargetArguments) -> anyhow::Result<()> {
    let plugin = workbench.load(target.folder()).await?;
    let stages: Vec<Box<dyn Stage>> = match target.is_live() {
        true => vec![Box::new(live(target, &plugin).await?)],
        false => offline(target.folder(), &plugin)?.into_iter().take(1).collect(),
    };
    let mut failed = 0;
    for stage in &stages {
        println!("{} against {}", plugin.manifest().plugin.name, stage.name());
        failed += kit::try_out(&plugin, &**stage, |trial| println!("{}", shown(&trial))).await?;
    }
    if failed > 0 {
        bail!("{failed} calls failed");
    }
    Ok(())
}

fn shown(trial: &Trial) -> String {
    match trial {
        Trial::Request { route, status, ms } => format!("    {route:<24} {status:<24} {ms} ms"),
        Trial::Call { name, result: Ok(found), ms } => format!("  ok      {name}: {found} ({ms} ms)"),
        Trial::Call { name, result: Err(why), ms } => format!("  FAILED  {name}: {why} ({ms} ms)"),
    }
}
