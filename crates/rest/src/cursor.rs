use backstay_base::{Error, Place, ViolationKind, limits};
use backstay_engine::{Cursor, Fold, FoldFunction, Groups, PageOrder, SortBy, SortKey, ValueKind};
use backstay_model::{Collection, Model, ValueType};
use backstay_scalar::{Scalar, Token, Value, quote};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::sort;

/// The form of the cursors that this Backstay writes.
const FORMAT: u8 = 1;

/// Bytes that most cursors fit into.
const USUAL: usize = 96;

/// A cursor as a word that means nothing to its client: letters, digits, `-` and `_`.
pub(crate) fn encode(cursor: &Cursor, order: PageOrder<'_>) -> String {
    match order {
        PageOrder::Records(collection, keys) => word(cursor, &sort::text(keys, collection)),
        PageOrder::Groups(groups) => word(cursor, &text_of_groups(groups)),
    }
}

/// The same for a record of a nested list whose order has this text.
pub(crate) fn of_list(cursor: &Cursor, order: &str) -> String {
    word(cursor, order)
}

/// The text of an order of groups: what each key is, since names of outputs can stand for anything.
fn text_of_groups(groups: &Groups) -> String {
    let by = groups.by.iter().map(|key| key.value.of.text.to_string());
    let of = groups.of.iter().map(|value| match &value.fold {
        Fold::Records => FoldFunction::Count.name().to_owned(),
        Fold::Of(function, term) => format!("{}({})", function.name(), term.text),
    });
    let outputs: Vec<String> = by.chain(of).collect();
    let order = groups.order();
    let keys = order.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, outputs[key.output]));
    keys.collect::<Vec<_>>().join(",")
}

/// Reads a word that `encode` made for the same order of groups.
pub(crate) fn decode_of_groups((word, at): (&str, Place), groups: &Groups, model: &Model) -> Result<Cursor, Error> {
    let kinds: Vec<ValueType<'_>> = groups.cursor_kinds().into_iter().map(|kind| value_type(kind, model)).collect();
    read_values(word, &text_of_groups(groups), &kinds).ok_or_else(|| {
        let of = if at == Place::Before { "prev" } else { "next" };
        let problem = format!("this is not the `{of}` of a page of the same groups in the same order");
        let remedy = format!("send the `group`, `select` and `sort` of that page, or leave out `{at}` to start over");
        Error::malformed(at, ViolationKind::Misused { problem, remedy })
    })
}

fn value_type(kind: ValueKind, model: &Model) -> ValueType<'_> {
    match kind {
        ValueKind::Scalar(scalar) => ValueType::Scalar(scalar),
        ValueKind::Enum(id) => model.enum_type(id),
    }
}

/// Reads a word that `encode` made for the same order; `at` is the parameter that has it.
pub(crate) fn decode(
    (word, at): (&str, Place),
    keys: &[SortKey],
    collection: &Collection,
    model: &Model,
) -> Result<Cursor, Error> {
    decode_of_list(word, keys, collection, model).ok_or_else(|| {
        let of = if at == Place::Before { "prev" } else { "next" };
        let problem = format!("this is not the `{of}` of a page of the same list in the same order");
        let remedy = format!("send the `sort` of that page, or leave out `{at}` to start over");
        Error::malformed(at, ViolationKind::Misused { problem, remedy })
    })
}

/// The same for a place in a nested list of records; `None` if the word isn't of the same order.
pub(crate) fn decode_of_list(word: &str, keys: &[SortKey], collection: &Collection, model: &Model) -> Option<Cursor> {
    let kind = |key: &SortKey| match &key.by {
        SortBy::Column(column) => model.value_type(&collection.field(column.field).kind),
        SortBy::Derived(value) => Some(value_type(value.kind, model)),
        SortBy::Rank => Some(ValueType::Scalar(Scalar::Int)),
    };
    let kinds = keys.iter().filter_map(kind);
    let kinds: Vec<ValueType<'_>> = kinds.chain([ValueType::Scalar(collection.key.scalar())]).collect();
    read(word, &sort::text(keys, collection), &kinds)
}

