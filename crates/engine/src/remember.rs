use backstay_base::{Caller, Duration, Error, Limit, RecordId, Timestamp, limits};
use backstay_store::{KeyClaim, Recall};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{IfMatch, Outcome, Tag, TxContext, Written};

/// The claim of a request on its idempotency key: in the caller's own name, for this very request.
pub(crate) fn claim(caller: &Caller, key: &str, what: &[&[u8]]) -> Result<KeyClaim, Error> {
    if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES {
        let max = limits::IDEMPOTENCY_KEY_BYTES as u64;
        return Err(Limit::Size { what: "the idempotency key", max, unit: "bytes (and at least one)" }.into());
    }
    let mut scope = caller.kind.name().as_bytes().to_vec();
    if let Some(id) = caller.id {
        scope.extend_from_slice(id.as_bytes());
    }
    let mut digest = Sha256::new();
    for part in what {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    Ok(KeyClaim { scope, key: key.to_owned(), fingerprint: digest.finalize().into() })
}

/// The part of a request's fingerprint that says which versions it wanted.
pub(crate) fn wanted(if_match: Option<&IfMatch>) -> Vec<u8> {
    match if_match {
        None => vec![0],
        Some(IfMatch::Any) => vec![1],
        Some(IfMatch::Versions(versions)) => {
            std::iter::once(2).chain(versions.iter().flat_map(|version| version.to_be_bytes())).collect()
        }
    }
}

/// An answer as it is kept under its key.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    outcome: u8,
    ids: Vec<String>,
    version: Option<i64>,
    body: Option<String>,
    tag: Option<String>,
    /// What the caller was: an answer is shown again only to who may still see all of it.
    #[serde(default)]
    rights: String,
}

impl TxContext<'_, '_> {
    /// The answer that is kept under the key, if there is one.
    pub(crate) async fn replayed(&mut self, claim: Option<&KeyClaim>) -> Result<Option<Written>, Error> {
        let Some(claim) = claim else { return Ok(None) };
        match self.tx.recall(claim).await.map_err(|error| self.refused(error))? {
            Recall::New => Ok(None),
            Recall::Mismatch => Err(Error::KeyReused),
            Recall::Replay(bytes) => {
                let kept: Kept = serde_json::from_slice(&bytes).map_err(Error::internal)?;
                let same = kept.rights == rights(self.caller());
                let written = kept.into_written();
                Ok(Some(if same { written } else { Written { body: None, tag: None, ..written } }))
            }
        }
    }

    /// Keeps an answer under its key, in the same commit.
    pub(crate) fn remember(&mut self, claim: Option<&KeyClaim>, written: &Written) -> Result<(), Error> {
        let Some(claim) = claim else { return Ok(()) };
        let bytes = serde_json::to_vec(&Kept::of(written, rights(self.caller()))).map_err(Error::internal)?;
        self.tx.remember(claim.clone(), bytes, expiry(self.now()));
        Ok(())
    }
}

/// The caller's roles, claims and grant, as a digest.
fn rights(caller: &Caller) -> String {
    let mut digest = Sha256::new();
    for role in caller.roles.iter() {
        digest.update(role.as_bytes());
        digest.update([0]);
    }
    for (name, value) in caller.claims.iter() {
        for part in [name, value] {
            digest.update([1]);
            digest.update(part.as_bytes());
        }
    }
    for (collection, action) in caller.grant.iter().flat_map(|grant| grant.iter()) {
        for part in [collection, action] {
            digest.update([2]);
            digest.update(part.as_bytes());
        }
    }
    if caller.grant.is_some() {
        digest.update([3]);
    }
    URL_SAFE_NO_PAD.encode(&digest.finalize()[..16])
}

fn expiry(now: Timestamp) -> Timestamp {
    const HOUR_MICROS: i64 = 3_600_000_000;
    now.checked_add(Duration::from_micros(limits::IDEMPOTENCY_HOURS * HOUR_MICROS)).unwrap_or(now)
}

impl Kept {
    fn of(written: &Written, rights: String) -> Self {
        let text = |body: &Bytes| String::from_utf8_lossy(body).into_owned();
        Self {
            outcome: match written.outcome {
                Outcome::Created => 1,
                Outcome::Updated => 2,
                Outcome::Deleted => 3,
            },
            ids: written.ids.iter().map(RecordId::to_string).collect(),
            version: written.version,
            body: written.body.as_ref().map(text),
            tag: written.tag.as_ref().map(|tag| tag.as_str().to_owned()),
            rights,
        }
    }

    fn into_written(self) -> Written {
        Written {
            outcome: match self.outcome {
                1 => Outcome::Created,
                2 => Outcome::Updated,
                _ => Outcome::Deleted,
            },
            ids: self.ids.iter().filter_map(|id| id.parse().ok()).collect(),
            version: self.version,
            body: self.body.map(Bytes::from),
            tag: self.tag.map(Tag::from_text),
            replayed: true,
        }
    }
}
