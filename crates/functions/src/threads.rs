//! The threads that run JavaScript: few, with room on their stacks, and none that answers requests.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use backstay_base::{Bounds, FairQueue, Flow, Queued, limits, lower_priority};
use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{sleep_until, timeout_at};

const STEP_TIME: Duration = Duration::from_secs(limits::FUNCTION_STEP_SECONDS);
const GRACE: Duration = Duration::from_secs(limits::FUNCTION_GRACE_SECONDS);

/// A part of a call.
struct Job {
    flow: Flow,
    run: Box<dyn FnOnce(&Stay) + Send>,
}

impl Queued for Job {
    // A job that nobody waits for any more ends as soon as it runs.
    fn is_wanted(&self) -> bool {
        true
    }
}

/// What is done ahead of calls, or after them.
type Spare = Box<dyn FnOnce() + Send>;

/// Threads that run JavaScript. They end with the last clone of this.
#[derive(Debug)]
pub(crate) struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("lost", &self.queue.lock().lost).finish_non_exhaustive()
    }
}

struct Queue {
    calls: FairQueue<Job>,
    /// What is done when no call waits.
    spare: VecDeque<Spare>,
    lost: usize,
    closed: bool,
}

/// Whether the thread that runs a job goes on to the next one.
#[derive(Debug, Default)]
struct Stay(AtomicU8);

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const DONE: u8 = 2;
const GIVEN_UP: u8 = 3;

/// How far a job is.
#[derive(Debug)]
struct Progress {
    state: AtomicU8,
    asked: Instant,
    /// Microseconds after `asked` at which it began to run.
    begun: AtomicU64,
}

impl Progress {
    fn begin(&self) {
        let micros = u64::try_from(self.asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.begun.store(micros, Ordering::Relaxed);
        self.state.store(RUNNING, Ordering::Release);
    }

    /// The last moment at which it ends, if it runs, of a call with this deadline.
    fn last(&self, deadline: Instant) -> Option<Instant> {
        let begun = || self.asked + Duration::from_micros(self.begun.load(Ordering::Relaxed));
        (self.state.load(Ordering::Acquire) == RUNNING).then(|| deadline.min(begun() + STEP_TIME) + GRACE)
    }
}

/// Why a job has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoResult {
    /// No thread was free in time.
    Busy,
    /// It didn't end in time. Its thread was given up.
    Stuck,
    /// It panicked, or the threads have ended.
    Gone,
}

/// A thread's next work.
enum Next {
    Call(Job),
    Spare(Spare),
}

impl Threads {
    /// Starts threads with which one flow can keep this many processors busy, and two more: one for another flow of the same source,
    /// and one for another source.
    pub(crate) fn start(processors: usize) -> io::Result<Self> {
        let of_flow = processors.max(1);
        let bounds = Bounds {
            // Those that run are bounded before they come here.
            waiting: usize::MAX,
            waiting_of_source: usize::MAX,
            waiting_of_flow: usize::MAX,
            running_of_source: of_flow + 1,
            running_of_flow: of_flow,
        };
        let queue = Queue { calls: FairQueue::new(bounds), spare: VecDeque::new(), lost: 0, closed: false };
        let shared = Arc::new(Shared { queue: Mutex::new(queue), wake: Condvar::new() });
        let threads = Self { shared };
        for _ in 0..of_flow + 2 {
            spawn(&threads.shared)?;
        }
        Ok(threads)
    }

    /// Runs this as part of a call of this flow that ends at this moment, and then waits for it a little longer. What it leaves to be
    /// done is done after its result was told.
    pub(crate) async fn run<T: Send + 'static, R: FnOnce()>(
        &self,
        (flow, deadline): (Flow, Instant),
        work: impl FnOnce() -> (T, R) + Send + 'static,
    ) -> Result<T, NoResult> {
        let asked = Instant::now();
        let progress = Arc::new(Progress { state: AtomicU8::new(WAITING), asked, begun: AtomicU64::new(0) });
        let watch = Watch(Running { progress, flow, shared: Arc::clone(&self.shared) }, deadline);
        // Dropped before the watch, which so sees whether the job runs.
        let (tell, mut told) = oneshot::channel();
        let progress = Arc::clone(&watch.0.progress);
        let run = Box::new(move |stay: &Stay| {
            progress.begin();
            // Nobody waits for it any more.
            if tell.is_closed() {
                progress.state.store(DONE, Ordering::Release);
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(work));
            if progress.state.swap(DONE, Ordering::AcqRel) == GIVEN_UP {
                stay.0.store(GIVEN_UP, Ordering::Release);
            }
            if let Ok((result, rest)) = result {
                // Whoever has asked may be gone.
                let _ = tell.send(result);
                rest();
            }
        });
        self.shared.push(Job { flow, run })?;
        let mut until = deadline.min(asked + STEP_TIME);
        loop {
            match timeout_at(until.into(), &mut told).await {
                Ok(Ok(result)) => return Ok(result),
                Ok(Err(_)) => return Err(NoResult::Gone),
                Err(_) => {
                    let now = Instant::now();
                    match watch.0.progress.last(deadline) {
                        Some(last) if last <= now => {
                            watch.0.give_up();
                            return Err(NoResult::Stuck);
                        }
                        Some(last) => until = last,
                        None if deadline <= now => return Err(NoResult::Busy),
                        None => until = deadline.min(now + STEP_TIME),
                    }
                }
            }
        }
    }

    /// Does this when no call waits, unless enough else is to be done then.
    pub(crate) fn spare(&self, work: impl FnOnce() + Send + 'static) {
        let job: Spare = Box::new(move || {
            // What is done ahead is done again when it is needed.
            let _ = catch_unwind(AssertUnwindSafe(work));
        });
        let mut queue = self.shared.queue.lock();
        if queue.spare.len() >= limits::FUNCTION_SPARE {
            // An isolate that the job holds takes a while to drop: not under the lock.
            drop(queue);
            return;
        }
        queue.spare.push_back(job);
        drop(queue);
        self.shared.wake.notify_one();
    }
}

