//! The memory that requests and answers hold: the request bodies that are read and carried out, and the answers that
//! are built and wait to be written. At the limit, requests are refused.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use backstay_base::{Limit, Memory, Network, Reserve, Shared, limits};
use parking_lot::Mutex;

use crate::HttpSettings;

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
    /// Bodies whose rest is awaited.
    arriving: AtomicUsize,
    budget: Arc<Budget>,
}

/// What one request holds until its answer is written and nothing works for it any more, which is when this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    share: Share,
    bytes: Mutex<Bytes>,
}

#[derive(Debug)]
struct Bytes {
    /// What it holds at least.
    least: usize,
    /// What its parts hold.
    used: usize,
    /// What the network and the process count: the larger of both, in whole steps.
    reserved: usize,
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
        let new = Arc::new(NetworkShare {
            network,
            held: AtomicUsize::new(0),
            arriving: AtomicUsize::new(0),
            budget: Arc::clone(self),
        });
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

    /// A reservation of at least this many bytes.
    pub(crate) fn reserve(&self, least: usize) -> Result<Arc<Reservation>, Limit> {
        self.take(least)?;
        let bytes = Mutex::new(Bytes { least, used: 0, reserved: least });
        Ok(Arc::new(Reservation { share: self.clone(), bytes }))
    }

    /// A place among the bodies that are arriving from the network, until it is dropped.
    pub(crate) fn await_body(&self) -> Result<AwaitedBody, Limit> {
        if self.0.arriving.fetch_add(1, Ordering::Relaxed) >= limits::NETWORK_BODIES {
            self.0.arriving.fetch_sub(1, Ordering::Relaxed);
            return Err(Limit::Share(Shared::Bodies));
        }
        Ok(AwaitedBody(self.clone()))
    }

    fn take(&self, bytes: usize) -> Result<(), Limit> {
        let NetworkShare { held, budget, .. } = &*self.0;
        if held.fetch_add(bytes, Ordering::Relaxed) + bytes > budget.most_of_network {
            held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Limit::Share(Shared::Memory));
        }
        if budget.held.fetch_add(bytes, Ordering::Relaxed) + bytes > budget.most {
            self.give_back(bytes);
            return Err(Limit::Busy);
        }
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        let NetworkShare { held, budget, .. } = &*self.0;
        held.fetch_sub(bytes, Ordering::Relaxed);
        budget.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A body whose rest is awaited.
#[derive(Debug)]
pub(crate) struct AwaitedBody(Share);

impl Drop for AwaitedBody {
    fn drop(&mut self) {
        self.0.0.arriving.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Reservation {
    /// Makes it hold at least this many bytes from now on.
    pub(crate) fn raise(&self, least: usize) -> Result<(), Limit> {
        let mut bytes = self.bytes.lock();
        let least = least.max(bytes.least);
        self.reserve(&mut bytes, least, 0)
    }

    /// The memory of the request that it is for.
    pub(crate) fn memory(self: &Arc<Self>) -> Memory {
        Memory::counted(Arc::clone(self) as Arc<dyn Reserve>)
    }

    /// Reserves what is missing for this least and for so many more bytes.
    fn reserve(&self, bytes: &mut Bytes, least: usize, more: usize) -> Result<(), Limit> {
        let used = bytes.used + more;
        let wanted = Bytes { least, used, reserved: 0 }.counted();
        if wanted > bytes.reserved {
            self.share.take(wanted - bytes.reserved)?;
            bytes.reserved = wanted;
        }
        (bytes.least, bytes.used) = (least, used);
        Ok(())
    }
}

impl Bytes {
    /// In steps, so that a body that arrives in small pieces doesn't count each of them.
    fn counted(&self) -> usize {
        self.used.next_multiple_of(limits::MEMORY_STEP_BYTES).max(self.least)
    }
}

impl Reserve for Reservation {
    fn take(&self, bytes: usize) -> Result<(), Limit> {
        let mut held = self.bytes.lock();
        let least = held.least;
        self.reserve(&mut held, least, bytes)
    }

    fn give_back(&self, bytes: usize) {
        let mut held = self.bytes.lock();
        held.used -= bytes;
        let counted = held.counted();
        if counted < held.reserved {
            self.share.give_back(held.reserved - counted);
            held.reserved = counted;
        }
    }

    fn held(&self) -> usize {
        self.bytes.lock().used
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.share.give_back(self.bytes.get_mut().reserved);
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

    fn code(outcome: Result<(), Limit>) -> &'static str {
        outcome.map_or_else(|limit| backstay_base::Error::from(limit).code(), |()| "")
    }

    /// The memory of a request of this network.
    fn request(share: &Share) -> Memory {
        share.reserve(limits::REQUEST_MEMORY_BYTES).expect("there is room").memory()
    }

    #[test]
    fn one_network_cannot_hold_everything() {
        let budget = budget();
        let (one, other, third) =
            (share(&budget, "2001:db8::1"), share(&budget, "2001:db8:0:1::1"), share(&budget, "192.0.2.1"));
        let mut first = request(&one).hold();
        first.resize(40 * MIB).expect("there is room");
        let mut second = request(&share(&budget, "2001:db8::2")).hold();
        assert_eq!(code(second.resize(11 * MIB)), "too-many-requests");
        let mut strange = request(&other).hold();
        strange.resize(50 * MIB).expect("each network has its share");
        let mut last = request(&third).hold();
        assert_eq!(code(last.resize(20 * MIB)), "busy");
        drop(first);
        last.resize(20 * MIB).expect("there is room again");
        second.resize(11 * MIB).expect("there is room again");
    }

    #[test]
    fn what_is_given_back_is_counted_to_the_last_byte() {
        let budget = budget();
        let share = share(&budget, "192.0.2.1");
        let reservation = share.reserve(limits::MEMORY_STEP_BYTES).expect("there is room");
        let held = || budget.held.load(Ordering::Relaxed);
        let check = |expected: usize, what: &str| assert_eq!(held(), expected * 1024, "{what}");
        let mut body = reservation.memory().hold();
        check(8, "a body has begun to arrive");
        body.resize(2).expect("there is room");
        check(8, "its first byte");
        body.resize(9 * 1024).expect("there is room");
        check(16, "more than a step of it");
        reservation.raise(limits::REQUEST_MEMORY_BYTES).expect("there is room");
        check(64, "all of it has arrived");
        let mut answer = reservation.memory().hold();
        answer.resize(MIB).expect("there is room");
        check(1024 + 16, "body and answer count together");
        assert_eq!(code(answer.resize(60 * MIB)), "too-many-requests");
        check(1024 + 16, "it holds what it held");
        drop((reservation, body));
        check(1024, "the body is gone");
        answer.resize(1).expect("it became less");
        check(64, "the least that a request counts as");
        drop(answer);
        assert_eq!((held(), share.0.held.load(Ordering::Relaxed)), (0, 0));
        drop(share);
        assert!(budget.shares.iter().all(|shares| shares.lock().is_empty()), "nothing is kept of a network that left");
    }
}
