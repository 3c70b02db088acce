use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{JoinHandle, ThreadId};

use backstay_base::limits;

use super::checkpoint::CheckpointWaker;
use super::group::{GroupCommit, is_final};
use super::shared::Shared;
use super::turns::{Sharing, Turn, Turns};
use crate::StoreError;
use crate::idempotency::PRUNED_AT_ONCE;
use crate::job::Job;

/// Groups, or idle checks, between two removals of expired idempotency records. While a removal leaves some, another
/// follows each group: a group adds at most as many as one removes.
const PRUNE_EVERY: u32 = 256;
const _: () = assert!(limits::GROUP_TRANSACTIONS as u64 <= PRUNED_AT_ONCE);

/// The thread that writes, and the queue to it.
pub(super) struct Writer {
    turns: Arc<Turns>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(commit: GroupCommit, shared: &Arc<Shared>, wake: CheckpointWaker) -> io::Result<Self> {
        let (state, turns) = (Arc::clone(shared), Arc::clone(&commit.turns));
        let thread = shared.spawn("writer", move || serve(commit, &state, &wake))?;
        Ok(Self { turns, thread: Some(thread) })
    }

    pub(super) fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.turns.submit(job)
    }

    /// The thread that jobs run on.
    pub(super) fn thread(&self) -> Option<ThreadId> {
        self.thread.as_ref().map(|thread| thread.thread().id())
    }

    /// Completes the queued jobs and ends the thread.
    pub(super) fn close(&mut self) {
        self.turns.close();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Drops what is queued when the thread ends, in whatever way.
struct Serving(Arc<Turns>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn serve(mut commit: GroupCommit, shared: &Shared, wake: &CheckpointWaker) {
    let serving = Serving(Arc::clone(&commit.turns));
    let mut rounds: u32 = 0;
    let mut more_expired = false;
    loop {
        shared.log_bound.wait_to_write(|| shared.has_failed());
        let outcome = match serving.0.next() {
            Turn::Run(first, sharing) => {
                let outcome = run(&mut commit, first, sharing);
                wake.after_commit();
                outcome
            }
            Turn::Idle => {
                wake.on_idle();
                commit.detect_foreign_changes()
            }
            Turn::Closed => return,
        };
        rounds = rounds.wrapping_add(1);
        let mut pruned = Ok(());
        if more_expired || rounds.is_multiple_of(PRUNE_EVERY) {
            pruned = commit.prune().map(|more| more_expired = more);
            wake.after_commit();
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

/// Runs a commit that begins with this job. A panic of a job is caught where it runs; one of the observer or of the
/// store itself ends the store, because it is unknown how far it got.
fn run(commit: &mut GroupCommit, first: Box<dyn Job>, sharing: Sharing) -> Result<(), StoreError> {
    catch_unwind(AssertUnwindSafe(|| commit.run(first, sharing))).unwrap_or(Err(StoreError::Panicked))
}
