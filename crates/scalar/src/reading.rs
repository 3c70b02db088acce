//! Values in the documents of `JSON` fields, which can be anything: what one is read as, and whether it is that. A value of
//! another kind is null, never an error. PostgreSQL reads the same values with functions of the store's, by the same rules.

use rust_decimal::Decimal;

use crate::scalar::Exact;
use crate::{Scalar, Storage, Token, Value};

/// What a value in a document is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Whatever it is, as JSON.
    Json,
    /// A string.
    Text,
    /// A number of up to 28 digits, all of which count.
    Number,
    /// A number that is whole and fits 64 bits.
    Int,
    /// A number, rounded to the nearest of 64 bits; zero, or from 1e-300 to 1.7e308.
    Float,
    /// `true` or `false`.
    Boolean,
    /// A string that is a `DateTime`, without a leap second.
    DateTime,
    /// A string that is a `Date`.
    Date,
    /// A string that is a UUID.
    Id,
}

/// Bytes of a number at most. What is longer is null on both databases, so that reading it has a bound.
const NUMBER_BYTES: usize = 100;
/// Digits of the exponent of a number at most.
const EXPONENT_DIGITS: usize = 3;
/// The least and the largest size of a `Float` that isn't zero.
const FLOATS: std::ops::RangeInclusive<f64> = 1e-300..=1.7e308;

impl Reading {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Json,
        Self::Text,
        Self::Number,
        Self::Int,
        Self::Float,
        Self::Boolean,
        Self::DateTime,
        Self::Date,
        Self::Id,
    ];

    /// The name that lookups have for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Text => "Text",
            Self::Number => "Number",
            Self::Int => "Int",
            Self::Float => "Float",
            Self::Boolean => "Boolean",
            Self::DateTime => "DateTime",
            Self::Date => "Date",
            Self::Id => "ID",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reading| reading.name() == name)
    }

    /// What holds a value that is read. A number is a key of `exact::to_key`, because no column has its digits.
    pub fn storage(self) -> Storage {
        match self {
            Self::Json => Storage::Json,
            Self::Text => Storage::Text,
            Self::Number => Storage::Bytes,
            Self::Int => Storage::Int,
            Self::Float => Storage::Float,
            Self::Boolean => Storage::Bool,
            Self::DateTime => Storage::Timestamp,
            Self::Date => Storage::Date,
            Self::Id => Storage::UUID,
        }
    }

    /// The value that a part of a document is; null if it is something else.
    pub(crate) fn value(self, raw: &str) -> Value {
        let text = || Token::Json(raw).text().ok().flatten();
        let read = |scalar: Scalar, is_shaped: fn(&str) -> bool| {
            let text = text().filter(|text| is_shaped(text))?;
            scalar.read(Token::Text(&text)).ok()
        };
        let value = match self {
            Self::Json => (raw != "null").then(|| Value::Json(raw.into())),
            Self::Text => text().map(|text| Value::text(&*text)),
            Self::Number => exact(raw).map(Value::Decimal),
            Self::Int => {
                exact(raw).filter(Decimal::is_integer).and_then(|whole| i64::try_from(whole).ok()).map(Value::Int)
            }
            Self::Float => float(raw).map(Value::Float),
            Self::Boolean => match raw {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::DateTime => read(Scalar::DateTime, is_moment),
            Self::Date => read(Scalar::Date, |text| text.len() == DATE.len() && begins_with_date(text)),
            Self::Id => read(Scalar::UUID, |_| true),
        };
        value.unwrap_or(Value::Null)
    }
}

const DATE: &str = "0000-00-00";

/// Whether the text begins with digits and hyphens as a date does.
fn begins_with_date(text: &str) -> bool {
    let is_like = |(one, like): (u8, u8)| if like == b'0' { one.is_ascii_digit() } else { one == like };
    text.len() >= DATE.len() && text.bytes().zip(DATE.bytes()).all(is_like)
}

fn is_moment(text: &str) -> bool {
    begins_with_date(text) && text.get(17..19).is_some_and(|seconds| seconds != "60")
}

