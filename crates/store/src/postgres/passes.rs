//! What the follower knew of the log when. A replica that has the entry that was the last one at some moment has everything that
//! was committed before.

use std::collections::VecDeque;
use std::time::Duration;

use backstay_audit::Leaf;
use backstay_base::limits;

/// How long a pass is remembered.
const KEPT: Duration = Duration::from_millis(limits::UNHEARD_MILLIS);

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogEnd {
    /// It has no entry.
    Empty,
    /// Its last entry.
    At {
        /// The entry's place.
        place: i64,
        /// Its leaf hash: an entry at the same place of another log has another one.
        leaf: Leaf,
    },
}

/// The last passes over the log to its end, each with its beginning and what it found. Moments count from one that they share.
#[derive(Debug, Default)]
pub(super) struct Passes(VecDeque<(Duration, LogEnd)>);

impl Passes {
    /// Notes a pass that has read the log to its end: what was visible when it began is in the log up to there.
    pub(super) fn note(&mut self, begun: Duration, end: LogEnd) {
        let oldest = begun.saturating_sub(KEPT);
        while self.0.front().is_some_and(|(begun, _)| *begun < oldest) {
            self.0.pop_front();
        }
        self.0.push_back((begun, end));
    }

    /// Forgets all of them: the log is another one.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// An end of the log that has everything that was committed before this moment; `None` if no pass has begun since.
    pub(super) fn since(&self, moment: Duration) -> Option<LogEnd> {
        let after = self.0.partition_point(|(begun, _)| *begun < moment);
        self.0.get(after).map(|(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pass_after_a_moment_has_what_was_committed_before_it() {
        let at = |place: i64| LogEnd::At { place, leaf: Leaf::from_bytes([0; 32]) };
        let mut passes = Passes::default();
        let since = |passes: &Passes, millis| passes.since(Duration::from_millis(millis));
        assert_eq!(since(&passes, 0), None);
        for (millis, end) in [(100, LogEnd::Empty), (500, at(1)), (900, at(4))] {
            passes.note(Duration::from_millis(millis), end);
        }
        let found = [0, 100, 101, 500, 700, 900, 901].map(|millis| since(&passes, millis));
        assert_eq!(
            found,
            [Some(LogEnd::Empty), Some(LogEnd::Empty), Some(at(1)), Some(at(1)), Some(at(4)), Some(at(4)), None]
        );
        passes.note(Duration::from_millis(1600), at(4));
        assert_eq!((since(&passes, 0), passes.0.len()), (Some(at(4)), 2));
        passes.clear();
        assert_eq!(since(&passes, 0), None);
    }
}
