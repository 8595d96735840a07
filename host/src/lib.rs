//! Tollgate: a self-hosted WebAssembly plugin host for connectors.
//!
//! The rooms, in the direction of imports: [`clock`] and [`store`] know nobody; [`gate`] is the one door to the world;
//! [`engine`] decides what happens next; [`app`] knows them all.

pub mod app;
pub mod cli;
pub mod clock;
pub mod engine;
pub mod gate;
pub mod pack;
pub mod store;