/// The number as it is written, if it is short enough.
fn number(raw: &str) -> Option<&str> {
    let raw = Token::Json(raw).number().filter(|raw| raw.len() <= NUMBER_BYTES)?;
    let exponent = raw.split_once(['e', 'E']).map_or("", |(_, exponent)| exponent.trim_start_matches(['+', '-']));
    (exponent.len() <= EXPONENT_DIGITS).then_some(raw)
}

fn exact(raw: &str) -> Option<Decimal> {
    Exact::parse(number(raw)?)?.decimal()
}

fn float(raw: &str) -> Option<f64> {
    let raw = number(raw)?;
    if Exact::parse(raw)?.is_zero() {
        return Some(0.0);
    }
    raw.parse().ok().filter(|number: &f64| FLOATS.contains(&number.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reading: Reading, raw: &str, expected: Value) {
        assert_eq!((raw, reading.value(raw)), (raw, expected), "as {}", reading.name());
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(text.parse().expect("a number"))
    }

    #[test]
    fn a_number_is_exact_or_unknown() {
        let is = |raw: &str, expected: &str| check(Reading::Number, raw, decimal(expected));
        is("5", "5");
        is("5.0", "5");
        is("-0", "0");
        is("1e3", "1000");
        is("12.50E-1", "1.25");
        is("9223372036854775808", "9223372036854775808");
        is("9999999999999999999999999999", "9999999999999999999999999999");
        is("1e-28", "0.0000000000000000000000000001");
        is("0e999", "0");
        let zeros = "0".repeat(80);
        is(&format!("0.5{zeros}"), "0.5");
        for other in ["1e28", "1e-29", "12345678901234567890123456789", "1e400", "0e1000", "1e0003", "\"5\"", "true"] {
            check(Reading::Number, other, Value::Null);
        }
        check(Reading::Number, &format!("0.5{zeros}{zeros}"), Value::Null);
    }

    #[test]
    fn whole_numbers_and_floats() {
        check(Reading::Int, "5.0", Value::Int(5));
        check(Reading::Int, "-9223372036854775808", Value::Int(i64::MIN));
        for other in ["5.5", "9223372036854775808", "1e400", "\"5\"", "null"] {
            check(Reading::Int, other, Value::Null);
        }
        check(Reading::Float, "0.1", Value::Float(0.1));
        check(Reading::Float, "1e300", Value::Float(1e300));
        for zero in ["0", "-0.0", "0e7"] {
            check(Reading::Float, zero, Value::Float(0.0));
        }
        for other in ["1e400", "1.75e308", "1e-301", "1e-400", "\"0.1\""] {
            check(Reading::Float, other, Value::Null);
        }
    }

    #[test]
    fn texts_and_what_texts_can_be() {
        check(Reading::Text, r#""a\"\u00e9\n""#, Value::text("a\"é\n"));
        check(Reading::Text, "5", Value::Null);
        check(Reading::Boolean, "true", Value::Bool(true));
        check(Reading::Boolean, "\"true\"", Value::Null);
        check(Reading::Json, "[1]", Value::Json("[1]".into()));
        check(Reading::Json, "null", Value::Null);
        let moment = |raw: &str| Reading::DateTime.value(raw);
        assert_eq!(moment("\"2026-01-31T12:00:00.1234567+02:00\""), moment("\"2026-01-31 10:00:00.123456z\""));
        assert_ne!(moment("\"2026-01-31T12:00:00Z\""), Value::Null);
        for other in ["\"2026-02-30T12:00:00Z\"", "\"2016-12-31T23:59:60Z\"", "\"2026-01-31\"", "\"\"", "1", "{}"] {
            assert_eq!(moment(other), Value::Null, "{other}");
        }
        assert_ne!(Reading::Date.value("\"2026-01-31\""), Value::Null);
        for other in ["\"2026-02-29\"", "\"0000-01-01\"", "\"20260131\"", "\"2026-W05-6\"", "20260131"] {
            check(Reading::Date, other, Value::Null);
        }
        assert_ne!(Reading::Id.value("\"01890A5D-ac96-774b-bcce-b302099a8057\""), Value::Null);
        for other in ["\"01890a5dac96774bbcceb302099a8057\"", "\"{01890a5d-ac96-774b-bcce-b302099a8057}\"", "1"] {
            check(Reading::Id, other, Value::Null);
        }
    }
}
