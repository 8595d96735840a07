//! What bytes are, and what a component shows of itself.

use crate::profile;
use tollgate_core::model::{limits, manifest};
use wasmparser::{Encoding, Parser, Payload, Validator};

/// All interfaces of the contract stand under this name.
pub(super) const PACKAGE: &str = "tollgate:plugin/";

/// What the outside of a component shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Sorted by name.
    pub(super) imports: Vec<Item>,
    /// Sorted by name.
    pub(super) exports: Vec<Item>,
    /// Every section that is named like a manifest.
    pub(super) manifests: Vec<Section>,
}

/// An import or export.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    /// Its name in the binary.
    pub(super) name: String,
    /// `instance`, `func`, ..
    pub(super) kind: &'static str,
}

/// A custom section.
#[derive(Debug)]
pub(super) struct Section {
    /// Its bytes.
    pub(super) data: Vec<u8>,
    /// Whether it belongs to the component itself and not to a part of it.
    pub(super) is_outermost: bool,
}

/// The interface behind a name of the contract that this host speaks: `http` of `tollgate:plugin/http@0.1.3`.
pub(super) fn interface(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    let patch = version.strip_prefix("0.1.")?;
    (!patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit())).then_some(interface)
}

/// Whether the bytes are a whole component, by their outermost structure.
pub(super) fn is_component(bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if bytes.len() > limits::COMPONENT_BYTES_MAX {
        return Err(format!("the file has {} bytes; at most {}", bytes.len(), limits::COMPONENT_BYTES_MAX));
    }
    match bytes.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => sections_are_whole(bytes),
        Some(b"\0asm\x01\0\0\0") => {
            Err("this is a core module, not a component: run `tollgate plugin build`, which makes one".into())
        }
        Some(header) if header.starts_with(b"\0asm") => {
            Err(format!("this is WebAssembly of a kind that this host does not know (header {})", hex::encode(header)))
        }
        None if b"\0asm\x0d\0\x01\0".starts_with(bytes) => {
            Err(format!("the file is truncated: a component's header has 8 bytes, {} are there", bytes.len()))
        }
        _ => Err(format!("this is not WebAssembly: it looks like {}", looks_like(bytes))),
    }
}

fn looks_like(bytes: &[u8]) -> &'static str {
    const SIGNS: &[(&[u8], &str)] = &[
        (b"\x7fELF", "native code (ELF); native or precompiled code is never taken"),
        (b"MZ", "a Windows program"),
        (b"\xcf\xfa\xed\xfe", "a macOS program"),
        (b"PK\x03\x04", "a zip archive; unpack it and give the .wasm file"),
        (b"\x1f\x8b", "a gzip archive; unpack it and give the .wasm file"),
        (b"(module", "WebAssembly text; give the binary"),
        (b"(component", "WebAssembly text; give the binary"),
        (b"#!", "a script"),
    ];
    if let Some((_, kind)) = SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign)) {
        return kind;
    }
    let start = &bytes[..bytes.len().min(512)];
    let is_text = match std::str::from_utf8(start) {
        Ok(text) => !text.contains('\0'),
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    if is_text { "text" } else { "binary data of an unknown kind" }
}

/// Walks the outermost sections: each must lie within the file. Says of a cut file where it was cut, which the
/// validator does not.
fn sections_are_whole(bytes: &[u8]) -> Result<(), String> {
    let mut at = 8;
    while at < bytes.len() {
        let cut =
            || format!("the file is truncated: the section at byte {at} ends beyond the file's {} bytes", bytes.len());
        let (size, size_bytes) = match leb128(&bytes[at + 1..]) {
            Leb::Value(size, length) => (size, length),
            Leb::Cut => return Err(cut()),
            Leb::Wrong => {
                return Err(format!("this is not a valid component: the section at byte {at} has no valid size"));
            }
        };
        let end = at + 1 + size_bytes + size as usize;
        if end > bytes.len() {
            return Err(cut());
        }
        at = end;
    }
    Ok(())
}

enum Leb {
    Value(u32, usize),
    Cut,
    Wrong,
}

fn leb128(bytes: &[u8]) -> Leb {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return u32::try_from(value).map_or(Leb::Wrong, |value| Leb::Value(value, index + 1));
        }
    }
    if bytes.len() < 5 { Leb::Cut } else { Leb::Wrong }
}

