use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use backstay_base::{Flow, give_way};
use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

use super::log_bound::{Level, LogBound};
use super::turns::Turns;
use crate::StoreError;
use crate::interest::Interest;

/// What the statements of one connection may still do.
#[derive(Debug)]
pub(super) struct Allowance {
    /// Steps that are left, in thousands.
    kilo_steps: AtomicI64,
    /// Steps that don't make a thousand yet.
    steps: AtomicU64,
    /// Bytes that functions have worked on, or that were read, and that don't make a thousand steps yet.
    bytes: AtomicU64,
    /// The connection's pages when they were last looked at.
    pages: AtomicU32,
    /// Whether pages are charged: a statement reads.
    reads: AtomicBool,
    /// Whether time is charged: the statement searches. The time of the processor on its thread at the last look, in nanoseconds.
    searches: AtomicBool,
    worked: AtomicU64,
    /// Steps that bytes, pages and time have used up since the connection was opened.
    charged: AtomicU64,
    /// When statements end: in nanoseconds after `epoch`.
    deadline: AtomicU64,
    /// Whether the thread lets others go first.
    gives_way: AtomicBool,
    epoch: Instant,
    /// What ends reads of the reader pool.
    log_bound: OnceLock<Arc<LogBound>>,
    /// Whether it has ended the work at hand.
    ended_for_log: AtomicBool,
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

/// Steps of the virtual machine between two looks at the pages.
pub(super) const STEPS_PER_LOOK: u16 = 100;
/// Pages that this many steps use where records are small: finding one in an index takes a few of each.
const PAGES_PER_LOOK: u32 = 100;
/// Steps in the time in which one page more is used, on the way through a record that is large.
const STEPS_PER_PAGE: u64 = 100;
/// Nanoseconds between two looks from which on a search works by itself: FTS5 takes few steps for much of its work, and calls
/// the handler of steps only now and then. Steps alone take a tenth of that.
const SEARCH_NANOS_PER_LOOK: u64 = 100_000;
/// Nanoseconds of such work that are worth a step.
const SEARCH_NANOS_PER_STEP: u64 = 100;
/// Bytes that a function works on, or that are read, in the time of a thousand steps.
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
            steps: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            pages: AtomicU32::new(0),
            reads: AtomicBool::new(false),
            searches: AtomicBool::new(false),
            worked: AtomicU64::new(0),
            charged: AtomicU64::new(0),
            deadline: AtomicU64::new(NEVER),
            gives_way: AtomicBool::new(false),
            epoch: Instant::now(),
            log_bound: OnceLock::new(),
            ended_for_log: AtomicBool::new(false),
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
        self.ended_for_log.store(false, Ordering::Relaxed);
        *self.work.lock() = Some(Work { interest: interest.clone(), hold });
    }

    pub(super) fn lift(&self) {
        self.kilo_steps.store(UNLIMITED, Ordering::Relaxed);
        self.deadline.store(NEVER, Ordering::Relaxed);
        *self.work.lock() = None;
        self.begin_write();
    }

    /// Uses this many thousand steps up. Whether the statement must end.
    fn is_used_up(&self, kilo_steps: i64) -> bool {
        let is_over = self.kilo_steps.fetch_sub(kilo_steps, Ordering::Relaxed) < kilo_steps || self.over().is_some();
        if !is_over && self.gives_way.load(Ordering::Relaxed) {
            give_way();
        }
        is_over
    }

    /// From now on, the thread that uses the connection lets others go first.
    pub(super) fn begin_to_give_way(&self) {
        self.gives_way.store(true, Ordering::Relaxed);
    }

    /// From now on, work ends when the write-ahead log must begin anew.
    pub(super) fn end_for_log(&self, bound: Arc<LogBound>) {
        // It is set once, by the thread that owns the connection.
        let _set = self.log_bound.set(bound);
    }

    /// A statement that reads, and may search, begins, of a connection that has used so many pages. What the one before left over
    /// is its own.
    pub(super) fn begin_read(&self, pages: u32, searches: bool) {
        self.searches.store(searches, Ordering::Relaxed);
        if searches {
            self.worked.store(thread_nanos(), Ordering::Relaxed);
        }
        self.steps.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
        self.pages.store(pages, Ordering::Relaxed);
        self.reads.store(true, Ordering::Relaxed);
    }

    /// A statement that writes begins. How much it may write isn't bounded by steps.
    pub(super) fn begin_write(&self) {
        self.reads.store(false, Ordering::Relaxed);
        self.searches.store(false, Ordering::Relaxed);
    }

    /// `STEPS_PER_LOOK` steps were taken, and so many pages are used by now. Whether the statement must end.
    pub(super) fn look(&self, pages: u32) -> bool {
        let more = self.more_pages(pages);
        self.pages.store(pages, Ordering::Relaxed);
        self.use_steps(u64::from(STEPS_PER_LOOK) + more + self.more_work())
    }

    /// The steps that are worth the time since the last look, if a search has worked for long. Charges them. It is the time of the
    /// processor, since a busy machine makes no search costlier.
    fn more_work(&self) -> u64 {
        if !self.searches.load(Ordering::Relaxed) {
            return 0;
        }
        let now = thread_nanos();
        let nanos = now.saturating_sub(self.worked.swap(now, Ordering::Relaxed));
        if nanos <= SEARCH_NANOS_PER_LOOK {
            return 0;
        }
        let steps = nanos / SEARCH_NANOS_PER_STEP;
        self.charged.store(self.charged() + steps, Ordering::Relaxed);
        steps
    }

    /// So many pages are used by now, and few steps were taken. Whether the statement must end.
    pub(super) fn is_used_up_by_pages(&self, pages: u32) -> bool {
        let more = self.more_pages(pages);
        if more > 0 {
            self.pages.store(pages, Ordering::Relaxed);
        }
        more > 0 && self.use_steps(more)
    }

    /// The steps that are worth those of the pages, since the last look, that were not to be expected. Charges them.
    fn more_pages(&self, pages: u32) -> u64 {
        let used = pages.wrapping_sub(self.pages.load(Ordering::Relaxed));
        if used <= PAGES_PER_LOOK || !self.reads.load(Ordering::Relaxed) {
            return 0;
        }
        let steps = u64::from(used - PAGES_PER_LOOK) * STEPS_PER_PAGE;
        self.charged.store(self.charged() + steps, Ordering::Relaxed);
        steps
    }

    fn use_steps(&self, steps: u64) -> bool {
        // Only the thread that uses the connection counts.
        let steps = self.steps.load(Ordering::Relaxed) + steps;
        self.steps.store(steps % 1000, Ordering::Relaxed);
        let kilo_steps = steps / 1000;
        // The counter of pages is 32 bits wide, and so is what is counted at a time.
        kilo_steps > 0 && self.is_used_up(kilo_steps.cast_signed())
    }

    /// Uses up the steps that working on this many bytes, or reading them, is worth. Whether the statement must end.
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
        self.charged.store(self.charged() + kilo_steps * 1000, Ordering::Relaxed);
        // SQLite limits the length of a value and of a statement, and so what is counted at a time.
        kilo_steps > 0 && self.is_used_up(kilo_steps.cast_signed())
    }

    /// Steps that were used up by bytes, pages and time and not by steps, since the connection was opened.
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
        if self.log_bound.get().is_some_and(|bound| bound.level() >= Level::ReadsEnd) {
            self.ended_for_log.store(true, Ordering::Relaxed);
        }
        if self.ended_for_log.load(Ordering::Relaxed) {
            return Some(StoreError::Busy);
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

/// Nanoseconds for which the processor has worked on this thread.
fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    // 584 years are enough.
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

impl Hold {
    fn is_over(&self, interest: &Interest, now: Instant) -> bool {
        let flow = interest.flow();
        let share_commit = || self.members.as_ref().is_some_and(|members| members.has_others(flow));
        now >= self.until && (share_commit() || self.turns.others_wait(flow))
    }
}
