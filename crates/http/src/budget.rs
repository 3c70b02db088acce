//! The memory that requests and answers hold: the request bodies that are read and carried out, and the answers that
//! are built and wait to be written. At the limit, requests are refused.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use backstay_base::{Error, Limit, Network, limits};
use parking_lot::Mutex;

use crate::refusal::Shared;
use crate::{HttpSettings, Refusal};

/// Locks that the table of networks is divided among.
const SHARDS: usize = 16;

/// Bytes that all requests of the process hold, and those of each network.
pub(crate) struct Budget {
    most: usize,
    most_of_network: usize,
    held: AtomicUsize,
    /// The networks that have a connection or hold something.
    shares: [Mutex<HashMap<Network, Weak<NetworkShare>>>; SHARDS],
}

/// What one network holds. It is looked up once for a connection, and per request only behind a trusted proxy.
#[derive(Debug, Clone)]
pub(crate) struct Share(Arc<NetworkShare>);

struct NetworkShare {
    network: Network,
    held: AtomicUsize,
    budget: Arc<Budget>,
}

/// What one request holds until its answer is written, which is when this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    share: Share,
    least: usize,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(settings: &HttpSettings) -> Arc<Self> {
        let percent = usize::from(settings.network_percent);
        Arc::new(Self {
            most: settings.memory_bytes,
            most_of_network: (settings.memory_bytes / 100 * percent).max(limits::NETWORK_MEMORY_BYTES),
            held: AtomicUsize::new(0),
            shares: Default::default(),
        })
    }

    /// The share of the network that this address belongs to.
    pub(crate) fn share(self: &Arc<Self>, address: IpAddr) -> Share {
        let network = Network::of(address);
        let mut shares = self.shard(network).lock();
        if let Some(known) = shares.get(&network).and_then(Weak::upgrade) {
            return Share(known);
        }
        let new = Arc::new(NetworkShare { network, held: AtomicUsize::new(0), budget: Arc::clone(self) });
        shares.insert(network, Arc::downgrade(&new));
        Share(new)
    }

    fn shard(&self, network: Network) -> &Mutex<HashMap<Network, Weak<NetworkShare>>> {
        let mixed = network.as_bytes().iter().fold(0, |mixed, byte| mixed ^ usize::from(*byte));
        &self.shares[(mixed ^ (mixed >> 4)) % SHARDS]
    }
}

impl Share {
    /// Whose share it is.
    pub(crate) fn network(&self) -> Network {
        self.0.network
    }

    /// Reserves what every request counts as at least.
    pub(crate) fn reserve(&self) -> Result<Reservation, Refusal> {
        let least = limits::REQUEST_MEMORY_BYTES;
        self.take(least)?;
        Ok(Reservation { share: self.clone(), least, bytes: least })
    }

    /// A reservation that never holds anything, for requests that are never refused; their answers are small.
    pub(crate) fn reserve_nothing(&self) -> Reservation {
        Reservation { share: self.clone(), least: 0, bytes: 0 }
    }

    fn take(&self, bytes: usize) -> Result<(), Refusal> {
        let NetworkShare { held, budget, .. } = &*self.0;
        if held.fetch_add(bytes, Ordering::Relaxed) + bytes > budget.most_of_network {
            held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Refusal::NetworkShare(Shared::Memory));
        }
        if budget.held.fetch_add(bytes, Ordering::Relaxed) + bytes > budget.most {
            self.give_back(bytes);
            return Err(Error::from(Limit::Busy).into());
        }
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        let NetworkShare { held, budget, .. } = &*self.0;
        held.fetch_sub(bytes, Ordering::Relaxed);
        budget.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Reservation {
    /// Makes it hold this many bytes, or what every request holds at least. Only growing can fail; then it holds what it
    /// held before.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Refusal> {
        if self.least == 0 {
            return Ok(());
        }
        let wanted = self.rounded(bytes);
        if wanted > self.bytes {
            self.share.take(wanted - self.bytes)?;
            self.bytes = wanted;
        }
        self.shrink(bytes);
        Ok(())
    }

    /// Makes it hold no more than this many bytes, or what every request holds at least.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        let wanted = self.rounded(bytes);
        if wanted < self.bytes {
            self.share.give_back(self.bytes - wanted);
            self.bytes = wanted;
        }
    }

    /// In steps, so that a body that arrives in small pieces doesn't count each of them.
    fn rounded(&self, bytes: usize) -> usize {
        bytes.next_multiple_of(limits::REQUEST_MEMORY_BYTES).max(self.least)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.share.give_back(self.bytes);
    }
}

impl Drop for NetworkShare {
    fn drop(&mut self) {
        let mut shares = self.budget.shard(self.network).lock();
        // Since the last holder went, the network may have come back.
        if shares.get(&self.network).is_some_and(|share| share.strong_count() == 0) {
            shares.remove(&self.network);
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("most", &self.most).field("held", &self.held).finish_non_exhaustive()
    }
}

impl fmt::Debug for NetworkShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkShare").field("network", &self.network).field("held", &self.held).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn budget() -> Arc<Budget> {
        Budget::new(&HttpSettings { memory_bytes: 100 * MIB, network_percent: 50, ..HttpSettings::default() })
    }

    fn share(budget: &Arc<Budget>, address: &str) -> Share {
        budget.share(address.parse().expect("an address"))
    }

    fn code(outcome: Result<(), Refusal>) -> &'static str {
        outcome.map_or_else(|refusal| refusal.code(), |()| "")
    }

    #[test]
    fn one_network_cannot_hold_everything() {
        let budget = budget();
        let (one, other, third) =
            (share(&budget, "2001:db8::1"), share(&budget, "2001:db8:0:1::1"), share(&budget, "192.0.2.1"));
        let mut first = one.reserve().expect("there is room");
        first.resize(40 * MIB).expect("there is room");
        let mut second = share(&budget, "2001:db8::2").reserve().expect("there is room");
        assert_eq!(code(second.resize(11 * MIB)), "too-many-requests");
        let mut strange = other.reserve().expect("there is room");
        strange.resize(50 * MIB).expect("each network has its share");
        let mut last = third.reserve().expect("there is room");
        assert_eq!(code(last.resize(20 * MIB)), "busy");
        drop(first);
        last.resize(20 * MIB).expect("there is room again");
        second.resize(11 * MIB).expect("there is room again");
    }

    #[test]
    fn what_is_given_back_is_counted_to_the_last_byte() {
        let budget = budget();
        let share = share(&budget, "192.0.2.1");
        let mut reservation = share.reserve().expect("there is room");
        let held = || budget.held.load(Ordering::Relaxed);
        for (bytes, expected) in [(0, 64), (65 * 1024, 128), (MIB, 1024), (60 * MIB, 1024), (1, 64)] {
            let _ = reservation.resize(bytes);
            assert_eq!(held(), expected * 1024, "{bytes}");
        }
        drop(reservation);
        assert_eq!(held(), 0);
        assert_eq!(share.0.held.load(Ordering::Relaxed), 0);
        let nothing = share.reserve_nothing();
        assert_eq!(held(), 0);
        drop((nothing, share));
        assert!(budget.shares.iter().all(|shares| shares.lock().is_empty()), "nothing is kept of a network that left");
    }
}
