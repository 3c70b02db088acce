//! What a caller may read of a record, for webhooks and notifications, which are sent after the commit.

use backstay_base::{Error, RecordId};
use backstay_engine::{Answer, Context, Engine, Get, Perspective, Request};
use backstay_model::CollectionId;
use backstay_rest::{JSON, Reader};
use bytes::Bytes;

/// An answer that no get has.
#[derive(Debug, thiserror::Error)]
#[error("a get was answered with something else than a record")]
struct OtherAnswer;

/// The record as the caller of the context would get it over HTTP; `None` if it isn't there for that caller.
pub(crate) async fn readable(
    (engine, reader): (&Engine, &Reader),
    cx: &Context,
    (collection, id, perspective): (CollectionId, RecordId, Perspective),
) -> Result<Option<Bytes>, Error> {
    let selection = reader.selection(collection, None)?;
    let get = Get { collection, which: id.into(), selection, params: Vec::new(), perspective };
    match engine.answer(cx, Request::Get(get), JSON).await {
        Ok(Answer::Found(found)) => Ok(Some(found.body)),
        Ok(Answer::Page(_) | Answer::Written(_)) => Err(Error::internal(OtherAnswer)),
        Err(Error::NotFound { .. } | Error::Forbidden { .. } | Error::Unauthenticated(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
