//! Tollgate: a self-hosted WebAssembly plugin host for connectors.
//!
//! The rooms, in the direction of imports: [`clock`] and [`store`] know nobody; [`gate`] is the one door to the world;
//! [`engine`] decides what happens next; [`app`] knows them all. [`api`] is the way in for programs, [`cli`] for people, [`pack`] makes a plugin
//! out of a crate. What is pure stands in `tollgate-core`, what knows Wasmtime in `tollgate-sandbox`.
//!
//! # Invariants
//!
//! 1. A guest holds no authority that it was not given as a value.
//! 2. No effect before its intent is committed, and no second one while nobody knows what became of the first.
//! 3. A checkpoint moves only forward, and only with the outcomes of the changes that it covers.
//! 4. No commit without an audit record.
//! 5. Every queue, loop, body, wait and retry has a limit in `model::limits`, with its unit and its reason.
//! 6. Time and randomness are passed in ([`clock`]).
//! 7. A secret exists in clear only inside [`gate`].
//! 8. Every write to shared state carries the fence of a lease, and the gate asks for the lease right before it sends.
//! 9. At every commit, per flow: read = written + unchanged + skipped + held + exceptions + dead letters + in flight.
//! 10. Everything stored belongs to one tenant, and no query crosses tenants.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod engine;
pub mod gate;
pub mod kit;
pub mod pack;
pub mod store;
