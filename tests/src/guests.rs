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
    eprintln!("building the guest {name} ..");
    let plugin = pack::build(&crate_dir(name), &options()).unwrap_or_else(|error| panic!("guest {name}: {error}"));
    built.insert(name.to_owned(), plugin.bytes.clone());
    plugin.bytes
}

/// The component of this plugin crate with another manifest: what `change` makes of the text of its own.
///
/// # Panics
/// As [`component`]; the changed manifest is refused.
pub fn component_with(name: &str, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let plugin = pack::build(&crate_dir(name), &options()).unwrap_or_else(|error| panic!("guest {name}: {error}"));
    // `x.plugin.wasm` lies beside the compiled module `x.wasm`.
    let module = plugin.component.with_extension("").with_extension("wasm");
    let module = std::fs::read(&module).unwrap_or_else(|error| panic!("{}: {error}", module.display()));
    let manifest = std::fs::read_to_string(crate_dir(name).join("plugin.toml")).expect("a plugin has a manifest");
    pack::encode(&module, &change(manifest)).unwrap_or_else(|error| panic!("guest {name}: {error}"))
}

/// The component with other words in its manifest: another plugin with the same code. Both texts are of one length, so that
/// the section stays what it is.
///
/// # Panics
/// The lengths differ, or the manifest does not hold the text exactly once.
pub fn reworded(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "{from} and {to}");
    let places: Vec<usize> = memchr::memmem::find_iter(component, from).collect();
    let [place] = places[..] else { panic!("{from} stands {} times in the component", places.len()) };
    let mut reworded = component.to_vec();
    reworded[place..place + to.len()].copy_from_slice(to.as_bytes());
    reworded
}

/// The folder of the crate `plugins/<name>` or `tests/guests/<name>`.
///
/// # Panics
/// There is no such crate.
pub fn crate_dir(name: &str) -> PathBuf {
    let places = ["plugins", "tests/guests"].map(|place| root().join(place).join(name));
    places.into_iter().find(|place| place.is_dir()).unwrap_or_else(|| panic!("there is no guest `{name}`"))
}

/// Builds into a folder of this checkout alone: modules have no hash in their names, so two checkouts that share a
/// target folder would overwrite each other's.
pub fn options() -> pack::Options {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let checkout = Digest::of(root().as_os_str().as_encoded_bytes());
    let target_dir = target.join("guests").join(hex::encode(&checkout.0[..4]));
    pack::Options { target_dir: Some(target_dir), version: None }
}

/// The folder of this checkout.
///
/// # Panics
/// Never: the tests stand in the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the workspace")
}
