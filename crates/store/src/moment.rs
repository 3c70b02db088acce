use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backstay_base::{Clock, Timestamp};

use crate::StoreError;

/// Assigns transactions their moments: the clock's, but always later than every earlier one, even if the clock goes back
/// or stood differently before a restart.
#[derive(Debug)]
pub(crate) struct CommitClock {
    clock: Arc<dyn Clock>,
    /// Microseconds since the epoch of the latest moment assigned; before all moments if there is none.
    last: AtomicI64,
}

impl CommitClock {
    /// Continues after the moment of the last commit.
    pub(crate) fn after(last: Option<Timestamp>, clock: Arc<dyn Clock>) -> Self {
        Self { clock, last: AtomicI64::new(last.map_or(i64::MIN, Timestamp::micros)) }
    }

    /// The moment of the next transaction. A clock beyond the last moment changes nothing: there would be none for any
    /// later transaction, even after the clock was set right.
    pub(crate) fn next(&self) -> Result<Timestamp, StoreError> {
        let now = self.clock.now();
        if now == Timestamp::LATEST {
            return Err(StoreError::NoLaterMoment);
        }
        let later = |last: i64| now.micros().max(last.saturating_add(1));
        let mut last = self.last.load(Ordering::Relaxed);
        while let Err(newer) = self.last.compare_exchange_weak(last, later(last), Ordering::Relaxed, Ordering::Relaxed)
        {
            last = newer;
        }
        Timestamp::from_micros(later(last)).ok_or(StoreError::NoLaterMoment)
    }

    /// The moment at which something is read: never before a commit.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_micros(self.last.load(Ordering::Relaxed)).map_or(now, |last| now.max(last))
    }

    /// Takes note of a commit that another process made.
    pub(crate) fn observe(&self, moment: Timestamp) {
        self.last.fetch_max(moment.micros(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use backstay_testkit::{TestClock, moment};

    use super::*;

    #[test]
    fn moments_follow_the_clock_and_never_go_back() {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let moments = CommitClock::after(None, Arc::new(clock.clone()));
        let check = |step: &str, expected: &str| {
            clock.advance(step);
            assert_eq!(moments.next().expect("a moment"), moment(expected), "after {step}");
        };
        check("0s", "2026-01-31T12:00:00.000000Z");
        check("0s", "2026-01-31T12:00:00.000001Z");
        check("-24h", "2026-01-31T12:00:00.000002Z");
        check("24h1s", "2026-01-31T12:00:01.000000Z");
    }

    #[test]
    fn moments_continue_after_the_last_commit() {
        let clock = Arc::new(TestClock::at("2026-01-31T12:00:00Z"));
        let last = moment("2027-01-31T12:00:00Z");
        let moments = CommitClock::after(Some(last), clock);
        assert_eq!(moments.now(), last);
        assert_eq!(moments.next().expect("a moment"), moment("2027-01-31T12:00:00.000001Z"));
        moments.observe(moment("2028-01-31T12:00:00Z"));
        assert_eq!(moments.next().expect("a moment"), moment("2028-01-31T12:00:00.000001Z"));
    }

    #[test]
    fn after_the_last_moment_there_is_none() {
        let clock = Arc::new(TestClock::at("2026-01-31T12:00:00Z"));
        let last = Timestamp::LATEST;
        let moments = CommitClock::after(Some(last), clock);
        assert!(matches!(moments.next(), Err(StoreError::NoLaterMoment)));
    }

    #[test]
    fn a_clock_beyond_the_last_moment_can_be_set_right() {
        let clock = TestClock::at("9999-12-30T22:00:00.999998Z");
        let moments = CommitClock::after(None, Arc::new(clock.clone()));
        assert_eq!(moments.next().expect("a moment"), moment("9999-12-30T22:00:00.999998Z"));
        let moments = CommitClock::after(None, Arc::new(clock.clone()));
        clock.advance("1h");
        assert!(matches!(moments.next(), Err(StoreError::NoLaterMoment)));
        clock.advance("-24h");
        assert_eq!(moments.next().expect("a moment"), moment("9999-12-29T23:00:00.999998Z"));
    }
}
