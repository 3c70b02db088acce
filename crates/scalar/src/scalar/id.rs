use backstay_base::{KeyForm, RecordId, limits};
use unicode_normalization::UnicodeNormalization as _;

use super::number::Int;
use super::text::within;
use crate::definition::Definition;
use crate::{Problem, Schema, Storage, Token, Value};

/// `ID` and references, by the form of the keys that they hold:
///
/// - a UUID in its hyphenated form (RFC 9562, section 4), in either case
/// - a whole number from 1
/// - a text in Unicode's normal form C that can stand in a path as one segment
pub(crate) struct Id {
    pub(crate) form: KeyForm,
}

/// The UUID that a text is, as `Scalar::UUID` reads it; `None` if it is something else.
pub fn read_id(text: &str) -> Option<RecordId> {
    text.parse().ok()
}

const UUID: &str = "an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"";
const NUMBER: &str = "an id, a whole number from 1";
const TEXT: &str = "an id, a text of 1 to 64 bytes without `/`, control characters and space at its ends";

impl Id {
    fn read_number(token: Token<'_>) -> Result<RecordId, Problem> {
        // A path has one form for each record.
        let is_plain = !matches!(token, Token::Bare(text) if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = Int.read(token).ok().filter(|_| is_plain).and_then(|value| value.as_int());
        number.and_then(RecordId::from_number).ok_or(Problem::Expected(NUMBER))
    }

    fn read_text(token: Token<'_>) -> Result<RecordId, Problem> {
        let sent = token.text()?.ok_or(Problem::Expected(TEXT))?;
        // The normal form of a text has at least a third of its bytes, so a longer one can't fit.
        within(&sent, 3 * limits::KEY_BYTES).map_err(|_| Problem::Expected(TEXT))?;
        let text: String = sent.nfc().collect();
        let is_segment = text.trim() == text && text != "." && text != "..";
        let is_whole = is_segment && !text.contains(|character: char| character == '/' || character.is_control());
        Some(text).filter(|_| is_whole).and_then(|text| RecordId::from_text(&text)).ok_or(Problem::Expected(TEXT))
    }
}

impl Definition for Id {
    fn name(&self) -> &'static str {
        "ID"
    }

    fn expected(&self) -> &'static str {
        match self.form {
            KeyForm::Uuid => UUID,
            KeyForm::Int => NUMBER,
            KeyForm::Text => TEXT,
        }
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let id = match self.form {
            KeyForm::Uuid => token.text()?.and_then(|text| read_id(&text)).ok_or(Problem::Expected(UUID)),
            KeyForm::Int => Self::read_number(token),
            KeyForm::Text => Self::read_text(token),
        };
        id.map(Value::Id)
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Id(id) if id.form() == self.form => Ok(value),
            _ => Err(Problem::Expected(self.expected())),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Id(self.form)
    }

    fn schema(&self) -> Schema {
        match self.form {
            KeyForm::Uuid => Schema::format("uuid"),
            KeyForm::Int => Schema::Integer,
            KeyForm::Text => Schema::up_to(limits::KEY_BYTES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    fn check(form: KeyForm, token: Token<'_>, expected: Option<&str>) {
        let read = Scalar::Id { form }.read(token).ok().and_then(|value| value.as_id());
        assert_eq!(read.map(|id| id.to_string()).as_deref(), expected, "{token:?}");
        assert!(read.is_none_or(|id| id.form() == form));
    }

    #[test]
    fn a_number_has_one_form_in_a_path() {
        check(KeyForm::Int, Token::Bare("17"), Some("17"));
        check(KeyForm::Int, Token::Json("17"), Some("17"));
        check(KeyForm::Int, Token::Json("1.7e1"), Some("17"));
        check(KeyForm::Int, Token::Bare("9223372036854775807"), Some("9223372036854775807"));
        for other in ["0", "-1", "01", "+1", "1.0", "1e1", "", "x", "9223372036854775808"] {
            check(KeyForm::Int, Token::Bare(other), None);
        }
        check(KeyForm::Int, Token::Json("\"17\""), None);
        check(KeyForm::Int, Token::Json("0"), None);
    }

    #[test]
    fn a_text_is_a_segment_of_a_path_in_normal_form() {
        check(KeyForm::Text, Token::Bare("CH"), Some("CH"));
        check(KeyForm::Text, Token::Json("\"a\\u030aland: 1\""), Some("åland: 1"));
        check(KeyForm::Text, Token::Bare("..."), Some("..."));
        let longest = "é".repeat(limits::KEY_BYTES / 2);
        check(KeyForm::Text, Token::Bare(&longest), Some(&longest));
        let too_long = format!("{longest}x");
        for other in ["", ".", "..", "a/b", " a", "a\u{a0}", "a\nb", "a\0b", "a\u{85}b", &too_long] {
            check(KeyForm::Text, Token::Bare(other), None);
        }
        check(KeyForm::Text, Token::Json("7"), None);
    }
}
