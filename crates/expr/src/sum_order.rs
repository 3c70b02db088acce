//! The order in which stored sums follow a change: those that other sums read first.

use std::collections::{BTreeMap, VecDeque};

use backstay_model::{CollectionId, FieldId};

use crate::Sum;

/// The level of each sum: the length of the longest chain of sums that it depends on. Fails with a circle, its first sum
/// repeated at the end.
pub fn sum_levels(sums: &[&Sum]) -> Result<Vec<usize>, Vec<(CollectionId, FieldId)>> {
    let key = |sum: &Sum| (sum.computed.collection, sum.computed.field);
    let places: BTreeMap<_, usize> = sums.iter().enumerate().map(|(place, sum)| (key(sum), place)).collect();
    let read = |sum: &Sum| -> Vec<usize> {
        sum.reads.iter().filter_map(|field| places.get(&(sum.member, *field)).copied()).collect()
    };
    let reads: Vec<Vec<usize>> = sums.iter().map(|sum| read(sum)).collect();
    let mut waiting: Vec<usize> = reads.iter().map(Vec::len).collect();
    let mut levels = vec![0; sums.len()];
    let mut ready: VecDeque<usize> = (0..sums.len()).filter(|place| waiting[*place] == 0).collect();
    while let Some(done) = ready.pop_front() {
        for (place, _) in reads.iter().enumerate().filter(|(_, of)| of.contains(&done)) {
            waiting[place] -= 1;
            levels[place] = levels[place].max(levels[done] + 1);
            if waiting[place] == 0 {
                ready.push_back(place);
            }
        }
    }
    let Some(start) = waiting.iter().position(|left| *left > 0) else { return Ok(levels) };
    let mut trail = vec![start];
    loop {
        let last = trail[trail.len() - 1];
        let next = reads[last].iter().copied().find(|place| waiting[*place] > 0);
        let next = next.expect("what waits reads something that waits");
        if let Some(first) = trail.iter().position(|place| *place == next) {
            return Err(trail[first..].iter().chain([&next]).map(|place| key(sums[*place])).collect());
        }
        trail.push(next);
    }
}
