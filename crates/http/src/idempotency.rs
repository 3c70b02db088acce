use backstay_base::{CallerKind, ViolationKind, limits};
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};

use crate::Refusal;
use crate::credentials::Recognized;
use crate::head::Head;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The idempotency key as the engine stores it, which keeps the keys of different callers apart. Anonymous callers are
/// one caller to the engine, so their keys are told apart by network address, hashed together with the key to stay
/// within its length. One who shows a secret link has the keys of that link.
pub(crate) fn key(head: &Head<'_>, recognized: &Recognized) -> Result<Option<String>, Refusal> {
    let Some(key) = sent(head)? else { return Ok(None) };
    if recognized.caller.kind != CallerKind::Anonymous || recognized.caller.link.is_some() {
        return Ok(Some(key.to_owned()));
    }
    let mut digest = Sha256::new_with_prefix(head.client().to_string());
    digest.update(b"\n");
    digest.update(key);
    Ok(Some(format!("{:x}", digest.finalize())))
}

fn sent<'r>(head: &Head<'r>) -> Result<Option<&'r str>, Refusal> {
    let Some(key) = head.header(&IDEMPOTENCY_KEY)? else { return Ok(None) };
    // As a structured field the key is in quotes (RFC 9651, section 3.3.3), which many clients leave out.
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES || !is_visible {
        let range = format!("expected 1 to {} visible ASCII characters, without spaces", limits::IDEMPOTENCY_KEY_BYTES);
        return Err(Refusal::malformed(IDEMPOTENCY_KEY.as_str(), ViolationKind::Range(range)));
    }
    Ok(Some(key))
}

/// Refuses a key, and says why.
pub(crate) fn refuse(headers: &HeaderMap, why: &str) -> Result<(), Refusal> {
    if !headers.contains_key(IDEMPOTENCY_KEY) {
        return Ok(());
    }
    Err(Refusal::malformed(IDEMPOTENCY_KEY.as_str(), ViolationKind::Range(why.to_owned())))
}
