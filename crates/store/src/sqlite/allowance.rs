use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backstay_base::Flow;
use parking_lot::Mutex;

use super::turns::Turns;
use crate::StoreError;
use crate::interest::Interest;

/// What the statements of one connection may still do.
#[derive(Debug)]
pub(super) struct Allowance {
    /// Steps that are left, in thousands.
    kilo_steps: AtomicI64,
    /// Bytes that functions have worked on and that don't make a thousand steps yet.
    bytes: AtomicU64,
    /// Steps, in thousands, that bytes have used up since the connection was opened.
    charged: AtomicU64,
    /// When statements end: in nanoseconds after `epoch`.
    deadline: AtomicU64,
    epoch: Instant,
    /// For what they run; nothing for what the store does itself and for what a caller's own thread does.
    work: Mutex<Option<Work>>,
}

#[derive(Debug)]
struct Work {
    interest: Interest,
    hold: Option<Hold>,
}

/// How long an operation may hold the writer.
#[derive(Debug)]
pub(super) struct Hold {
    /// Until then in any case, and then until another flow waits.
    pub(super) until: Instant,
    /// Where others wait.
    pub(super) turns: Arc<Turns>,
    /// Those who wait for the operation's own commit, if it is for several flows.
    pub(super) members: Option<Arc<Members>>,
}

/// Those who wait for one commit.
#[derive(Debug)]
pub(super) struct Members(Mutex<Vec<Interest>>);

impl Members {
    pub(super) fn new(interests: impl Iterator<Item = Interest>) -> Self {
        Self(Mutex::new(interests.collect()))
    }

    pub(super) fn add(&self, interest: Interest) {
        self.0.lock().push(interest);
    }

    /// Whether somebody waits for it besides this flow.
    fn has_others(&self, flow: Flow) -> bool {
        self.0.lock().iter().any(|interest| interest.flow() != flow && !interest.is_lost())
    }
}

/// Bytes that a function works on in the time of a thousand steps.
const BYTES_PER_KILO_STEP: u64 = 16 * 1024;
/// Bytes of a statement's text that are prepared in the time of a thousand steps.
const STATEMENT_BYTES_PER_KILO_STEP: u64 = 512;
/// Steps of a connection that has no step budget.
const UNLIMITED: i64 = i64::MAX;
/// The deadline of a connection that has none.
const NEVER: u64 = u64::MAX;

impl Allowance {
    pub(super) fn new() -> Self {
        Self {
            kilo_steps: AtomicI64::new(UNLIMITED),
            bytes: AtomicU64::new(0),
            charged: AtomicU64::new(0),
            deadline: AtomicU64::new(NEVER),
            epoch: Instant::now(),
            work: Mutex::new(None),
        }
    }

    /// Limits what follows to this many thousand steps, and to what ends by the deadline.
    pub(super) fn limit(&self, kilo_steps: u32, deadline: Instant) {
        self.kilo_steps.store(i64::from(kilo_steps), Ordering::Relaxed);
        self.deadline.store(self.nanos(deadline), Ordering::Relaxed);
    }

    /// The same, and ends what follows when nobody waits for it any more, or when it holds the writer for too long.
    pub(super) fn limit_work(&self, kilo_steps: u32, interest: &Interest, hold: Option<Hold>) {
        self.limit(kilo_steps, interest.deadline());
        *self.work.lock() = Some(Work { interest: interest.clone(), hold });
    }

    pub(super) fn lift(&self) {
        self.kilo_steps.store(UNLIMITED, Ordering::Relaxed);
        self.deadline.store(NEVER, Ordering::Relaxed);
        *self.work.lock() = None;
    }

    /// Uses this many thousand steps up. Whether the statement must end.
    pub(super) fn is_used_up(&self, kilo_steps: i64) -> bool {
        self.kilo_steps.fetch_sub(kilo_steps, Ordering::Relaxed) < kilo_steps || self.over().is_some()
    }

    /// Uses up the steps that working on this many bytes is worth. Whether the statement must end.
    pub(super) fn is_used_up_by(&self, bytes: usize) -> bool {
        // Only the thread that uses the connection counts.
        let bytes = self.bytes.load(Ordering::Relaxed) + bytes as u64;
        self.bytes.store(bytes % BYTES_PER_KILO_STEP, Ordering::Relaxed);
        self.charge(bytes / BYTES_PER_KILO_STEP)
    }

    /// Uses up the steps that preparing a statement with a text of this many bytes is worth. Whether it must not be.
    pub(super) fn is_used_up_by_statement(&self, bytes: usize) -> bool {
        self.charge(bytes as u64 / STATEMENT_BYTES_PER_KILO_STEP)
    }

    fn charge(&self, kilo_steps: u64) -> bool {
        self.charged.store(self.charged() + kilo_steps, Ordering::Relaxed);
        // SQLite limits the length of a value and of a statement, and so what is counted at a time.
        kilo_steps > 0 && self.is_used_up(kilo_steps.cast_signed())
    }

    /// Steps, in thousands, that were used up by bytes and not by steps, since the connection was opened.
    pub(super) fn charged(&self) -> u64 {
        self.charged.load(Ordering::Relaxed)
    }

    /// Whether a statement was ended because it had used up the step budget.
    pub(super) fn is_exhausted(&self) -> bool {
        self.kilo_steps.load(Ordering::Relaxed) < 0
    }

    /// Why nothing may run any more, however few steps it takes.
    pub(super) fn over(&self) -> Option<StoreError> {
        let now = Instant::now();
        if self.nanos(now) >= self.deadline.load(Ordering::Relaxed) {
            return Some(StoreError::TimeLimit);
        }
        let work = self.work.lock();
        let Work { interest, hold } = work.as_ref()?;
        if interest.is_lost() {
            return Some(StoreError::TimeLimit);
        }
        let holds = hold.as_ref().is_some_and(|hold| hold.is_over(interest, now));
        holds.then_some(StoreError::HoldLimit)
    }

    /// Why a statement was interrupted.
    pub(super) fn reason(&self) -> StoreError {
        match self.is_exhausted() {
            true => StoreError::StepLimit,
            // Who else waited for the writer may have gone away in the meantime.
            false => self.over().unwrap_or(StoreError::HoldLimit),
        }
    }

    fn nanos(&self, at: Instant) -> u64 {
        let after: Duration = at.saturating_duration_since(self.epoch);
        // 584 years are enough.
        u64::try_from(after.as_nanos()).unwrap_or(NEVER)
    }
}

impl Hold {
    fn is_over(&self, interest: &Interest, now: Instant) -> bool {
        let flow = interest.flow();
        let share_commit = || self.members.as_ref().is_some_and(|members| members.has_others(flow));
        now >= self.until && (share_commit() || self.turns.others_wait(flow))
    }
}
