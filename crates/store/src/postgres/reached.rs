use std::collections::{HashSet, VecDeque};

use crate::CommitId;

/// Commits that are remembered because clients may show them.
const KEPT: usize = 20_000;

/// The last commits whose changes are known here, the oldest of which are forgotten.
#[derive(Debug, Default)]
pub(super) struct Reached {
    ids: HashSet<CommitId>,
    order: VecDeque<CommitId>,
}

impl Reached {
    pub(super) fn has(&self, commit: CommitId) -> bool {
        self.ids.contains(&commit)
    }

    pub(super) fn add(&mut self, commit: CommitId) {
        if !self.ids.insert(commit) {
            return;
        }
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
            reached.add(commit(number));
        }
        let known = [0, 1, kept].map(|number| reached.has(commit(number)));
        assert_eq!((known, reached.ids.len()), ([false, true, true], KEPT));
    }
}
