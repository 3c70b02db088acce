//! `/do/{name}`: actions that the team's own functions carry out.

use std::borrow::Cow;
use std::str;
use std::sync::Arc;

use backstay_base::{Error, Memory, Place, RecordId, ViolationKind};
use backstay_engine::{Act, Answer as Answered, Context, Idempotency, Request};
use backstay_model::{Action, CollectionId, Returned};
use backstay_rest::transact::Requests;
use backstay_rest::{GetWords, JSON, called_by_body, called_by_query};
use bytes::Bytes;
use http::{Method, StatusCode};

use crate::Refusal;
use crate::admission::Admitted;
use crate::answer::Answer;
use crate::target::Target;

/// Has an action carried out.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let Target::Action(index) = admitted.target() else { return Err(Refusal::NoSuchPath { hint: None }) };
    let (state, context, body) = (admitted.state(), admitted.context(), admitted.take_body());
    let model = state.engine.model();
    let action = &model.actions[index];
    let query = admitted.head().query();
    let (arguments, words) = if admitted.head().method() == Method::POST {
        (body_text(&body)?, called_by_body(query)?)
    } else {
        let (arguments, words) = called_by_query((model, action), query)?;
        (Cow::Owned(arguments), words)
    };
    refuse_unused(action, &words)?;
    let arguments = model.read_arguments(action, &arguments, &Place::Whole).map_err(Error::Malformed)?;
    let idempotency = admitted.write_headers()?.idempotency_key.map(|key| Idempotency { key, sent: body });
    let notation = Arc::new(Requests::new(Arc::clone(&state.reader)));
    let act = Act { action: index, arguments, idempotency, notation };
    let returned = state.engine.act(&context, act).await?;
    let body = shown(admitted, &context, (returned, &words)).await?;
    Ok(Answer::ready(StatusCode::OK, admitted.audience(), body))
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

/// Refuses `select` where no record is returned.
fn refuse_unused(action: &Action, words: &GetWords<'_>) -> Result<(), Error> {
    let is_used = match action.result.kind {
        backstay_model::ResultKind::Record(_) | backstay_model::ResultKind::Records(_) => true,
        backstay_model::ResultKind::Value => words.select.is_none() && words.params.is_empty(),
    };
    if is_used {
        return Ok(());
    }
    let problem = format!("`{}` returns no record", action.name);
    let misused = ViolationKind::Misused { problem, remedy: "leave `select` out".to_owned() };
    Err(Error::malformed(Place::Select, misused))
}

/// What the client gets of what an action has returned: of a record what it may read of it.
async fn shown(
    admitted: &Admitted<'_>,
    context: &Context,
    (returned, words): (Returned, &GetWords<'_>),
) -> Result<Bytes, Refusal> {
    Ok(match returned {
        Returned::Nothing => Bytes::from_static(b"null"),
        Returned::Value(text) => Bytes::copy_from_slice(text.as_bytes()),
        Returned::Record(of, id) => record(admitted, context, (of, id), words).await?,
        Returned::Records(of, ids) => {
            let mut body = vec![b'['];
            for id in ids {
                if body.len() > 1 {
                    body.push(b',');
                }
                body.extend_from_slice(&record(admitted, context, (of, id), words).await?);
            }
            body.push(b']');
            within(admitted.memory(), body)?
        }
    })
}

fn within(memory: &Memory, body: Vec<u8>) -> Result<Bytes, Refusal> {
    Ok(memory.keep(body.into()).map_err(Error::from)?)
}

/// A record as the client may read it; null if it may not.
async fn record(
    admitted: &Admitted<'_>,
    context: &Context,
    record: (CollectionId, RecordId),
    words: &GetWords<'_>,
) -> Result<Bytes, Refusal> {
    let state = admitted.state();
    let get = state.reader.get((record.0, record.1.into()), words)?;
    match state.engine.answer(context, Request::Get(get), JSON).await {
        Ok(Answered::Found(found)) => Ok(found.body),
        Ok(Answered::Page(_) | Answered::Written(_)) | Err(Error::NotFound { .. } | Error::Forbidden { .. }) => {
            Ok(Bytes::from_static(b"null"))
        }
        Err(error) => Err(error.into()),
    }
}
