use backstay_base::{Date as Day, Timestamp};

use super::text::{Formatted, formatted};
use crate::definition::Definition;
use crate::{Problem, Schema, Storage, Token, Value};

/// `DateTime`: a moment with an offset (RFC 3339, section 5.6), kept in UTC to the microsecond. A `t` and `z` may be in
/// either case, and a space may stand for the `T`; digits past the microsecond are cut off; a leap second is kept as
/// the last microsecond before it. From `0001-01-01T00:00:00Z` to `9999-12-30T22:00:00.999999Z`, which is what
/// `base::Timestamp` holds: the last moment that is within the year 9999 at every offset.
pub(crate) struct DateTime;

/// `Date`: RFC 3339, full-date.
pub(crate) struct Date;

/// `Time`: a time of day without a date or an offset (RFC 3339, partial-time; the seconds may be left out). Kept as
/// `HH:MM:SS` with a fraction only if there is one, to the microsecond, so that texts order as times do.
pub(crate) struct Time;

const MOMENT: &str = "a date and time with an offset, such as \"2026-01-31T12:00:00Z\" (RFC 3339)";
const DAY: &str = "a date, such as \"2026-01-31\"";
const TIME: &str = "a time of day, such as \"09:30:00\"";

const MICROS_PER_DAY: i64 = 86_400_000_000;

impl Definition for DateTime {
    fn name(&self) -> &'static str {
        "DateTime"
    }

    fn expected(&self) -> &'static str {
        MOMENT
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.text()?.ok_or(Problem::Expected(MOMENT))?;
        let micros = moment(&text).ok_or(Problem::Expected(MOMENT))?;
        Timestamp::from_micros(micros).map(Value::Timestamp).ok_or(Problem::MomentRange)
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Timestamp(_) => Ok(value),
            _ => Err(Problem::Expected(MOMENT)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Timestamp
    }

    fn schema(&self) -> Schema {
        Schema::format("date-time")
    }
}

/// Microseconds since the epoch.
fn moment(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, offset) = rest.split_at(at);
    let day = Day::parse(date).ok()?;
    let Clock { micros, leap } = clock_of(clock, true)?;
    let offset_minutes = match offset {
        "Z" | "z" => 0,
        _ => {
            let (sign, size) = (if offset.starts_with('-') { -1 } else { 1 }, &offset[1..]);
            let (hours, minutes) = (two(size, 0, 23)?, two(size, 3, 59)?);
            (size.len() == 5 && size.as_bytes()[2] == b':').then_some(sign * (hours * 60 + minutes))?
        }
    };
    // A leap second is the last one of a UTC day.
    let utc = micros - offset_minutes * 60_000_000;
    if leap && (utc + 1).rem_euclid(MICROS_PER_DAY) != 0 {
        return None;
    }
    Some(i64::from(day.days()) * MICROS_PER_DAY + utc)
}

struct Clock {
    /// Since midnight.
    micros: i64,
    /// Whether the second is 60.
    leap: bool,
}

/// A partial-time; without seconds only where they may be left out.
fn clock_of(text: &str, seconds_required: bool) -> Option<Clock> {
    let (hours, minutes) = (two(text, 0, 23)?, two(text, 3, 59)?);
    let bytes = text.as_bytes();
    let whole = hours * 3600 + minutes * 60;
    if bytes.get(2) != Some(&b':') {
        return None;
    }
    if bytes.len() == 5 {
        return (!seconds_required).then_some(Clock { micros: whole * 1_000_000, leap: false });
    }
    let seconds = two(text, 6, 60)?;
    let rest = text.get(8..).filter(|_| bytes[5] == b':')?;
    if seconds == 60 {
        return fraction(rest).map(|_| Clock { micros: (whole + 60) * 1_000_000 - 1, leap: true });
    }
    Some(Clock { micros: (whole + seconds) * 1_000_000 + fraction(rest)?, leap: false })
}

/// The microseconds of `.123…`, cut off after six digits; of nothing none.
fn fraction(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix('.').filter(|digits| !digits.is_empty())?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded: String = digits.chars().chain("000000".chars()).take(6).collect();
    padded.parse().ok()
}

