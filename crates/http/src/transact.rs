use backstay_engine::{Answer as Answered, Idempotency, Refused, Requests};
use backstay_rest::JSON;
use backstay_rest::transact::{Batch, results};
use http::{HeaderValue, StatusCode};

use crate::admission::Admitted;
use crate::answer::Answer;
use crate::write_headers::WriteHeaders;
use crate::{Refusal, idempotency, negotiation};

/// `POST /transact`: several requests in one commit, all of them or none.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let (body, context, state) = (admitted.take_body(), admitted.context(), admitted.state());
    let WriteHeaders { idempotency_key, minimal, if_match: _ } = admitted.write_headers()?;
    let batch = Batch::read_in_turn(&state.engine, &state.reader, &context, body.clone()).await;
    let mut batch = batch.map_err(refusal)?;
    if minimal {
        batch.minimal();
    }
    let (list, parts) = batch.split();
    let idempotency = idempotency_key.map(|key| Idempotency { key, sent: body });
    let answers = state.engine.answer_all(&context, Requests { list, idempotency }, JSON).await;
    let answers = answers.map_err(|refused| refusal(parts.place(refused)))?;
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
    let applied = negotiation::minimal_applied();
    if minimal && !answer.headers.contains(&applied) {
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

fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused { request: Some(request), error } => Refusal::InTransaction { request, error },
        Refused { request: None, error } => Refusal::Domain(error),
    }
}
