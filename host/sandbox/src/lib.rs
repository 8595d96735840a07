//! The only crate that knows wasmtime: admission, compile cache, limits, and the trait [`Broker`].
pub mod broker;
pub use broker::{Allowance, Broker, Level};
