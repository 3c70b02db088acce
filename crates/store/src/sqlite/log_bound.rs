use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::pages::PAGE_BYTES;

/// For how long the log may be longer than its bound before long reads that run are ended.
const READS_END: Duration = Duration::from_secs(5);
/// The same, before reads and writes go on although the log couldn't begin anew: another process reads the database.
const GIVE_UP: Duration = Duration::from_secs(8);
/// How often the writer asks whether the log has begun anew.
const POLL: Duration = Duration::from_millis(10);

/// Keeps the write-ahead log from growing without bound. It can begin anew only when no read needs it, and long reads that overlap
/// always leave one that does. From its bound on, long reads therefore wait until those that run have ended; from a third more
/// on, and after a while in any case, those that run are ended, too, and from twice the bound on nothing is written meanwhile.
#[derive(Debug)]
pub(super) struct LogBound {
    pages: u32,
    /// How far it has come, for threads that only look.
    level: AtomicU8,
    /// Copies that are being made, each of which needs all of the log from its beginning on. They have a limit of their own.
    copies: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Pages of the log after the last commit.
    pages: u32,
    /// As many of them don't count: the log couldn't begin anew when it had them.
    base: u32,
    /// Since when it is longer than its bound.
    since: Option<Instant>,
}

/// What the length of the log asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Nothing.
    Free,
    /// No long read begins.
    ReadsWait,
    /// Those that run end.
    ReadsEnd,
    /// Nothing is written.
    WritesWait,
}

impl LogBound {
    pub(super) fn new(bytes: u64) -> Self {
        let state = State { pages: 0, base: 0, since: None };
        Self {
            pages: u32::try_from(bytes / PAGE_BYTES).unwrap_or(u32::MAX).max(1),
            level: AtomicU8::new(Level::Free as u8),
            copies: AtomicUsize::new(0),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// What is asked for now.
    pub(super) fn level(&self) -> Level {
        match self.level.load(Ordering::Relaxed) {
            level if level == Level::WritesWait as u8 => Level::WritesWait,
            level if level == Level::ReadsEnd as u8 => Level::ReadsEnd,
            level if level == Level::ReadsWait as u8 => Level::ReadsWait,
            _ => Level::Free,
        }
    }

    /// The log has so many pages after a commit.
    pub(super) fn on_commit(&self, pages: u32, now: Instant) {
        let mut state = self.state.lock();
        if pages < state.pages {
            // It has begun anew.
            state.base = 0;
        }
        state.pages = pages;
        self.settle(&mut state, now);
    }

    /// No read needs the log any more, and all of it is written back: the next commit begins it anew.
    pub(super) fn on_restart(&self) {
        let mut state = self.state.lock();
        *state = State { pages: 0, base: 0, since: None };
        self.settle(&mut state, Instant::now());
    }

    /// What is asked for at this moment: time changes it, too.
    pub(super) fn tick(&self, now: Instant) -> Level {
        self.settle(&mut self.state.lock(), now)
    }

    /// Does something that needs the log for as long as it takes.
    pub(super) fn while_copied<T>(&self, copy: impl FnOnce() -> T) -> T {
        let _copy = Copying::begin(self);
        copy()
    }

    /// Waits until something may be written, or until it needn't be any more.
    pub(super) fn wait_to_write(&self, is_over: impl Fn() -> bool) {
        let mut state = self.state.lock();
        while self.level() == Level::WritesWait && !is_over() {
            self.changed.wait_for(&mut state, POLL);
            self.settle(&mut state, Instant::now());
        }
    }

    fn settle(&self, state: &mut State, now: Instant) -> Level {
        let level = self.level_of(state, now);
        self.level.store(level as u8, Ordering::Relaxed);
        self.changed.notify_all();
        level
    }

    fn level_of(&self, state: &mut State, now: Instant) -> Level {
        let copied = self.copies.load(Ordering::Relaxed) > 0;
        let pages = state.pages.saturating_sub(state.base);
        if pages < self.pages || copied {
            state.since = None;
            return Level::Free;
        }
        let lasts = now.saturating_duration_since(*state.since.get_or_insert(now));
        if lasts >= GIVE_UP {
            state.base = state.pages;
            state.since = None;
            return Level::Free;
        }
        match pages {
            pages if pages >= self.pages.saturating_mul(2) => Level::WritesWait,
            pages if pages >= self.pages.saturating_add(self.pages / 3) || lasts >= READS_END => Level::ReadsEnd,
            _ => Level::ReadsWait,
        }
    }
}

/// A copy that is being made.
struct Copying<'b>(&'b LogBound);

impl<'b> Copying<'b> {
    fn begin(bound: &'b LogBound) -> Self {
        bound.copies.fetch_add(1, Ordering::Relaxed);
        bound.tick(Instant::now());
        Self(bound)
    }
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        if self.0.copies.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Pages written during a copy don't count toward the bound.
            state.base = state.pages;
        }
        self.0.settle(&mut state, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: u32 = 30;

    fn bound() -> LogBound {
        LogBound::new(u64::from(PAGES) * PAGE_BYTES)
    }

    #[test]
    fn the_longer_the_log_is_the_more_waits() {
        let (bound, now) = (bound(), Instant::now());
        for (pages, expected) in [
            (29, Level::Free),
            (30, Level::ReadsWait),
            (39, Level::ReadsWait),
            (40, Level::ReadsEnd),
            (59, Level::ReadsEnd),
            (60, Level::WritesWait),
        ] {
            bound.on_commit(pages, now);
            assert_eq!(bound.level(), expected, "{pages} pages");
        }
        bound.on_restart();
        assert_eq!(bound.level(), Level::Free);
        bound.wait_to_write(|| unreachable!("nothing waits"));
    }

    #[test]
    fn reads_end_after_a_while_and_all_go_on_if_that_is_of_no_use() {
        let (bound, now) = (bound(), Instant::now());
        bound.on_commit(PAGES, now);
        let after = |time: Duration, expected: Level| {
            assert_eq!((bound.tick(now + time), bound.level()), (expected, expected), "after {time:?}");
        };
        after(READS_END / 2, Level::ReadsWait);
        after(READS_END, Level::ReadsEnd);
        after(GIVE_UP, Level::Free);
        let later = now + GIVE_UP;
        for (pages, expected) in [(59, Level::Free), (60, Level::ReadsWait), (90, Level::WritesWait), (29, Level::Free)]
        {
            bound.on_commit(pages, later);
            assert_eq!(bound.level(), expected, "{pages} pages");
        }
        bound.on_commit(PAGES, later);
        assert_eq!(bound.level(), Level::ReadsWait, "a log that began anew counts from its beginning");
    }

    #[test]
    fn a_write_waits_no_longer_than_all_do_although_nothing_else_happens() {
        let bound = bound();
        let long_ago = Instant::now().checked_sub(GIVE_UP).expect("the machine runs for longer");
        bound.on_commit(2 * PAGES, long_ago);
        assert_eq!(bound.level(), Level::WritesWait);
        bound.wait_to_write(|| false);
        assert_eq!(bound.level(), Level::Free);
    }

    #[test]
    fn nothing_waits_for_a_copy() {
        let (bound, now) = (bound(), Instant::now());
        bound.on_commit(2 * PAGES, now);
        bound.while_copied(|| {
            assert_eq!(bound.level(), Level::Free);
            bound.on_commit(10 * PAGES, now);
            assert_eq!(bound.level(), Level::Free);
        });
        assert_eq!(bound.level(), Level::Free);
        bound.on_commit(11 * PAGES, now);
        assert_eq!(bound.level(), Level::ReadsWait);
    }
}
