//! `GET /api/{collection}:changes`: what commits have changed since somebody last asked.

use backstay_base::{Error, limits};
use backstay_engine::Changes;
use backstay_rest::{ChangesBody, JSON};
use http::StatusCode;

use crate::Refusal;
use crate::admission::Admitted;
use crate::answer::Answer;
use crate::target::{Records, Target};

/// The records that the caller sees of those that have changed.
pub(crate) async fn answer(admitted: &Admitted<'_>) -> Result<Answer, Refusal> {
    let (engine, context) = (&admitted.state().engine, admitted.context());
    let changes = asked(admitted).await?;
    let (mut follower, mut body) = (engine.follow(&context, &changes).await?, ChangesBody::new(admitted.memory()));
    let (mut most, mut rounds) = (changes.limit, 0);
    loop {
        let room = body.room(changes.limit).min(most);
        let found = engine.changed(&context, &changes, (&follower, room), JSON).await?;
        if !body.add(&found)? {
            // One record always fits.
            most = (room / 2).max(1);
            continue;
        }
        (follower, rounds) = (found.follower, rounds + 1);
        let is_full = body.room(changes.limit) == 0 || body.bytes() > limits::ANSWER_BYTES / 2;
        // That records have changed that the caller doesn't see shows only if very many have.
        if !found.more || is_full || rounds == limits::CHANGES_ROUNDS {
            let body = body.finish((&engine.seal_mark(&follower), found.more), admitted.memory())?;
            // What the client reads next has to have these changes: a replica that lacks them would hide them for good.
            engine.wrote(&context);
            return Ok(Answer::ready(StatusCode::OK, admitted.audience(), body));
        }
    }
}

async fn asked(admitted: &Admitted<'_>) -> Result<Changes, Refusal> {
    let (state, query) = (admitted.state(), admitted.head().query());
    let Target::Records(Records::Changes(collection)) = admitted.target() else {
        return Err(Error::internal(Mismatch).into());
    };
    if query.is_none_or(|query| query.len() <= limits::LONG_FILTER_BYTES) {
        return Ok(state.reader.changes_of_query(collection, query)?);
    }
    let (reader, query) = (state.reader.clone(), query.map(str::to_owned));
    let read = move || reader.changes_of_query(collection, query.as_deref());
    Ok(state.engine.take_turn(&admitted.context(), read).await??)
}

/// The table has a row for changes at another path.
#[derive(Debug, thiserror::Error)]
#[error("changes were admitted at a path of another kind")]
struct Mismatch;
