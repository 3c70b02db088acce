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

/// How often reads that wait ask whether the write-ahead log is short enough for them to begin.
const POLL: Duration = Duration::from_millis(10);

/// Threads for reads and work that take long, each with a connection of its own. Flows take turns. None occupies more than half of
/// the threads, and no source more than three quarters.
pub(super) struct Pool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What a thread of the pool does. It isn't begun when nobody waits for it any more.
pub(super) struct Task {
    interest: Interest,
    run: Run,
}

enum Run {
    Read(Box<dyn FnOnce(&mut SqliteSession) + Send>),
    Work(Box<dyn FnOnce() + Send>),
}

impl Task {
    /// A read.
    pub(super) fn read(interest: Interest, read: impl FnOnce(&mut SqliteSession) + Send + 'static) -> Self {
        Self { interest, run: Run::Read(Box::new(read)) }
    }

    /// Work that doesn't need the database, and so never waits for the write-ahead log.
    pub(super) fn work(interest: Interest, work: impl FnOnce() + Send + 'static) -> Self {
        Self { interest, run: Run::Work(Box::new(work)) }
    }

    fn reads(&self) -> bool {
        matches!(self.run, Run::Read(_))
    }
}

impl Queued for Task {
    fn is_wanted(&self) -> bool {
        !self.interest.is_lost()
    }
}

/// The tasks that wait for a thread.
struct Queue {
    tasks: Mutex<Tasks>,
    /// Signalled when a task comes and when the pool is closed.
    changed: Condvar,
    log_bound: Arc<LogBound>,
}

struct Tasks {
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
        let queue = Arc::new(Queue::new(bounds, Arc::clone(&shared.log_bound)));
        let start = |index| {
            let session = SqliteSession::open(path, Mode::Reader)?;
            let queue = Arc::clone(&queue);
            shared.spawn(format!("reader-{index}"), move || serve(session, &queue)).map_err(OpenError::Thread)
        };
        let threads = (0..threads).map(start).collect::<Result<_, OpenError>>()?;
        Ok(Self { queue, threads: Mutex::new(threads) })
    }

    /// Queues a task. `Busy`: too many wait. `Share`: too many of its flow or source do.
    pub(super) fn submit(&self, task: Task) -> Result<(), StoreError> {
        let mut tasks = self.queue.tasks.lock();
        if tasks.is_closed {
            return Err(StoreError::Closed);
        }
        tasks.waiting.push(task.interest.flow(), task)?;
        self.queue.changed.notify_one();
        Ok(())
    }

    /// Completes the queued tasks and ends the threads.
    pub(super) fn close(&self) {
        self.queue.tasks.lock().is_closed = true;
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
    fn new(bounds: Bounds, log_bound: Arc<LogBound>) -> Self {
        let tasks = Mutex::new(Tasks { waiting: FairQueue::new(bounds), is_closed: false });
        Self { tasks, changed: Condvar::new(), log_bound }
    }

    /// Waits for the task whose turn it is; `None`: the pool is closed and nothing waits.
    fn next(&self) -> Option<Task> {
        let mut tasks = self.tasks.lock();
        loop {
            let reads_wait = !tasks.is_closed && !self.reads_may_begin();
            let task = if reads_wait { tasks.waiting.pop_if(|task| !task.reads()) } else { tasks.waiting.pop() };
            if task.is_some() {
                return task;
            }
            if tasks.is_closed && tasks.waiting.is_empty() {
                // Threads that had to leave the last tasks to others wait here.
                self.changed.notify_all();
                return None;
            }
            if reads_wait && !tasks.waiting.is_empty() {
                self.changed.wait_for(&mut tasks, POLL);
            } else {
                self.changed.wait(&mut tasks);
            }
        }
    }

    fn reads_may_begin(&self) -> bool {
        self.log_bound.level() == Level::Free || self.log_bound.tick(Instant::now()) == Level::Free
    }
}

/// Drops what waits if its thread panics, which ends the store: nobody might come for it.
struct Serving<'q>(&'q Queue);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut tasks = self.0.tasks.lock();
            tasks.is_closed = true;
            tasks.waiting.clear();
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
            match task.run {
                Run::Read(read) => {
                    read(&mut session);
                    // A snapshot that cannot be ended makes the next task fail.
                    drop(session.release_snapshot());
                }
                Run::Work(work) => work(),
            }
        }
        queue.tasks.lock().waiting.ended(flow, began.elapsed());
        give_way();
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::Flow;

    use super::super::pages::PAGE_BYTES;
    use super::*;
    use crate::Demand;

    const BOUNDS: Bounds =
        Bounds { waiting: 9, waiting_of_source: 9, waiting_of_flow: 9, running_of_source: 9, running_of_flow: 9 };

    #[test]
    fn work_that_needs_no_database_does_not_wait_for_the_log() {
        let queue = Queue::new(BOUNDS, Arc::new(LogBound::new(PAGE_BYTES)));
        let other = Flow { source: backstay_base::Source::Local, caller: None };
        let read = Task::read(Interest::new(Demand::now(other)), |_| {});
        let work = Task::work(Interest::new(Demand::now(Flow::SYSTEM)), || {});
        for (flow, task) in [(other, read), (Flow::SYSTEM, work)] {
            queue.tasks.lock().waiting.push(flow, task).expect("there is room");
        }
        queue.log_bound.on_commit(1, Instant::now());
        assert!(queue.next().is_some_and(|task| !task.reads()));
        assert!(!queue.tasks.lock().waiting.is_empty(), "the read waits");
        queue.log_bound.on_restart();
        assert!(queue.next().is_some_and(|task| task.reads()));
    }
}
