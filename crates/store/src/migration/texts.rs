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
    let mut json = Vec::new();
    write(&mut json, &read?);
    Ok(String::from_utf8_lossy(&json).into_owned())
}
