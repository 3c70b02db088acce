//! Several requests that are answered one after the other, each by itself: the refusal of one undoes none of the others.

use std::sync::Arc;

use backstay_base::{Error, limits};
use backstay_store::{KeyClaim, Writes};
use futures_util::future::BoxFuture;

use crate::inner::{Inner, too_large};
use crate::prepared::{self, Prepared, for_a_key, require_few};
use crate::read::PageSize;
use crate::remember::{self, Keyed};
use crate::write_requests::PreparedWrite;
use crate::{
    Answer, Context, Encoder, Refused, Request, Requests, Transaction, TxContext, Written, answering, transaction,
};

/// Answers the requests in their order, each in a commit of its own if it writes. A key is claimed before the first of them,
/// and stands for all of them: under a key that was used before, what was written is answered again, and what wasn't is
/// done now.
pub(crate) async fn answer_each(
    inner: &Arc<Inner>,
    cx: &Context,
    requests: Requests,
    encoder: &'static dyn Encoder,
) -> Result<Vec<Result<Answer, Refused>>, Error> {
    let Requests { list, idempotency } = requests;
    require_few(&list)?;
    let claim = remember::claim(cx.caller(), idempotency.as_ref(), Keyed::TransactEach)?;
    for_a_key(claim.as_ref(), list.iter().any(|asked| asked.known().written().is_some()))?;
    let _held = claim.as_ref().map(|claim| inner.in_flight.hold(claim)).transpose()?;
    if let Some(claim) = &claim {
        transaction::run(inner, cx, Claiming(claim.clone())).await?;
    }
    let mut answers: Vec<Result<Answer, Refused>> = Vec::with_capacity(list.len());
    let (mut room, count) = (limits::ANSWER_BYTES, list.len());
    for (index, asked) in list.into_iter().enumerate() {
        let own = claim.as_ref().map(|claim| of_part(claim, index));
        // Those that follow get their share of what is left.
        let size = PageSize { share: room / (count - index), most: room };
        let (known, waiting) = asked.split();
        let answered = |place: usize| answers.get(place)?.as_ref().ok();
        let answer = match waiting.map(|waiting| waiting.complete(&answered)).transpose() {
            Ok(completed) => {
                let request = completed.unwrap_or(known);
                one((inner, cx), request, (own, size), encoder).await.map_err(|error| Refused::one(index, error))
            }
            // It may have been complete before: then it is done.
            Err(error) => match recalled((inner, cx), known, own, encoder).await {
                Ok(Some(written)) => Ok(Answer::Written(written)),
                Ok(None) => Err(Refused { request: Some(index), incomplete: true, error }),
                Err(error) => Err(Refused::one(index, error)),
            },
        };
        room = room.saturating_sub(answer.as_ref().map_or(0, Answer::bytes));
        answers.push(answer);
    }
    Ok(answers)
}

/// What is kept under the key of a request of which only the stand-in is known.
async fn recalled(
    (inner, cx): (&Arc<Inner>, &Context),
    stand_in: Request,
    claim: Option<KeyClaim>,
    encoder: &'static dyn Encoder,
) -> Result<Option<Written>, Error> {
    if claim.is_none() {
        return Ok(None);
    }
    match prepared::prepare(inner, cx, stand_in, encoder).await? {
        Prepared::Write(mut write) => {
            write.claim = claim;
            transaction::run(inner, cx, Recalling(write)).await
        }
        Prepared::Get(..) | Prepared::List(..) | Prepared::History(..) | Prepared::Aggregate(..) => Ok(None),
    }
}

async fn one(
    (inner, cx): (&Arc<Inner>, &Context),
    request: Request,
    (claim, size): (Option<KeyClaim>, PageSize),
    encoder: &'static dyn Encoder,
) -> Result<Answer, Error> {
    let mut prepared = prepared::prepare(inner, cx, request, encoder).await?;
    if let Prepared::Write(write) = &mut prepared {
        write.claim = claim;
    }
    match answering::answer_prepared(inner, cx, prepared, size).await? {
        answer if answer.bytes() <= size.most => Ok(answer),
        // It is done, and its ids are told.
        Answer::Written(written) => Ok(Answer::Written(Written { body: None, ..written })),
        Answer::Found(_) | Answer::Page(_) => Err(too_large()),
    }
}

/// The claim of one of the requests. No client can send such a key: it isn't visible.
fn of_part(claim: &KeyClaim, index: usize) -> KeyClaim {
    KeyClaim { key: format!("{}\n{index}", claim.key), ..claim.clone() }
}

/// Asks what is kept of a request.
struct Recalling(PreparedWrite);

impl Transaction for Recalling {
    type Answer = Option<Written>;

    fn name(&self) -> &'static str {
        "transact"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(self.0.recalled(cx))
    }
}

/// Claims the key of the whole.
struct Claiming(KeyClaim);

impl Transaction for Claiming {
    type Answer = ();

    fn name(&self) -> &'static str {
        "transact"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(cx.claim(&self.0))
    }
}
