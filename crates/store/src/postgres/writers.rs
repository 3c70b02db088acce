//! Who has written lately: they don't read from a replica that lacks it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use backstay_base::{Flow, Source, limits};
use parking_lot::Mutex;

/// A write that is longer ago is on every replica that is in use.
const KEPT: Duration = Duration::from_millis(limits::UNHEARD_MILLIS);

/// When flows have written last. A flow's writes are those of its caller, whatever its network, and of its network, whoever its
/// caller is: somebody who has signed in sees what was written before that.
#[derive(Debug, Default)]
pub(super) struct Writers(Mutex<Generations>);

/// The writes of the time at hand and of the time before it.
#[derive(Debug, Default)]
struct Generations {
    /// When the time at hand began.
    begun: Option<Instant>,
    current: HashMap<Flow, Instant>,
    previous: HashMap<Flow, Instant>,
}

impl Writers {
    /// The flow has written until now.
    pub(super) fn note(&self, flow: Flow, now: Instant) {
        let mut writers = self.0.lock();
        if writers.begun.is_none_or(|begun| now.saturating_duration_since(begun) > KEPT) {
            writers.previous = std::mem::take(&mut writers.current);
            writers.begun = Some(now);
        }
        writers.current.extend(each(flow).map(|one| (one, now)));
    }

    /// When it has written last, unless that is long ago.
    pub(super) fn last(&self, flow: Flow) -> Option<Instant> {
        let writers = self.0.lock();
        let wrote = |one: &Flow| writers.current.get(one).or_else(|| writers.previous.get(one)).copied();
        each(flow).filter_map(|one| wrote(&one)).max()
    }
}

/// The flow's network, and its caller.
fn each(flow: Flow) -> impl Iterator<Item = Flow> {
    let network = Flow { source: flow.source, caller: None };
    let caller = flow.caller.map(|caller| Flow { source: Source::Local, caller: Some(caller) });
    [Some(network), caller].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use backstay_base::{Network, RecordId};

    use super::*;

    #[test]
    fn a_write_counts_for_its_caller_and_its_network() {
        let flow = |network: u8, caller: Option<u8>| Flow {
            source: Source::Network(Network::of(IpAddr::from([192, 0, 2, network]))),
            caller: caller.map(|caller| RecordId::from_bytes([caller; 16])),
        };
        let (writers, now) = (Writers::default(), Instant::now());
        writers.note(flow(1, Some(1)), now);
        let check = |network: u8, caller: Option<u8>, expected: bool| {
            assert_eq!(writers.last(flow(network, caller)).is_some(), expected, "{network} {caller:?}");
        };
        check(1, Some(1), true);
        check(2, Some(1), true);
        check(1, None, true);
        check(1, Some(2), true);
        check(2, Some(2), false);
        check(2, None, false);
        // An anonymous client writes and signs in.
        writers.note(flow(3, None), now);
        check(3, Some(9), true);
        for millis in [1, 2] {
            writers.note(flow(4, None), now + (KEPT + Duration::from_millis(1)) * millis);
            check(3, Some(9), millis == 1);
        }
    }
}
