//! Path templates of routes.

/// Whether `path` is a usable template.
///
/// # Errors
/// Says what is wrong with it.
pub fn verify_template(path: &str) -> Result<(), String> {
    if path.starts_with('/') { Ok(()) } else { Err("must start with `/`".into()) }
}