/// The number of two digits at this place, if it is not larger than `max`.
fn two(text: &str, at: usize, max: i64) -> Option<i64> {
    let digits = text.get(at..at + 2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| *number <= max)
}

impl Definition for Date {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn expected(&self) -> &'static str {
        DAY
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.text()?.ok_or(Problem::Expected(DAY))?;
        Day::parse(&text).map(Value::Date).map_err(|_| Problem::Expected(DAY))
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Date(_) => Ok(value),
            _ => Err(Problem::Expected(DAY)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Date
    }

    fn schema(&self) -> Schema {
        Schema::format("date")
    }
}

impl Formatted for Time {
    const EXPECTED: &'static str = TIME;

    fn normal(text: &str) -> Result<String, Problem> {
        let clock = clock_of(text, false).filter(|clock| !clock.leap).ok_or(Problem::Expected(TIME))?;
        let (seconds, micros) = (clock.micros / 1_000_000, clock.micros % 1_000_000);
        let mut normal = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if micros != 0 {
            normal.push('.');
            normal.push_str(format!("{micros:06}").trim_end_matches('0'));
        }
        Ok(normal)
    }
}

formatted!(Time, "Time", Schema::pattern(r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?$"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    #[test]
    fn moments_are_what_rfc_3339_allows() {
        let check = |text: &str, expected: Result<&str, Problem>| {
            let read = Scalar::DateTime.read(Token::Text(text)).map(|value| match value {
                Value::Timestamp(moment) => moment.to_string(),
                other => panic!("{other:?}"),
            });
            assert_eq!(read.as_deref().map_err(Clone::clone), expected, "{text}");
        };
        check("2026-01-31T12:00:00Z", Ok("2026-01-31T12:00:00.000000Z"));
        check("2026-01-31t12:00:00.1234567z", Ok("2026-01-31T12:00:00.123456Z"));
        check("2026-01-31 12:00:00.123456789+02:00", Ok("2026-01-31T10:00:00.123456Z"));
        check("2026-01-31T12:00:00-00:00", Ok("2026-01-31T12:00:00.000000Z"));
        check("2016-12-31T23:59:60Z", Ok("2016-12-31T23:59:59.999999Z"));
        check("1990-12-31T15:59:60.5-08:00", Ok("1990-12-31T23:59:59.999999Z"));
        check("1969-12-31T23:59:59.9Z", Ok("1969-12-31T23:59:59.900000Z"));
        check("0001-01-01T00:00:00Z", Ok("0001-01-01T00:00:00.000000Z"));
        check("9999-12-30T22:00:00.999999Z", Ok("9999-12-30T22:00:00.999999Z"));
        check("9999-12-30T22:00:01Z", Err(Problem::MomentRange));
        check("9999-12-31T00:00:00.999999+02:00", Ok("9999-12-30T22:00:00.999999Z"));
        check("9999-12-31T23:59:59Z", Err(Problem::MomentRange));
        check("0001-01-01T00:00:00+00:01", Err(Problem::MomentRange));
        check("0000-12-31T23:59:59Z", Err(Problem::Expected(MOMENT)));
        for bad in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-02-30T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:60Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00+0200",
            "2026-01-31T12:00:00+02",
            "2026-1-31T12:00:00Z",
            "2026-01-31T12:00:00Z[UTC]",
            "２026-01-31T12:00:00Z",
        ] {
            check(bad, Err(Problem::Expected(MOMENT)));
        }
    }

    #[test]
    fn times_order_as_their_texts_do() {
        let check = |text: &str, expected: Result<&str, Problem>| {
            assert_eq!(Scalar::Time.read(Token::Bare(text)), expected.map(Value::text), "{text}");
        };
        check("09:30", Ok("09:30:00"));
        check("09:30:00.500", Ok("09:30:00.5"));
        check("23:59:59.1234567", Ok("23:59:59.123456"));
        for bad in ["9:30", "24:00", "09:60", "09:30:60", "09:30:00Z", "0930", ""] {
            check(bad, Err(Problem::Expected(TIME)));
        }
        let ordered = ["00:00:00", "09:30:00", "09:30:00.25", "09:30:00.5", "09:30:01"];
        assert!(ordered.is_sorted());
    }
}
