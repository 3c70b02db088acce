use backstay_base::Error;
use backstay_identity::SignedIn;
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::head::Head;
use crate::{Refusal, credentials};

/// `POST /auth/sign-up`
pub(crate) async fn sign_up(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let (identity, head) = (&admitted.state().identity, admitted.head());
    let signed_in = identity.sign_up(&admitted.context(), head.client(), &body).await?;
    signed_in_answer(head, StatusCode::CREATED, &signed_in)
}

/// `POST /auth/sign-in`
pub(crate) async fn sign_in(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let (identity, head) = (&admitted.state().identity, admitted.head());
    let signed_in = identity.sign_in(&admitted.context(), head.client(), &body).await?;
    signed_in_answer(head, StatusCode::OK, &signed_in)
}

/// `POST /auth/password`
pub(crate) async fn change_password(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let (identity, head) = (&admitted.state().identity, admitted.head());
    let signed_in = identity.change_password(&admitted.context(), head.client(), &body).await?;
    signed_in_answer(head, StatusCode::OK, &signed_in)
}

/// `POST /auth/email`
pub(crate) async fn change_email(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let identity = &admitted.state().identity;
    let me = identity.change_email(&admitted.context(), admitted.head().client(), &body).await?;
    Ok(Answer::ready(StatusCode::OK, Audience::Secret, me))
}

/// `GET /auth/me`
pub(crate) async fn me(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let me = admitted.state().identity.me(&admitted.context()).await?;
    Ok(Answer::ready(StatusCode::OK, Audience::Secret, me))
}

/// `POST /auth/sign-out`
pub(crate) async fn sign_out(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    admitted.state().identity.sign_out(&admitted.context()).await?;
    signed_out_answer(admitted.head(), Answer::empty(StatusCode::NO_CONTENT, Audience::Secret))
}

/// `POST /auth/sign-out-everywhere`
pub(crate) async fn sign_out_everywhere(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    #[derive(Serialize)]
    struct Ended {
        ended: u64,
    }
    let ended = admitted.state().identity.sign_out_everywhere(&admitted.context()).await?;
    signed_out_answer(admitted.head(), Answer::json(StatusCode::OK, Audience::Secret, &Ended { ended })?)
}

fn signed_out_answer(head: &Head<'_>, mut answer: Answer) -> Result<Answer, Refusal> {
    answer.header(header::SET_COOKIE, credentials::clear_cookie(head)?);
    Ok(answer)
}

/// `{"token", "account", "expiresAt"}`, and the cookie.
fn signed_in_answer(head: &Head<'_>, status: StatusCode, signed_in: &SignedIn) -> Result<Answer, Refusal> {
    #[derive(Serialize)]
    struct Shown<'a> {
        token: &'a str,
        account: &'a RawValue,
        #[serde(rename = "expiresAt")]
        expires_at: String,
    }
    let account = serde_json::from_slice(&signed_in.account).map_err(Error::internal)?;
    let shown = Shown { token: signed_in.token.expose(), account, expires_at: signed_in.expires_at.to_string() };
    let mut answer = Answer::json(status, Audience::Secret, &shown)?;
    answer.header(header::SET_COOKIE, credentials::set_cookie(head, &signed_in.token, signed_in.expires_at)?);
    Ok(answer)
}
