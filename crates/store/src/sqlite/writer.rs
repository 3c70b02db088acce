use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use backstay_base::limits;

use super::checkpoint::CheckpointWaker;
use super::group::{GroupCommit, is_final};
use super::shared::Shared;
use crate::StoreError;
use crate::idempotency::PRUNED_AT_ONCE;
use crate::job::Job;

/// How often an idle writer checks whether another process has written.
const IDLE_CHECK: Duration = Duration::from_secs(1);
/// Groups, or idle checks, between two removals of expired idempotency records. While a removal leaves some, another
/// follows each group: a group adds at most as many as one removes.
const PRUNE_EVERY: u32 = 256;
const _: () = assert!(limits::GROUP_TRANSACTIONS as u64 <= PRUNED_AT_ONCE);

enum Message {
    Run(Box<dyn Job>),
    Close,
}

/// The thread that writes, and the queue to it.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(commit: GroupCommit, shared: &Arc<Shared>, wake: CheckpointWaker) -> io::Result<Self> {
        let (queue, messages) = sync_channel(limits::WRITER_QUEUE);
        let state = Arc::clone(shared);
        let thread = shared.spawn("writer", move || serve(commit, &messages, &state, &wake))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    pub(super) fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.queue.try_send(Message::Run(job)).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    /// The thread that jobs run on.
    pub(super) fn thread(&self) -> Option<ThreadId> {
        self.thread.as_ref().map(|thread| thread.thread().id())
    }

    /// Completes the queued jobs and ends the thread.
    pub(super) fn close(&mut self) {
        // If the thread has ended already, nobody receives the message.
        drop(self.queue.send(Message::Close));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn serve(mut commit: GroupCommit, messages: &Receiver<Message>, shared: &Shared, wake: &CheckpointWaker) {
    let mut closing = false;
    let mut rounds: u32 = 0;
    let mut more_expired = false;
    while !closing {
        let outcome = match messages.recv_timeout(IDLE_CHECK) {
            Ok(Message::Run(first)) => run_group(&mut commit, first, messages, &mut closing),
            Err(RecvTimeoutError::Timeout) => {
                wake.on_idle();
                commit.detect_foreign_changes()
            }
            Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return,
        };
        wake.after_commit();
        rounds = rounds.wrapping_add(1);
        let mut pruned = Ok(());
        if more_expired || rounds.is_multiple_of(PRUNE_EVERY) {
            pruned = commit.prune().map(|more| more_expired = more);
        }
        for outcome in [outcome, pruned] {
            match outcome {
                Ok(()) => {}
                Err(error) if is_final(&error) => return shared.fail(&error),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the writer met an error"),
            }
        }
    }
}

/// Runs the group that begins with this job. A panic of a job is caught where it runs; one of the observer or of the
/// store itself ends the store, because it is unknown how far it got.
fn run_group(
    commit: &mut GroupCommit,
    first: Box<dyn Job>,
    messages: &Receiver<Message>,
    closing: &mut bool,
) -> Result<(), StoreError> {
    let next = || match messages.try_recv() {
        Ok(Message::Run(job)) => Some(job),
        Ok(Message::Close) => {
            *closing = true;
            None
        }
        Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
    };
    catch_unwind(AssertUnwindSafe(|| commit.run(first, next))).unwrap_or(Err(StoreError::Panicked))
}
