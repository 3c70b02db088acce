use backstay_base::{CallerKind, ViolationKind, limits};
use backstay_engine::WriteOptions;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::compression::weighed;
use crate::credentials::Asker;
use crate::exchange::Exchange;
use crate::{Refusal, preconditions};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What a write carries in its headers.
pub(crate) fn write_options(exchange: &Exchange<'_>, asker: &Asker) -> Result<WriteOptions, Refusal> {
    let headers = exchange.headers();
    preconditions::refuse(headers, &header::IF_NONE_MATCH)?;
    Ok(WriteOptions {
        idempotency_key: idempotency_key(exchange)?.map(|key| own_key(exchange, asker, key)),
        if_match: preconditions::if_match(headers)?,
        minimal: wants_minimal(headers),
    })
}

/// Makes sure that a request which changes nothing carries nothing that is for those that do.
pub(crate) fn refuse_write_options(headers: &HeaderMap) -> Result<(), Refusal> {
    refuse_idempotency_key(headers, "this request changes nothing; the key is for those that do")
}

fn idempotency_key<'r>(exchange: &Exchange<'r>) -> Result<Option<&'r str>, Refusal> {
    let Some(key) = exchange.header(&IDEMPOTENCY_KEY)? else { return Ok(None) };
    // A text of a structured field stands in quotes (RFC 9651, section 3.3.3), which many leave out.
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES {
        let range = format!("1 to {} visible ASCII characters", limits::IDEMPOTENCY_KEY_BYTES);
        return Err(Refusal::malformed(IDEMPOTENCY_KEY.as_str(), ViolationKind::Range(range)));
    }
    Ok(Some(key))
}

/// The key as the engine keeps it: with what tells this caller from others whom the engine takes for the same. Of a
/// caller who has not signed in that is the address; both are hashed together, so that the length stays within limits.
fn own_key(exchange: &Exchange<'_>, asker: &Asker, key: &str) -> String {
    if asker.caller.kind != CallerKind::Anonymous {
        return key.to_owned();
    }
    let mut digest = Sha256::new_with_prefix(exchange.client().to_string());
    digest.update(b"\n");
    digest.update(key);
    format!("{:x}", digest.finalize())
}

/// Refuses a key, and says why.
pub(crate) fn refuse_idempotency_key(headers: &HeaderMap, why: &str) -> Result<(), Refusal> {
    if !headers.contains_key(IDEMPOTENCY_KEY) {
        return Ok(());
    }
    Err(Refusal::malformed(IDEMPOTENCY_KEY.as_str(), ViolationKind::Range(why.to_owned())))
}

/// Whether `Prefer` holds `return=minimal` (RFC 7240, section 4.2). The first of two contradicting counts.
pub(crate) fn wants_minimal(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("return"))
        .is_some_and(|(_, value)| value.trim().trim_matches('"').eq_ignore_ascii_case("minimal"))
}

/// `Preference-Applied: return=minimal`.
pub(crate) fn minimal_applied() -> (HeaderName, HeaderValue) {
    (PREFERENCE_APPLIED, HeaderValue::from_static("return=minimal"))
}

/// Makes sure that `Accept` takes JSON (RFC 9110, section 12.5.1).
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let (mut best, mut weight) = (0, 0);
    for (range, quality) in lines.flat_map(|line| line.split(',')).map(weighed) {
        let precision = match range.to_ascii_lowercase().as_str() {
            "application/json" => 3,
            "application/*" => 2,
            "*/*" => 1,
            _ => continue,
        };
        if precision > best {
            (best, weight) = (precision, quality);
        }
    }
    if weight > 0 { Ok(()) } else { Err(Refusal::NotAcceptable { offered: "application/json" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("a value"))])
    }

    #[test]
    fn accept_takes_json_or_not() {
        let check = |accept: &str, expected: bool| {
            assert_eq!(require_json(&headers(header::ACCEPT, accept)).is_ok(), expected, "{accept}");
        };
        check("*/*", true);
        check("application/json", true);
        check("text/html, Application/*;q=0.1", true);
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true);
        check("text/html", false);
        check("application/json;q=0, */*", false);
        check("*/*;q=0", false);
        check("application/problem+json", false);
        assert!(require_json(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_minimal_answer_is_preferred_or_not() {
        let check = |prefer: &str, expected: bool| {
            assert_eq!(wants_minimal(&headers(PREFER, prefer)), expected, "{prefer}");
        };
        check("return=minimal", true);
        check("respond-async, Return = \"minimal\"; foo=bar", true);
        check("return=representation", false);
        check("return=representation, return=minimal", false);
        check("return", false);
        check("", false);
    }
}
