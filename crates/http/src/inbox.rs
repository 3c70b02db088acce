//! Events of other systems: their signatures are verified, and each has its effects once.

mod event;

use backstay_base::Error;
use backstay_engine::Idempotency;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::admission::Admitted;
use crate::answer::Answer;
use crate::{Refusal, routes};

/// An application isn't served without them.
#[derive(Debug, thiserror::Error)]
#[error("the secret {0} of an inbox isn't set")]
struct NoSecret(String);

/// Has the function of an inbox do what an event is about. The sender is told that it was received when that is stored.
pub(crate) async fn answer(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    let (_, action) = routes::called(admitted)?;
    let (state, body) = (admitted.state(), admitted.take_body());
    let of = &state.engine.model().actions[action];
    let inbox = of.route.as_ref().and_then(|route| route.inbox.as_ref());
    let inbox = inbox.ok_or(Refusal::NoSuchPath { hint: None })?;
    let secrets = state.settings.inbox_secrets.get(&inbox.secret);
    let secrets = secrets.ok_or_else(|| Error::internal(NoSecret(inbox.secret.clone())))?;
    let id = event::verified(admitted.head(), &body, (inbox.provider, secrets))?;
    // An id can have any length and any characters.
    let key = format!("{:x}", Sha256::new_with_prefix(format!("{}\n{id}", of.name)).finalize());
    let idempotency = Idempotency { key, sent: Bytes::new() };
    routes::respond(admitted, (action, body), Some(idempotency)).await
}
