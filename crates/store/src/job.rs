use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use backstay_audit::Origin;
use tokio::sync::oneshot;

use crate::interest::Interest;
use crate::tx::{Pending, Tx};
use crate::{CommitId, StoreError, Work, Writes};

/// A `Work` without its type, so that a queue can hold it, together with its result so far and its caller.
pub(crate) trait Job: Send {
    fn writes(&self) -> Writes;
    fn origin(&self) -> Origin;
    /// The steps that it may take, in thousands.
    fn kilo_steps(&self) -> u32;
    /// Whether somebody waits for it: if not, it need not be begun or ended.
    fn interest(&self) -> &Interest;
    /// Runs the work by polling it once. `Err`: it failed and keeps its own error; its writes have to be undone.
    #[expect(clippy::result_large_err, reason = "both outcomes are the same value, and it is moved once")]
    fn poll_once(&mut self, tx: Tx<'_>) -> Result<Pending, Pending>;
    /// As `poll_once`, for a transaction whose statements have to be awaited.
    #[cfg(feature = "postgres")]
    fn run<'a>(&'a mut self, tx: Tx<'a>) -> futures_util::future::BoxFuture<'a, Result<Pending, Pending>>;
    /// It has changed something, which is going to be this commit.
    fn logged(&self, commit: CommitId);
    /// Makes the job fail with this error, whatever its result was.
    fn fail(&mut self, error: StoreError);
    /// Sends the result to the caller.
    fn answer(self: Box<Self>);
}

type Outcome<W> = Result<<W as Work>::Output, <W as Work>::Error>;

pub(crate) struct WorkJob<W: Work> {
    work: Arc<W>,
    result: Outcome<W>,
    caller: oneshot::Sender<Outcome<W>>,
    interest: Interest,
}

impl<W: Work> WorkJob<W> {
    pub(crate) fn new(work: Arc<W>) -> (Self, oneshot::Receiver<Outcome<W>>) {
        let (caller, receiver) = oneshot::channel();
        let interest = Interest::new(work.demand());
        (Self { work, result: Err(StoreError::Closed.into()), caller, interest }, receiver)
    }

    #[expect(clippy::result_large_err, reason = "both outcomes are the same value, and it is moved once")]
    fn ended(&mut self, result: Outcome<W>, tx: Tx<'_>) -> Result<Pending, Pending> {
        self.result = result;
        let pending = tx.finish();
        if self.result.is_ok() { Ok(pending) } else { Err(pending) }
    }
}

impl<W: Work> Job for WorkJob<W> {
    fn writes(&self) -> Writes {
        self.work.writes()
    }

    fn origin(&self) -> Origin {
        self.work.origin()
    }

    fn kilo_steps(&self) -> u32 {
        self.work.kilo_steps()
    }

    fn interest(&self) -> &Interest {
        &self.interest
    }

    fn poll_once(&mut self, mut tx: Tx<'_>) -> Result<Pending, Pending> {
        // Nothing that a panic interrupts is used again: the result is replaced and the transaction undone.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let mut future = self.work.run(&mut tx);
            future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }));
        let result = match polled {
            Ok(Poll::Ready(result)) => result,
            Ok(Poll::Pending) => Err(StoreError::Pending.into()),
            Err(_) => Err(StoreError::Panicked.into()),
        };
        self.ended(result, tx)
    }

    #[cfg(feature = "postgres")]
    fn run<'a>(&'a mut self, mut tx: Tx<'a>) -> futures_util::future::BoxFuture<'a, Result<Pending, Pending>> {
        Box::pin(async move {
            let work = Arc::clone(&self.work);
            let ended = futures_util::FutureExt::catch_unwind(AssertUnwindSafe(work.run(&mut tx))).await;
            let result = ended.unwrap_or_else(|_| Err(StoreError::Panicked.into()));
            self.ended(result, tx)
        })
    }

    fn logged(&self, commit: CommitId) {
        self.work.logged(commit);
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Err(error.into());
    }

    fn answer(self: Box<Self>) {
        // The caller may have gone away.
        drop(self.caller.send(self.result));
    }
}
