use crate::Value;

/// The text that a value is written as in expressions: the same digits for equal numbers, ids in lower case, days and moments
/// as the API has them (RFC 3339, moments in UTC with microseconds). `None` for null, and for values that have no such text.
pub fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.as_ref().to_owned()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Decimal(number) => Some(number.normalize().to_string()),
        Value::Id(id) => Some(id.to_string()),
        Value::Timestamp(moment) => Some(moment.to_string()),
        Value::Date(date) => Some(date.to_string()),
        Value::Null
        | Value::Float(_)
        | Value::Money(_)
        | Value::Duration(_)
        | Value::Bytes(_)
        | Value::Json(_)
        | Value::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstay_base::{Date, Timestamp};

    #[test]
    fn the_text_of_a_value() {
        let check = |value: Value, expected: &str| assert_eq!(plain_text(&value).as_deref(), Some(expected));
        let decimal = |text: &str| Value::Decimal(text.parse().expect("a number"));
        check(Value::Int(i64::MIN), "-9223372036854775808");
        check(decimal("12.50"), "12.5");
        check(decimal("-0.050"), "-0.05");
        check(decimal("-0.00"), "0");
        check(decimal("1200"), "1200");
        check(decimal("0.0000000000000000000000000001"), "0.0000000000000000000000000001");
        check(Value::Bool(false), "false");
        check(Value::Date(Date::parse("0001-01-01").expect("a day")), "0001-01-01");
        check(
            Value::Timestamp(Timestamp::parse("2026-01-31T12:00:00Z").expect("a moment")),
            "2026-01-31T12:00:00.000000Z",
        );
        assert_eq!(plain_text(&Value::Null), None);
        assert_eq!(plain_text(&Value::Float(1.0)), None);
    }
}
