//! Actions: their arguments in a URL, and what is answered of the records that they return.

use std::fmt::Write as _;

use backstay_base::{Error, Place, RecordId, Violation, ViolationKind};
use backstay_engine::{Answer, AnswerBuffer, Context, Engine, Request};
use backstay_model::{Action, CollectionId, FieldKind, Model, ResultKind, Returned};
use backstay_scalar::{Token, write};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::history::{GetWords, words_of};
use crate::parameter::{SELECT, meant_parameter};
use crate::reader::Reader;
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

/// Refuses a selection of fields that the records which an action returns don't have, and any where it returns none.
///
/// # Errors
/// What is wrong with it.
pub fn check_shown(reader: &Reader, action: &Action, words: &GetWords<'_>) -> Result<(), Error> {
    match action.result.kind {
        ResultKind::Record(of) | ResultKind::Records(of) => reader.shown(of, words).map(drop),
        ResultKind::Value if words.select.is_none() && words.params.is_empty() => Ok(()),
        ResultKind::Value => {
            let problem = format!("`{}` returns no record", action.name);
            let misused = ViolationKind::Misused { problem, remedy: "leave `select` out".to_owned() };
            Err(Error::malformed(Place::Select, misused))
        }
    }
}

/// What a client gets of what an action has returned: of a record what the caller may read of it, and null if that is nothing.
///
/// # Errors
/// A selection that is wrong, and why a record can't be read.
pub async fn shown(
    (engine, reader): (&Engine, &Reader),
    cx: &Context,
    returned: Returned,
    words: &GetWords<'_>,
) -> Result<Bytes, Error> {
    let (of, ids) = match returned {
        Returned::Nothing => return Ok(Bytes::from_static(b"null")),
        Returned::Value(text) => return Ok(Bytes::copy_from_slice(text.as_bytes())),
        Returned::Record(of, id) => return record((engine, reader), cx, (of, id), words).await,
        Returned::Records(of, ids) => (of, ids),
    };
    let mut out = AnswerBuffer::of(cx);
    out.append(b"[")?;
    for (at, id) in ids.into_iter().enumerate() {
        if at > 0 {
            out.append(b",")?;
        }
        out.append(&record((engine, reader), cx, (of, id), words).await?)?;
    }
    out.append(b"]")?;
    Ok(out.finish()?)
}

/// A record as the caller may read it; null if it may not.
async fn record(
    (engine, reader): (&Engine, &Reader),
    cx: &Context,
    (of, id): (CollectionId, RecordId),
    words: &GetWords<'_>,
) -> Result<Bytes, Error> {
    let get = reader.get((of, id.into()), words)?;
    match engine.answer(cx, Request::Get(get), crate::JSON).await {
        Ok(Answer::Found(found)) => Ok(found.body),
        Ok(Answer::Page(_) | Answer::Written(_))
        | Err(Error::NotFound { .. } | Error::Forbidden { .. } | Error::Unauthenticated(_)) => {
            Ok(Bytes::from_static(b"null"))
        }
        Err(error) => Err(error),
    }
}

/// What is answered of the records that an action returns, where its arguments are in the body.
///
/// # Errors
/// Any other parameter.
pub fn called_by_body(query: Option<&str>) -> Result<GetWords<'_>, Error> {
    words_of(url::of_url(query)?, &[SELECT])
}
