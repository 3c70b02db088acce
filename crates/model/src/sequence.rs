use backstay_base::limits;
use backstay_scalar::{Value, write};

use crate::FieldId;
use crate::source::RuleText;

/// `@sequence(per:, gapless:, format:, when:)`: the field numbers records, each series from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Records with the same values in these fields are one series; all of them without any. A record that lacks one of
    /// the values has no number.
    pub per: Vec<FieldId>,
    /// Whether every number is that of a record that was stored.
    pub gapless: bool,
    /// How the value of a `String` is made of a number; `None`: an `Int` holds the number itself.
    pub format: Option<NumberFormat>,
    /// A record gets its number by the first write after which this is true; `None`: when it is created.
    pub when: Option<RuleText>,
}

/// `format:`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFormat {
    /// What is written one after the other; exactly one of them is the number.
    pub pieces: Vec<NumberPiece>,
}

/// A piece of a number's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberPiece {
    /// This text.
    Text(String),
    /// `{n}`, or `{n:05}`: the number, filled up with zeros to so many digits.
    Number(usize),
    /// The value of one of the fields by which the sequence counts.
    Field(FieldId),
}

impl Sequence {
    /// What names the series of a record whose fields have these values, in a form that is stored: the values of `per` as
    /// a JSON array. `None` if one of them is null.
    pub fn series<'v>(&self, value: impl Fn(FieldId) -> &'v Value) -> Option<String> {
        let mut key = vec![b'['];
        for (place, field) in self.per.iter().enumerate() {
            let value = value(*field);
            if value.is_null() {
                return None;
            }
            if place > 0 {
                key.push(b',');
            }
            write(&mut key, value);
        }
        key.push(b']');
        String::from_utf8(key).ok()
    }

    /// The value that a number gives the field of a record.
    pub fn value<'v>(&self, number: i64, value: impl Fn(FieldId) -> &'v Value) -> Value {
        let Some(format) = &self.format else { return Value::Int(number) };
        let piece = |piece: &NumberPiece| match piece {
            NumberPiece::Text(piece) => piece.clone(),
            NumberPiece::Number(digits) => format!("{number:0digits$}"),
            NumberPiece::Field(field) => plain(value(*field)),
        };
        Value::text(format.pieces.iter().map(piece).collect::<String>())
    }

    /// The number in a value of the field, if `value` could have made it; from 1 to `limits::SEQUENCE_MOST`.
    pub fn number<'v>(&self, of: &Value, value: impl Fn(FieldId) -> &'v Value) -> Option<i64> {
        let number = match (&self.format, of) {
            (None, Value::Int(number)) => *number,
            (Some(format), Value::Text(text)) => {
                let fixed = |piece: &NumberPiece| match piece {
                    NumberPiece::Text(piece) => piece.clone(),
                    NumberPiece::Number(_) => String::new(),
                    NumberPiece::Field(field) => plain(value(*field)),
                };
                let place = format.pieces.iter().position(|piece| matches!(piece, NumberPiece::Number(_)))?;
                let before: String = format.pieces[..place].iter().map(fixed).collect();
                let after: String = format.pieces[place..].iter().map(fixed).collect();
                let digits = text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
                digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?
            }
            _ => return None,
        };
        (1..=limits::SEQUENCE_MOST).contains(&number).then_some(number)
    }
}

/// A value as it stands in a text.
fn plain(value: &Value) -> String {
    if let Value::Text(text) = value {
        return text.to_string();
    }
    let mut written = Vec::new();
    write(&mut written, value);
    String::from_utf8_lossy(&written).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: FieldId = FieldId(4);

    fn invoices() -> Sequence {
        let text = |text: &str| NumberPiece::Text(text.to_owned());
        let pieces = vec![text("INV-"), NumberPiece::Field(YEAR), text("-"), NumberPiece::Number(4), text("/A")];
        Sequence { per: vec![YEAR], gapless: true, format: Some(NumberFormat { pieces }), when: None }
    }

    #[test]
    fn a_number_is_written_and_read() {
        let check = |number: i64, expected: &str| {
            let year = Value::Int(2026);
            let value = invoices().value(number, |_| &year);
            assert_eq!(value, Value::text(expected));
            assert_eq!(invoices().number(&value, |_| &year), Some(number));
        };
        check(7, "INV-2026-0007/A");
        check(12_345, "INV-2026-12345/A");
    }

    #[test]
    fn a_text_of_another_form_has_none() {
        for text in
            ["INV-2025-0007/A", "INV-2026-/A", "INV-2026-7x/A", "INV-2026-0007", "INV-2026-+7/A", "INV-2026-0/A"]
        {
            let year = Value::Int(2026);
            assert_eq!(invoices().number(&Value::text(text), |_| &year), None, "{text}");
        }
    }

    #[test]
    fn a_series_is_named_by_its_values() {
        let sequence = Sequence { per: vec![YEAR, FieldId(5)], gapless: false, format: None, when: None };
        let values = [Value::Int(2026), Value::text("a,\"b\"")];
        let key = sequence.series(|field| &values[usize::from(field.0) - 4]);
        assert_eq!(key.as_deref(), Some(r#"[2026,"a,\"b\""]"#));
        assert_eq!(sequence.series(|_| &Value::Null), None);
    }
}
