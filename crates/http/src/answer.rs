use backstay_engine::Tag;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// `Content-Type` of records, lists and everything else that is not a problem.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// `Content-Type` of problems (RFC 9457).
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// `Content-Type` of the few pages there are.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Whom an answer may reach: decides how it is cached and whether it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The same for everyone.
    Public,
    /// What anonymous callers may see, checked again every time.
    Anonymous,
    /// One caller alone.
    Private,
    /// Holds or hangs on a secret: kept nowhere, and not compressed (its length would tell of it).
    Secret,
}

impl Audience {
    /// `Cache-Control`.
    pub(crate) fn cache_control(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Public | Self::Anonymous => "no-cache",
            Self::Private => "private, no-cache",
            Self::Secret => "no-store",
        })
    }
}

/// What a door answers, before negotiation.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
    pub(crate) audience: Audience,
    /// The entity tag of the body, where it has one.
    pub(crate) tag: Option<Tag>,
    /// What else the answer carries.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode, audience: Audience) -> Self {
        Self::ready(status, audience, Bytes::new())
    }

    /// A body that is JSON already.
    pub(crate) fn ready(status: StatusCode, audience: Audience, body: Bytes) -> Self {
        Self { status, content_type: JSON, body, audience, tag: None, headers: Vec::new() }
    }

    /// A value as JSON. Its type must be one whose serialization cannot fail: no maps with keys that are not text.
    pub(crate) fn json(status: StatusCode, audience: Audience, value: &impl Serialize) -> Self {
        Self::ready(status, audience, serde_json::to_vec(value).unwrap_or_default().into())
    }

    /// The same with another `Content-Type`.
    pub(crate) fn of_type(self, content_type: HeaderValue) -> Self {
        Self { content_type, ..self }
    }

    /// The same with an entity tag.
    pub(crate) fn tagged(self, tag: Option<Tag>) -> Self {
        Self { tag, ..self }
    }

    /// Adds a header.
    pub(crate) fn header(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.push((name, value));
    }
}
