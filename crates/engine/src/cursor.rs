use backstay_base::{Error, ViolationKind, limits};
use backstay_model::ValueType;
use backstay_scalar::{Token, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The form of the cursors that this Backstay writes.
const FORMAT: u8 = 1;

/// A place in an order: the values of the sort keys and the id of the record that it comes after. To a client it is a
/// word without meaning; it says nothing that the client did not see, and a forged one gives a place in the client's
/// own list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cursor {
    pub(crate) values: Vec<Value>,
}

impl Cursor {
    /// The cursor as a word. `order` is the text of the sort that it belongs to.
    pub(crate) fn encode(&self, order: &str) -> String {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&order_mark(order));
        let texts: Vec<Option<String>> = self.values.iter().map(Value::bare).collect();
        bytes.extend(serde_json::to_vec(&texts).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a word that `encode` made for the same order; `kinds` are the types of the sort keys and of the id.
    pub(crate) fn decode(word: &str, order: &str, kinds: &[ValueType<'_>]) -> Result<Self, Error> {
        Self::read(word, order, kinds).ok_or_else(|| {
            let expected = "the 'next' of a page of the same list, in the same order".to_owned();
            Error::malformed("after", ViolationKind::Type { expected })
        })
    }

    fn read(word: &str, order: &str, kinds: &[ValueType<'_>]) -> Option<Self> {
        if word.len() > limits::CURSOR_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(word).ok()?;
        let rest = bytes.strip_prefix(&[FORMAT])?.strip_prefix(&order_mark(order))?;
        let texts: Vec<Option<String>> = serde_json::from_slice(rest).ok()?;
        if texts.len() != kinds.len() || texts.last()?.is_none() {
            return None;
        }
        let value = |(text, kind): (&Option<String>, &ValueType<'_>)| match text {
            None => Some(Value::Null),
            Some(text) => kind.read(Token::Bare(text)).ok(),
        };
        let values: Option<Vec<Value>> = texts.iter().zip(kinds).map(value).collect();
        values.map(|values| Self { values })
    }

    /// For each sort key whether its value is null.
    pub(crate) fn nulls(&self) -> Vec<bool> {
        let keys = self.values.len().saturating_sub(1);
        self.values.iter().take(keys).map(Value::is_null).collect()
    }
}

/// Tells the cursors of different orders apart. Not a secret and not a seal.
fn order_mark(order: &str) -> [u8; 4] {
    let hash = order.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use backstay_scalar::Scalar;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    /// What a client holds, byte for byte: a change of it needs another number.
    const GOLDEN: &str = "AVGJ-xBbIjQyIixudWxsLCIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS1iMzAyMDk5YTgwNTciXQ";
    const ORDER: &str = "number,-name";
    const KINDS: [ValueType<'static>; 3] =
        [ValueType::Scalar(Scalar::Int), ValueType::Scalar(Scalar::String), ValueType::Scalar(Scalar::Id)];

    fn cursor() -> Cursor {
        Cursor { values: vec![Value::Int(42), Value::Null, Value::Id(ID.parse().expect("an id"))] }
    }

    fn read(bytes: &[u8]) -> Result<Cursor, &'static str> {
        Cursor::decode(&URL_SAFE_NO_PAD.encode(bytes), ORDER, &KINDS).map_err(|error| error.code())
    }

    #[test]
    fn a_cursor_is_this_word() {
        assert_eq!(cursor().encode(ORDER), GOLDEN);
        assert_eq!(Cursor::decode(GOLDEN, ORDER, &KINDS).expect("it is read"), cursor());
        assert_eq!(cursor().nulls(), [false, true]);
    }

    #[test]
    fn a_word_of_another_form_or_order_is_refused() {
        let bytes = URL_SAFE_NO_PAD.decode(GOLDEN).expect("base64");
        assert_eq!(read(&bytes), Ok(cursor()));
        for form in [0, 2, 255] {
            assert_eq!(read(&[&[form], &bytes[1..]].concat()), Err("malformed-request"), "form {form}");
        }
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Err("malformed-request"), "{length} bytes");
        }
        for order in ["", "number", "-name,number"] {
            assert!(Cursor::decode(GOLDEN, order, &KINDS).is_err(), "{order}");
        }
        assert!(Cursor::decode(GOLDEN, ORDER, &KINDS[1..]).is_err(), "other kinds");
        for texts in [r#"["42",null,null]"#, r#"["x",null,"x"]"#, "{}", r#"[42,null,"x"]"#] {
            assert_eq!(read(&[&bytes[..5], texts.as_bytes()].concat()), Err("malformed-request"), "{texts}");
        }
    }
}
