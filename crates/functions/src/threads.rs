//! The threads that run JavaScript: few, with room on their stacks, and none that answers requests.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
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

const RUNNING: u8 = 0;
const DONE: u8 = 1;
const GIVEN_UP: u8 = 2;

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

    /// Runs this as part of a call of this flow that ends at this moment, and then waits for it a little longer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        (flow, deadline): (Flow, Instant),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        let (began, begins) = oneshot::channel::<Arc<AtomicU8>>();
        let (tell, told) = oneshot::channel();
        let run = Box::new(move |stay: &Stay| {
            // Nobody waits for it any more.
            if tell.is_closed() {
                return;
            }
            let state = Arc::new(AtomicU8::new(RUNNING));
            if began.send(Arc::clone(&state)).is_err() {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(work));
            if state.swap(DONE, Ordering::AcqRel) == GIVEN_UP {
                stay.0.store(GIVEN_UP, Ordering::Release);
            }
            if let Ok(result) = result {
                // Whoever has asked may be gone.
                let _ = tell.send(result);
            }
        });
        self.shared.queue.lock().calls.push(flow, Job { flow, run }).map_err(|_| NoResult::Busy)?;
        self.shared.wake.notify_one();
        let state = match timeout_at(deadline.into(), begins).await {
            Err(_) => return Err(NoResult::Busy),
            Ok(Err(_)) => return Err(NoResult::Gone),
            Ok(Ok(state)) => state,
        };
        let last = deadline.min(Instant::now() + STEP_TIME) + GRACE;
        let watch = Watch(Running { state, flow, shared: Arc::clone(&self.shared) }, last);
        match timeout_at(last.into(), told).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(NoResult::Gone),
            Err(_) => {
                watch.0.give_up();
                Err(NoResult::Stuck)
            }
        }
    }

    /// Does this when no call waits.
    pub(crate) fn spare(&self, work: impl FnOnce() + Send + 'static) {
        let job: Spare = Box::new(move || {
            // What is done ahead is done again when it is needed.
            let _ = catch_unwind(AssertUnwindSafe(work));
        });
        self.shared.queue.lock().spare.push_back(job);
        self.shared.wake.notify_one();
    }
}

/// A job that runs.
#[derive(Clone)]
struct Running {
    state: Arc<AtomicU8>,
    flow: Flow,
    shared: Arc<Shared>,
}

impl Running {
    /// Gives up its thread, unless the job has ended.
    fn give_up(&self) {
        if self.state.compare_exchange(RUNNING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.shared.queue.lock().calls.ended(self.flow, STEP_TIME);
            // Another job of this flow may run now.
            self.shared.wake.notify_one();
            self.shared.replace();
        }
    }
}

/// Watches a job until its last moment, even if its caller is gone.
struct Watch(Running, Instant);

impl Drop for Watch {
    fn drop(&mut self) {
        let Self(job, last) = self;
        if job.state.load(Ordering::Acquire) != RUNNING {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (job, last) = (job.clone(), *last);
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
            run(&stay);
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
