//! Text, as it is: every character survives. A number or boolean becomes the text that it prints as.

use super::Scalar;

pub(super) fn read(value: &Scalar<'_>) -> String {
    value.text().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text keeps every character (MAP-16); numbers have one text, whatever their spelling.
    #[test]
    fn reads() {
        for (value, text) in [
            (Scalar::Text("Zürich 🚚 \u{202e}\"<&".into()), "Zürich 🚚 \u{202e}\"<&"),
            (Scalar::Number("1996.0"), "1996"),
            (Scalar::Number("12345678901234567890123456789012345678901"), "12345678901234567890123456789012345678901"),
            (Scalar::Boolean(true), "true"),
        ] {
            assert_eq!(read(&value), text);
        }
    }
}
