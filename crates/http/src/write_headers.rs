use backstay_engine::{Idempotency, IfMatch, WriteOptions};
use bytes::Bytes;

/// What a write carries in its headers.
#[derive(Debug, Default)]
pub(crate) struct WriteHeaders {
    pub(crate) idempotency_key: Option<String>,
    pub(crate) if_match: Option<IfMatch>,
    pub(crate) minimal: bool,
}

impl WriteHeaders {
    /// The same for the engine, which knows a request under a key by its body.
    pub(crate) fn with(self, body: Bytes) -> WriteOptions {
        let Self { idempotency_key, if_match, minimal } = self;
        let idempotency = idempotency_key.map(|key| Idempotency { key, sent: body });
        WriteOptions { idempotency, if_match, minimal }
    }
}
