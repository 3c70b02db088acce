use axum::body::Body;
use backstay_base::limits;
use backstay_engine::Context;
use backstay_identity::SignedIn;
use http::{Method, StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Answer, Audience};
use crate::credentials;
use crate::exchange::Exchange;
use crate::{Refusal, body, listing, negotiation, origin, setup};

/// What stands under `/auth/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    SignUp,
    SignIn,
    SignOut,
    SignOutEverywhere,
    Password,
    Email,
    Me,
    SetUp,
    SetUpStyle,
}

impl Action {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "sign-up" => Self::SignUp,
            "sign-in" => Self::SignIn,
            "sign-out" => Self::SignOut,
            "sign-out-everywhere" => Self::SignOutEverywhere,
            "password" => Self::Password,
            "email" => Self::Email,
            "me" => Self::Me,
            "setup" => Self::SetUp,
            "setup.css" => Self::SetUpStyle,
            _ => return None,
        })
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Me | Self::SetUpStyle => "GET, HEAD, OPTIONS",
            Self::SetUp => "GET, HEAD, POST, OPTIONS",
            _ => "POST, OPTIONS",
        }
    }

    /// Whether the method is one of those allowed.
    fn takes(self, method: &Method) -> bool {
        self.allowed().split(", ").any(|allowed| allowed == method.as_str())
    }
}

/// The methods of what stands under a path below `/auth/`.
pub(crate) fn allowed(path: &str) -> &'static str {
    Action::at(path).map_or("OPTIONS", Action::allowed)
}

/// Why no idempotency key is taken here.
const KEY_REFUSED: &str = "not taken under /auth/: the answer holds a secret, which is not kept";

/// `/auth/…`: accounts and sessions.
pub(crate) async fn open(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let path = exchange.path().strip_prefix("/auth/").unwrap_or_default();
    let action = Action::at(path).ok_or(Refusal::NoSuchPath { hint: None })?;
    if !action.takes(exchange.method()) {
        return Err(Refusal::Method { allow: action.allowed(), detail: "use one of the methods in Allow" });
    }
    negotiation::refuse_idempotency_key(exchange.headers(), KEY_REFUSED)?;
    match action {
        Action::SetUp => return setup::open(exchange, body).await,
        Action::SetUpStyle => return Ok(setup::style()),
        _ => negotiation::require_json(exchange.headers())?,
    }
    listing::only(exchange.parts.uri.query(), &[])?;
    match action {
        Action::SignUp | Action::SignIn => arrive(exchange, action, body).await,
        _ => stay(exchange, action, body).await,
    }
}

/// Sign-up and sign-in: the caller is not known yet.
async fn arrive(exchange: &Exchange<'_>, action: Action, body: Body) -> Result<Answer, Refusal> {
    origin::refuse_unlisted(exchange)?;
    let asker = credentials::recognise_arrival(exchange).await?;
    let context = exchange.context(asker.caller);
    let body = body::read(exchange, body, body::JSON_TYPES, limits::CREDENTIAL_BYTES).await?;
    let (identity, from) = (&exchange.site.identity, exchange.client());
    if action == Action::SignUp {
        let signed_in = identity.sign_up(&context, from, &body).await?;
        return answer_signed_in(exchange, StatusCode::CREATED, &signed_in);
    }
    answer_signed_in(exchange, StatusCode::OK, &identity.sign_in(&context, from, &body).await?)
}

/// What a caller does who is known already.
async fn stay(exchange: &Exchange<'_>, action: Action, body: Body) -> Result<Answer, Refusal> {
    let asker = credentials::recognise(exchange).await?;
    origin::require_own(exchange, &asker)?;
    let context = exchange.context(asker.caller);
    let identity = &exchange.site.identity;
    match action {
        Action::Password => {
            let body = body::read(exchange, body, body::JSON_TYPES, limits::CREDENTIAL_BYTES).await?;
            let signed_in = identity.change_password(&context, exchange.client(), &body).await?;
            answer_signed_in(exchange, StatusCode::OK, &signed_in)
        }
        Action::Email => {
            let body = body::read(exchange, body, body::JSON_TYPES, limits::CREDENTIAL_BYTES).await?;
            let me = identity.change_email(&context, exchange.client(), &body).await?;
            Ok(Answer::ready(StatusCode::OK, Audience::Secret, me))
        }
        Action::SignOut | Action::SignOutEverywhere => {
            body::refuse(&body)?;
            sign_out(exchange, &context, action).await
        }
        _ => {
            body::refuse(&body)?;
            Ok(Answer::ready(StatusCode::OK, Audience::Secret, identity.me(&context).await?))
        }
    }
}

async fn sign_out(exchange: &Exchange<'_>, context: &Context, action: Action) -> Result<Answer, Refusal> {
    #[derive(Serialize)]
    struct Ended {
        ended: u64,
    }
    let identity = &exchange.site.identity;
    let mut answer = if action == Action::SignOut {
        identity.sign_out(context).await?;
        Answer::empty(StatusCode::NO_CONTENT, Audience::Secret)
    } else {
        let ended = identity.sign_out_everywhere(context).await?;
        Answer::json(StatusCode::OK, Audience::Secret, &Ended { ended })
    };
    answer.headers.extend(credentials::clear_cookie(exchange).map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}

/// `{"token", "account", "expiresAt"}`, and the cookie.
fn answer_signed_in(exchange: &Exchange<'_>, status: StatusCode, signed_in: &SignedIn) -> Result<Answer, Refusal> {
    #[derive(Serialize)]
    struct Shown<'a> {
        token: &'a str,
        account: &'a RawValue,
        #[serde(rename = "expiresAt")]
        expires_at: String,
    }
    let account = serde_json::from_slice(&signed_in.account).map_err(backstay_base::Error::internal)?;
    let shown = Shown { token: signed_in.token.expose(), account, expires_at: signed_in.expires_at.to_string() };
    let mut answer = Answer::json(status, Audience::Secret, &shown);
    let cookie = credentials::set_cookie(exchange, &signed_in.token, signed_in.expires_at);
    answer.headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}
