use backstay_base::Timestamp;
use backstay_scalar::Storage;
use backstay_sql::{Param, Statement};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::own::{bytes, int, own};
use crate::session::OwnRow;

/// The format of a record: how its digest is computed (see `KeyClaim::digest`), that `fingerprint` and `answer` are bytes
/// of the caller's choosing, and that `expires` counts microseconds since 1970-01-01T00:00:00Z.
const FORMAT: i64 = 1;
/// Expired records that are removed at once.
pub(crate) const PRUNED_AT_ONCE: u64 = 500;

/// The idempotency key of a request, whose key it is, and what was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyClaim {
    /// Whose key: bytes that no two callers share.
    pub scope: Vec<u8>,
    /// The key as it was sent.
    pub key: String,
    /// A digest of the request: another one under the same key is refused.
    pub fingerprint: [u8; 32],
}

impl KeyClaim {
    /// What the record is found by: SHA-256 of the length of the scope (8 bytes, big-endian), the scope and the key.
    fn digest(&self) -> [u8; 32] {
        let length = (self.scope.len() as u64).to_be_bytes();
        Sha256::new().chain_update(length).chain_update(&self.scope).chain_update(&self.key).finalize().into()
    }
}

/// What is known about an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recall {
    /// Nothing: go on, and `remember` the answer.
    New,
    /// The request was completed: this is the answer that was remembered.
    Replay(Vec<u8>),
    /// The key was used for another request.
    Mismatch,
}

/// An answer to be kept under an idempotency key.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) claim: KeyClaim,
    pub(crate) answer: Vec<u8>,
    pub(crate) expires: Timestamp,
}

/// The record of a key, if it has not expired.
pub(crate) fn recall(claim: &KeyClaim, now: Timestamp) -> Statement {
    own(
        "SELECT fingerprint, answer, format FROM backstay_idempotency WHERE digest = $1 AND expires > $2",
        vec![Param::Bytes(claim.digest().as_slice().into()), Param::Int(now.micros())],
        &[Storage::Bytes, Storage::Bytes, Storage::Int],
    )
}

/// What a row of `recall` says.
pub(crate) fn read(row: &dyn OwnRow, claim: &KeyClaim) -> Result<Recall, StoreError> {
    if int(row, 2)? != FORMAT {
        return Err(StoreError::Catalog("backstay_idempotency"));
    }
    if bytes(row, 0)? == claim.fingerprint { Ok(Recall::Replay(bytes(row, 1)?.to_vec())) } else { Ok(Recall::Mismatch) }
}

/// Writes the record of a key, replacing one that has expired; changes no row if there is one that has not.
pub(crate) fn remember(remembered: &Remembered, now: Timestamp) -> Statement {
    let Remembered { claim, answer, expires } = remembered;
    own(
        "INSERT INTO backstay_idempotency (digest, fingerprint, answer, expires, format) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (digest) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, \
         expires = excluded.expires, format = excluded.format WHERE backstay_idempotency.expires <= $6",
        vec![
            Param::Bytes(claim.digest().as_slice().into()),
            Param::Bytes(claim.fingerprint.as_slice().into()),
            Param::Bytes(answer.as_slice().into()),
            Param::Int(expires.micros()),
            Param::Int(FORMAT),
            Param::Int(now.micros()),
        ],
        &[],
    )
}

/// Removes those of the oldest records that have expired, a bounded number of them.
pub(crate) fn prune(now: Timestamp) -> Statement {
    own(
        "DELETE FROM backstay_idempotency WHERE expires <= $1 AND number IN \
         (SELECT number FROM backstay_idempotency ORDER BY number LIMIT $2)",
        vec![Param::Int(now.micros()), Param::Int(PRUNED_AT_ONCE.cast_signed())],
        &[],
    )
}
