use backstay_engine::{Idempotency, IfMatch, Shown, WriteOptions};
use bytes::Bytes;

use crate::negotiation::Returning;

/// What a write carries in its headers.
#[derive(Debug, Default)]
pub(crate) struct WriteHeaders {
    pub(crate) idempotency_key: Option<String>,
    pub(crate) if_match: Option<IfMatch>,
    pub(crate) returning: Option<Returning>,
}

impl WriteHeaders {
    /// The same for the engine, which knows a request under a key by its body, and by its query where that says what it
    /// answers.
    pub(crate) fn with(self, (query, body): (Option<&str>, Bytes), shown: Option<Shown>) -> WriteOptions {
        let Self { idempotency_key, if_match, returning } = self;
        // Neither contains NUL.
        let sent = || match &shown {
            Some(_) => [query.unwrap_or_default().as_bytes(), &body].join(&0).into(),
            None => body.clone(),
        };
        let idempotency = idempotency_key.map(|key| Idempotency { key, sent: sent() });
        WriteOptions { idempotency, if_match, minimal: returning == Some(Returning::Minimal), shown }
    }
}
