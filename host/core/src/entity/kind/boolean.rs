//! True and false: JSON booleans, or the words `true` and `false` in any case.

use super::{Refusal, Scalar};

pub(super) fn read(value: &Scalar<'_>) -> Result<bool, Refusal> {
    match value {
        Scalar::Boolean(value) => Ok(*value),
        Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(Refusal::new(
            "boolean",
            format!("boolean {other} is neither true nor false; translate it by a table, or mend it at the source"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what says true or false is one; 0, 1, yes and no need a table.
    #[test]
    fn reads() {
        for (value, expected) in [
            (Scalar::Boolean(true), Some(true)),
            (Scalar::Text("FALSE".into()), Some(false)),
            (Scalar::Text("yes".into()), None),
            (Scalar::Number("1"), None),
        ] {
            assert_eq!(read(&value).ok(), expected, "{value}");
        }
    }
}
