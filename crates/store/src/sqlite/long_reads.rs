use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use backstay_base::{Flow, limits};
use backstay_sql::Statement;

use crate::ReadStats;

/// How many marks there are. Two reads that share one cost each other a detour or a second start, and nothing else.
const MARKS: usize = 1024;

/// Which reads took too long for the thread that asked when they ran last, by flow and statement: they begin on the
/// reader pool at once, instead of beginning twice. What a flow reads says nothing about the reads of others.
#[derive(Debug)]
pub(super) struct LongReads {
    marks: Box<[AtomicBool]>,
    /// How many are set: most applications have none, and then nothing is hashed.
    set: AtomicUsize,
    hasher: RandomState,
}

impl LongReads {
    /// None.
    pub(super) fn new() -> Self {
        let marks = std::iter::repeat_with(AtomicBool::default).take(MARKS).collect();
        Self { marks, set: AtomicUsize::new(0), hasher: RandomState::new() }
    }

    /// Whether the statement took long for this flow when it ran last.
    pub(super) fn has(&self, flow: Flow, statement: &Statement) -> bool {
        self.set.load(Ordering::Relaxed) > 0 && self.mark(flow, statement).load(Ordering::Relaxed)
    }

    /// It takes too long for the thread that asks.
    pub(super) fn add(&self, flow: Flow, statement: &Statement) {
        if !self.mark(flow, statement).swap(true, Ordering::Relaxed) {
            self.set.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// It ran on the pool at this cost, and this many bytes were made of its rows.
    pub(super) fn ran(&self, flow: Flow, statement: &Statement, stats: ReadStats, bytes: usize) {
        let is_long = stats.steps > u64::from(limits::READ_KILO_STEPS) * 1000 || bytes > limits::READ_BYTES;
        if !is_long && self.mark(flow, statement).swap(false, Ordering::Relaxed) {
            self.set.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn mark(&self, flow: Flow, statement: &Statement) -> &AtomicBool {
        let hash = self.hasher.hash_one((flow, statement.text()));
        &self.marks[usize::try_from(hash % MARKS as u64).expect("less than MARKS")]
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::{RecordId, Source};

    use super::*;

    #[test]
    fn a_read_is_long_for_its_flow_until_it_was_short() {
        let long = LongReads::new();
        let [list, other] = ["SELECT 1", "SELECT 2"].map(|text| Statement::raw(text, Vec::new(), &[]));
        let caller = Flow { source: Source::System, caller: Some(RecordId::from_bytes([1; 16])) };
        assert!(!long.has(caller, &list));
        long.add(caller, &list);
        long.add(caller, &list);
        assert!(long.has(caller, &list));
        assert!(!long.has(caller, &other) && !long.has(Flow::SYSTEM, &list));
        let steps = |steps| ReadStats { steps, ..ReadStats::default() };
        long.ran(caller, &list, steps(1_000_000), 0);
        assert!(long.has(caller, &list), "it takes many steps");
        long.ran(caller, &list, steps(10), limits::READ_BYTES + 1);
        assert!(long.has(caller, &list), "it makes many bytes");
        long.ran(caller, &list, steps(10), 100);
        assert!(!long.has(caller, &list));
        assert_eq!(long.set.load(Ordering::Relaxed), 0);
    }
}
