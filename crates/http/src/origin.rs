use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::Refusal;
use crate::credentials::{Asker, Voucher};
use crate::exchange::Exchange;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Headers that a page may send.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer";
/// Headers of an answer that a page may read.
const EXPOSED_HEADERS: &str = "ETag, Idempotency-Replayed, Location, Preference-Applied, Request-Id, Retry-After";

/// Which other origins' pages may call (the Fetch standard, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    origins: Origins,
    credentials: bool,
    max_age: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origins {
    All,
    /// Such as `https://app.example.org`.
    Listed(Vec<String>),
}

/// Why a CORS configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorsError {
    /// `*` with credentials would let every page act for whoever is signed in.
    #[error("'*' cannot be combined with credentials; list the origins")]
    WildcardWithCredentials,
    /// `*` beside origins.
    #[error("'*' stands alone; leave out the other origins, or '*'")]
    WildcardAmongOthers,
    /// Not an origin.
    #[error("'{0}' is not an origin; write scheme and host alone, such as https://app.example.org")]
    Origin(String),
}

impl Cors {
    /// Checks a configuration: origins, or `*` alone; whether their pages may use the cookie; for how many seconds
    /// browsers may remember the answer to a preflight.
    pub fn new(origins: Vec<String>, credentials: bool, max_age: u32) -> Result<Self, CorsError> {
        if origins.iter().any(|origin| origin == "*") {
            return match (origins.len(), credentials) {
                (1, false) => Ok(Self { origins: Origins::All, credentials, max_age }),
                (1, true) => Err(CorsError::WildcardWithCredentials),
                _ => Err(CorsError::WildcardAmongOthers),
            };
        }
        match origins.iter().find(|origin| !is_origin(origin)) {
            Some(origin) => Err(CorsError::Origin(origin.clone())),
            None => Ok(Self { origins: Origins::Listed(origins), credentials, max_age }),
        }
    }

    fn lists(&self, origin: &HeaderValue) -> bool {
        let Origins::Listed(origins) = &self.origins else { return false };
        origins.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    }

    /// `Access-Control-Allow-Origin` for a page of this origin, if it may call.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self.origins {
            Origins::All => Some(HeaderValue::from_static("*")),
            Origins::Listed(_) => self.lists(origin).then(|| origin.clone()),
        }
    }

    /// Adds what lets a page read the answer. `preflight` holds the methods where the request asks for leave.
    pub(crate) fn apply(&self, asked: &HeaderMap, answer: &mut HeaderMap, preflight: Option<&'static str>) {
        let Some(allowed) = asked.get(header::ORIGIN).and_then(|origin| self.allowed(origin)) else { return };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        match preflight.filter(|_| asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)) {
            None => {
                let exposed = HeaderValue::from_static(EXPOSED_HEADERS);
                answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            }
            Some(methods) => {
                answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
                answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
                answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
            }
        }
    }
}

/// Whether the text is a scheme and an authority, as browsers send it.
fn is_origin(text: &str) -> bool {
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_authority = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    authority.is_some_and(|authority| !authority.is_empty() && authority.bytes().all(is_authority))
}

/// Lets a request that changes something pass only if the cookie that vouches for it was sent by a page of this
/// origin, or of one that is configured. Browsers say where a request comes from; one that says nothing has to show
/// its token in `Authorization`.
pub(crate) fn require_own(exchange: &Exchange<'_>, asker: &Asker) -> Result<(), Refusal> {
    if asker.voucher != Voucher::Cookie || is_safe(exchange.method()) {
        return Ok(());
    }
    match sender(exchange) {
        Sender::Own => Ok(()),
        Sender::Other | Sender::Unsaid => Err(Refusal::CrossOrigin),
    }
}

/// Refuses a page of another origin.
pub(crate) fn refuse_other(exchange: &Exchange<'_>) -> Result<(), Refusal> {
    match sender(exchange) {
        Sender::Other => Err(Refusal::CrossOrigin),
        Sender::Own | Sender::Unsaid => Ok(()),
    }
}

/// Refuses a page of another origin that may not call, and would have its visitor signed in, or signed up, as somebody
/// else. A page that may call gets its token this way; without `credentials` browsers keep the cookie from it, since the
/// type of the body has them ask first.
pub(crate) fn refuse_unlisted(exchange: &Exchange<'_>) -> Result<(), Refusal> {
    let origin = exchange.headers().get(header::ORIGIN);
    let cors = exchange.site.settings.cors.as_ref();
    match cors.zip(origin).and_then(|(cors, origin)| cors.allowed(origin)) {
        Some(_) => Ok(()),
        None => refuse_other(exchange),
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Which page sent a request.
enum Sender {
    /// One of this origin, or of one that is configured to use the cookie.
    Own,
    /// One of another origin.
    Other,
    /// None, or one whose browser does not say.
    Unsaid,
}

fn sender(exchange: &Exchange<'_>) -> Sender {
    let headers = exchange.headers();
    let origin = headers.get(header::ORIGIN);
    let configured = |origin: &HeaderValue| {
        let cors = exchange.site.settings.cors.as_ref();
        cors.is_some_and(|cors| cors.credentials && cors.lists(origin))
    };
    let fetched = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    match (fetched, origin) {
        (Some(b"same-origin" | b"none"), _) => Sender::Own,
        (_, Some(origin)) if configured(origin) => Sender::Own,
        (None, Some(origin)) if is_host(exchange, origin) => Sender::Own,
        (Some(_), _) | (None, Some(_)) => Sender::Other,
        (None, None) => Sender::Unsaid,
    }
}

/// Whether the origin's host is the one that was asked, and its pages came no less safely.
fn is_host(exchange: &Exchange<'_>, origin: &HeaderValue) -> bool {
    let Some((scheme, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let host = exchange.site.settings.proxies.host(exchange.peer, exchange.parts);
    let as_safe = scheme == "https" || !exchange.is_secure();
    as_safe && host.is_some_and(|host| authority.eq_ignore_ascii_case(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_checked() {
        let check = |origins: &[&str], credentials: bool, expected: Result<(), CorsError>| {
            let origins = origins.iter().map(ToString::to_string).collect();
            assert_eq!(Cors::new(origins, credentials, 600).map(|_| ()), expected);
        };
        check(&[], true, Ok(()));
        check(&["*"], false, Ok(()));
        check(&["*"], true, Err(CorsError::WildcardWithCredentials));
        check(&["*", "https://a.example"], false, Err(CorsError::WildcardAmongOthers));
        check(&["https://a.example", "http://localhost:3000"], true, Ok(()));
        for bad in ["a.example", "https://a.example/", "https://", "null", "https://a.example?x"] {
            check(&[bad], false, Err(CorsError::Origin(bad.to_owned())));
        }
    }
}
