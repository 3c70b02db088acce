use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use backstay_audit::Origin;
use tokio::sync::oneshot;

use crate::tx::{Pending, Tx, TxSession};
use crate::{StoreError, Work, Writes};

use super::Session;

/// An operation whose type is forgotten, so that a queue can hold it, with its result so far.
pub(super) trait Job: Send {
    fn writes(&self) -> Writes;
    fn origin(&self) -> Origin;
    /// Runs it once. `Err`: it failed and keeps its own error; what it had done by then has to be undone.
    #[expect(clippy::result_large_err, reason = "both outcomes are the same value, and it is moved once")]
    fn run(&mut self, session: &mut Session, origin: &Origin) -> Result<Pending, Pending>;
    /// It failed for a reason outside of it, whatever it had answered.
    fn fail(&mut self, error: StoreError);
    /// Tells who waits.
    fn answer(self: Box<Self>);
}

type Answer<W> = Result<<W as Work>::Output, <W as Work>::Error>;

pub(super) struct WorkJob<W: Work> {
    work: Arc<W>,
    result: Answer<W>,
    waiting: oneshot::Sender<Answer<W>>,
}

impl<W: Work> WorkJob<W> {
    pub(super) fn new(work: Arc<W>) -> (Self, oneshot::Receiver<Answer<W>>) {
        let (waiting, receiver) = oneshot::channel();
        (Self { work, result: Err(StoreError::Closed.into()), waiting }, receiver)
    }

    /// What it answers, where nobody waits on another thread.
    pub(super) fn into_result(self) -> Answer<W> {
        self.result
    }
}

impl<W: Work> Job for WorkJob<W> {
    fn writes(&self) -> Writes {
        self.work.writes()
    }

    fn origin(&self) -> Origin {
        self.work.origin()
    }

    fn run(&mut self, session: &mut Session, origin: &Origin) -> Result<Pending, Pending> {
        let mut tx = Tx::new(TxSession::Sqlite(session), origin.moment);
        // A panic leaves nothing behind that is used again: the result is replaced and the transaction undone.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let mut future = self.work.run(&mut tx);
            future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }));
        self.result = match polled {
            Ok(Poll::Ready(result)) => result,
            Ok(Poll::Pending) => Err(StoreError::Pending.into()),
            Err(_) => Err(StoreError::Panicked.into()),
        };
        let pending = tx.finish();
        if self.result.is_ok() { Ok(pending) } else { Err(pending) }
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Err(error.into());
    }

    fn answer(self: Box<Self>) {
        // Whoever asked may have gone away.
        drop(self.waiting.send(self.result));
    }
}
