use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::CommitId;

/// Commits that are remembered because clients may show them.
const KEPT: usize = 20_000;

/// The last commits whose changes are known here, each with a moment at which it was committed already; the oldest of them are
/// forgotten.
#[derive(Debug, Default)]
pub(super) struct Reached {
    ids: HashMap<CommitId, Instant>,
    order: VecDeque<CommitId>,
}

impl Reached {
    /// A moment before which it was committed.
    pub(super) fn before(&self, commit: CommitId) -> Option<Instant> {
        self.ids.get(&commit).copied()
    }

    pub(super) fn add(&mut self, commit: CommitId, before: Instant) {
        if self.ids.contains_key(&commit) {
            return;
        }
        self.ids.insert(commit, before);
        self.order.push_back(commit);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let (mut reached, kept) = (Reached::default(), KEPT as u64);
        let commit = |number: u64| CommitId::of_all(number.to_be_bytes());
        for number in (0..=kept).chain([kept]) {
            reached.add(commit(number), Instant::now());
        }
        let known = [0, 1, kept].map(|number| reached.before(commit(number)).is_some());
        assert_eq!((known, reached.ids.len()), ([false, true, true], KEPT));
    }
}
