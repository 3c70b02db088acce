//! The threads that run JavaScript: few, with room on their stacks, and none that answers requests.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Instant;

use backstay_base::lower_priority;
use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{sleep_until, timeout_at};

use crate::limits;

type Job = Box<dyn FnOnce(&Stay) + Send>;

/// Threads that run JavaScript. They end with the last clone of this.
#[derive(Debug)]
pub(crate) struct Threads {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("lost", &self.queue.lock().lost).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Queue {
    calls: VecDeque<Job>,
    /// What is done when no call waits.
    spare: VecDeque<Job>,
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

impl Threads {
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let threads = Self { shared: Arc::default() };
        for _ in 0..count.max(1) {
            spawn(&threads.shared)?;
        }
        Ok(threads)
    }

    /// Runs this as part of a call that ends at this moment, and then waits for it a little longer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        let (began, begins) = oneshot::channel::<Arc<AtomicU8>>();
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |stay: &Stay| {
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
        self.shared.queue.lock().calls.push_back(job);
        self.shared.wake.notify_one();
        let state = match timeout_at(deadline.into(), begins).await {
            Err(_) => return Err(NoResult::Busy),
            Ok(Err(_)) => return Err(NoResult::Gone),
            Ok(Ok(state)) => state,
        };
        let last = deadline.min(Instant::now() + limits::STEP_TIME) + limits::CALL_GRACE;
        let watch = Watch(Running { state, shared: Arc::clone(&self.shared) }, last);
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
        let job: Job = Box::new(move |_| {
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
    shared: Arc<Shared>,
}

impl Running {
    /// Gives up its thread, unless the job has ended.
    fn give_up(&self) {
        if self.state.compare_exchange(RUNNING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire).is_ok() {
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
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.calls.pop_front() {
                return Some(job);
            }
            if let Some(job) = queue.spare.pop_front() {
                return Some(job);
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
            if lost > limits::LOST_THREADS { ", and no other is started in its place: restart the server" } else { "" }
        );
        if lost <= limits::LOST_THREADS
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
        while let Some(job) = shared.next() {
            let stay = Stay::default();
            job(&stay);
            if stay.0.load(Ordering::Acquire) == GIVEN_UP {
                shared.queue.lock().lost -= 1;
                return;
            }
        }
    };
    thread::Builder::new().name("function".to_owned()).stack_size(limits::THREAD_STACK_BYTES).spawn(run)?;
    Ok(())
}
