use std::borrow::Cow;

use crate::{Problem, json};

/// An untyped value as some notation writes it, before a scalar reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token<'a> {
    /// Characters that can stand for a value of any type: a URL parameter, a CSV cell, a value in a cursor.
    Bare(&'a str),
    /// The characters of a quoted string, its escapes resolved.
    Text(&'a str),
    /// A number as it is written (RFC 8259, section 6).
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// A JSON value other than null, as it is written. It must be well-formed.
    Json(&'a str),
}

impl<'a> Token<'a> {
    /// The characters, if a quoted string or bare text stands here.
    pub(crate) fn text(self) -> Result<Option<Cow<'a, str>>, Problem> {
        match self {
            Self::Bare(text) | Self::Text(text) => Ok(Some(Cow::Borrowed(text))),
            Self::Json(raw) if raw.trim_ascii_start().starts_with('"') => unquoted(raw.trim_ascii()).map(Some),
            Self::Number(_) | Self::Bool(_) | Self::Json(_) => Ok(None),
        }
    }

    /// The number as it is written, if a number or bare text stands here.
    pub(crate) fn number(self) -> Option<&'a str> {
        match self {
            Self::Bare(text) | Self::Number(text) => Some(text),
            Self::Json(raw) => {
                Some(raw.trim_ascii()).filter(|raw| raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
            }
            Self::Text(_) | Self::Bool(_) => None,
        }
    }

    /// The truth value, if one stands here.
    pub(crate) fn truth(self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(truth),
            Self::Bare(text) | Self::Json(text) => match text.trim_ascii() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            Self::Text(_) | Self::Number(_) => None,
        }
    }

    /// The JSON object, if one stands here.
    pub(crate) fn object(self) -> Option<&'a str> {
        match self {
            Self::Json(raw) => Some(raw.trim_ascii()).filter(|raw| raw.starts_with('{')),
            Self::Bare(_) | Self::Text(_) | Self::Number(_) | Self::Bool(_) => None,
        }
    }

    /// The whole value as JSON; none of bare text, which could be anything.
    pub(crate) fn json(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(raw) => Some(Cow::Borrowed(raw)),
            Self::Number(number) => Some(Cow::Borrowed(number)),
            Self::Bool(truth) => Some(Cow::Borrowed(if truth { "true" } else { "false" })),
            Self::Text(text) => {
                let mut quoted = Vec::with_capacity(text.len() + 2);
                json::quote(&mut quoted, text);
                Some(Cow::Owned(String::from_utf8(quoted).expect("quoting a text adds only ASCII")))
            }
            Self::Bare(_) => None,
        }
    }
}

/// The characters of a JSON string, borrowed where it has no escapes.
fn unquoted(raw: &str) -> Result<Cow<'_, str>, Problem> {
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        // A well-formed string whose characters cannot be had has half of a surrogate pair in it.
        _ => serde_json::from_str::<String>(raw).map(Cow::Owned).map_err(|_| Problem::LoneSurrogate),
    }
}
