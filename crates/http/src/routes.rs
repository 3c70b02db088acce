//! Paths of the team's own, which functions answer.

mod request;
mod response;

use backstay_engine::{Act, Idempotency, Tag};
use backstay_model::Returned;
use backstay_rest::transact::SingleRequests;
use bytes::Bytes;
use http::StatusCode;
use std::sync::Arc;

use crate::Refusal;
use crate::admission::Admitted;
use crate::answer::Answer;
use crate::decode::read_in_turn;
use crate::head::Head;
use crate::preconditions::require_tag;
use crate::routes::request::Received;
use crate::target::Target;

/// Has the function of a route answer.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let (_, action) = called(admitted)?;
    let body = admitted.take_body();
    let key = admitted.write_headers()?.idempotency_key;
    let idempotency = key.map(|key| Idempotency { key, sent: sent(admitted.head(), &body) });
    respond(admitted, (action, body), idempotency).await
}

/// The path that is asked, by its place among those of the team's own, and its action for the method, among those of the model.
pub(crate) fn called(admitted: &Admitted<'_>) -> Result<(usize, usize), Refusal> {
    let Target::Own(own) = admitted.target() else { return Err(Refusal::NoSuchPath { hint: None }) };
    let action = admitted.state().own_paths.action(own, admitted.verb());
    action.map(|action| (own, action)).ok_or(Refusal::NoSuchPath { hint: None })
}

/// Has an action that is a route carried out, and reads the response that it returns.
pub(crate) async fn respond(
    admitted: &Admitted<'_>,
    (action, body): (usize, Bytes),
    idempotency: Option<Idempotency>,
) -> Result<Answer, Refusal> {
    let (state, context) = (admitted.state(), admitted.context());
    let of = &state.engine.model().actions[action];
    let (received, bytes) = (Received::at(admitted.head(), of)?, body.len());
    let arguments = read_in_turn((state, &context), bytes, move || received.written(&body)).await?;
    let notation = Arc::new(SingleRequests::new(Arc::clone(&state.reader)));
    let act = Act { action, arguments, idempotency, notation, job: None };
    let text = match state.engine.act(&context, act).await? {
        Returned::Value(text) => text,
        Returned::Nothing | Returned::Record(..) | Returned::Records(..) => "null".into(),
    };
    let answer = response::read(&of.name, &text, admitted.audience())?;
    // What an action that reads has answered can be the same the next time.
    let tag = (!of.writes && answer.status == StatusCode::OK).then(|| Tag::of_body(&answer.body));
    if let Some(tag) = &tag {
        require_tag(admitted.head().headers(), tag)?;
    }
    Ok(answer.tagged(tag))
}

/// What is sent under an idempotency key: where to, and the body.
fn sent(head: &Head<'_>, body: &[u8]) -> Bytes {
    let target = head.parts.uri.path_and_query().map_or("", |target| target.as_str());
    [target.as_bytes(), b"\n", body].concat().into()
}
