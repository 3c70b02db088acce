use backstay_base::Error;
use backstay_engine::Context;
use backstay_identity::{Me, SignedIn};
use backstay_rest::accounts as bodies;
use http::{StatusCode, header};
use serde::Serialize;

use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::head::Head;
use crate::{Refusal, credentials};

/// `POST /auth/sign-up`
pub(crate) async fn sign_up(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let (state, client) = (admitted.state(), admitted.head().client());
    let model = state.engine.model();
    let accounts = model.identity.ok_or(Error::NoAccounts)?;
    let new = bodies::new_account(model, accounts, &body)?;
    let signed_in = state.identity.sign_up(&admitted.context(), client, new).await?;
    signed_in_answer(admitted, StatusCode::CREATED, &signed_in).await
}

/// `POST /auth/sign-in`
pub(crate) async fn sign_in(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let with = bodies::credentials(&admitted.take_body())?;
    let (identity, client) = (&admitted.state().identity, admitted.head().client());
    let signed_in = identity.sign_in(&admitted.context(), client, with).await?;
    signed_in_answer(admitted, StatusCode::OK, &signed_in).await
}

/// `POST /auth/password`
pub(crate) async fn change_password(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let (identity, context) = (&admitted.state().identity, admitted.context());
    identity.require_session(&context)?;
    let change = bodies::password_change(&admitted.take_body())?;
    let signed_in = identity.change_password(&context, admitted.head().client(), change).await?;
    signed_in_answer(admitted, StatusCode::OK, &signed_in).await
}

/// `POST /auth/email`
pub(crate) async fn change_email(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let (identity, context) = (&admitted.state().identity, admitted.context());
    identity.require_session(&context)?;
    let change = bodies::email_change(&admitted.take_body())?;
    let me = identity.change_email(&context, admitted.head().client(), change).await?;
    me_answer(admitted, &context, &me).await
}

/// `GET /auth/me`
pub(crate) async fn me(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let context = admitted.context();
    let me = admitted.state().identity.me(&context).await?;
    me_answer(admitted, &context, &me).await
}

async fn me_answer(admitted: &Admitted<'_>, context: &Context, me: &Me) -> Result<Answer, Refusal> {
    let me = bodies::me(&admitted.state().engine, context, me).await?;
    Ok(Answer::ready(StatusCode::OK, Audience::Secret, me))
}

/// `POST /auth/links`
pub(crate) async fn make_link(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let (identity, client) = (&admitted.state().identity, admitted.head().client());
    let link = identity.make_link(&admitted.context(), client).await?;
    Ok(Answer::ready(StatusCode::CREATED, Audience::Secret, bodies::link(&link)?))
}

/// `POST /auth/links/revoke`
pub(crate) async fn revoke_link(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let body = admitted.take_body();
    let id = if body.is_empty() { None } else { Some(bodies::link_id(&body)?) };
    admitted.state().identity.revoke_link(&admitted.context(), id).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT, Audience::Secret))
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

/// The token and the account, and the cookie.
async fn signed_in_answer(
    admitted: &Admitted<'_>,
    status: StatusCode,
    signed_in: &SignedIn,
) -> Result<Answer, Refusal> {
    let head = admitted.head();
    let body = bodies::signed_in(&admitted.state().engine, &admitted.context(), signed_in).await?;
    let mut answer = Answer::ready(status, Audience::Secret, body);
    answer.header(header::SET_COOKIE, credentials::set_cookie(head, &signed_in.token, signed_in.expires_at)?);
    Ok(answer)
}
