use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::definition::Definition;
use crate::{Problem, Schema, Storage, Token, Value};

/// `Bytes`: octets in base64 (RFC 4648, sections 4 and 5): either alphabet and with or without padding when read, the
/// standard alphabet with padding when written.
pub(crate) struct Bytes;

const EXPECTED: &str = "bytes in base64, such as \"aGVsbG8=\"";

const EITHER_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, EITHER_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, EITHER_PADDING);

impl Definition for Bytes {
    fn name(&self) -> &'static str {
        "Bytes"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.text()?.ok_or(Problem::Expected(EXPECTED))?;
        let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        let octets = engine.decode(&*text).map_err(|_| Problem::Expected(EXPECTED))?;
        Ok(Value::Bytes(Arc::from(octets)))
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Bytes(_) => Ok(value),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Bytes
    }

    fn is_sortable(&self) -> bool {
        false
    }

    fn is_listable(&self) -> bool {
        false
    }

    fn schema(&self) -> Schema {
        Schema::format("byte")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scalar, notation};

    #[test]
    fn octets_are_read_in_either_alphabet() {
        let check = |text: &str, expected: Result<&[u8], Problem>| {
            let expected = expected.map(|octets| Value::Bytes(octets.into()));
            assert_eq!(Scalar::Bytes.read(Token::Text(text)), expected, "{text}");
        };
        check("aGVsbG8=", Ok(b"hello"));
        check("aGVsbG8", Ok(b"hello"));
        check("_-8", Ok(&[0xFF, 0xEF]));
        check("/+8=", Ok(&[0xFF, 0xEF]));
        check("", Ok(b""));
        for bad in ["a", "aGVsbG8=x", "aGVs bG8=", "é", "_+8"] {
            check(bad, Err(Problem::Expected(EXPECTED)));
        }
        assert_eq!(notation::base64(&[0xFF, 0xEF]), "/+8=");
    }
}
