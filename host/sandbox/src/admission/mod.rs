//! Admission: whether a file may become a plugin, decided from its bytes alone. No guest code is compiled or run.
//!
//! The way through: `shape.rs` says what the bytes are and reads what the component shows (imports, exports, sections);
//! `explain.rs` compares that with the manifest. The binary decides, the manifest explains: one that claims less than
//! the binary shows is refused, and so is one that claims more, because a reviewer reads the manifest.
//!
//! Invariant: an [`Admitted`] exists only for bytes that passed; its fields cannot be changed from outside.

mod explain;
mod shape;

use std::fmt;
use std::sync::Arc;
use tollgate_core::model::{Digest, Manifest};

/// A component that may be loaded: its bytes are what was checked.
#[derive(Clone, Debug)]
pub struct Admitted {
    digest: Digest,
    manifest: Arc<Manifest>,
    manifest_text: Arc<str>,
    imports: Vec<String>,
    exports: Vec<String>,
    bytes: Arc<[u8]>,
}

impl Admitted {
    /// The SHA-256 of the bytes: the plugin's name.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the vendor says of it; agrees with the binary.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest as the vendor wrote it.
    pub fn manifest_text(&self) -> &str {
        &self.manifest_text
    }

    /// All that it imports, as the binary names it (`tollgate:plugin/http@0.1.0`), sorted.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// All that it exports, as the binary names it, sorted.
    pub fn exports(&self) -> &[String] {
        &self.exports
    }

    /// The component.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Whether the binary exports this interface (`source`).
    pub fn exports_interface(&self, interface: &str) -> bool {
        self.exports.iter().any(|name| shape::interface(name) == Some(interface))
    }
}

/// Why a file may not become a plugin: every reason, not only the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    reasons: Vec<String>,
}

impl Refusal {
    /// One sentence per reason; at least one.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    fn one(reason: impl Into<String>) -> Self {
        Self { reasons: vec![reason.into()] }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [reason] = self.reasons.as_slice() {
            return write!(f, "not admitted: {reason}");
        }
        write!(f, "not admitted, for {} reasons:", self.reasons.len())?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n- {reason}"))
    }
}

/// Decides whether these bytes may become a plugin.
///
/// # Errors
/// All reasons why not. Bytes that are no valid component have one reason; of a component, everything that its imports,
/// exports and manifest show is reported at once.
pub fn admit(bytes: &[u8]) -> Result<Admitted, Refusal> {
    shape::is_component(bytes).map_err(Refusal::one)?;
    let shown = shape::read(bytes).map_err(Refusal::one)?;
    let (manifest, reasons) = explain::verify(&shown);
    match manifest {
        Some(manifest) if reasons.is_empty() => Ok(Admitted {
            digest: Digest::of(bytes),
            manifest: Arc::new(manifest),
            // It was read as UTF-8 just now, so nothing is replaced here.
            manifest_text: shown
                .manifests
                .iter()
                .map(|section| String::from_utf8_lossy(&section.data))
                .collect::<String>()
                .into(),
            imports: shown.imports.into_iter().map(|item| item.name).collect(),
            exports: shown.exports.into_iter().map(|item| item.name).collect(),
            bytes: bytes.into(),
        }),
        _ => Err(Refusal { reasons }),
    }
}
