//! From a vendor's crate to a plugin: one file, the component with its manifest inside.
//!
//! The way through: [`build()`] compiles the crate, [`encode()`] makes the component, admission has the last word. What
//! would stop a plugin at a host stops it here, on the vendor's desk; and where the reason is a crate that reaches for
//! a world that is not there (a browser, an operating system), [`guilty`] names the crate.

pub mod build;
pub mod encode;
pub mod guilty;

pub use build::{Built, Options, build};
pub use encode::encode;

use std::path::PathBuf;
use tollgate_sandbox::Refusal;

/// Why there is no plugin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The compiled crate calls functions that no host offers.
    #[error("{}", guilty::sentence(.0))]
    Foreign(Vec<guilty::Foreign>),
    /// The compiled crate is no plugin of this contract.
    #[error("the compiled crate does not make a component: {0}")]
    Encode(String),
    /// A host would refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A file of the crate is missing or unreadable.
    #[error("cannot read {path}: {hint}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What it is for.
        hint: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The plugin cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A program that is needed does not run or does not do its work; what it said is with it.
    #[error("{0}")]
    Tool(String),
}
