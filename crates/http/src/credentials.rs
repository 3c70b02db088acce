use std::sync::{Arc, LazyLock};

use backstay_base::{Caller, CallerKind, Error, Secret, Timestamp, Unauthenticated};
use http::{HeaderValue, header};

use crate::Refusal;
use crate::answer::Audience;
use crate::exchange::Exchange;

/// The cookie where clients come over https: browsers take the prefix only with `Secure`, `Path=/` and no `Domain`.
pub(crate) const SECURE_COOKIE: &str = "__Host-backstay";
/// The cookie over plain http.
pub(crate) const PLAIN_COOKIE: &str = "backstay";

/// What vouches for a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voucher {
    /// Nothing: the caller is anonymous.
    None,
    /// A token in `Authorization`.
    Bearer,
    /// A token in the cookie, which browsers send without being asked.
    Cookie,
}

/// Who asks, and by what.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) caller: Arc<Caller>,
    pub(crate) voucher: Voucher,
}

impl Asker {
    /// Whom an answer for this caller may reach.
    pub(crate) fn audience(&self) -> Audience {
        if self.voucher == Voucher::None { Audience::Anonymous } else { Audience::Private }
    }

    /// Lets only an operator pass.
    pub(crate) fn require_operator(&self) -> Result<(), Refusal> {
        match self.caller.kind {
            CallerKind::Operator => Ok(()),
            CallerKind::Anonymous => Err(Error::from(Unauthenticated::Missing).into()),
            _ => Err(Refusal::NoSuchPath { hint: None }),
        }
    }
}

/// Recognises the caller. `Authorization` takes precedence over the cookie; a token that is not valid is refused.
pub(crate) async fn recognise(exchange: &Exchange<'_>) -> Result<Asker, Refusal> {
    let (token, voucher) = match bearer(exchange)? {
        Some(token) => (Secret::new(token.to_owned()), Voucher::Bearer),
        None => match cookie(exchange) {
            Some(token) => (Secret::new(token.to_owned()), Voucher::Cookie),
            None => return Ok(anonymous()),
        },
    };
    let caller = exchange.site.identity.authenticate(&token).await?;
    Ok(Asker { caller, voucher })
}

/// As `recognise`, where a caller comes to sign in: a cookie that is no longer valid must not stand in the way.
pub(crate) async fn recognise_arrival(exchange: &Exchange<'_>) -> Result<Asker, Refusal> {
    match recognise(exchange).await {
        Err(Refusal::Domain(Error::Unauthenticated(_))) if bearer(exchange)?.is_none() => Ok(anonymous()),
        outcome => outcome,
    }
}

fn anonymous() -> Asker {
    Asker { caller: nobody(), voucher: Voucher::None }
}

/// The caller who has shown nothing; one for all.
pub(crate) fn nobody() -> Arc<Caller> {
    static NOBODY: LazyLock<Arc<Caller>> = LazyLock::new(|| Arc::new(Caller::anonymous()));
    Arc::clone(&NOBODY)
}

/// The token in `Authorization: Bearer` (RFC 6750, section 2.1).
fn bearer<'r>(exchange: &Exchange<'r>) -> Result<Option<&'r str>, Refusal> {
    let Some(value) = exchange.header(&header::AUTHORIZATION).map_err(|_| Refusal::Authorization)? else {
        return Ok(None);
    };
    let (scheme, token) = value.split_once(' ').ok_or(Refusal::Authorization)?;
    let token = token.trim_start_matches(' ');
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || !token.bytes().all(is_token) {
        return Err(Refusal::Authorization);
    }
    Ok(Some(token))
}

/// The token in the cookie.
fn cookie<'r>(exchange: &Exchange<'r>) -> Option<&'r str> {
    let mut lines = exchange.headers().get_all(header::COOKIE).iter().peekable();
    lines.peek()?;
    let wanted = cookie_name(exchange);
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value)
}

fn cookie_name(exchange: &Exchange<'_>) -> &'static str {
    if exchange.is_secure() { SECURE_COOKIE } else { PLAIN_COOKIE }
}

/// `Set-Cookie` that keeps the token until it expires.
pub(crate) fn set_cookie(exchange: &Exchange<'_>, token: &Secret, expires: Timestamp) -> Option<HeaderValue> {
    let seconds = (expires.micros() - exchange.now.micros()).max(0) / 1_000_000;
    cookie_header(exchange, token.expose(), seconds)
}

/// `Set-Cookie` that takes the token away.
pub(crate) fn clear_cookie(exchange: &Exchange<'_>) -> Option<HeaderValue> {
    cookie_header(exchange, "", 0)
}

fn cookie_header(exchange: &Exchange<'_>, value: &str, seconds: i64) -> Option<HeaderValue> {
    let (name, secure) = (cookie_name(exchange), if exchange.is_secure() { "; Secure" } else { "" });
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
