//! One request by itself, from its admission to its answer.

use std::sync::Arc;

use backstay_base::Error;

use crate::inner::Inner;
use crate::own_commit::OwnCommit;
use crate::prepared::{self, Prepared};
use crate::read::PageSize;
use crate::write_requests::PreparedWrite;
use crate::{Answer, Context, Encoder, Request, Written, deletion_steps, transaction};

/// Answers one request: a read by one statement of its own, a write in one commit.
pub(crate) async fn answer(
    inner: &Arc<Inner>,
    cx: &Context,
    request: Request,
    encoder: &'static dyn Encoder,
) -> Result<Answer, Error> {
    let prepared = prepared::prepare(inner, cx, request, encoder).await?;
    answer_prepared(inner, cx, prepared, PageSize::WHOLE).await
}

/// The same of one that is checked and planned. A page has at most this size. What is rare is boxed: every request would carry its
/// state.
pub(crate) async fn answer_prepared(
    inner: &Arc<Inner>,
    cx: &Context,
    prepared: Prepared,
    size: PageSize,
) -> Result<Answer, Error> {
    match prepared {
        Prepared::Write(write) if write.is_dry_run() => Box::pin(dry_run(inner, cx, write)).await.map(Answer::Written),
        Prepared::Write(write) => write_alone(inner, cx, write).await.map(Answer::Written),
        read @ (Prepared::Get(..) | Prepared::List(..) | Prepared::History(..) | Prepared::Aggregate(..)) => {
            read.read_alone(inner, cx, size).await
        }
    }
}

/// Carries a write out in one commit, or a deletion that is too much for one in several.
async fn write_alone(inner: &Arc<Inner>, cx: &Context, write: PreparedWrite) -> Result<Written, Error> {
    let _held = write.claim.as_ref().map(|claim| inner.in_flight.hold(claim)).transpose()?;
    let write = Arc::new(OwnCommit(write));
    match transaction::run_shared(inner, cx, Arc::clone(&write)).await {
        Err(refusal) if refusal.fits_in_parts() && write.0.deletes() => {
            Box::pin(deletion_steps::delete(inner, cx, write, refusal)).await
        }
        written => written,
    }
}

/// Carries a write out and undoes it. If it is a deletion that is too much for one commit, the refusal says
/// how to carry it out for real.
async fn dry_run(inner: &Arc<Inner>, cx: &Context, write: PreparedWrite) -> Result<Written, Error> {
    let can_take_steps = deletion_steps::can_take(&inner.application, write.collection());
    let written = prepared::dry_run(inner, cx, write).await;
    written.map_err(|refusal| deletion_steps::with_remedy_of_dry_run(refusal, can_take_steps))
}
