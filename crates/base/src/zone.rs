use jiff::civil;
use jiff::tz::{Disambiguation, TimeZone};

use crate::{Date, Period, Timestamp};

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// A time zone of the IANA database, whose rules are part of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone with this name, such as `Europe/Zurich` or `UTC`, in any case.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// The zone without summer time at longitude zero.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// What a clock shows there at a moment.
    pub(crate) fn at(&self, moment: Timestamp) -> Option<jiff::Zoned> {
        let moment = jiff::Timestamp::from_microsecond(moment.micros()).ok()?;
        Some(moment.to_zoned(self.0.clone()))
    }

    /// The day that it is there at a moment; `None` before the year 1.
    pub fn date(&self, moment: Timestamp) -> Option<Date> {
        date(self.local(moment)?.date())
    }

    /// The midnight, or the full hour, with which the period began there; `None` before the year 1. A midnight that a clock
    /// skips is the moment at which it is put forward, and of two the later one. Two hours of the same name are two.
    pub fn start_of(&self, period: Period, moment: Timestamp) -> Option<Timestamp> {
        let today = self.local(moment)?.date();
        let first = match period {
            Period::Hour => return self.start_of_hour(moment),
            Period::Day => today,
            Period::Week => {
                let days = i64::from(today.weekday().to_monday_zero_offset());
                today.checked_sub(jiff::Span::new().try_days(days).ok()?).ok()?
            }
            Period::Month => today.first_of_month(),
            Period::Quarter => civil::Date::new(today.year(), (today.month() - 1) / 3 * 3 + 1, 1).ok()?,
            Period::Year => today.first_of_year(),
        };
        let midnight = self.0.to_ambiguous_timestamp(first.at(0, 0, 0, 0));
        let moment = midnight.disambiguate(Disambiguation::Later).ok()?;
        Timestamp::from_micros(moment.as_microsecond())
    }

    fn start_of_hour(&self, moment: Timestamp) -> Option<Timestamp> {
        let at = jiff::Timestamp::from_microsecond(moment.micros()).ok()?;
        let local = moment.micros() + i64::from(self.0.to_offset(at).seconds()) * 1_000_000;
        Timestamp::from_micros(moment.micros() - local.rem_euclid(HOUR))
    }

    fn local(&self, moment: Timestamp) -> Option<civil::DateTime> {
        let moment = jiff::Timestamp::from_microsecond(moment.micros()).ok()?;
        Some(self.0.to_datetime(moment))
    }
}

fn date(of: civil::Date) -> Option<Date> {
    let days = of.since(civil::date(1970, 1, 1)).ok()?.get_days();
    Date::from_days(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::named(name).expect("a zone")
    }

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a moment")
    }

    #[test]
    fn zones_are_those_of_the_database() {
        for known in ["UTC", "Europe/Zurich", "america/new_york", "Pacific/Kiritimati"] {
            assert!(Zone::named(known).is_some(), "{known}");
        }
        for unknown in ["", "Europe/Zürich", "Mars/Base", "+02:00", "../etc/passwd", "EST5EDT,M3.2.0,M11.1.0"] {
            assert!(Zone::named(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let check = |at: &str, name: &str, expected: &str| {
            let date = zone(name).date(moment(at));
            assert_eq!(date.map_or("unknown".to_owned(), |date| date.to_string()), expected, "{at} {name}");
        };
        check("2026-01-31T23:30:00Z", "UTC", "2026-01-31");
        check("2026-01-31T23:30:00Z", "Europe/Zurich", "2026-02-01");
        check("2026-01-31T03:30:00Z", "America/New_York", "2026-01-30");
        check("0001-01-01T00:00:00Z", "UTC", "0001-01-01");
        check("0001-01-01T00:00:00Z", "America/New_York", "unknown");
        check("9999-12-30T22:00:00Z", "Pacific/Kiritimati", "9999-12-31");
    }

    #[test]
    fn periods_begin_at_midnight() {
        let check = |period: Period, at: &str, name: &str, expected: &str| {
            let start = zone(name).start_of(period, moment(at));
            let start = start.map_or("unknown".to_owned(), |start| start.to_string().replace(".000000", ""));
            assert_eq!(start, expected, "{period:?} {at} {name}");
        };
        check(Period::Day, "2026-07-15T12:00:00Z", "Europe/Zurich", "2026-07-14T22:00:00Z");
        check(Period::Week, "2026-07-15T12:00:00Z", "UTC", "2026-07-13T00:00:00Z");
        check(Period::Week, "2026-07-13T00:00:00Z", "UTC", "2026-07-13T00:00:00Z");
        check(Period::Month, "2026-07-15T12:00:00Z", "Europe/Zurich", "2026-06-30T22:00:00Z");
        check(Period::Year, "2026-07-15T12:00:00Z", "Europe/Zurich", "2025-12-31T23:00:00Z");
        // The clock is put forward at midnight: the day begins at one o'clock.
        check(Period::Day, "2026-09-06T12:00:00Z", "America/Santiago", "2026-09-06T04:00:00Z");
        // The clock is put back at one o'clock, and there are two midnights.
        check(Period::Day, "2025-11-02T12:00:00Z", "America/Havana", "2025-11-02T05:00:00Z");
        check(Period::Day, "0001-01-01T00:00:00Z", "America/New_York", "unknown");
        check(Period::Quarter, "2026-05-15T12:00:00Z", "Europe/Zurich", "2026-03-31T22:00:00Z");
        check(Period::Quarter, "2026-12-31T23:30:00Z", "Europe/Zurich", "2026-12-31T23:00:00Z");
        check(Period::Hour, "2026-07-15T12:34:56.789Z", "UTC", "2026-07-15T12:00:00Z");
        check(Period::Hour, "2026-07-15T12:34:56Z", "Asia/Kolkata", "2026-07-15T12:30:00Z");
        check(Period::Hour, "1969-12-31T23:59:59Z", "UTC", "1969-12-31T23:00:00Z");
        // The clock is put back, and the hour from two to three comes twice.
        check(Period::Hour, "2026-10-25T00:30:00Z", "Europe/Zurich", "2026-10-25T00:00:00Z");
        check(Period::Hour, "2026-10-25T01:30:00Z", "Europe/Zurich", "2026-10-25T01:00:00Z");
        check(Period::Hour, "1880-06-01T00:00:00Z", "Europe/Zurich", "1880-05-31T23:30:14Z");
        check(Period::Hour, "0001-01-01T00:00:00Z", "Asia/Kolkata", "unknown");
        check(Period::Week, "0001-01-01T00:00:00Z", "UTC", "0001-01-01T00:00:00Z");
    }
}
