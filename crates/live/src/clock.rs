use std::sync::atomic::{AtomicU64, Ordering};

use backstay_base::DependencyKey;

/// Counters of the clock: a power of two, so that a mask finds the counter of a key. Two keys that share a counter cost a
/// needless miss, never a stale hit.
const SLOTS: usize = 1 << 16;
/// The bit of a counter that says that somebody waits for it to change. The counts are the bits above it.
const AWAITED: u64 = 1;
const STEP: u64 = 2;

/// A fixed array of counters that writes increment. A remembered result keeps the counts of its dependencies, read before
/// the result's snapshot began, and is valid while they are unchanged. Writes increment the counters before COMMIT and
/// again after it: a reader that saw the old data in between can't have the counts from after the commit.
#[derive(Debug)]
pub struct VersionClock {
    slots: Box<[AtomicU64]>,
    /// A dependency of every result: incremented when everything may have changed.
    all: AtomicU64,
}

impl Default for VersionClock {
    fn default() -> Self {
        Self { slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(), all: AtomicU64::new(0) }
    }
}

impl VersionClock {
    /// Ends the validity of results that depend on this.
    pub fn bump(&self, key: DependencyKey) {
        self.slots[slot(key)].fetch_add(STEP, Ordering::SeqCst);
    }

    /// The same. Returns whether somebody has waited for it since the last time.
    #[must_use = "whoever waits has to be told"]
    pub fn bump_awaited(&self, key: DependencyKey) -> bool {
        let slot = &self.slots[slot(key)];
        let is_awaited = slot.fetch_add(STEP, Ordering::SeqCst) & AWAITED != 0;
        if is_awaited {
            slot.fetch_and(!AWAITED, Ordering::SeqCst);
        }
        is_awaited
    }

    /// Lets the next `bump_awaited` of each of these dependencies say that somebody waits for it. Whoever waits has to be ready to
    /// be told before, and to look afterwards whether something has changed already.
    pub fn awaits(&self, seen: &Seen) {
        for (slot, _) in &seen.counts {
            self.slots[*slot].fetch_or(AWAITED, Ordering::SeqCst);
        }
    }

    /// Ends the validity of all results.
    pub fn bump_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
    }

    /// The counts of these dependencies, to be taken before the result is read.
    pub fn observe(&self, keys: impl Iterator<Item = DependencyKey>) -> Seen {
        let count = |key| {
            let slot = slot(key);
            (slot, self.count(slot))
        };
        Seen { all: self.all.load(Ordering::SeqCst), counts: keys.map(count).collect() }
    }

    /// Whether nothing that was observed has changed since.
    pub fn unchanged(&self, seen: &Seen) -> bool {
        seen.all == self.all.load(Ordering::SeqCst)
            && seen.counts.iter().all(|(slot, count)| self.count(*slot) == *count)
    }

    fn count(&self, slot: usize) -> u64 {
        self.slots[slot].load(Ordering::SeqCst) & !AWAITED
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the mask leaves 16 bits")]
fn slot(key: DependencyKey) -> usize {
    (key.0 & (SLOTS as u64 - 1)) as usize
}

/// Counts of a result's dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    all: u64,
    counts: Box<[(usize, u64)]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(clock: &VersionClock, keys: &[u64]) -> Seen {
        clock.observe(keys.iter().copied().map(DependencyKey))
    }

    #[test]
    fn a_result_is_valid_until_one_of_its_dependencies_changes() {
        let clock = VersionClock::default();
        let seen = observe(&clock, &[1, 2]);
        clock.bump(DependencyKey(3));
        assert!(clock.unchanged(&seen));
        clock.bump(DependencyKey(2));
        assert!(!clock.unchanged(&seen));
    }

    #[test]
    fn a_change_is_told_once_to_those_who_wait_for_it() {
        let clock = VersionClock::default();
        let seen = observe(&clock, &[1]);
        assert!(!clock.bump_awaited(DependencyKey(1)));
        clock.awaits(&seen);
        clock.bump(DependencyKey(1));
        assert!(!clock.bump_awaited(DependencyKey(2)));
        assert!(clock.bump_awaited(DependencyKey(1)));
        assert!(!clock.bump_awaited(DependencyKey(1)));
    }

    #[test]
    fn waiting_changes_nothing() {
        let clock = VersionClock::default();
        let seen = observe(&clock, &[1]);
        clock.awaits(&seen);
        assert!(clock.unchanged(&seen));
        assert_eq!(observe(&clock, &[1]), seen);
    }

    #[test]
    fn a_change_of_everything_ends_every_result() {
        let clock = VersionClock::default();
        let seen = observe(&clock, &[]);
        assert!(clock.unchanged(&seen));
        clock.bump_all();
        assert!(!clock.unchanged(&seen));
    }

    #[test]
    fn keys_that_share_a_counter_end_each_others_results() {
        let clock = VersionClock::default();
        let seen = observe(&clock, &[7]);
        clock.bump(DependencyKey(7 + (1 << 16)));
        assert!(!clock.unchanged(&seen));
    }
}