/// Validates the component with the features of the engine's profile and reads what it shows.
pub(super) fn read(bytes: &[u8]) -> Result<Shown, String> {
    Validator::new_with_features(profile::features()).validate_all(bytes).map_err(invalid)?;
    let mut shown = Shown::default();
    let (mut depth, mut parts) = (0, 0);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        match payload {
            Payload::Version { encoding, .. } => {
                depth += 1;
                parts += 1;
                debug_assert!(depth > 1 || encoding == Encoding::Component, "the header was checked before");
            }
            Payload::End(_) => depth -= 1,
            Payload::CustomSection(section) if section.name() == manifest::SECTION => {
                shown.manifests.push(Section { data: section.data().to_vec(), is_outermost: depth == 1 });
            }
            Payload::MemorySection(memories) => memories_fit(memories)?,
            Payload::TableSection(tables) => tables_fit(tables)?,
            payload if depth == 1 => note(&payload, &mut shown).map_err(invalid)?,
            _ => {}
        }
    }
    if parts > limits::COMPONENT_PARTS_MAX {
        return Err(format!("the component has {parts} parts; at most {}", limits::COMPONENT_PARTS_MAX));
    }
    shown.imports.sort();
    shown.exports.sort();
    Ok(shown)
}

fn invalid(error: wasmparser::BinaryReaderError) -> String {
    format!("this is not a valid component: {error}")
}

/// What a module demands at its start must fit into one call; what it asks for later is bounded then.
fn memories_fit(memories: wasmparser::MemorySectionReader<'_>) -> Result<(), String> {
    for memory in memories {
        let bytes = memory.map_err(invalid)?.initial.saturating_mul(65_536);
        if bytes > limits::GUEST_MEMORY_BYTES_MAX as u64 {
            return Err(format!(
                "the component starts with {bytes} bytes of memory; at most {}",
                limits::GUEST_MEMORY_BYTES_MAX
            ));
        }
    }
    Ok(())
}

fn tables_fit(tables: wasmparser::TableSectionReader<'_>) -> Result<(), String> {
    for table in tables {
        let elements = table.map_err(invalid)?.ty.initial;
        if elements > limits::GUEST_TABLE_ELEMENTS_MAX as u64 {
            let most = limits::GUEST_TABLE_ELEMENTS_MAX;
            return Err(format!("the component starts with a table of {elements} elements; at most {most}"));
        }
    }
    Ok(())
}

fn note(payload: &Payload<'_>, shown: &mut Shown) -> wasmparser::Result<()> {
    match payload {
        Payload::ComponentImportSection(imports) => {
            for import in imports.clone() {
                let import = import?;
                shown.imports.push(Item { name: import.name.name.to_owned(), kind: import.ty.kind().desc() });
            }
        }
        Payload::ComponentExportSection(exports) => {
            for export in exports.clone() {
                let export = export?;
                shown.exports.push(Item { name: export.name.name.to_owned(), kind: export.kind.desc() });
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only interfaces of the contract's version count; look-alikes, other packages and other versions do not.
    #[test]
    fn names_are_read_strictly() {
        let cases = [
            ("tollgate:plugin/http@0.1.0", Some("http")),
            ("tollgate:plugin/http@0.1.12", Some("http")),
            ("tollgate:plugin/http@0.2.0", None),
            ("tollgate:plugin/http@0.1.0-rc", None),
            ("tollgate:plugin/http@0.1.", None),
            ("tollgate:plugin/http", None),
            ("tollgate:plugins/http@0.1.0", None),
            ("wasi:http/types@0.2.6", None),
            ("http", None),
        ];
        for (name, expected) in cases {
            assert_eq!(interface(name), expected, "{name}");
        }
    }

    /// Sizes are read like the format says: at most five bytes, at most 32 bits.
    #[test]
    fn sizes_are_bounded() {
        assert!(matches!(leb128(&[0x05]), Leb::Value(5, 1)));
        assert!(matches!(leb128(&[0x80, 0x01]), Leb::Value(128, 2)));
        assert!(matches!(leb128(&[0x80]), Leb::Cut));
        assert!(matches!(leb128(&[]), Leb::Cut));
        assert!(matches!(leb128(&[0xff; 5]), Leb::Wrong));
        assert!(matches!(leb128(&[0xff, 0xff, 0xff, 0xff, 0x7f]), Leb::Wrong));
    }
}