/// A job that runs.
#[derive(Clone)]
struct Running {
    progress: Arc<Progress>,
    flow: Flow,
    shared: Arc<Shared>,
}

impl Running {
    /// Gives up its thread, unless the job has ended.
    fn give_up(&self) {
        if self.progress.state.compare_exchange(RUNNING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.shared.queue.lock().calls.ended(self.flow, STEP_TIME);
            // Another job of this flow may run now.
            self.shared.wake.notify_one();
            self.shared.replace();
        }
    }
}

/// Watches a job of a call with this deadline until its last moment, even if its caller is gone.
struct Watch(Running, Instant);

impl Drop for Watch {
    fn drop(&mut self) {
        let Self(job, deadline) = self;
        let Some(last) = job.progress.last(*deadline) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let job = job.clone();
        runtime.spawn(async move {
            sleep_until(last.into()).await;
            job.give_up();
        });
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock();
        queue.closed = true;
        queue.calls.clear();
        queue.spare.clear();
        drop(queue);
        self.shared.wake.notify_all();
    }
}

impl Shared {
    /// Queues a job, and wakes a thread for it if it may run: one that finds nothing to run takes a processor from those that do.
    fn push(&self, job: Job) -> Result<(), NoResult> {
        let mut queue = self.queue.lock();
        queue.calls.push(job.flow, job).map_err(|_| NoResult::Busy)?;
        let may_run = queue.calls.next().is_some();
        drop(queue);
        if may_run {
            self.wake.notify_one();
        }
        Ok(())
    }

    fn next(&self) -> Option<Next> {
        let mut queue = self.queue.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.calls.pop() {
                return Some(Next::Call(job));
            }
            if let Some(spare) = queue.spare.pop_front() {
                return Some(Next::Spare(spare));
            }
            self.wake.wait(&mut queue);
        }
    }

    /// Starts a thread in the place of one that doesn't come back.
    fn replace(self: &Arc<Self>) {
        let mut queue = self.queue.lock();
        queue.lost += 1;
        let lost = queue.lost;
        drop(queue);
        tracing::error!(
            lost,
            "a function is in a loop that can't be ended; its thread is given up{}",
            if lost > limits::FUNCTION_LOST_THREADS {
                ", and no other is started in its place: restart the server"
            } else {
                ""
            }
        );
        if lost <= limits::FUNCTION_LOST_THREADS
            && let Err(error) = spawn(self)
        {
            tracing::error!(%error, "no thread can be started for functions");
        }
    }
}

fn spawn(shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let run = move || {
        // A loop takes no processor that requests need.
        lower_priority();
        while let Some(next) = shared.next() {
            let Job { flow, run } = match next {
                Next::Call(job) => job,
                Next::Spare(spare) => {
                    spare();
                    continue;
                }
            };
            let (stay, began) = (Stay::default(), Instant::now());
            // Should what it leaves to be done panic, neither the thread nor the place of its flow is lost.
            let _ = catch_unwind(AssertUnwindSafe(|| run(&stay)));
            let mut queue = shared.queue.lock();
            if stay.0.load(Ordering::Acquire) == GIVEN_UP {
                queue.lost -= 1;
                return;
            }
            queue.calls.ended(flow, began.elapsed());
        }
    };
    thread::Builder::new().name("function".to_owned()).stack_size(limits::FUNCTION_THREAD_STACK_BYTES).spawn(run)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use backstay_base::Source;

    use super::*;

    const FLOW: Flow = Flow { source: Source::Local, caller: None };

    #[tokio::test]
    async fn what_is_left_to_be_done_keeps_no_place_if_it_panics() {
        let threads = Threads::start(1).expect("threads");
        // More often than there are threads.
        for number in 0..5 {
            let deadline = Instant::now() + Duration::from_secs(20);
            let left = || std::panic::resume_unwind(Box::new("left"));
            assert_eq!(threads.run((FLOW, deadline), move || (number, left)).await, Ok(number));
        }
    }

    #[test]
    fn few_jobs_are_kept_for_when_no_call_waits() {
        let threads = Threads::start(1).expect("threads");
        let (tell, began) = mpsc::channel();
        let until = Arc::new(Mutex::new(()));
        let closed = until.lock();
        for _ in 0..3 {
            let (tell, until) = (tell.clone(), Arc::clone(&until));
            threads.spare(move || {
                let _ = tell.send(());
                drop(until.lock());
            });
            began.recv().expect("it runs");
        }
        let kept = Arc::new(());
        for _ in 0..100 {
            let kept = Arc::clone(&kept);
            threads.spare(move || drop(kept));
        }
        assert_eq!(Arc::strong_count(&kept) - 1, limits::FUNCTION_SPARE);
        drop(closed);
    }
}
