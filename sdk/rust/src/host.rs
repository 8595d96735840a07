//! The one seam to the host: its imports in a guest, the scripted host of a test natively.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{
    config, follow, left, list_names, log, now_ms, random, read_file, rename_file, send, send_all, write_file,
};

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::tollgate::plugin::{
    clock::now_ms,
    config::get as config,
    files::{list_names, read as read_file, rename as rename_file, write as write_file},
    http::{follow, send, send_all},
    limits::left,
    log::write as log,
    random::bytes as random,
};
