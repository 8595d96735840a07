//! Instants, years 1 to 9999.
//!
//! Formats: `rfc3339`, printed in UTC with the digits that there are; `salesforce`
//! `2026-11-21T10:00:00.000+0000` and `epoch-ms`, both printed to the millisecond, which is all that they can hold.

use super::{Format, Refusal, Scalar};
use crate::model::{Json, json};
use jiff::{Timestamp, tz::TimeZone};

pub(super) fn read(value: &Scalar<'_>, format: Format) -> Result<Timestamp, Refusal> {
    let text = value.text();
    let (at, wanted) = match format {
        Format::Salesforce => (salesforce(&text), "an instant as 2026-11-21T10:00:00.000+0000"),
        Format::EpochMs => (epoch(&text), "an instant in milliseconds since 1970, UTC"),
        _ => (rfc3339(&text), "an instant as 2026-11-21T10:00:00Z (RFC 3339, with an offset)"),
    };
    at.filter(|at| (1..=9999).contains(&at.to_zoned(TimeZone::UTC).year()))
        .ok_or_else(|| Refusal::form("date_time", value, wanted))
}

/// RFC 3339 section 5.6. The form is checked here, because the library's reader takes more than that.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let rest = prefix(text)?;
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            (offset.len() < fraction.len()).then_some(offset)?
        }
        None => rest,
    };
    (matches!(offset, "Z" | "z") || is_like(offset, "+00:00")).then(|| text.parse().ok()).flatten()
}

/// What Salesforce's REST API writes: milliseconds, and an offset without a colon.
fn salesforce(text: &str) -> Option<Timestamp> {
    let rest = prefix(text)?;
    if !is_like(rest, ".000+0000") {
        return None;
    }
    let (head, minutes) = text.split_at_checked(text.len() - 2)?;
    format!("{head}:{minutes}").parse().ok()
}

/// What follows date and time to the second.
fn prefix(text: &str) -> Option<&str> {
    let (head, rest) = text.split_at_checked(19)?;
    (is_like(head, "0000-00-00T00:00:00") || is_like(head, "0000-00-00t00:00:00")).then_some(rest)
}

/// Whether `text` has digits where the pattern has `0`, a sign where it has `+`, and its own characters elsewhere.
fn is_like(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, place)| match place {
            b'0' => byte.is_ascii_digit(),
            b'+' => matches!(byte, b'+' | b'-'),
            other => byte == other,
        })
}

fn epoch(text: &str) -> Option<Timestamp> {
    let ms = json::decimal(text)?.to_string().parse().ok()?;
    Timestamp::from_millisecond(ms).ok()
}

pub(super) fn print(at: Timestamp, format: Format) -> Json {
    match format {
        Format::Salesforce => {
            // 24 characters and `Z`: the years are bounded to four digits.
            let text = format!("{at:.3}");
            Json::String(format!("{}+0000", text.trim_end_matches('Z')))
        }
        Format::EpochMs => Json::Number(at.as_millisecond().into()),
        _ => Json::String(at.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One instant in every format, with offsets; it prints in UTC.
    #[test]
    fn reads_and_prints() {
        for (format, text, printed) in [
            (Format::Rfc3339, "2026-11-21T12:00:00+02:00", "\"2026-11-21T10:00:00Z\""),
            (Format::Rfc3339, "2026-11-21t10:00:00.25z", "\"2026-11-21T10:00:00.25Z\""),
            (Format::Salesforce, "2026-11-21T10:00:00.000+0000", "\"2026-11-21T10:00:00.000+0000\""),
            (Format::Salesforce, "2026-11-21T05:00:00.125-0500", "\"2026-11-21T10:00:00.125+0000\""),
            (Format::EpochMs, "1795255200000", "1795255200000"),
        ] {
            let at = read(&Scalar::Text(text.into()), format).unwrap_or_else(|refusal| panic!("{}", refusal.message));
            assert_eq!(print(at, format).to_string(), printed, "{text}");
        }
        assert_eq!(
            read(&Scalar::Text("2026-11-21T10:00:00Z".into()), Format::Rfc3339),
            read(&Scalar::Number("1795255200000"), Format::EpochMs)
        );
    }

    /// No instant is guessed: a missing offset, another form or a day alone is refused.
    #[test]
    fn refuses() {
        for (format, text) in [
            (Format::Rfc3339, "2026-11-21T10:00:00"),
            (Format::Rfc3339, "2026-11-21 10:00:00Z"),
            (Format::Rfc3339, "2026-11-21T10:00Z"),
            (Format::Rfc3339, "2026-11-21"),
            (Format::Rfc3339, "2026-11-21T10:00:00.Z"),
            (Format::Rfc3339, "2026-11-21T25:00:00Z"),
            (Format::Rfc3339, "0000-11-21T10:00:00Z"),
            (Format::Rfc3339, "2026-11-21T10:00:00+02:00[Europe/Paris]"),
            (Format::Salesforce, "2026-11-21T10:00:00Z"),
            (Format::Salesforce, "2026-11-21T10:00:00.000+00é"),
            (Format::EpochMs, "1e30"),
        ] {
            assert!(read(&Scalar::Text(text.into()), format).is_err(), "{text}");
        }
    }
}
