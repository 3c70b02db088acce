use std::sync::{Arc, LazyLock};

use backstay_base::{Caller, CallerKind, Error, Secret, Timestamp, Unauthenticated};
use http::{HeaderName, HeaderValue, header};

use crate::Refusal;
use crate::answer::Audience;
use crate::head::Head;

/// The session cookie over https: browsers accept the prefix only with `Secure`, `Path=/` and no `Domain`.
pub(crate) const SECURE_COOKIE: &str = "__Host-backstay";
/// The session cookie over plain http.
pub(crate) const PLAIN_COOKIE: &str = "backstay";

/// What a caller was recognized by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Nothing: the caller is anonymous.
    None,
    /// A token in `Authorization`.
    Bearer,
    /// A token in the cookie, which browsers send on their own.
    Cookie,
    /// The token of a link alone: the caller is anonymous.
    Link,
}

/// A caller, and what it was recognized by.
#[derive(Debug, Clone)]
pub(crate) struct Recognized {
    pub(crate) caller: Arc<Caller>,
    pub(crate) credential: Credential,
}

impl Recognized {
    /// A caller without credentials.
    pub(crate) fn anonymous() -> Self {
        Self { caller: anonymous(), credential: Credential::None }
    }

    /// Whom an answer for this caller may reach.
    pub(crate) fn audience(&self) -> Audience {
        if self.credential == Credential::None { Audience::Anonymous } else { Audience::Private }
    }

    /// Refuses everyone but operators.
    pub(crate) fn require_operator(self) -> Result<Self, Refusal> {
        match self.caller.kind {
            CallerKind::Operator => Ok(self),
            CallerKind::Anonymous => Err(Error::from(Unauthenticated::Missing).into()),
            CallerKind::Account | CallerKind::Service | CallerKind::System => Err(Refusal::NoSuchPath { hint: None }),
        }
    }
}

/// The header in which a caller, signed in or not, shows the token of a link.
pub(crate) const LINK: HeaderName = HeaderName::from_static("backstay-link");

/// The caller, as an extension of a request that a program makes in this process and whose caller it has recognized itself. Requests
/// that come over a connection have none.
#[derive(Debug, Clone)]
pub struct KnownCaller(pub Arc<Caller>);

/// Recognizes the caller. `Authorization` takes precedence over the cookie; a token that is not valid is refused, and so is
/// that of a link.
pub(crate) async fn recognize(head: &Head<'_>) -> Result<Recognized, Refusal> {
    let recognized = signed_in(head).await?;
    let Some(token) = head.header(&LINK)? else { return Ok(recognized) };
    let shown = head.state.identity.authenticate_link(&Secret::new(token.to_owned())).await?;
    Ok(match (recognized.credential, shown.link) {
        (Credential::None, _) => Recognized { caller: shown, credential: Credential::Link },
        (_, Some(link)) => {
            Recognized { caller: Arc::new(Caller::clone(&recognized.caller).with_link(link)), ..recognized }
        }
        (_, None) => recognized,
    })
}

/// Recognizes the caller without links.
async fn signed_in(head: &Head<'_>) -> Result<Recognized, Refusal> {
    if let Some(KnownCaller(caller)) = head.parts.extensions.get() {
        return Ok(Recognized { caller: Arc::clone(caller), credential: Credential::Bearer });
    }
    let (token, credential) = match bearer(head)? {
        Some(token) => (Secret::new(token.to_owned()), Credential::Bearer),
        None => match cookie(head) {
            Some(token) => (Secret::new(token.to_owned()), Credential::Cookie),
            None => return Ok(Recognized::anonymous()),
        },
    };
    let caller = head.state.identity.authenticate(&token).await?;
    Ok(Recognized { caller, credential })
}

/// The one anonymous caller, shared by all requests.
pub(crate) fn anonymous() -> Arc<Caller> {
    static ANONYMOUS: LazyLock<Arc<Caller>> = LazyLock::new(|| Arc::new(Caller::anonymous()));
    Arc::clone(&ANONYMOUS)
}

/// The token in `Authorization: Bearer` (RFC 6750, section 2.1), or after a word that the settings allow.
pub(crate) fn bearer<'r>(head: &Head<'r>) -> Result<Option<&'r str>, Refusal> {
    let Some(value) = head.header(&header::AUTHORIZATION).map_err(|_| Refusal::Authorization)? else {
        return Ok(None);
    };
    let (scheme, token) = value.split_once(' ').ok_or(Refusal::Authorization)?;
    let token = token.trim_start_matches(' ');
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let is_scheme = |known: &String| scheme.eq_ignore_ascii_case(known);
    let is_known = scheme.eq_ignore_ascii_case("bearer") || head.state.settings.token_schemes.iter().any(is_scheme);
    if !is_known || token.is_empty() || !token.bytes().all(is_token) {
        return Err(Refusal::Authorization);
    }
    Ok(Some(token))
}

/// The token in the cookie.
fn cookie<'r>(head: &Head<'r>) -> Option<&'r str> {
    let mut lines = head.headers().get_all(header::COOKIE).iter().peekable();
    lines.peek()?;
    let wanted = cookie_name(head);
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        // Another cookie of the host may have any bytes.
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='))
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value)
}

fn cookie_name(head: &Head<'_>) -> &'static str {
    if head.is_secure() { SECURE_COOKIE } else { PLAIN_COOKIE }
}

/// `Set-Cookie` that stores the token until it expires.
pub(crate) fn set_cookie(head: &Head<'_>, token: &Secret, expires: Timestamp) -> Result<HeaderValue, Error> {
    let seconds = (expires.micros() - head.now.micros()).max(0) / 1_000_000;
    cookie_header(head, token.expose(), seconds)
}

/// `Set-Cookie` that removes the token.
pub(crate) fn clear_cookie(head: &Head<'_>) -> Result<HeaderValue, Error> {
    cookie_header(head, "", 0)
}

fn cookie_header(head: &Head<'_>, value: &str, seconds: i64) -> Result<HeaderValue, Error> {
    let (name, secure) = (cookie_name(head), if head.is_secure() { "; Secure" } else { "" });
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let mut header = HeaderValue::from_str(&text).map_err(Error::internal)?;
    header.set_sensitive(true);
    Ok(header)
}
