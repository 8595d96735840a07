//! Simulators of the vendors' clouds: the judges of every test, the demo and the benchmarks.
//!
//! A simulator holds its data in memory behind one mutex and has two doors: an HTTPS listener that speaks as the vendor
//! does (limits, validation, error bodies and quirks included), and a plain HTTP listener for the test itself, with the
//! ledger of what truly happened, faults on command and edits of the data. Nothing that our side claims is believed.
//!
//! - [`server`]: the listeners, what all vendors have in common on the wire;
//! - [`faults`]: misbehaviour on command, seeded;
//! - [`traffic`], [`writes`]: what came in and what became of it, counted;
//! - [`control`]: the door for the test;
//! - [`client`]: a plain HTTPS client for the simulators' own tests;
//! - [`salesforce`], [`netsuite`], [`hubspot`]: the vendors.
//!
//! Invariant: a simulator never asks the product anything. Facts come from its own data only.

pub mod client;
pub mod control;
pub mod faults;
pub mod hubspot;
pub mod netsuite;
pub mod salesforce;
pub mod server;
pub mod time;
pub mod traffic;
pub mod writes;

pub use faults::{Fault, FaultKind, Faults, On};
pub use hubspot::HubSpot;
pub use netsuite::NetSuite;
pub use salesforce::Salesforce;
pub use server::{Sim, Vendor};
pub use time::{Clock, Stamps};

/// One JSON value; numbers keep their text.
pub type Json = serde_json::Value;

/// A sum of money as text: exact, never fewer than two decimals.
#[must_use]
pub fn money(mut sum: rust_decimal::Decimal) -> String {
    if sum.scale() < 2 {
        sum.rescale(2);
    }
    sum.to_string()
}
