use std::fmt;

use jiff::civil;

/// Why a text is not a moment or a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a date and time with an offset (RFC 3339).
    #[error("not a date and time with an offset, such as 2026-01-31T12:00:00Z (RFC 3339)")]
    Timestamp,
    /// Not a calendar date (RFC 3339, full-date).
    #[error("not a date, such as 2026-01-31")]
    Date,
    /// A day outside the years 1 to 9999.
    #[error("outside the years 0001 to 9999")]
    Range,
    /// A moment that is not within the years 1 to 9999 for every offset.
    #[error("not between 0001-01-01T00:00:00Z and 9999-12-30T22:00:00.999999Z")]
    Moment,
}

/// A moment, in microseconds since 1970-01-01T00:00:00Z, from the year 1 to 9999-12-30T22:00:00Z (so that every
/// offset of it is within the years 1 to 9999).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    const MIN: i64 = -62_135_596_800_000_000;
    const MAX: i64 = 253_402_207_200_999_999;

    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last moment there is: what a clock shows that has gone beyond it.
    pub const LATEST: Self = Self(Self::MAX);

    /// The moment this many microseconds after the epoch, if it is within the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (Self::MIN..=Self::MAX).contains(&micros).then_some(Self(micros))
    }

    /// As `from_micros`, but the nearest moment where there is none.
    pub fn from_micros_saturating(micros: i64) -> Self {
        Self(micros.clamp(Self::MIN, Self::MAX))
    }

    /// Microseconds since the epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339; digits past the microsecond are refused.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let fraction = text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        let shaped =
            text.is_ascii() && text.len() >= 20 && text.as_bytes()[10].eq_ignore_ascii_case(&b'T') && fraction <= 6;
        if !shaped || text.contains('[') {
            return Err(TimeError::Timestamp);
        }
        let moment: jiff::Timestamp = text.parse().map_err(|_| match text[..19].parse::<civil::DateTime>() {
            Ok(last) if last.year() == 9999 => TimeError::Moment,
            _ => TimeError::Timestamp,
        })?;
        Self::from_micros(moment.as_microsecond()).ok_or(TimeError::Moment)
    }

    /// The moment later by this duration, if there is one.
    pub fn checked_add(self, by: Duration) -> Option<Self> {
        self.0.checked_add(by.micros()).and_then(Self::from_micros)
    }
}

impl Timestamp {
    /// Bytes of the form that `encode` writes.
    pub const ENCODED: usize = 27;

    /// RFC 3339 in UTC with exactly six digits of a second's fraction, so that texts order as moments do.
    pub fn encode(self) -> [u8; Self::ENCODED] {
        let days = i32::try_from(self.0.div_euclid(86_400_000_000));
        let date = Date(days.expect("the days of the years 1 to 9999 fit; see `from_micros`"));
        let micros = self.0.rem_euclid(86_400_000_000);
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        text[..Date::ENCODED].copy_from_slice(&date.encode());
        digits(&mut text[11..13], seconds / 3600);
        digits(&mut text[14..16], seconds / 60 % 60);
        digits(&mut text[17..19], seconds % 60);
        digits(&mut text[20..26], fraction);
        text
    }
}

impl fmt::Display for Timestamp {
    /// The form of `encode`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.encode()).expect("`encode` writes ASCII"))
    }
}

/// Writes the last digits of a number that is not negative, as many as there is room for.
fn digits(room: &mut [u8], mut number: i64) {
    debug_assert!(number >= 0);
    for place in room.iter_mut().rev() {
        *place = b'0' + u8::try_from(number % 10).expect("a remainder of ten is a digit");
        number /= 10;
    }
}

/// A day of the proleptic Gregorian calendar, counted from 1970-01-01, within the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// 0001-01-01.
    pub const FIRST: Self = Self(-719_162);
    /// 9999-12-31.
    pub const LAST: Self = Self(2_932_896);

    /// The day this many days after 1970-01-01, if it is within the years 1 to 9999.
    pub fn from_days(days: i32) -> Option<Self> {
        (Self::FIRST.0..=Self::LAST.0).contains(&days).then_some(Self(days))
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i32 {
        self.0
    }

    /// Reads `YYYY-MM-DD` (RFC 3339, full-date).
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        if text.len() != 10 || text.as_bytes()[0] == b'-' {
            return Err(TimeError::Date);
        }
        let date: civil::Date = text.parse().map_err(|_| TimeError::Date)?;
        let days = date.since(civil::date(1970, 1, 1)).map_err(|_| TimeError::Range)?.get_days();
        Self::from_days(days).ok_or(TimeError::Range)
    }
}

