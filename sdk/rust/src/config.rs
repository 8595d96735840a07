//! The connection's settings, and what is left to this call.

use crate::{Failure, Json, Result, host};

pub use crate::bindings::tollgate::plugin::limits::Allowance;

/// One setting; none if it is absent or `null`.
///
/// # Errors
/// [`Failure::Fault`] if the host gave no JSON object.
pub fn get(name: &str) -> Result<Option<Json>> {
    let mut settings = crate::json::parse(&host::config())?;
    if !settings.is_object() {
        return Err(Failure::Fault("the settings are no JSON object".into()));
    }
    Ok(settings.get_mut(name).map(Json::take).filter(|value| !value.is_null()))
}

/// A text setting.
///
/// # Errors
/// [`Failure::Misconfigured`] if it is absent or no text.
pub fn text(name: &str) -> Result<String> {
    match get(name)? {
        Some(Json::String(text)) => Ok(text),
        Some(_) => Err(Failure::Misconfigured(format!("setting `{name}`: write a text"))),
        None => Err(Failure::Misconfigured(format!("setting `{name}` is missing: add it to the connection"))),
    }
}

/// What is left to this call: requests, milliseconds, records, bytes of answers.
pub fn left() -> Allowance {
    host::left()
}
