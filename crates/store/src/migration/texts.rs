//! Values that are read as ones of another type by their texts.

use std::sync::Arc;

use backstay_model::{Element, Model, ValueType};
use backstay_scalar::{Scalar, Storage, Token, Value, write};

use super::unconvertible::Unconvertible;

/// Names of an enum's values, and what they have become.
pub(super) type RenamedValues = [(Arc<str>, Option<Arc<str>>)];

/// What an element of a list, or a value on its own, must be.
pub(super) fn value_type(model: &Model, element: Element) -> ValueType<'_> {
    match element {
        Element::Scalar(scalar) => ValueType::Scalar(scalar),
        Element::Enum(id) => ValueType::Enum(model.enumeration(id)),
    }
}

/// A value within a document as JSON of another type: read as it is, or else by its text.
pub(super) fn text_as(
    model: &Model,
    raw: &str,
    (element, renamed): (Element, &RenamedValues),
) -> Result<String, Unconvertible> {
    let ty = value_type(model, element);
    let text = match Scalar::Text.read(Token::Json(raw)) {
        Ok(Value::Text(text)) => text.to_string(),
        _ => raw.to_owned(),
    };
    let to = renamed.iter().find(|(from, _)| **from == *text).and_then(|(_, to)| to.as_ref());
    let read = match (to, element) {
        (Some(to), _) => ty.read(Token::Text(to)),
        (None, Element::Scalar(scalar)) if scalar.storage() == Storage::Text => ty.read(Token::Text(&text)),
        (None, Element::Scalar(_) | Element::Enum(_)) => {
            ty.read(Token::Json(raw)).or_else(|_| ty.read(Token::Bare(&text)))
        }
    };
    Ok(json(&exact(read?, element, &text)?))
}

/// A value that was read of a text, if it is the same as the text says: a `Float` can be another number.
pub(super) fn exact(read: Value, element: Element, text: &str) -> Result<Value, Unconvertible> {
    match element {
        Element::Scalar(Scalar::Float) if shortest(&bare(&read)) != shortest(text) => Err(Unconvertible::Inexact),
        Element::Scalar(_) | Element::Enum(_) => Ok(read),
    }
}

/// A number without insignificant zeros.
fn shortest(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

fn json(value: &Value) -> String {
    let mut json = Vec::new();
    write(&mut json, value);
    String::from_utf8_lossy(&json).into_owned()
}

/// A value as it stands in a URL: as JSON, a text without its quotes.
pub(super) fn bare(value: &Value) -> String {
    if let Value::Text(text) | Value::Json(text) = value {
        return text.to_string();
    }
    let json = json(value);
    // What isn't a text has nothing in it that JSON escapes.
    json.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map(str::to_owned).unwrap_or(json)
}
