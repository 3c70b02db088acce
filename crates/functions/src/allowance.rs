//! What a call may still use, asked by the engine while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backstay_base::limits;
use rustix::time::{ClockId, clock_gettime};

const CPU: Duration = Duration::from_millis(limits::FUNCTION_CPU_MILLIS);

/// What one call may use. The engine asks every few thousand steps.
#[derive(Debug)]
pub(crate) struct Allowance {
    cancelled: AtomicBool,
    /// Whether the engine was told to stop.
    spent: AtomicBool,
    /// Nanoseconds that are left of the processor's time; of its thread's, where it ends, while the call runs.
    cpu_until: AtomicU64,
    cpu_left: AtomicU64,
    begun: Instant,
    /// Nanoseconds after `begun` by which it ends.
    until: AtomicU64,
}

impl Allowance {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            cancelled: AtomicBool::new(false),
            spent: AtomicBool::new(false),
            cpu_until: AtomicU64::new(u64::MAX),
            cpu_left: AtomicU64::new(nanos(CPU)),
            begun: Instant::now(),
            until: AtomicU64::new(u64::MAX),
        })
    }

    /// The call begins, which ends at this moment, whatever it waits for.
    pub(crate) fn renew(&self, deadline: Instant) {
        self.cpu_left.store(nanos(CPU), Ordering::Relaxed);
        self.until.store(nanos(deadline.saturating_duration_since(self.begun)), Ordering::Relaxed);
    }

    /// Gives the waiting call its full processor time again.
    pub(crate) fn renew_processor(&self) {
        self.cpu_left.store(nanos(CPU), Ordering::Relaxed);
    }

    /// Whether it has used a tenth of the processor's time, while it runs.
    pub(crate) fn has_used_share(&self) -> bool {
        let left = self.cpu_until.load(Ordering::Relaxed).saturating_sub(thread_time());
        left < nanos(CPU) / 10 * 9
    }

    /// Nobody waits for it any more.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// It runs on this thread from now on, until `leave`.
    pub(crate) fn enter(&self) {
        let left = self.cpu_left.load(Ordering::Relaxed);
        self.cpu_until.store(thread_time().saturating_add(left), Ordering::Relaxed);
    }

    /// It waits.
    pub(crate) fn leave(&self) {
        let left = self.cpu_until.load(Ordering::Relaxed).saturating_sub(thread_time());
        self.cpu_left.store(left, Ordering::Relaxed);
    }

    /// Whether nothing is left.
    pub(crate) fn is_spent(&self) -> bool {
        let spent = self.spent.load(Ordering::Relaxed)
            || self.cancelled.load(Ordering::Relaxed)
            || thread_time() > self.cpu_until.load(Ordering::Relaxed)
            || nanos(self.begun.elapsed()) > self.until.load(Ordering::Relaxed);
        if spent {
            self.spent.store(true, Ordering::Relaxed);
        }
        spent
    }
}

/// The processor's time that this thread has used, in nanoseconds.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(time.tv_nsec))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
