//! How the events of each provider are signed, and what they are known by.

use aws_lc_rs::hmac;
use backstay_base::{Secret, ViolationKind, limits};
use backstay_model::Provider;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Refusal;
use crate::head::Head;

const STRIPE_SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");
const GITHUB_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The id of an event whose signature is that of one of these secrets, and that is not too old.
pub(super) fn verified(
    head: &Head<'_>,
    body: &[u8],
    (provider, secrets): (Provider, &Secret),
) -> Result<String, Refusal> {
    let sent = |name: &HeaderName| {
        head.header(name)?.ok_or_else(|| Refusal::malformed(name.as_str(), ViolationKind::Required))
    };
    match provider {
        Provider::Stripe => {
            let header = sent(&STRIPE_SIGNATURE)?;
            let pairs = || header.split(',').filter_map(|pair| pair.trim().split_once('='));
            let moment = pairs().find(|(name, _)| *name == "t").map_or("", |(_, moment)| moment);
            check_moment(head, (&STRIPE_SIGNATURE, moment))?;
            let codes = pairs().filter(|(name, _)| *name == "v1").filter_map(|(_, code)| of_hex(code));
            let signed = [moment.as_bytes(), b".", body];
            check(&STRIPE_SIGNATURE, codes, secrets, |secret| Some(code_of(secret.as_bytes(), &signed)))?;
            stripe_id(body)
        }
        Provider::GitHub => {
            let code = sent(&GITHUB_SIGNATURE)?.strip_prefix("sha256=").and_then(of_hex);
            check(&GITHUB_SIGNATURE, code.into_iter(), secrets, |secret| Some(code_of(secret.as_bytes(), &[body])))?;
            // `X-GitHub-Delivery` isn't signed: whoever sees an event could send it again under another id.
            Ok(format!("{:x}", Sha256::digest(body)))
        }
        Provider::StandardWebhooks => {
            let (id, moment, header) = (sent(&ID)?, sent(&TIMESTAMP)?, sent(&SIGNATURE)?);
            check_moment(head, (&TIMESTAMP, moment))?;
            let codes = header.split(' ').filter_map(|code| STANDARD.decode(code.strip_prefix("v1,")?).ok());
            let signed = [id.as_bytes(), b".", moment.as_bytes(), b".", body];
            check(&SIGNATURE, codes, secrets, |secret| {
                let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
                Some(code_of(&key, &signed))
            })?;
            Ok(id.to_owned())
        }
    }
}

/// Refuses an event of which no code is one that a secret makes. Each is compared in the same time, wherever it differs.
fn check(
    header: &HeaderName,
    codes: impl Iterator<Item = Vec<u8>>,
    secrets: &Secret,
    made: impl Fn(&str) -> Option<hmac::Tag>,
) -> Result<(), Refusal> {
    let expected: Vec<hmac::Tag> = secrets.expose().split_whitespace().filter_map(made).collect();
    let is_signed = codes
        .take(limits::INBOX_SIGNATURES)
        .any(|code| expected.iter().any(|made| bool::from(made.as_ref().ct_eq(&code))));
    let forged =
        || ViolationKind::Range("the signature isn't that of this body under the secret of this inbox".to_owned());
    if is_signed { Ok(()) } else { Err(Refusal::malformed(header.as_str(), forged())) }
}

/// The HMAC-SHA256 of these parts, one after the other.
fn code_of(key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    context.sign()
}

/// Refuses an event that was signed long ago, or by a clock that is wrong.
fn check_moment(head: &Head<'_>, (header, moment): (&HeaderName, &str)) -> Result<(), Refusal> {
    let expected = || ViolationKind::Type { expected: "a timestamp in seconds since 1970".to_owned() };
    let moment: i64 = moment.parse().map_err(|_| Refusal::malformed(header.as_str(), expected()))?;
    let now = head.now.micros().div_euclid(1_000_000);
    let apart = now.checked_sub(moment).and_then(i64::checked_abs);
    if apart.is_some_and(|apart| apart <= limits::INBOX_SECONDS) {
        return Ok(());
    }
    let range = format!("the timestamp is more than {} seconds from this server's clock", limits::INBOX_SECONDS);
    Err(Refusal::malformed(header.as_str(), ViolationKind::Range(range)))
}

#[derive(Deserialize)]
struct StripeEvent {
    id: String,
}

fn stripe_id(body: &[u8]) -> Result<String, Refusal> {
    let expected = || ViolationKind::Type { expected: "an event of Stripe: a JSON object with its `id`".to_owned() };
    let event: StripeEvent = serde_json::from_slice(body).map_err(|_| Refusal::malformed("body", expected()))?;
    Ok(event.id)
}

/// Octets written in hexadecimal digits.
fn of_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}
