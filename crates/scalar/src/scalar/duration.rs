use backstay_base::Duration as Length;

use super::number::Exact;
use crate::definition::{Definition, Writer};
use crate::{Problem, Schema, Storage, Token, Value, ValueRef, json, notation};

/// `Duration`: a length of time, kept in microseconds. Read as ISO 8601 writes it (`PT1H30M`, `P2W`, `-PT0.5S`; a day
/// has 24 hours; years and months are refused) or as CEL and Go do (`1h30m`, `250ms`); written as ISO 8601 in hours,
/// minutes and seconds.
pub(crate) struct Duration;

const EXPECTED: &str = "a length of time, such as \"PT1H30M\" (ISO 8601) or \"1h30m\"";

impl Definition for Duration {
    fn name(&self) -> &'static str {
        "Duration"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.text()?.ok_or(Problem::Expected(EXPECTED))?;
        let (negative, rest) = text.strip_prefix('-').map_or((false, &*text), |rest| (true, rest));
        let parts = match rest.strip_prefix('P') {
            Some(rest) => iso(rest)?,
            None => compact(rest).ok_or(Problem::Expected(EXPECTED))?,
        };
        let total = parts.into_iter().try_fold(0_i128, |total, (number, micros)| {
            let part = micros_of(number, micros)?;
            total.checked_add(part).ok_or(Problem::DurationRange)
        })?;
        let total = i64::try_from(if negative { -total } else { total }).map_err(|_| Problem::DurationRange)?;
        Ok(Value::Duration(Length::from_micros(total)))
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Duration(_) => Ok(value),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Int
    }

    fn load(&self, columns: &[ValueRef<'_>]) -> Option<Value> {
        match columns {
            [ValueRef::Int(micros)] => Some(Value::Duration(Length::from_micros(*micros))),
            _ => None,
        }
    }

    fn writer(&self) -> Writer {
        |out, value| match value {
            ValueRef::Int(micros) => json::quote(out, &notation::duration(Length::from_micros(micros))),
            other => json::write_stored(out, other),
        }
    }

    fn schema(&self) -> Schema {
        Schema::format("duration")
    }
}

/// A number and the microseconds of its unit.
type Part<'a> = (&'a str, i64);

const SECOND: i64 = 1_000_000;

/// What follows the `P` of ISO 8601, section 5.5.2.
fn iso(text: &str) -> Result<Vec<Part<'_>>, Problem> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = Vec::new();
    split(date, &["Y", "M", "W", "D"], &mut parts).ok_or(Problem::Expected(EXPECTED))?;
    if parts.iter().any(|(_, unit)| matches!(*unit, "Y" | "M")) {
        return Err(Problem::CalendarDuration);
    }
    let date_parts = parts.len();
    if let Some(time) = time {
        split(time, &["H", "M", "S"], &mut parts).ok_or(Problem::Expected(EXPECTED))?;
        if parts.len() == date_parts {
            return Err(Problem::Expected(EXPECTED));
        }
    }
    if parts.is_empty() {
        return Err(Problem::Expected(EXPECTED));
    }
    let micros = |(index, (number, unit)): (usize, (_, &str))| {
        let micros = match unit {
            "W" => 604_800 * SECOND,
            "D" => 86_400 * SECOND,
            "H" => 3600 * SECOND,
            "M" if index >= date_parts => 60 * SECOND,
            _ => SECOND,
        };
        (number, micros)
    };
    Ok(parts.into_iter().enumerate().map(micros).collect())
}

/// Numbers with a unit each, as CEL and Go write a duration.
fn compact(text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    split(text, &["h", "m", "s", "ms", "us"], &mut parts)?;
    let micros = |(number, unit)| {
        let micros = match unit {
            "h" => 3600 * SECOND,
            "m" => 60 * SECOND,
            "s" => SECOND,
            "ms" => 1000,
            _ => 1,
        };
        (number, micros)
    };
    (!parts.is_empty()).then(|| parts.into_iter().map(micros).collect())
}

/// Splits numbers and their units, which stand in this order, each at most once.
fn split<'a>(text: &'a str, units: &[&'static str], into: &mut Vec<(&'a str, &'static str)>) -> Option<()> {
    let (mut rest, mut next) = (text, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let place = units.iter().skip(next).position(|known| *known == unit)?;
        if number.is_empty() {
            return None;
        }
        into.push((number, units[next + place]));
        next += place + 1;
        rest = after;
    }
    Some(())
}

/// A number of units in microseconds; what is smaller is cut off.
fn micros_of(number: &str, unit: i64) -> Result<i128, Problem> {
    let number = number.replace(',', ".");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, "0"));
    let whole: i128 = whole.parse().map_err(|_| Problem::Expected(EXPECTED))?;
    // Nineteen digits are more than a microsecond of the largest unit.
    let fraction: String = fraction.chars().take(19).collect();
    let exact = Exact::parse(&format!("0.{fraction}")).ok_or(Problem::Expected(EXPECTED))?;
    let Some(Ok(parts)) = exact.scaled(19) else { return Err(Problem::Expected(EXPECTED)) };
    let fraction = parts * i128::from(unit) / 10_i128.pow(19);
    whole.checked_mul(i128::from(unit)).and_then(|whole| whole.checked_add(fraction)).ok_or(Problem::DurationRange)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    #[test]
    fn lengths_are_read_in_both_forms_and_written_in_one() {
        let check = |text: &str, expected: Result<&str, Problem>| {
            let read = Scalar::Duration.read(Token::Text(text)).map(|value| match value {
                Value::Duration(length) => notation::duration(length),
                other => panic!("{other:?}"),
            });
            assert_eq!(read.as_deref().map_err(Clone::clone), expected, "{text}");
        };
        check("PT1H30M", Ok("PT1H30M"));
        check("1h30m", Ok("PT1H30M"));
        check("P1DT12H", Ok("PT36H"));
        check("P2W", Ok("PT336H"));
        check("-PT0.25S", Ok("-PT0.25S"));
        check("-250ms", Ok("-PT0.25S"));
        check("PT1,5M", Ok("PT1M30S"));
        check("PT0S", Ok("PT0S"));
        check("PT0.0000019S", Ok("PT0.000001S"));
        check("1.5s", Ok("PT1.5S"));
        check("P1M", Err(Problem::CalendarDuration));
        check("P1Y2D", Err(Problem::CalendarDuration));
        check("PT99999999999999999H", Err(Problem::DurationRange));
        for bad in ["", "P", "PT", "P1DT", "90", "PT1M1H", "1m1h", "pt1h", "PT1HM", "--1s", "PT1.S", "1h1h", "PT.5S"] {
            check(bad, Err(Problem::Expected(EXPECTED)));
        }
    }
}
