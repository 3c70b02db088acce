//! `POST /transact?mode=independent`: several requests, each by itself.

use backstay_base::Error;
use backstay_engine::{
    Answer as Answered, AnswerBuffer, EncodeError, Idempotency, Outcome, Request, RequestKind, Requests,
};
use backstay_rest::transact::{Batch, place};
use backstay_rest::{JSON, result};
use http::{HeaderValue, StatusCode};

use super::{replayed, shows_all};
use crate::admission::Admitted;
use crate::answer::Answer;
use crate::negotiation::Returning;
use crate::write_headers::WriteHeaders;
use crate::{Refusal, idempotency, problem};

/// One after the other; what one of them is refused for is its result.
pub(super) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let (body, context, state) = (admitted.take_body(), admitted.context(), admitted.state());
    let WriteHeaders { idempotency_key, returning, if_match: _ } = admitted.write_headers()?;
    let minimal = returning == Some(Returning::Minimal);
    let read = Batch::read_each_in_turn(&state.engine, &state.reader, &context, body.clone()).await?;
    let (mut list, mut kinds): (Vec<Request>, Vec<Result<RequestKind, Error>>) = (Vec::new(), Vec::new());
    for request in read {
        kinds.push(request.map(|(kind, mut request)| {
            if let Some(options) = request.options_mut() {
                options.minimal = minimal;
            }
            list.push(request);
            kind
        }));
    }
    let idempotency = idempotency_key.map(|key| Idempotency { key, sent: body });
    let answers = match list.is_empty() {
        true => Vec::new(),
        false => state.engine.answer_each(&context, Requests { list, idempotency }, JSON).await?,
    };
    let whole = kinds.iter().all(Result::is_ok) && answers.iter().all(|answer| answer.as_ref().is_ok_and(shows_all));
    let is_replayed = answers.iter().flatten().filter_map(replayed).any(|replayed| replayed);
    let mut answers = answers.into_iter();
    let mut out = AnswerBuffer::of(&context);
    let written = out.append(b"{\"results\":[").and_then(|()| {
        for (index, kind) in kinds.into_iter().enumerate() {
            let answered = kind.and_then(|kind| match answers.next() {
                Some(answered) => answered.map_err(|error| place((index, kind), error)),
                None => Err(Error::internal(Unanswered)),
            });
            if index > 0 {
                out.append(b",")?;
            }
            match answered {
                Ok(answer) => done(&mut out, &answer, minimal)?,
                Err(error) => {
                    let refusal = Refusal::InTransaction { request: index, error };
                    refused(&mut out, &problem::answer(&refusal, context.request))?;
                }
            }
        }
        out.append(b"]}")
    });
    let mut answer = match written.and_then(|()| Ok(out.finish()?)) {
        Ok(body) => Answer::ready(StatusCode::OK, admitted.audience(), body),
        // What was done is confirmed, also without memory to say more of it.
        Err(_) => Answer::empty(StatusCode::OK, admitted.audience()).without_body(),
    };
    if is_replayed {
        answer.header(idempotency::IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    let applied = returning.filter(|returning| *returning == Returning::Minimal || whole).map(Returning::applied);
    if let Some(applied) = applied.filter(|applied| !answer.headers.contains(applied)) {
        answer.headers.push(applied);
    }
    Ok(answer)
}

/// `{"status": 201, "body": …}`; after a deletion without a body.
fn done(out: &mut AnswerBuffer, answer: &Answered, minimal: bool) -> Result<(), EncodeError> {
    let outcome = match answer {
        Answered::Written(written) => Some(written.outcome),
        Answered::Found(_) | Answered::Page(_) => None,
    };
    let status = match outcome {
        Some(Outcome::Created) => StatusCode::CREATED,
        Some(Outcome::Deleted) => StatusCode::NO_CONTENT,
        Some(Outcome::Updated | Outcome::Counted) | None => StatusCode::OK,
    };
    begin(out, status)?;
    if status != StatusCode::NO_CONTENT {
        out.append(b",\"body\":")?;
        result(out, answer, minimal)?;
    }
    out.append(b"}")
}

/// `{"status": 422, "problem": {…}}`.
fn refused(out: &mut AnswerBuffer, problem: &Answer) -> Result<(), EncodeError> {
    begin(out, problem.status)?;
    out.append(b",\"problem\":")?;
    out.append(if problem.body.is_empty() { b"null" } else { &problem.body })?;
    out.append(b"}")
}

fn begin(out: &mut AnswerBuffer, status: StatusCode) -> Result<(), EncodeError> {
    out.append(format!("{{\"status\":{}", status.as_u16()).as_bytes())
}

/// The engine answers every request.
#[derive(Debug, thiserror::Error)]
#[error("a request of a transaction was not answered")]
struct Unanswered;
