//! Runs functions: each call in an isolate of its own, step by step, and between its steps no thread waits for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use backstay_egress::Client;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::code::Code;
use crate::failure::Failure;
use crate::host::Host;
use crate::isolate::Isolate;
use crate::limits;
use crate::program::Program;
use crate::running::{Call, Running, no_result, thrown};
use crate::threads::Threads;

/// Runs the functions of an application.
#[derive(Debug)]
pub struct Functions {
    served: Arc<Served>,
    threads: Threads,
    /// What other servers are called with.
    egress: Client,
    running: Semaphore,
    waiting: AtomicUsize,
}

/// The functions, with isolates that are ready.
#[derive(Debug)]
struct Served {
    program: Program,
    warm: Mutex<Vec<Isolate>>,
    /// How many are ready or being made.
    prepared: AtomicUsize,
}

impl Functions {
    /// Starts the threads that run these functions. Other servers are called with this client.
    pub fn start(program: Program, threads: usize, egress: Client) -> std::io::Result<Arc<Self>> {
        let functions = Arc::new(Self {
            served: Arc::new(Served { program, warm: Mutex::default(), prepared: AtomicUsize::new(0) }),
            threads: Threads::start(threads)?,
            egress,
            running: Semaphore::new(limits::RUNNING_CALLS),
            waiting: AtomicUsize::new(0),
        });
        functions.warm();
        Ok(functions)
    }

    /// Whether there is a function of this name.
    pub fn has(&self, function: &str) -> bool {
        self.served.program.has(function)
    }

    /// Carries out a call of a function that there is; the host answers what it asks. If this is dropped, the function ends.
    pub async fn call(&self, call: Call, host: &dyn Host) -> Result<String, Failure> {
        if call.arguments.len() > limits::TEXT_BYTES {
            return Err(Failure::TooLarge);
        }
        let last = Instant::now() + limits::CALL_TIME;
        let deadline = call.deadline.map_or(last, |deadline| deadline.min(last));
        let _permit = self.admitted(deadline).await?;
        let isolate = self.isolate(deadline).await?;
        isolate.take(&call.function, &call.ambient.entropy, deadline);
        let mut running = Running::new((&self.threads, isolate), (host, &self.egress), (&call, deadline));
        let ended = running.run(call).await;
        let isolate = running.into_isolate();
        // Freeing what it holds can take long.
        self.threads.spare(move || drop(isolate));
        self.warm();
        ended
    }

    /// Waits until it is this call's turn.
    async fn admitted(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Failure> {
        if let Ok(permit) = self.running.try_acquire() {
            return Ok(permit);
        }
        let _waiting = Waiting::begin(&self.waiting).ok_or(Failure::Busy)?;
        match tokio::time::timeout_at(deadline.into(), self.running.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Failure::Busy),
        }
    }

    /// One that is ready, or a new one.
    async fn isolate(&self, deadline: Instant) -> Result<Isolate, Failure> {
        let served = &self.served;
        if let Some(ready) = served.warm.lock().pop() {
            served.prepared.fetch_sub(1, Ordering::Relaxed);
            return Ok(ready);
        }
        let code = Arc::clone(&served.program.code);
        let made = self.threads.run(deadline, move || Isolate::new(&code)).await;
        made.map_err(no_result)?.map_err(thrown)
    }

    /// Has isolates made ahead while no call waits.
    fn warm(&self) {
        let served = &self.served;
        while served.prepared.load(Ordering::Relaxed) < limits::WARM_ISOLATES {
            served.prepared.fetch_add(1, Ordering::Relaxed);
            let (code, place) = (Arc::clone(&served.program.code), Arc::downgrade(served));
            self.threads.spare(move || prepare(&code, &place));
        }
    }
}

fn prepare(code: &Code, place: &Weak<Served>) {
    // It is served no longer.
    let Some(served) = place.upgrade() else { return };
    match Isolate::new(code) {
        Ok(isolate) => served.warm.lock().push(isolate),
        // The next call makes one itself, and reports why that fails.
        Err(_) => {
            served.prepared.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A place among the calls that wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Option<Self> {
        let place = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < limits::WAITING_CALLS).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
