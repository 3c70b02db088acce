use http::{HeaderName, HeaderValue, header};

use crate::Refusal;
use crate::credentials::{Credential, Recognized};
use crate::endpoint::Pages;
use crate::head::Head;
use crate::origin::same_authority;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request from a page that may not send it. Browsers name the page's origin. A request that names none is not
/// trusted with the cookie; it must show its token in `Authorization`.
pub(crate) fn require(head: &Head<'_>, pages: Pages, recognized: &Recognized) -> Result<(), Refusal> {
    let allowed = match pages {
        Pages::All => true,
        Pages::OwnWithCookie => recognized.credential != Credential::Cookie || matches!(sender(head), Sender::Own),
        Pages::Allowed => is_allowed(head) || !matches!(sender(head), Sender::Other),
        Pages::Own => !matches!(sender(head), Sender::Other),
    };
    if allowed { Ok(()) } else { Err(Refusal::CrossOrigin) }
}

/// Whether CORS allows the page to call. Such a page gets its token by signing in. Without `credentials` its browser
/// ignores the cookie, and the media type of the body makes it ask first.
fn is_allowed(head: &Head<'_>) -> bool {
    let origin = head.headers().get(header::ORIGIN);
    let cors = head.state.settings.cors.as_ref();
    cors.zip(origin).is_some_and(|(cors, origin)| cors.allows(origin))
}

/// Which page sent a request.
enum Sender {
    /// One of this origin, or of one that is configured to use the cookie.
    Own,
    /// One of another origin.
    Other,
    /// None, or one whose browser does not say.
    Unknown,
}

fn sender(head: &Head<'_>) -> Sender {
    let headers = head.headers();
    let origin = headers.get(header::ORIGIN);
    let configured = |origin: &HeaderValue| {
        let cors = head.state.settings.cors.as_ref();
        cors.is_some_and(|cors| cors.shares_cookie(origin))
    };
    // No browser sends one of them twice.
    if [header::ORIGIN, SEC_FETCH_SITE].iter().any(|name| headers.get_all(name).iter().count() > 1) {
        return Sender::Other;
    }
    let fetched = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    match (fetched, origin) {
        (Some(b"same-origin" | b"none"), _) => Sender::Own,
        (_, Some(origin)) if configured(origin) => Sender::Own,
        (None, Some(origin)) if is_own(head, origin) => Sender::Own,
        (Some(_), _) | (None, Some(_)) => Sender::Other,
        (None, None) => Sender::Unknown,
    }
}

/// Whether the origin's host is the one that was asked, and the page was loaded no less securely.
fn is_own(head: &Head<'_>, origin: &HeaderValue) -> bool {
    let Some((scheme, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let host = head.state.settings.proxies.host(head.peer, head.parts);
    // An app's own scheme is another origin, whatever its host.
    let as_secure = scheme == "https" || (scheme == "http" && !head.is_secure());
    as_secure && host.is_some_and(|host| same_authority(scheme, authority, &host))
}
