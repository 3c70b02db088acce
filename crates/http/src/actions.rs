//! `/do/{name}`: actions that the team's own functions carry out.

use std::borrow::Cow;
use std::str;
use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind};
use backstay_engine::{Act, Idempotency};
use backstay_model::{Action, Model};
use backstay_rest::transact::SingleRequests;
use backstay_rest::{called_by_body, called_by_query, check_shown, shown};
use bytes::Bytes;
use http::{Method, StatusCode};

use crate::Refusal;
use crate::admission::Admitted;
use crate::answer::Answer;
use crate::decode::read_in_turn;
use crate::target::Target;

/// Has an action carried out.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let Target::Action(index) = admitted.target() else { return Err(Refusal::NoSuchPath { hint: None }) };
    let (state, context, body) = (admitted.state(), admitted.context(), admitted.take_body());
    let model = Arc::clone(state.engine.model());
    let action = &model.actions[index];
    let query = admitted.head().query();
    let (arguments, words) = if admitted.head().method() == Method::POST {
        let words = called_by_body(query)?;
        check_shown(&state.reader, action, &words)?;
        let (model, body) = (Arc::clone(&model), body.clone());
        let bytes = body.len();
        let read = move || arguments_of(&model, &model.actions[index], &body_text(&body)?);
        (read_in_turn((state, &context), bytes, read).await??, words)
    } else {
        let (arguments, words) = called_by_query((&model, action), query)?;
        check_shown(&state.reader, action, &words)?;
        (arguments_of(&model, action, &arguments)?, words)
    };
    let idempotency = admitted.write_headers()?.idempotency_key.map(|key| Idempotency { key, sent: body });
    let notation = Arc::new(SingleRequests::new(Arc::clone(&state.reader)));
    let act = Act { action: index, arguments, idempotency, notation, job: None };
    let returned = state.engine.act(&context, act).await?;
    let body = shown((&state.engine, &state.reader), &context, returned, &words).await?;
    Ok(Answer::ready(StatusCode::OK, admitted.audience(), body))
}

fn arguments_of(model: &Model, action: &Action, text: &str) -> Result<Arc<str>, Error> {
    model.read_arguments(action, text, &Place::Whole).map_err(Error::Malformed)
}

fn body_text(body: &Bytes) -> Result<Cow<'_, str>, Error> {
    if body.trim_ascii().is_empty() {
        return Ok(Cow::Borrowed("{}"));
    }
    let expected = || ViolationKind::Type { expected: "the arguments as a JSON object".to_owned() };
    let wrong = || Error::malformed(Place::Whole, expected());
    let text = str::from_utf8(body).map_err(|_| wrong())?;
    // Its depth and its form.
    backstay_rest::members(body)?;
    Ok(Cow::Borrowed(text))
}
