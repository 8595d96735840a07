//! The simulators' time: what is now, and the stamps that written records get.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The stamp of records that were there before anything began: 2026-01-05T08:00:00Z.
pub const LOADED_MS: i64 = 1_767_600_000_000;

/// Where a simulator reads the time: the machine's clock, or one that the test sets.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Milliseconds since 1970 that the test sets; shared by all who hold a clone.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at this time until the test moves it.
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        Self::Set(Arc::new(AtomicI64::new(now_ms)))
    }

    /// Milliseconds since 1970.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a simulator asks the product nothing, the time neither")]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            Self::Set(now) => now.load(Ordering::SeqCst),
        }
    }

    /// Moves a set clock forward; the machine's clock stays as it is.
    pub fn advance(&self, by_ms: i64) {
        if let Self::Set(now) = self {
            now.fetch_add(by_ms, Ordering::SeqCst);
        }
    }
}

/// How fine a vendor's modification stamps are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// Each transaction gets a stamp of its own, one millisecond or more after the last.
    Strict,
    /// Whole seconds, as the vendors really store them: transactions within one second share a stamp.
    Seconds,
}

/// Hands out stamps that never go back: a record written later never gets an older one.
#[derive(Debug)]
pub struct Stamper {
    clock: Clock,
    stamps: Stamps,
    last_ms: i64,
}

impl Stamper {
    /// A stamper whose first stamp is not older than `floor_ms`.
    #[must_use]
    pub fn new(clock: Clock, stamps: Stamps, floor_ms: i64) -> Self {
        Self { clock, stamps, last_ms: floor_ms }
    }

    /// The stamp of a vendor's own transaction.
    pub fn write(&mut self) -> i64 {
        let now = self.clock.now_ms();
        self.last_ms = match self.stamps {
            Stamps::Strict => now.max(self.last_ms + 1),
            Stamps::Seconds => (now - now.rem_euclid(1_000)).max(self.last_ms),
        };
        self.last_ms
    }

    /// The stamp of an edit by the test: later than all before it even where seconds are shared, so that a reader who
    /// has already seen that second still finds it.
    pub fn edit(&mut self) -> i64 {
        let last = self.last_ms;
        let stamp = self.write();
        if stamp == last {
            self.last_ms = last + 1_000;
        }
        self.last_ms
    }

    /// Raises the floor: no later stamp is older than this one.
    pub fn floor(&mut self, floor_ms: i64) {
        self.last_ms = self.last_ms.max(floor_ms);
    }

    /// The clock behind the stamps.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// A civil time of day in UTC: year, month, day, hour, minute, second, millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: i64,
    /// Day, 1 to 31.
    pub day: i64,
    /// Hour, 0 to 23.
    pub hour: i64,
    /// Minute.
    pub minute: i64,
    /// Second.
    pub second: i64,
    /// Millisecond.
    pub millisecond: i64,
}

/// The civil time of milliseconds since 1970. By hand, because it runs three times for every record that is read.
#[must_use]
pub fn civil(ms: i64) -> Civil {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // Days are counted from 0000-03-01, so that the leap day is the last of its year (Hinnant, "chrono-compatible
    // low-level date algorithms").
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
        hour: rest / 3_600_000,
        minute: rest / 60_000 % 60,
        second: rest / 1_000 % 60,
        millisecond: rest % 1_000,
    }
}

/// Milliseconds since 1970 of a timestamp with an offset (`2026-11-21T10:00:00Z`, `..+01:00`, `..+0000`).
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<i64> {
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Some(stamp.as_millisecond());
    }
    let stamp = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?.to_timestamp().ok()?;
    Some(stamp.as_millisecond())
}

/// Whether a text is a calendar date `YYYY-MM-DD`.
#[must_use]
pub fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The civil time must agree with a calendar library on days around leap years, centuries and the epoch.
    #[test]
    fn civil_time_agrees_with_the_calendar() {
        for day in (-40_000..40_000).step_by(13) {
            let ms = day * 86_400_000 + 45_296_789;
            let stamp = jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
            let got = civil(ms);
            let want = (i64::from(stamp.year()), i64::from(stamp.month()), i64::from(stamp.day()));
            assert_eq!((got.year, got.month, got.day), want, "day {day}");
            assert_eq!((got.hour, got.minute, got.second, got.millisecond), (12, 34, 56, 789));
        }
    }

    /// Stamps must never go back, whatever the clock does: in strict order each is later, in seconds an edit is.
    #[test]
    fn stamps_never_go_back() {
        let clock = Clock::at(10_500);
        let mut strict = Stamper::new(clock.clone(), Stamps::Strict, 0);
        assert_eq!((strict.write(), strict.write()), (10_500, 10_501));
        let mut seconds = Stamper::new(clock.clone(), Stamps::Seconds, 0);
        assert_eq!((seconds.write(), seconds.write(), seconds.edit()), (10_000, 10_000, 11_000));
        clock.advance(-9_000);
        assert_eq!((strict.write(), seconds.write()), (10_502, 11_000));
    }

    /// The vendors' spellings of an instant must all be read; a local time without an offset must not.
    #[test]
    fn timestamps_need_an_offset() {
        for text in ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000+0000", "2026-11-21T11:00:00+01:00"] {
            assert_eq!(parse_timestamp(text), Some(1_795_255_200_000), "{text}");
        }
        assert_eq!(parse_timestamp("2026-11-21T10:00:00"), None);
        assert!(is_date("2026-11-21") && !is_date("2026-02-30") && !is_date("2026-1-1"));
    }
}
