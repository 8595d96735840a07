//! The only crate that knows wasmtime: what may become a plugin, and how a plugin is called without being trusted.
//!
//! The way through: [`admission::admit`] decides from the bytes whether a file may become a plugin; [`Sandbox::load`]
//! compiles it (or takes its code from the cache) and checks its types; each call of a [`Plugin`] runs in a fresh
//! instance under [`CallLimits`], and all that the guest can ask for goes through one [`Broker`].
//!
//! Invariants:
//! - A guest holds no authority that it was not given: it sees the interfaces of `wit/` and nothing else.
//! - Nothing that comes from a guest leaves this crate without a bound (`convert/inward.rs`).
//! - Nothing of a guest survives its call; after a trap nothing of it is touched again.
//! - A guest that computes gives way to its neighbours every tick; it can starve neither them nor the runtime.
//!
//! What this crate does not do: it knows no store, no network, no schedule, and it never repeats a call.

pub mod admission;
mod bindings;
pub mod broker;
mod cache;
mod call;
mod contract;
mod convert;
mod error;
mod line;
mod meter;
mod offers;
mod plugin;
mod profile;
mod sandbox;

pub use admission::{Admitted, Refusal, admit};
pub use broker::{Allowance, Broker, Level};
pub use cache::Error as CacheError;
pub use call::CallLimits;
pub use error::{CallError, Ending, Error};
pub use plugin::{Plugin, Search};
pub use profile::Interruption;
pub use sandbox::{Options, Sandbox};
