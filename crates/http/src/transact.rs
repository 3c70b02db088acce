use backstay_base::CallerKind;
use backstay_engine::{Answer as Answered, Idempotency, Refused, Requests};
use backstay_rest::JSON;
use backstay_rest::transact::{Transaction, results};
use http::{HeaderValue, StatusCode};

use crate::admission::Admitted;
use crate::answer::Answer;
use crate::{Refusal, idempotency};

/// `POST /transact`: several requests in one commit, all of them or none.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let (body, context, state) = (admitted.take_body(), admitted.context(), admitted.state());
    let is_operator = context.caller().kind == CallerKind::Operator;
    let transaction = Transaction::read(&state.reader, &body, &|collection| !collection.system || is_operator)?;
    let (list, parts) = transaction.split();
    let idempotency = admitted.options()?.idempotency_key.map(|key| Idempotency { key, sent: body });
    let answers = state.engine.answer_all(&context, Requests { list, idempotency }, JSON).await;
    let answers = answers.map_err(|refused| match parts.place(refused) {
        Refused { request: Some(request), error } => Refusal::InTransaction { request, error },
        Refused { request: None, error } => Refusal::Domain(error),
    })?;
    let mut answer = Answer::ready(StatusCode::OK, admitted.audience(), results(&answers));
    if answers.iter().any(|answer| matches!(answer, Answered::Written(written) if written.replayed)) {
        answer.header(idempotency::IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(answer)
}
