//! What a vendor works with: the conformance kit, its cassettes, the scaffold of a new plugin and the watcher.
//!
//! # The way through the room
//!
//! [`run`] takes a plugin, its script (`script.rs`, the file `kit.toml`) and a [`Stage`] that answers its requests, and
//! makes a [`Report`] (`report.rs`). A stage is a connection behind the real gate (`live.rs`), a cassette (`cassette/`),
//! or whatever a test offers. Every call goes through `bench.rs`, whose broker (`watch.rs`) holds the clock still, decides
//! each request by the manifest, notes it with its answer, and can answer wrongly on purpose. The checks stand in
//! `checks/`: each drives a few calls and judges what came of them.
//!
//! [`scaffold`] writes a new plugin crate; [`try_out`] makes the first calls of one and tells each request; [`marks`] says
//! which files of a crate changed.
//!
//! # Invariants
//!
//! - The order of calls follows from the plugin's answers and the script alone, so that a cassette fits its own plugin.
//! - A fault is made here, on this side of the stage: no system has to misbehave, and a cassette holds no fault.
//! - A cassette holds no credential: it is recorded where the plugin asks, before the gate attaches anything, and answers
//!   are cleaned of what looks like one.
//!
//! # Decisions
//!
//! - *Checks see only what a host sees*: calls, requests and answers. A check that looked into the plugin's code would
//!   hold for one language.
//! - *Samples in the script are JSON text*, not TOML tables: TOML's floats would round money.

mod bench;
pub mod cassette;
mod checks;
mod live;
mod openapi;
mod report;
pub mod scaffold;
mod script;
mod stage;
mod trial;
mod watch;
mod watch_crate;

pub use checks::run;
pub use live::Live;
pub use report::{Check, Finding, Report, Verdict};
pub use script::{Script, StreamScript, TransformScript, WriteScript};
pub use stage::{Call, Frame, Purpose, Stage};
pub use trial::{Trial, try_out};
pub use watch_crate::{Marks, marks};

use std::path::PathBuf;

/// Why the kit cannot do its work. What a plugin does wrong is no error: it stands in the report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A script is wrong.
    #[error("{path}: {reason}")]
    Script {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A cassette is damaged or of another format.
    #[error("{path}, line {line}: {reason}: record it again with `tollgate plugin test --live --record`")]
    Cassette {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A new plugin cannot be made.
    #[error("{0}")]
    Scaffold(String),
    /// Two kits write over one data folder.
    #[error("another kit writes through this host now: wait until it has ended")]
    Busy,
    /// The gate refuses the connection or cannot be used.
    #[error(transparent)]
    Gate(#[from] crate::gate::Error),
    /// The store behind a connection.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}
