//! What happens next: reads pages, decides, commits intents, has them written, commits what became of them.
//!
//! The way through the room, in the order of one record's life:
//!
//! 1. [`runner`] is the loop of one flow: it reads ahead, cuts pages into slices, keeps them in order, waits; [`supervise`]
//!    starts it and tries again after trouble, under a lease; `control` is what both listen to, [`run`] counts what one
//!    execution of the flow did. What was read goes through the flow's plugins first ([`transform`]).
//! 2. [`evaluate`] decides what each change means: it looks up what is known ([`find`] in the target), resolves
//!    references, asks the entity map.
//! 3. [`intend`] turns decisions into one commit: intents, holds, exceptions, known state, counts.
//! 4. [`deliver`] has one batch of intents written by the target's plugin.
//! 5. [`settle`] decides, purely, what each outcome means; [`conclude`] makes that one commit: outcomes, identity,
//!    released holds, retries, checkpoint, counts.
//!
//! [`attempt`] goes steps 2 and 3 for one record without committing anything, and says why.
//!
//! Invariants:
//! - No effect before its intent is committed: `deliver` is only ever given batches that the store holds.
//! - A checkpoint moves only forward, and only in the commit that closes the last batch of its page.
//! - Per key, order is kept: a slice of a page that touches a key in flight waits.
//! - A record that waits is never lost between two flows: what was satisfied while it was being decided is seen in the
//!   commit that sets it aside (`store::set_aside`).
//! - What crashed is resumed, not repeated: an open batch is written again under its own id, so that the gate answers
//!   what was already answered from the store.
//!
//! Decision: what people want of a flow (pause, start, cancel, read anew) is stored and looked at, not sent to the task
//! that runs it: it survives a restart, and it does not matter which node is asked.
//!
//! Decision: a batch that must be tried again gets a new id. Stored answers belong to the old id and go with it;
//! otherwise an answer such as "row is locked" would be replayed for ever. (Rejected: an attempt number inside the
//! answer's key; it needs a second rule for what a resumed attempt may see.) Only a call that was cut short, with requests
//! answered of which the plugin did not come to speak, keeps its id: run again over those answers it goes on.

pub mod attempt;
pub mod conclude;
mod control;
pub mod deliver;
pub mod evaluate;
pub mod find;
pub mod flow;
pub mod intend;
pub mod lease;
pub mod pages;
pub mod reader;
pub mod run;
pub mod runner;
pub mod settle;
pub mod slices;
pub mod supervise;
pub mod transform;

pub use control::Status;
pub use flow::{OpenFlow, OpenTransform, Side};
pub use supervise::Handle;

use crate::{gate, store};
use tollgate_core::model::FlowName;
use tollgate_sandbox::CallError;

/// Why a step of a flow did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another node took the flow over: this one must stop.
    #[error("flow `{0}` is held elsewhere")]
    Fenced(FlowName),
    /// The source could not be read.
    #[error("flow `{flow}`: reading `{stream}` from `{connection}` failed")]
    Read {
        /// The flow.
        flow: FlowName,
        /// The source's connection.
        connection: String,
        /// The source's stream.
        stream: String,
        /// What the plugin or the sandbox said.
        #[source]
        source: CallError,
    },
    /// A transform of the flow gave no answer.
    #[error("flow `{flow}`: transform `{plugin}` failed")]
    Transform {
        /// The flow.
        flow: FlowName,
        /// The transform.
        plugin: String,
        /// What the plugin or the sandbox said.
        #[source]
        source: CallError,
    },
    /// The target could not be searched for a counterpart.
    #[error("flow `{flow}`: searching `{stream}` in `{connection}` failed")]
    Search {
        /// The flow.
        flow: FlowName,
        /// The target's connection.
        connection: String,
        /// The target's stream.
        stream: String,
        /// What the plugin or the sandbox said.
        #[source]
        source: CallError,
    },
    /// The source could not be asked for one record.
    #[error("flow `{flow}`: fetching `{key}` of `{stream}` from `{connection}` failed")]
    Fetch {
        /// The flow.
        flow: FlowName,
        /// The source's connection.
        connection: String,
        /// The source's stream.
        stream: String,
        /// The record's key.
        key: String,
        /// What the plugin or the sandbox said.
        #[source]
        source: CallError,
    },
    /// What the host itself stored cannot be read.
    #[error("flow `{flow}`: stored {what} is unreadable")]
    Corrupt {
        /// The flow.
        flow: FlowName,
        /// Which thing.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The gate could not be set up for a call.
    #[error(transparent)]
    Gate(#[from] gate::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An error with its causes, on one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
