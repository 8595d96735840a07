//! What can go wrong: with the sandbox itself ([`Error`]) and with one call ([`CallError`]).

use crate::cache;
use std::fmt;
use tollgate_core::model::Failure;

/// Why there is no sandbox, or why a plugin cannot be loaded into it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine refuses its profile: this platform cannot run guests.
    #[error("this platform cannot run plugins: {0}")]
    Engine(String),
    /// The folder for compiled code cannot be used.
    #[error("compiled code cannot be kept")]
    Cache(#[from] cache::Error),
    /// The operating system gave no thread for the ticks that stop guests.
    #[error("no thread for the guests' ticks")]
    Ticks(#[source] std::io::Error),
    /// The component cannot be compiled or needs more than a slot holds.
    #[error("{plugin} cannot be loaded: {reason}")]
    Compile {
        /// The plugin's digest.
        plugin: String,
        /// What the compiler says.
        reason: String,
    },
    /// An import or export has the right name and the wrong type.
    #[error("{plugin} does not speak contract 0.1: {reason}")]
    Contract {
        /// The plugin's digest.
        plugin: String,
        /// Which part, and how it differs.
        reason: String,
    },
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The plugin said so.
    #[error("{0}")]
    Failure(Failure),
    /// The host ended it.
    #[error("{0}")]
    Ended(Ending),
    /// The plugin broke the contract; names what and where.
    #[error("the plugin broke the contract: {0}")]
    Broke(String),
    /// The plugin does not export the interface.
    #[error("the plugin does not export `{0}`")]
    Missing(&'static str),
}

/// The limit that ended a call, or its trap. The instance is gone; nothing of it is used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It computed for longer than it may.
    Cpu,
    /// It took longer than it may, waiting included.
    Wall,
    /// It wanted more memory or table than it may have.
    Memory,
    /// It made more requests than it may.
    Requests,
    /// It crashed: its last line of level `error`, if any, and the trap.
    Trap(String),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Cpu => f.write_str("ended: its CPU time is spent"),
            Ending::Wall => f.write_str("ended: its time is over"),
            Ending::Memory => f.write_str("ended: it wanted more memory than a call may have"),
            Ending::Requests => f.write_str("ended: it made more requests than a call may make"),
            Ending::Trap(text) => write!(f, "crashed: {text}"),
        }
    }
}
