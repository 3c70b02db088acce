//! The arguments of an action in a URL.

use std::fmt::Write as _;

use backstay_base::{Error, Place, Violation, ViolationKind};
use backstay_model::{Action, FieldKind, Model};
use backstay_scalar::{Token, write};
use serde_json::value::RawValue;

use crate::history::{GetWords, words_of};
use crate::parameter::{SELECT, meant_parameter};
use crate::url::{self, Pair};
use crate::words::{shorten, unknown};

/// The words of a URL that calls an action: its arguments as a JSON object, and what is answered of the records that it returns.
///
/// # Errors
/// A parameter that is neither, and a text that is no value of its argument.
pub fn called_by_query<'w>(
    (model, action): (&Model, &Action),
    query: Option<&'w str>,
) -> Result<(String, GetWords<'w>), Error> {
    let is_shown = |(name, _): &Pair<'_>| name == SELECT || name.starts_with('$');
    let (shown, sent): (Vec<_>, Vec<_>) = url::of_url(query)?.into_iter().partition(is_shown);
    let fields = action.arguments.map_or(&[][..], |of| &model.embedded(of).members);
    let (mut json, mut violations) = ("{".to_owned(), Vec::new());
    for (name, text) in sent {
        let at = || Place::part(shorten(&name));
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).chain([SELECT]).collect();
            let kind = unknown("parameter", &name, meant_parameter(&names, &name));
            violations.push(Violation::new(at(), kind));
            continue;
        };
        let mut value = Vec::new();
        if let Some(ty) = model.value_type(&field.kind).filter(|_| is_in_url(&field.kind)) {
            match ty.read(Token::Bare(&text)) {
                Ok(read) => write(&mut value, &read),
                Err(problem) => violations.push(Violation::new(at(), problem.into())),
            }
        } else if let Ok(raw) = serde_json::from_str::<&RawValue>(&text) {
            value.extend_from_slice(raw.get().as_bytes());
        } else {
            let expected = "a list or an object as JSON".to_owned();
            violations.push(Violation::new(at(), ViolationKind::Type { expected }));
        }
        if json.len() > 1 {
            json.push(',');
        }
        let _ = write!(json, "\"{name}\":{}", String::from_utf8_lossy(&value));
    }
    if !violations.is_empty() {
        return Err(Error::Malformed(violations));
    }
    json.push('}');
    Ok((json, words_of(shown, &[SELECT])?))
}

/// Whether a value of an argument is written in a URL as it is; others are written as JSON.
pub fn is_in_url(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Scalar(scalar) => scalar.is_equatable(),
        FieldKind::Enum(_) => true,
        FieldKind::List(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => false,
    }
}

/// What is answered of the records that an action returns, where its arguments are in the body.
///
/// # Errors
/// Any other parameter.
pub fn called_by_body(query: Option<&str>) -> Result<GetWords<'_>, Error> {
    words_of(url::of_url(query)?, &[SELECT])
}
