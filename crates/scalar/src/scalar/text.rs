use backstay_base::limits;

use crate::definition::Definition;
use crate::{Letters, Problem, Schema, Storage, Token, Value};

/// `String`: a text of at most `limits::STRING_CHARS` characters, kept as it is sent.
pub(crate) struct Word;

/// `Text`: a text of any length that a body can have, kept as it is sent. Its field limits it.
pub(crate) struct Text;

const EXPECTED: &str = "a text in double quotes";

impl Definition for Word {
    fn name(&self) -> &'static str {
        "String"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.text()?.ok_or(Problem::Expected(EXPECTED))?;
        within(&text, limits::STRING_CHARS)?;
        Ok(Value::text(&*text))
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Text(text) => within(&text, limits::STRING_CHARS).map(|()| Value::Text(text)),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Text
    }

    fn schema(&self) -> Schema {
        Schema::up_to(limits::STRING_CHARS)
    }
}

impl Definition for Text {
    fn name(&self) -> &'static str {
        "Text"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.text()?.ok_or(Problem::Expected(EXPECTED))?;
        without_nul(&text)?;
        Ok(Value::text(&*text))
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Text(text) => without_nul(&text).map(|()| Value::Text(text)),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Text
    }

    fn max_chars(&self) -> Option<usize> {
        Some(limits::BODY_BYTES)
    }

    /// A `Text` can be too long to sort by or to index.
    fn is_sortable(&self) -> bool {
        false
    }

    fn schema(&self) -> Schema {
        Schema::format("")
    }
}

/// Refuses a text that is longer than this many characters or that holds NUL.
pub(crate) fn within(text: &str, max: usize) -> Result<(), Problem> {
    without_nul(text)?;
    if text.len() > max && text.chars().count() > max { Err(Problem::TooLong { max }) } else { Ok(()) }
}

fn without_nul(text: &str) -> Result<(), Problem> {
    if text.contains('\0') { Err(Problem::Nul) } else { Ok(()) }
}

/// Reads a scalar whose normal form is a text from the characters of a token or a value.
pub(crate) trait Formatted {
    /// What is expected, with an example.
    const EXPECTED: &'static str;
    /// In which case the letters of the normal form are.
    const LETTERS: Letters = Letters::Mixed;

    /// The normal form of these characters.
    fn normal(text: &str) -> Result<String, Problem>;

    /// `Definition::read` of such a scalar.
    fn read(token: Token<'_>) -> Result<Value, Problem> {
        let text = token.text()?.ok_or(Problem::Expected(Self::EXPECTED))?;
        Self::normal(&text).map(Value::text)
    }

    /// `Definition::fit` of such a scalar.
    fn fit(value: &Value) -> Result<Value, Problem> {
        match value {
            Value::Text(text) => Self::normal(text).map(Value::text),
            _ => Err(Problem::Expected(Self::EXPECTED)),
        }
    }
}

/// Implements `Definition` for a scalar whose normal form is a text.
macro_rules! formatted {
    ($scalar:ty, $name:literal, $schema:expr) => {
        impl $crate::definition::Definition for $scalar {
            fn name(&self) -> &'static str {
                $name
            }

            fn expected(&self) -> &'static str {
                <Self as $crate::scalar::text::Formatted>::EXPECTED
            }

            fn read(&self, token: $crate::Token<'_>) -> Result<$crate::Value, $crate::Problem> {
                <Self as $crate::scalar::text::Formatted>::read(token)
            }

            fn fit(&self, value: $crate::Value) -> Result<$crate::Value, $crate::Problem> {
                <Self as $crate::scalar::text::Formatted>::fit(&value)
            }

            fn storage(&self) -> $crate::Storage {
                $crate::Storage::Text
            }

            fn letters(&self) -> $crate::Letters {
                <Self as $crate::scalar::text::Formatted>::LETTERS
            }

            fn schema(&self) -> $crate::Schema {
                $schema
            }
        }
    };
}
pub(crate) use formatted;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    #[test]
    fn strings_have_a_limit_and_no_nul() {
        let long = format!("\"{}\"", "é".repeat(limits::STRING_CHARS + 1));
        assert_eq!(Scalar::String.read(Token::Json(r#""a\u00e9""#)), Ok(Value::text("aé")));
        assert_eq!(Scalar::String.read(Token::Json(r#""a\u0000""#)), Err(Problem::Nul));
        assert_eq!(Scalar::String.read(Token::Json(&long)), Err(Problem::TooLong { max: limits::STRING_CHARS }));
        assert_eq!(Scalar::Text.read(Token::Json(r#""\ud83d""#)), Err(Problem::LoneSurrogate));
        assert_eq!(Scalar::Text.read(Token::Json("7")), Err(Problem::Expected(EXPECTED)));
        assert_eq!(Scalar::Text.read(Token::Bare("7")), Ok(Value::text("7")));
    }
}