impl Date {
    /// Bytes of the form that `encode` writes.
    pub const ENCODED: usize = 10;

    /// The day later by this length of time, if that is a number of whole days and there is such a day.
    pub fn checked_add(self, by: Duration) -> Option<Self> {
        const DAY: i64 = 86_400_000_000;
        if by.micros() % DAY != 0 {
            return None;
        }
        Self::from_days(i32::try_from(i64::from(self.0) + by.micros() / DAY).ok()?)
    }

    /// The time from another day to this one.
    pub fn since(self, other: Self) -> Duration {
        Duration((i64::from(self.0) - i64::from(other.0)) * 86_400_000_000)
    }

    /// The whole years from another day to this one, as people count their ages: the next year begins on the same day of the same
    /// month, and after 29 February on 1 March where there is none. Negative if this one is earlier.
    pub fn years_since(self, other: Self) -> i64 {
        if self < other {
            return -other.years_since(self);
        }
        let ((from, from_month, from_day), (to, to_month, to_day)) = (other.calendar(), self.calendar());
        to - from - i64::from((to_month, to_day) < (from_month, from_day))
    }

    /// Year, month and day, by Hinnant's `civil_from_days` (the days since 0000-03-01 in eras of 400 years).
    pub fn calendar(self) -> (i64, i64, i64) {
        let shifted = i64::from(self.0) + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }

    /// `YYYY-MM-DD`.
    pub fn encode(self) -> [u8; Self::ENCODED] {
        let (year, month, day) = self.calendar();
        let mut text = *b"0000-00-00";
        digits(&mut text[..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..], day);
        text
    }
}

impl fmt::Display for Date {
    /// The form of `encode`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.encode()).expect("`encode` writes ASCII"))
    }
}

/// A length of time in microseconds; may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// This many microseconds.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The length in microseconds.
    pub fn micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Duration {
    /// Seconds with a fraction where there is one, as CEL and Protobuf JSON write a duration: `90s`, `0.25s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, micros) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let fraction = format!("{:06}", micros % 1_000_000);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{}s", micros / 1_000_000),
            digits => write!(f, "{sign}{}.{digits}s", micros / 1_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_counted_as_ages_are() {
        let check = |from: &str, to: &str, expected: i64| {
            let [from, to] = [from, to].map(|day| Date::parse(day).expect("a day"));
            assert_eq!((to.years_since(from), from.years_since(to)), (expected, -expected), "{from} {to}");
        };
        check("2000-06-15", "2018-06-14", 17);
        check("2000-06-15", "2018-06-15", 18);
        check("2000-02-29", "2001-02-28", 0);
        check("2000-02-29", "2001-03-01", 1);
        check("2000-02-29", "2004-02-28", 3);
        check("2000-02-29", "2004-02-29", 4);
        check("2000-12-31", "2001-01-01", 0);
        check("2026-01-31", "2026-01-31", 0);
        check("0001-01-01", "9999-12-31", 9998);
    }

    #[test]
    fn moments_read_and_write_rfc_3339() {
        let check = |text: &str, expected: &str| {
            let got = Timestamp::parse(text).map_or_else(|error| error.to_string(), |moment| moment.to_string());
            assert_eq!(got, expected, "{text}");
        };
        check("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z");
        check("2026-01-31T12:00:00.123456+02:00", "2026-01-31T10:00:00.123456Z");
        check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z");
        check("9999-12-30T22:00:00.999999Z", "9999-12-30T22:00:00.999999Z");
        check("1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.900000Z");
        check("9999-12-31T23:59:59Z", &TimeError::Moment.to_string());
        for bad in ["", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "2026-01-31T12:00:00.1234567Z"] {
            check(bad, &TimeError::Timestamp.to_string());
        }
    }

    #[test]
    fn dates_round_trip_over_the_whole_range() {
        for days in (-719_162..=2_932_896).step_by(997) {
            let date = Date::from_days(days).expect("in range");
            assert_eq!(Date::parse(&date.to_string()), Ok(date));
        }
        assert_eq!(Date::parse("2024-02-29").map(|date| date.to_string()), Ok("2024-02-29".into()));
        assert_eq!(Date::parse("2023-02-29"), Err(TimeError::Date));
    }

    #[test]
    fn durations_are_written_in_seconds() {
        let check = |micros: i64, expected: &str| assert_eq!(Duration::from_micros(micros).to_string(), expected);
        check(5_400_000_000, "5400s");
        check(-250_000, "-0.25s");
        check(1_500_000, "1.5s");
        check(0, "0s");
    }
}
