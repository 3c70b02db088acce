use backstay_engine::{Answer as Answered, Idempotency, Outcome, Refused, Requests};
use backstay_rest::transact::Batch;
use backstay_rest::{JSON, results};
use http::{HeaderValue, StatusCode};

use crate::admission::Admitted;
use crate::answer::Answer;
use crate::negotiation::Returning;
use crate::write_headers::WriteHeaders;
use crate::{Refusal, idempotency};

/// `POST /transact`: several requests in one commit, all of them or none.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let (body, context, state) = (admitted.take_body(), admitted.context(), admitted.state());
    let WriteHeaders { idempotency_key, returning, if_match: _ } = admitted.write_headers()?;
    let minimal = returning == Some(Returning::Minimal);
    let batch = Batch::read_in_turn(&state.engine, &state.reader, &context, body.clone()).await;
    let mut batch = batch.map_err(refusal)?;
    if minimal {
        batch.minimal();
    }
    let (list, parts) = batch.split();
    let idempotency = idempotency_key.map(|key| Idempotency { key, sent: body });
    let answers = state.engine.answer_all(&context, Requests { list, idempotency }, JSON).await;
    let answers = answers.map_err(|refused| refusal(parts.place(refused)))?;
    // What the caller may not read isn't there.
    let whole = answers.iter().flatten().all(shows_all);
    let replayed: Vec<bool> = answers.iter().flatten().filter_map(replayed).collect();
    let mut answer = match results(&context, answers, minimal) {
        Ok(body) => Answer::ready(StatusCode::OK, admitted.audience(), body),
        // What was done is confirmed, also without memory to say more of it.
        Err(_) if !replayed.is_empty() => Answer::empty(StatusCode::OK, admitted.audience()).without_body(),
        Err(error) => return Err(error.into()),
    };
    if replayed.contains(&true) {
        answer.header(idempotency::IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    let applied = returning.filter(|returning| *returning == Returning::Minimal || whole).map(Returning::applied);
    if let Some(applied) = applied.filter(|applied| !answer.headers.contains(applied)) {
        answer.headers.push(applied);
    }
    Ok(answer)
}

/// Of a write, whether its answer is that of an earlier request.
fn replayed(answer: &Answered) -> Option<bool> {
    match answer {
        Answered::Written(written) => Some(written.replayed),
        Answered::Found(_) | Answered::Page(_) => None,
    }
}

/// Whether an answer has a body, or there is nothing to show.
fn shows_all(answer: &Answered) -> bool {
    let is_gone = matches!(answer, Answered::Written(written) if written.outcome == Outcome::Deleted);
    is_gone || answer.body().is_some()
}

fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused { request: Some(request), error } => Refusal::InTransaction { request, error },
        Refused { request: None, error } => Refusal::Domain(error),
    }
}
