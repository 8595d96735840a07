//! Days of the calendar, years 1 to 9999.
//!
//! Formats: `iso` `2017-03-01`, `us` `03/01/2017`, `compact` `20170301`, `epoch-ms` (a whole day in UTC). The form is
//! exact: a day is never guessed from another order of its parts.

use super::{Format, Refusal, Scalar};
use crate::model::{Json, json};
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

pub(super) fn read(value: &Scalar<'_>, format: Format) -> Result<Date, Refusal> {
    let text = value.text();
    let (day, wanted) = match format {
        Format::Us => (parts(&text, "MM/DD/YYYY"), "a day as MM/DD/YYYY"),
        Format::Compact => (parts(&text, "YYYYMMDD"), "a day as YYYYMMDD"),
        Format::EpochMs => {
            (epoch(&text), "a whole day in milliseconds since 1970, UTC; an instant has the type `date_time`")
        }
        _ => (parts(&text, "YYYY-MM-DD"), "a day as YYYY-MM-DD"),
    };
    day.ok_or_else(|| Refusal::form("date", value, wanted))
}

/// Reads digits where the pattern has letters, and the pattern's own characters elsewhere.
fn parts(text: &str, pattern: &str) -> Option<Date> {
    if text.len() != pattern.len() {
        return None;
    }
    let (mut year, mut month, mut day) = (0_i16, 0_i8, 0_i8);
    for (byte, place) in text.bytes().zip(pattern.bytes()) {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'));
        match place {
            b'Y' => year = year * 10 + i16::from(digit?),
            b'M' => month = month * 10 + i8::try_from(digit?).ok()?,
            b'D' => day = day * 10 + i8::try_from(digit?).ok()?,
            other if other == byte => {}
            _ => return None,
        }
    }
    (year > 0).then(|| Date::new(year, month, day).ok()).flatten()
}

fn epoch(text: &str) -> Option<Date> {
    let ms = json::decimal(text)?.to_string().parse().ok()?;
    let at = Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::UTC);
    let day = at.date();
    (at.time() == jiff::civil::Time::midnight() && (1..=9999).contains(&day.year())).then_some(day)
}

pub(super) fn print(day: Date, format: Format) -> Json {
    let (year, month, date) = (day.year(), day.month(), day.day());
    match format {
        Format::Us => Json::String(format!("{month:02}/{date:02}/{year:04}")),
        Format::Compact => Json::String(format!("{year:04}{month:02}{date:02}")),
        Format::EpochMs => {
            let days = (day - Date::constant(1970, 1, 1)).get_days();
            Json::Number((i64::from(days) * 86_400_000).into())
        }
        _ => Json::String(format!("{year:04}-{month:02}-{date:02}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every format reads its own form of one day, and no other form (MAP-05, MAP-08).
    #[test]
    fn reads() {
        let day = jiff::civil::date(2017, 3, 1);
        for (format, text) in [
            (Format::Iso, "2017-03-01"),
            (Format::Us, "03/01/2017"),
            (Format::Compact, "20170301"),
            (Format::EpochMs, "1488326400000"),
        ] {
            assert_eq!(read(&Scalar::Text(text.into()), format), Ok(day));
            assert_eq!(read(&Scalar::Number("20170301"), format).is_ok(), format == Format::Compact);
            for other in [Format::Iso, Format::Us, Format::Compact, Format::EpochMs] {
                assert_eq!(
                    read(&Scalar::Text(text.into()), other).is_ok(),
                    other == format,
                    "{text} as {}",
                    other.name()
                );
            }
        }
    }

    /// Days that do not exist, other orders and hours are refused; the message says the form that is wanted.
    #[test]
    fn refuses() {
        for (format, text) in [
            (Format::Iso, "2017-02-29"),
            (Format::Iso, "2017-3-1"),
            (Format::Iso, "0000-01-01"),
            (Format::Iso, "2017-03-01T00:00:00Z"),
            (Format::Iso, "２０17-03-01"),
            (Format::Us, "13/01/2017"),
            (Format::EpochMs, "1488326400001"),
            (Format::EpochMs, "99999999999999999999"),
            (Format::EpochMs, "1.5"),
        ] {
            assert!(read(&Scalar::Text(text.into()), format).is_err(), "{text}");
        }
        let refusal = read(&Scalar::Text("3/1/17".into()), Format::Us).unwrap_err();
        assert!(refusal.message.starts_with("date `3/1/17` is not a day as MM/DD/YYYY; "), "{}", refusal.message);
    }
}
