/// The idempotency key of a request, in whose name, and what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyClaim {
    /// Whose key: bytes that no two callers share.
    pub scope: Vec<u8>,
    /// The key as it was sent.
    pub key: String,
    /// A digest of the request: another one under the same key is refused.
    pub fingerprint: [u8; 32],
}

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recall {
    /// Nothing: go on, and `remember` the answer.
    New,
    /// The request was done: this is the answer that was remembered.
    Replay(Vec<u8>),
    /// The key was used for another request.
    Mismatch,
}
