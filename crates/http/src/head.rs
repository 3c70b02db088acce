use backstay_base::{ViolationKind, limits};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use crate::Refusal;

/// Refuses a request whose head is too large, or could be read in another way by what stands in between.
pub(crate) fn check(parts: &Parts) -> Result<(), Refusal> {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > limits::TARGET_BYTES {
        return Err(Refusal::TargetTooLong { max: limits::TARGET_BYTES });
    }
    let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > limits::HEADER_BYTES {
        return Err(Refusal::HeadersTooLarge { max: limits::HEADER_BYTES });
    }
    check_host(parts)?;
    check_coding(&parts.headers)
}

/// A request names its host once (RFC 9112, section 3.2).
fn check_host(parts: &Parts) -> Result<(), Refusal> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let kind = match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) => return Ok(()),
        (None, _) if parts.version < Version::HTTP_11 => return Ok(()),
        (None, _) => ViolationKind::Required,
        (Some(_), Some(_)) => ViolationKind::Duplicate,
        (Some(_), None) => ViolationKind::Type { expected: "a host, with or without a port".to_owned() },
    };
    Err(malformed(&header::HOST, kind))
}

/// Whether these are the characters of a host and a port (RFC 3986, section 3.2); empty where the target has none.
fn is_host(host: &HeaderValue) -> bool {
    host.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte))
}

/// No coding is understood but chunks (RFC 9112, section 6.1). A `Content-Length` beside it is passed over, and the
/// connection is closed after the answer: hyper does that.
fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => {
            let why = "'chunked' is taken, once, and nothing else".to_owned();
            Err(malformed(&header::TRANSFER_ENCODING, ViolationKind::Range(why)))
        }
    }
}

fn malformed(name: &HeaderName, kind: ViolationKind) -> Refusal {
    Refusal::malformed(name.as_str(), kind)
}
