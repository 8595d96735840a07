//! Guests for tests: crates of this workspace, built and packed as a vendor would.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tollgate::pack;
use tollgate_core::model::Digest;

/// The component of the plugin crate `plugins/<name>` or `tests/guests/<name>`, built at most once per process; a build
/// with nothing to do costs cargo a fraction of a second, and cargo's own lock keeps processes apart.
///
/// # Panics
/// There is no such crate, or it does not build; the message is the vendor's.
pub fn component(name: &str) -> Vec<u8> {
    static BUILT: Mutex<Option<HashMap<String, Vec<u8>>>> = Mutex::new(None);
    // One at a time: cargo would serialise them anyway.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    if let Some(bytes) = built.get(name) {
        return bytes.clone();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the workspace");
    let places = [root.join("plugins").join(name), root.join("tests/guests").join(name)];
    let crate_dir = places.iter().find(|place| place.is_dir()).unwrap_or_else(|| panic!("there is no guest `{name}`"));
    eprintln!("building the guest {name} ..");
    let options = pack::Options { target_dir: Some(target_dir(root)) };
    let plugin = pack::build(crate_dir, &options).unwrap_or_else(|error| panic!("guest {name}: {error}"));
    built.insert(name.to_owned(), plugin.bytes.clone());
    plugin.bytes
}

/// A folder of this workspace alone: modules have no hash in their names, so two checkouts that share a target folder
/// would overwrite each other's.
fn target_dir(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let checkout = Digest::of(root.as_os_str().as_encoded_bytes());
    target.join("guests").join(format!("{:?}", checkout).replace("sha256:", ""))
}
