//! The simulators alone, for a `tollgate serve --simulators` beside them: a Salesforce organisation and a NetSuite account
//! with the demo's data, and a folder with all that an admin needs to connect them.

use anyhow::{Context, Result};
use clap::Parser;
use std::io::Write;
use std::path::PathBuf;
use tollgate_tests::data::{Crm, generator};
use tollgate_tests::world::World;

/// Runs simulators of a Salesforce organisation and a NetSuite account until interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to write how to reach them, the configuration of the demo and the secrets
    #[arg(long, default_value = "simulators")]
    folder: PathBuf,
    /// Folder with accounts.csv, products.csv, sales_pipeline.csv and sales_teams.csv; generated if not given
    #[arg(long)]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    tollgate_tests::trace();
    let Arguments { folder, data } = Arguments::parse();
    let world = World::start().await?;
    let generated = tempfile::tempdir()?;
    let data = match data {
        Some(data) => data,
        None => {
            generator::write(&generator::Sizes::default(), generated.path())?;
            generated.path().to_owned()
        }
    };
    world.load(&Crm::read(&data)?);
    world.write(&folder).with_context(|| format!("writing into {}", folder.display()))?;
    println!("how to reach them  {}", folder.join("simulators.json").display());
    println!("configuration      {}", folder.join("config").display());
    println!("secrets            {}", folder.join("secrets").display());
    println!("what the CRM holds {}/_sim/ledger", world.crm.control_url());
    println!("what the ERP holds {}/_sim/ledger", world.erp.control_url());
    std::io::stdout().flush()?;
    Ok(tokio::signal::ctrl_c().await?)
}
