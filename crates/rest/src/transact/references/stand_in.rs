//! What stands in the place of a value that isn't there yet, so that the request can be read and planned before.

use backstay_base::KeyForm;
use backstay_model::{Model, ValueType};
use backstay_scalar::Scalar;

use super::kind::Kind;

/// JSON that reads as a value of this kind. No two of a body are the same where they are keys or texts: a request may not name
/// a record twice.
pub(super) fn stand_in(kind: Kind<'_>, model: &Model, number: usize) -> String {
    match kind {
        Kind::Any | Kind::OneOf(_) => text(number),
        Kind::Id(of) => of_scalar(model.collection(of).key.scalar(), number),
        Kind::One(ValueType::Scalar(scalar)) => of_scalar(scalar, number),
        Kind::One(ValueType::Enum(of)) => {
            of.values.first().map_or_else(|| text(number), |value| format!("\"{}\"", value.name))
        }
        Kind::List(_) => "[]".to_owned(),
        Kind::Embedded(_) => "{}".to_owned(),
    }
}

fn text(number: usize) -> String {
    format!("\"x{number}@example.org\"")
}

fn of_scalar(scalar: Scalar, number: usize) -> String {
    match scalar {
        Scalar::Id { form: KeyForm::Uuid } => format!("\"ffffffff-ffff-4fff-bfff-{number:012x}\""),
        Scalar::Id { form: KeyForm::Int } => (HIGHEST - number).to_string(),
        Scalar::Id { form: KeyForm::Text } | Scalar::String | Scalar::Text | Scalar::Email => text(number),
        Scalar::Int | Scalar::Float | Scalar::Decimal { .. } => "1".to_owned(),
        Scalar::Boolean => "true".to_owned(),
        Scalar::DateTime => "\"2000-01-01T00:00:00Z\"".to_owned(),
        Scalar::Date => "\"2000-01-01\"".to_owned(),
        Scalar::Time => "\"00:00:00\"".to_owned(),
        Scalar::Duration => "\"PT1S\"".to_owned(),
        Scalar::Bytes => "\"AAAA\"".to_owned(),
        Scalar::Json => "{}".to_owned(),
        Scalar::Url => "\"https://example.org/\"".to_owned(),
        Scalar::Phone => "\"+12025550123\"".to_owned(),
        Scalar::Country => "\"SE\"".to_owned(),
        Scalar::Locale => "\"en\"".to_owned(),
        Scalar::Money => "{\"amount\":\"1\",\"currency\":\"EUR\"}".to_owned(),
        Scalar::Currency => "\"EUR\"".to_owned(),
    }
}

/// The highest number that every JSON reader knows exactly (RFC 8259, section 6).
const HIGHEST: usize = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use backstay_scalar::Token;

    use super::*;

    #[test]
    fn each_scalar_reads_what_stands_in_for_its_values() {
        let forms = [KeyForm::Uuid, KeyForm::Int, KeyForm::Text].map(|form| Scalar::Id { form });
        for scalar in Scalar::ALL.into_iter().chain(forms) {
            for number in [0, 1, 99_999] {
                let text = of_scalar(scalar, number);
                assert!(scalar.read(Token::Json(&text)).is_ok(), "{scalar:?} {text}");
            }
        }
    }
}
