//! `cargo bench`: what the product costs beside plain native code that does the same job, both sides in one run, ratios
//! first. `tests/BENCHMARKS.md` says how to run it and what each row means.
//!
//! - [`transform`]: the same mapping code in the sandbox and natively;
//! - [`flow`]: accounts from one organisation to another, through the whole product and through a program written for
//!   this one job; each side and each pair of simulators in a process of its own ([`roles`]);
//! - [`stages`]: the product's CPU time by stage, each alone on canned answers ([`canned`]).
//!
//! [`measure`] reads the clocks and prints tables; [`setup`] is the job: organisations, entity map, settings.

mod canned;
mod flow;
mod measure;
mod roles;
mod setup;
mod stages;
mod transform;

use anyhow::{Result, bail};

/// The sections, in order.
const SECTIONS: [&str; 3] = ["transform", "flow", "stages"];

fn main() -> Result<()> {
    tollgate_tests::trace();
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, role] = arguments.as_slice()
        && word == roles::WORD
    {
        return roles::play(role);
    }
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| !argument.starts_with("--"));
    if let Some(unknown) = arguments.iter().find(|argument| !SECTIONS.contains(&argument.as_str())) {
        bail!("there is no section `{unknown}`; there are: {}", SECTIONS.join(", "));
    }
    if !is_bench && arguments.is_empty() {
        // `cargo test --all-targets` comes by here: a measurement is no test.
        println!("nothing is measured: run `cargo bench`");
        return Ok(());
    }
    let is_wanted = |section: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == section);
    let accounts = setup::accounts()?;

    println!("{}", measure::circumstances());
    if is_wanted("transform") {
        runtime()?.block_on(transform::run())?;
    }
    if is_wanted("flow") {
        flow::run(accounts)?;
    }
    if is_wanted("stages") {
        runtime()?.block_on(stages::run())?;
    }
    Ok(())
}

/// What `tollgate serve` uses too.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
