//! Instants as text (RFC 3339, UTC, milliseconds) and the host's clock, which stands still while the plugin computes.

use crate::{Failure, Result, host};
use jiff::{SignedDuration, Timestamp};

/// Milliseconds since 1970 at the last host call; in `write` and `settle` one instant for the whole call.
pub fn now_ms() -> u64 {
    host::now_ms()
}

/// The instant as `2026-11-21T10:00:00.000Z`, from any spelling with a zone (`+0000`, `+01:00`, `Z`).
///
/// # Errors
/// [`Failure::Fault`] if the text is no instant.
pub fn rfc3339(text: &str) -> Result<String> {
    parse(text).map(print)
}

/// The instant this many milliseconds earlier; the earliest that can be written if there is none.
///
/// # Errors
/// [`Failure::Fault`] if the text is no instant.
pub fn before(text: &str, ms: u32) -> Result<String> {
    let instant = parse(text)?;
    Ok(print(instant.checked_sub(SignedDuration::from_millis(i64::from(ms))).unwrap_or(Timestamp::MIN)))
}

/// The instant this many milliseconds after 1970 began; the last that can be written if it is later.
pub fn at_ms(ms: u64) -> String {
    let instant = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    print(instant.unwrap_or(Timestamp::MAX))
}

fn parse(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|_| Failure::Fault(format!("`{text}` is no instant")))
}

fn print(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every spelling of an instant becomes the same text; a text without a zone is refused.
    #[test]
    fn spellings() {
        for spelling in [
            "2026-11-21T10:00:00.000+0000",
            "2026-11-21T10:00:00Z",
            "2026-11-21T11:00:00.000+01:00",
            "2026-11-21 10:00:00.0004Z",
        ] {
            assert_eq!(rfc3339(spelling).unwrap(), "2026-11-21T10:00:00.000Z", "{spelling}");
        }
        for spelling in ["2026-11-21T10:00:00", "2026-11-21", "", "yesterday"] {
            assert!(rfc3339(spelling).is_err(), "{spelling}");
        }
    }

    /// Looking back crosses days and years.
    #[test]
    fn looking_back() {
        assert_eq!(before("2026-01-01T00:00:00Z", 1).unwrap(), "2025-12-31T23:59:59.999Z");
        assert_eq!(before("2026-11-21T10:00:00.500Z", 60_000).unwrap(), "2026-11-21T09:59:00.500Z");
        assert_eq!(at_ms(1_795_255_200_007), "2026-11-21T10:00:00.007Z");
        assert!(at_ms(u64::MAX).starts_with("9999-12-"), "{}", at_ms(u64::MAX));
    }
}
