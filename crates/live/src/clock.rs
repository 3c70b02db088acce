use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};

use backstay_base::{FieldNumber, RecordId, TypeNumber};

/// Counters of the clock: a power of two, so that a hash finds its counter by a mask. Two dependencies that share one
/// cost a needless miss, never a stale hit.
const SLOTS: usize = 1 << 16;

/// What a result can depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// Any record of a collection.
    Collection(TypeNumber),
    /// One record.
    Record(TypeNumber, RecordId),
    /// The records whose field has a value: its hash by `Dependency::hash_value`.
    Field(TypeNumber, FieldNumber, u64),
}

impl Dependency {
    /// The hash that stands for a value in `Dependency::Field`; the same within one process.
    pub fn hash_value(value: &(impl Hash + ?Sized)) -> u64 {
        BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
    }

    fn slot(&self) -> usize {
        usize::try_from(Self::hash_value(self) & (SLOTS as u64 - 1)).unwrap_or(0)
    }
}

/// A fixed array of counters that writes move on. Whoever remembers a result remembers the counts of its dependencies,
/// read before the result's snapshot began; the result holds while they are unchanged. Writes move the counters before
/// COMMIT and again after it: a reader who saw the old data in between can't take the counts of afterwards for its own.
#[derive(Debug)]
pub struct VersionClock {
    slots: Box<[AtomicU64]>,
    /// Part of every result's dependencies: moved when everything may have changed.
    all: AtomicU64,
}

impl Default for VersionClock {
    fn default() -> Self {
        Self { slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(), all: AtomicU64::new(0) }
    }
}

impl VersionClock {
    /// Moves the counter of one dependency.
    pub fn bump(&self, dependency: &Dependency) {
        self.slots[dependency.slot()].fetch_add(1, Ordering::SeqCst);
    }

    /// Nothing remembered holds any longer.
    pub fn bump_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
    }

    /// The counts of these dependencies, to be taken before the result is read.
    pub fn observe(&self, dependencies: &[Dependency]) -> Seen {
        let count = |dependency: &Dependency| {
            let slot = dependency.slot();
            (slot, self.slots[slot].load(Ordering::SeqCst))
        };
        Seen { all: self.all.load(Ordering::SeqCst), counts: dependencies.iter().map(count).collect() }
    }

    /// Whether nothing that was observed has moved since.
    pub fn unchanged(&self, seen: &Seen) -> bool {
        seen.all == self.all.load(Ordering::SeqCst)
            && seen.counts.iter().all(|(slot, count)| self.slots[*slot].load(Ordering::SeqCst) == *count)
    }
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

    const POSTS: TypeNumber = TypeNumber(1);

    fn id(last: u8) -> RecordId {
        RecordId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last])
    }

    #[test]
    fn only_what_was_observed_ends_a_result() {
        let clock = VersionClock::default();
        let seen = clock.observe(&[Dependency::Record(POSTS, id(1))]);
        clock.bump(&Dependency::Record(POSTS, id(2)));
        assert!(clock.unchanged(&seen));
        clock.bump(&Dependency::Record(POSTS, id(1)));
        assert!(!clock.unchanged(&seen));
    }

    #[test]
    fn a_change_of_everything_ends_every_result() {
        let clock = VersionClock::default();
        let seen = clock.observe(&[]);
        assert!(clock.unchanged(&seen));
        clock.bump_all();
        assert!(!clock.unchanged(&seen));
    }

    #[test]
    fn values_are_told_apart() {
        let field = |value: &str| Dependency::Field(POSTS, FieldNumber(4), Dependency::hash_value(value));
        assert_eq!(field("DRAFT"), field("DRAFT"));
        assert_ne!(field("DRAFT"), field("PUBLISHED"));
    }
}
