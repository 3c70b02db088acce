use backstay_base::Error;
use backstay_engine::Tag;
use backstay_rest::RecordWriter;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::negotiation::Returning;

/// `Content-Type` of records, lists and most other answers.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// `Content-Type` of problems (RFC 9457).
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// `Content-Type` of HTML pages.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// `Content-Type` of plain text.
pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Whom an answer may reach, which decides how it is cached and whether it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The same for everyone.
    Public,
    /// The same for everyone and for good: what changes gets another path.
    Unchanging,
    /// Anonymous callers; checked again every time.
    Anonymous,
    /// One caller.
    Private,
    /// Contains or depends on a secret: never cached, and not compressed, because its length would leak the secret.
    Secret,
}

impl Audience {
    /// `Cache-Control`.
    pub(crate) fn cache_control(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Public | Self::Anonymous => "no-cache",
            Self::Unchanging => "public, max-age=31536000, immutable",
            Self::Private => "private, no-cache",
            Self::Secret => "no-store",
        })
    }
}

/// What a handler answers, before negotiation.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
    /// What follows the body, if that is only the beginning.
    pub(crate) rest: Option<Box<Remaining>>,
    pub(crate) audience: Audience,
    /// The entity tag of the body, if it has one.
    pub(crate) tag: Option<Tag>,
    /// Headers besides those that every answer has.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// What is left of an export.
#[derive(Debug)]
pub(crate) struct Remaining {
    pub(crate) writer: RecordWriter,
    /// Where its next page starts.
    pub(crate) next: String,
    /// How many records that has at most.
    pub(crate) limit: u32,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode, audience: Audience) -> Self {
        Self::ready(status, audience, Bytes::new())
    }

    /// A body that already is JSON.
    pub(crate) fn ready(status: StatusCode, audience: Audience, body: Bytes) -> Self {
        Self { status, content_type: JSON, body, rest: None, audience, tag: None, headers: Vec::new() }
    }

    /// A value as JSON.
    pub(crate) fn json(status: StatusCode, audience: Audience, value: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(value).map_err(Error::internal)?;
        Ok(Self::ready(status, audience, body.into()))
    }

    /// The same with another `Content-Type`.
    pub(crate) fn of_type(self, content_type: HeaderValue) -> Self {
        Self { content_type, ..self }
    }

    /// The same with an entity tag.
    pub(crate) fn tagged(self, tag: Option<Tag>) -> Self {
        Self { tag, ..self }
    }

    /// The answer to a change that was made, as if the client had sent `Prefer: return=minimal`: what there is no memory
    /// for isn't sent.
    pub(crate) fn without_body(mut self) -> Self {
        if self.status == StatusCode::OK {
            self.status = StatusCode::NO_CONTENT;
        }
        self.body = Bytes::new();
        let applied = Returning::Minimal.applied();
        if !self.headers.contains(&applied) {
            self.headers.push(applied);
        }
        self
    }

    /// Adds a header.
    pub(crate) fn header(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.push((name, value));
    }
}