fn word(cursor: &Cursor, order: &str) -> String {
    let mut bytes = Vec::with_capacity(USUAL);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&order_mark(order));
    for (index, value) in cursor.values.iter().enumerate() {
        bytes.push(if index == 0 { b'[' } else { b',' });
        match value.bare() {
            Some(text) => quote(&mut bytes, &text),
            None => bytes.extend_from_slice(b"null"),
        }
    }
    bytes.push(b']');
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The cursor in a word; `kinds` are the types of the sort keys and of the id.
fn read(word: &str, order: &str, kinds: &[ValueType<'_>]) -> Option<Cursor> {
    read_values(word, order, kinds).filter(|cursor| cursor.values.last().is_some_and(|id| !id.is_null()))
}

/// The same of an order in which every value can be null.
fn read_values(word: &str, order: &str, kinds: &[ValueType<'_>]) -> Option<Cursor> {
    if word.len() > limits::CURSOR_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(word).ok()?;
    let rest = bytes.strip_prefix(&[FORMAT])?.strip_prefix(&order_mark(order))?;
    let texts: Vec<Option<String>> = serde_json::from_slice(rest).ok()?;
    if texts.len() != kinds.len() {
        return None;
    }
    let value = |(text, kind): (&Option<String>, &ValueType<'_>)| match text {
        None => Some(Value::Null),
        Some(text) => kind.read(Token::Bare(text)).ok(),
    };
    let values: Option<Vec<Value>> = texts.iter().zip(kinds).map(value).collect();
    values.map(|values| Cursor { values })
}

/// Tells the cursors of different orders apart. Not a secret and not a seal.
fn order_mark(order: &str) -> [u8; 4] {
    let hash = order.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    /// What a client holds, byte for byte: a change of it needs another number.
    const GOLDEN: &str = "AVGJ-xBbIjQyIixudWxsLCIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS1iMzAyMDk5YTgwNTciXQ";
    const ORDER: &str = "number,-name";
    const KINDS: [ValueType<'static>; 3] =
        [ValueType::Scalar(Scalar::Int), ValueType::Scalar(Scalar::String), ValueType::Scalar(Scalar::UUID)];

    fn cursor() -> Cursor {
        Cursor { values: vec![Value::Int(42), Value::Null, Value::Id(ID.parse().expect("an id"))] }
    }

    fn read_bytes(bytes: &[u8]) -> Option<Cursor> {
        read(&URL_SAFE_NO_PAD.encode(bytes), ORDER, &KINDS)
    }

    #[test]
    fn a_cursor_is_this_word() {
        assert_eq!(word(&cursor(), ORDER), GOLDEN);
        assert_eq!(read(GOLDEN, ORDER, &KINDS), Some(cursor()));
    }

    #[test]
    fn a_word_of_another_form_or_order_is_refused() {
        let bytes = URL_SAFE_NO_PAD.decode(GOLDEN).expect("base64");
        assert_eq!(read_bytes(&bytes), Some(cursor()));
        for form in [0, 2, 255] {
            assert_eq!(read_bytes(&[&[form], &bytes[1..]].concat()), None, "form {form}");
        }
        for length in 0..bytes.len() {
            assert_eq!(read_bytes(&bytes[..length]), None, "{length} bytes");
        }
        for order in ["", "number", "-name,number"] {
            assert_eq!(read(GOLDEN, order, &KINDS), None, "{order}");
        }
        assert_eq!(read(GOLDEN, ORDER, &KINDS[1..]), None, "other kinds");
        for texts in [r#"["42",null,null]"#, r#"["x",null,"x"]"#, "{}", r#"[42,null,"x"]"#] {
            assert_eq!(read_bytes(&[&bytes[..5], texts.as_bytes()].concat()), None, "{texts}");
        }
    }
}
