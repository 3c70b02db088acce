//! Requests below `/api/`: decoded, answered by the engine, and given their status and headers.

use backstay_base::{Error, RecordId};
use backstay_engine::{Answer as Answered, Outcome, Written};
use backstay_model::{CollectionId, Model};
use backstay_rest::{JSON, in_body, outcomes};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::admission::Admitted;
use crate::answer::Answer;
use crate::endpoint::RecordRequest;
use crate::negotiation::Returning;
use crate::target::{Records, Target};
use crate::{Refusal, decode, idempotency, preconditions};

/// Everything below `/api/`.
pub(crate) async fn answer(admitted: &mut Admitted<'_>, kind: RecordRequest) -> Result<Answer, Refusal> {
    let (engine, headers) = (&admitted.state().engine, admitted.head().headers());
    let context = admitted.context();
    let request = decode::request(admitted, &context, kind).await?;
    let collection = request.collections().first().copied();
    let by_key = matches!(admitted.target(), Target::Records(Records::By(_)));
    let answered = engine.answer(&context, request, JSON).await.map_err(|error| match kind {
        RecordRequest::Get
        | RecordRequest::List
        | RecordRequest::Trash
        | RecordRequest::History
        | RecordRequest::Aggregate
        | RecordRequest::Export
        | RecordRequest::Changes
        | RecordRequest::UpdateAll
        | RecordRequest::DeleteAll
        | RecordRequest::Create => error.into(),
        RecordRequest::Query | RecordRequest::AggregateQuery => in_body(error).into(),
        RecordRequest::Update
        | RecordRequest::Replace
        | RecordRequest::Delete
        | RecordRequest::Restore
        | RecordRequest::Purge => preconditions::name_mismatch(headers, error),
    })?;
    match answered {
        Answered::Found(found) => {
            preconditions::require_version(headers, found.version)?;
            let mut answer = Answer::ready(StatusCode::OK, admitted.audience(), found.body).tagged(Some(found.tag));
            if let (Some(id), Some(collection)) = (found.named, collection) {
                answer.header(header::CONTENT_LOCATION, location(engine.model(), collection, &id)?);
            }
            Ok(answer)
        }
        Answered::Page(page) => {
            preconditions::require_tag(headers, &page.tag)?;
            Ok(Answer::ready(StatusCode::OK, admitted.audience(), page.body).tagged(Some(page.tag)))
        }
        Answered::Written(written) => {
            let (mut answer, is_shown) = written_answer(admitted, &written);
            if let ([id], Some(collection)) = (&written.ids[..], collection) {
                let at = || location(engine.model(), collection, id);
                match (written.outcome, by_key) {
                    // An array of one record is answered as an array.
                    (Outcome::Created, _) if written.version.is_none() => {}
                    (Outcome::Created, _) => answer.header(header::LOCATION, at()?),
                    (Outcome::Updated, true) if is_shown => {
                        answer.header(header::CONTENT_LOCATION, at()?);
                    }
                    (Outcome::Updated | Outcome::Deleted | Outcome::Counted, _) => {}
                }
            }
            Ok(answer)
        }
    }
}

/// What is percent-encoded in a segment of a path: all but the unreserved characters (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a record is.
fn location(model: &Model, collection: CollectionId, id: &RecordId) -> Result<HeaderValue, Error> {
    let mut buffer = [0; 36];
    let key = id.key();
    let segment = utf8_percent_encode(key.encode(&mut buffer), SEGMENT);
    let path = model.api.path_of(&model.collection(collection).path);
    HeaderValue::from_str(&format!("{path}/{segment}")).map_err(Error::internal)
}

/// The answer to a write, and whether it shows what was written. A replayed answer was stored as the first request preferred
/// it: a body that is there can be left out, but one that is not there cannot be supplied.
fn written_answer(admitted: &Admitted<'_>, written: &Written) -> (Answer, bool) {
    let returning = admitted.returning();
    let shown = written.body.clone().filter(|_| returning != Some(Returning::Minimal));
    let is_shown = shown.is_some();
    let body = shown.or_else(|| outcomes(written));
    let status = match (written.outcome, &body) {
        (Outcome::Created, _) => StatusCode::CREATED,
        (Outcome::Updated | Outcome::Counted, Some(_)) => StatusCode::OK,
        (Outcome::Updated | Outcome::Counted, None) | (Outcome::Deleted, _) => StatusCode::NO_CONTENT,
    };
    let answer = match body {
        Some(body) => Answer::ready(status, admitted.audience(), body),
        None => Answer::empty(status, admitted.audience()),
    };
    let mut answer = answer.tagged(written.tag.clone());
    // A tag without its body: there was no room for it.
    let left_out = written.body.is_none() && written.tag.is_some() && !written.replayed;
    match returning {
        Some(Returning::Representation) if is_shown => answer.headers.push(Returning::Representation.applied()),
        Some(Returning::Minimal) => answer.headers.push(Returning::Minimal.applied()),
        Some(Returning::Representation) | None if left_out => answer.headers.push(Returning::Minimal.applied()),
        Some(Returning::Representation) | None => {}
    }
    if written.replayed {
        answer.header(idempotency::IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    (answer, is_shown)
}
