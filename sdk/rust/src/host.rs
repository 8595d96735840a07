//! The one seam to the host: its imports in a guest, the scripted host of a test natively.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{config, follow, left, log, now_ms, random, send, send_all};

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::tollgate::plugin::{
    clock::now_ms,
    config::get as config,
    http::{follow, send, send_all},
    limits::left,
    log::write as log,
    random::bytes as random,
};
