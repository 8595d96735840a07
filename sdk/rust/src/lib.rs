//! What a connector author builds on.
//!
//! A connector is a type with [`Connector`] and one [`Serve`] value for each stream; [`export!`] makes it a plugin:
//!
//! ```
//! use tollgate_sdk::{Account, Connector, Failure, Lookup, Page, ReadRequest, Result, Serve, Source, Stream};
//!
//! struct Acme;
//!
//! impl Connector for Acme {
//!     fn check() -> Result<Account> {
//!         let me: tollgate_sdk::Json = tollgate_sdk::http::request("me").send()?.ok()?.json()?;
//!         Ok(Account::new(me["id"].as_str().unwrap_or_default(), "Acme"))
//!     }
//!     fn streams() -> &'static [&'static dyn Serve] {
//!         &[&Orders]
//!     }
//! }
//! impl Source for Acme {}
//!
//! struct Orders;
//!
//! impl Serve for Orders {
//!     fn name(&self) -> &'static str {
//!         "order"
//!     }
//!     fn describe(&self) -> Result<Stream> {
//!         Ok(Stream::new("order", "Order"))
//!     }
//!     fn read(&self, request: ReadRequest) -> Result<Page> {
//!         Err(Failure::Unsupported(format!("reading {} is shown in the guide", request.stream)))
//!     }
//! }
//!
//! tollgate_sdk::export!(Acme: source);
//! ```
//!
//! - [`http`]: requests by route; [`json`]: numbers keep their digits; [`paging`]: cursors; [`query`]: conditions;
//!   [`batch`]: writing many records a call; [`time`]: instants;
//! - [`files`]: the connection's folder;
//! - [`error`]: which failure a status is; [`config`], [`log`], [`random`]: the other capabilities;
//! - `testing`: a scripted host, so that a connector's tests run natively.
//!
//! Invariant: this crate retries nothing, waits for nothing and remembers nothing between calls; the host does.

pub mod batch;
#[doc(hidden)]
pub mod bindings;
pub mod config;
mod connector;
pub mod error;
mod export;
pub mod files;
mod host;
pub mod http;
pub mod json;
pub mod log;
pub mod paging;
pub mod query;
pub mod random;
mod record;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod time;

pub use bindings::setup::exports::tollgate::plugin::setup::Account;
pub use bindings::source::exports::tollgate::plugin::source::{Next, Page, ReadRequest};
pub use bindings::target::exports::tollgate::plugin::target::{Action, ExternalId, Intent, Outcome, Ticket, Written};
pub use bindings::tollgate::plugin::types::{
    Change, Comparison, Condition, Failure, Field, FieldType, Later, Operation, Reading, SafeRepeat, Stream, Violation,
    Writing,
};
pub use connector::{Connector, Lookup, Serve, Source, Target, Transform};
#[doc(hidden)]
pub use export::Exported;
pub use json::Json;
pub use record::Test;

/// What every call of a plugin ends with.
pub type Result<T> = std::result::Result<T, Failure>;

/// The vendor's guide: its code must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Guide;
