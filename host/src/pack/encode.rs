//! A core module and a manifest become a component.

use super::{Error, guilty};
use tollgate_core::model::manifest;
use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::ComponentEncoder;

/// Makes the component and embeds the manifest's text as it stands. Does not judge: admission does.
///
/// # Errors
/// The module imports functions outside the contract, or was not built against the contract at all.
pub fn encode(core_module: &[u8], manifest_text: &str) -> Result<Vec<u8>, Error> {
    let foreign = guilty::find(core_module).map_err(|error| Error::Encode(error.to_string()))?;
    if !foreign.is_empty() {
        return Err(Error::Foreign(foreign));
    }
    let component = ComponentEncoder::default()
        .validate(true)
        .module(core_module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| Error::Encode(format!("{error:#}")))?;
    Ok(with_manifest(component, manifest_text))
}

fn with_manifest(mut component: Vec<u8>, manifest_text: &str) -> Vec<u8> {
    CustomSection { name: manifest::SECTION.into(), data: manifest_text.as_bytes().into() }
        .append_to_component(&mut component);
    component
}
