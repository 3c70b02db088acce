use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use backstay_base::{Bounds, FairQueue, Queued, give_way, limits, lower_priority};
use parking_lot::{Condvar, Mutex};

use super::connection::{Mode, SqliteSession};
use super::log_bound::{Level, LogBound};
use super::shared::Shared;
use crate::interest::Interest;
use crate::{OpenError, StoreError};

/// How often it is looked whether the write-ahead log is short enough for reads to begin.
const LOOK_AT_LOG: Duration = Duration::from_millis(10);

/// Threads for reads that take long, each with a connection of its own. Flows take turns. None occupies more than half of
/// the threads, and no source more than three quarters.
pub(super) struct Pool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A read for a thread of the pool.
pub(super) struct Task {
    interest: Interest,
    read: Box<dyn FnOnce(&mut SqliteSession) + Send>,
}

impl Task {
    /// A read that isn't begun when nobody waits for it any more.
    pub(super) fn new(interest: Interest, read: impl FnOnce(&mut SqliteSession) + Send + 'static) -> Self {
        Self { interest, read: Box::new(read) }
    }
}

impl Queued for Task {
    fn is_wanted(&self) -> bool {
        !self.interest.is_lost()
    }
}

/// The reads that wait for a thread.
struct Queue {
    reads: Mutex<Reads>,
    /// Signalled when a read comes and when the pool is closed.
    changed: Condvar,
    log_bound: Arc<LogBound>,
}

struct Reads {
    waiting: FairQueue<Task>,
    is_closed: bool,
}

impl Pool {
    /// Starts this many threads, but at least two: one source must not occupy all.
    pub(super) fn start(path: &Path, threads: usize, shared: &Arc<Shared>) -> Result<Self, OpenError> {
        let threads = threads.max(2);
        let bounds = Bounds {
            waiting: limits::READER_QUEUE,
            waiting_of_source: limits::SOURCE_READER_QUEUE,
            waiting_of_flow: limits::FLOW_READER_QUEUE,
            running_of_source: threads - threads.div_ceil(4),
            running_of_flow: threads / 2,
        };
        let reads = Mutex::new(Reads { waiting: FairQueue::new(bounds), is_closed: false });
        let log_bound = Arc::clone(&shared.log_bound);
        let queue = Arc::new(Queue { reads, changed: Condvar::new(), log_bound });
        let start = |index| {
            let session = SqliteSession::open(path, Mode::Reader)?;
            let queue = Arc::clone(&queue);
            shared.spawn(format!("reader-{index}"), move || serve(session, &queue)).map_err(OpenError::Thread)
        };
        let threads = (0..threads).map(start).collect::<Result<_, OpenError>>()?;
        Ok(Self { queue, threads: Mutex::new(threads) })
    }

    /// Queues a read. `Busy`: too many wait. `Share`: too many of its flow or source do.
    pub(super) fn submit(&self, task: Task) -> Result<(), StoreError> {
        let mut reads = self.queue.reads.lock();
        if reads.is_closed {
            return Err(StoreError::Closed);
        }
        reads.waiting.push(task.interest.flow(), task)?;
        self.queue.changed.notify_one();
        Ok(())
    }

    /// Completes the queued reads and ends the threads.
    pub(super) fn close(&self) {
        self.queue.reads.lock().is_closed = true;
        self.queue.changed.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // What drops the store last can be a task.
            if thread.thread().id() == thread::current().id() {
                continue;
            }
            // A thread never ends with a panic: see `Shared::spawn`.
            drop(thread.join());
        }
    }
}

impl Queue {
    /// Waits for the read whose turn it is; `None`: the pool is closed and nothing waits.
    fn next(&self) -> Option<Task> {
        let mut reads = self.reads.lock();
        loop {
            if self.log_bound.level() > Level::Free && !reads.is_closed {
                self.changed.wait_for(&mut reads, LOOK_AT_LOG);
                continue;
            }
            if let Some(task) = reads.waiting.pop() {
                return Some(task);
            }
            if reads.is_closed && reads.waiting.is_empty() {
                // Threads that had to leave the last reads to others wait here.
                self.changed.notify_all();
                return None;
            }
            self.changed.wait(&mut reads);
        }
    }
}

/// Drops what waits if its thread panics, which ends the store: nobody might come for it.
struct Serving<'q>(&'q Queue);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut reads = self.0.reads.lock();
            reads.is_closed = true;
            reads.waiting.clear();
            self.0.changed.notify_all();
        }
    }
}

fn serve(mut session: SqliteSession, queue: &Queue) {
    lower_priority();
    session.give_way();
    session.end_for_log(Arc::clone(&queue.log_bound));
    let _serving = Serving(queue);
    while let Some(task) = queue.next() {
        let (flow, began) = (task.interest.flow(), Instant::now());
        if task.is_wanted() {
            (task.read)(&mut session);
            // A snapshot that cannot be ended makes the next task fail.
            drop(session.release_snapshot());
        }
        queue.reads.lock().waiting.ended(flow, began.elapsed());
        give_way();
    }
}
