//! The verbs of whoever writes plugins: they work on files of this machine.

use super::review;
use crate::pack;
use anyhow::Context;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand, Debug)]
pub(super) enum PluginVerb {
    /// Compile a plugin crate and encode it, with its plugin.toml, as one component
    Build {
        /// The crate's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Show everything that a component may do, or why it is refused
    Check {
        /// The component
        file: PathBuf,
    },
}

/// Does what the verb says.
pub(super) async fn run(verb: PluginVerb) -> anyhow::Result<()> {
    match verb {
        PluginVerb::Build { folder } => build(&folder),
        PluginVerb::Check { file } => check(&file),
    }
}

fn build(folder: &Path) -> anyhow::Result<()> {
    let built = pack::build(folder, &pack::Options::default())?;
    println!("{} ({} bytes, {})", built.component.display(), built.bytes.len(), built.digest);
    Ok(())
}

fn check(file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let admitted = tollgate_sandbox::admit(&bytes).with_context(|| file.display().to_string())?;
    print!("{}", review::page(&admitted));
    Ok(())
}
