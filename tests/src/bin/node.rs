//! A host in a process of its own, for tests that kill it: opens what a file describes, runs its flows, and says `rest`
//! on standard output whenever nothing moves any more.

use anyhow::{Context, Result};
use std::io::Write;
use tollgate_tests::world::Host;

#[tokio::main]
async fn main() -> Result<()> {
    tollgate_tests::trace();
    let file = std::env::args().nth(1).context("the file that describes the host is the only argument")?;
    let host: Host = serde_json::from_slice(&std::fs::read(&file).with_context(|| file.clone())?)?;
    let app = host.open().await?;
    app.start().await?;
    say("running")?;
    app.rest().await?;
    say("rest")?;
    // Killed from here on, or told to go by the end of its input.
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    app.stop().await;
    Ok(())
}

fn say(word: &str) -> Result<()> {
    println!("{word}");
    Ok(std::io::stdout().flush()?)
}
