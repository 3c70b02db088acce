//! Every call to the engine that is about records.

use backstay_base::{Error, Limit};
use backstay_engine::{Context, Explanation, Outcome, Request, Written};
use http::{HeaderValue, StatusCode, header};

use crate::admission::Admitted;
use crate::answer::Answer;
use crate::endpoint::RecordRequest;
use crate::state::State;
use crate::{Refusal, decode, idempotency, list, negotiation, preconditions};

/// Everything below `/api/`.
pub(crate) async fn answer(admitted: &mut Admitted<'_>, kind: RecordRequest) -> Result<Answer, Refusal> {
    let (engine, headers) = (&admitted.state().engine, admitted.head().headers());
    let request = decode::request(admitted, kind)?;
    let context = admitted.context();
    match request {
        Request::Get(get) => {
            let found = engine.get(&context, get).await.map_err(of_read)?;
            preconditions::require_version(headers, found.version)?;
            Ok(Answer::ready(StatusCode::OK, admitted.audience(), found.body).tagged(Some(found.tag)))
        }
        Request::List(query) => {
            let in_body = kind == RecordRequest::Query;
            let place = |error| if in_body { list::in_body(error) } else { error };
            let page = engine.list(&context, query).await.map_err(place).map_err(of_read)?;
            preconditions::require_tag(headers, &page.tag)?;
            Ok(Answer::ready(StatusCode::OK, admitted.audience(), page.body).tagged(Some(page.tag)))
        }
        Request::Create(create) => {
            let (collection, minimal) = (create.collection, create.options.minimal);
            let written = engine.create(&context, create).await?;
            let mut answer = written_answer(admitted, &written, minimal);
            if let [id] = written.ids[..] {
                let path = &engine.model().collection(collection).path;
                let location = HeaderValue::from_str(&format!("/api/{path}/{id}")).map_err(Error::internal)?;
                answer.header(header::LOCATION, location);
            }
            Ok(answer)
        }
        Request::Update(update) => {
            let minimal = update.options.minimal;
            let outcome = engine.update(&context, update).await;
            let written = outcome.map_err(|error| preconditions::name_mismatch(headers, error))?;
            Ok(written_answer(admitted, &written, minimal))
        }
        Request::Delete(delete) => {
            let outcome = engine.delete(&context, delete).await;
            let written = outcome.map_err(|error| preconditions::name_mismatch(headers, error))?;
            Ok(written_answer(admitted, &written, false))
        }
    }
}

/// A read has one size that the engine limits: that of its answer.
fn of_read(error: Error) -> Refusal {
    match error {
        Error::Limit(Limit::Size { max, .. }) => Refusal::AnswerTooLarge { max },
        error => error.into(),
    }
}

/// How a request would fare in this context.
pub(crate) async fn explain(state: &State, context: &Context, request: Request) -> Result<Explanation, Refusal> {
    Ok(state.engine.explain(context, request).await?)
}

/// The answer to a write. A replayed answer was stored as the first request preferred it: a body that is there can be
/// left out, but one that is not there cannot be supplied.
fn written_answer(admitted: &Admitted<'_>, written: &Written, minimal: bool) -> Answer {
    let shown = written.body.clone().filter(|_| !minimal);
    let status = match (written.outcome, &shown) {
        (Outcome::Created, _) => StatusCode::CREATED,
        (Outcome::Updated, Some(_)) => StatusCode::OK,
        (Outcome::Updated, None) | (Outcome::Deleted, _) => StatusCode::NO_CONTENT,
    };
    let answer = match shown {
        Some(body) => Answer::ready(status, admitted.audience(), body),
        None => Answer::empty(status, admitted.audience()),
    };
    let mut answer = answer.tagged(written.tag.clone());
    if minimal {
        answer.headers.push(negotiation::minimal_applied());
    }
    if written.replayed {
        answer.header(idempotency::IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    answer
}
