use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::{Flow, RecordId, Source, limits};

/// What waits in a queue.
pub trait Queued {
    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;
}

/// How much may wait or run.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Items that wait, of all sources but the system.
    pub waiting: usize,
    /// Items of one source that wait.
    pub waiting_of_source: usize,
    /// Items of one flow that wait.
    pub waiting_of_flow: usize,
    /// Items of one source that run at the same time.
    pub running_of_source: usize,
    /// Items of one flow that run at the same time.
    pub running_of_flow: usize,
}

/// Why a queue takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueFull {
    /// Too many items wait.
    #[error("too many wait")]
    Busy,
    /// Too many items of the same flow or source wait.
    #[error("too many of the same flow or source wait")]
    Share,
}

/// A queue in which sources take turns, and within each source its flows do.
#[derive(Debug)]
pub struct FairQueue<T> {
    bounds: Bounds,
    sources: Level<Source, Flows<T>>,
}

/// The flows of one source, by their callers.
type Flows<T> = Level<Option<RecordId>, Line<T>>;

/// The items of one flow.
#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<T>,
    running: usize,
}

impl<T: Queued> FairQueue<T> {
    /// One in which nothing waits.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, sources: Level::default() }
    }

    /// Adds an item behind those of its flow.
    ///
    /// # Errors
    /// If too many wait.
    pub fn push(&mut self, flow: Flow, item: T) -> Result<(), QueueFull> {
        self.push_beside(0, flow, item)
    }

    /// The same where so many items that wait elsewhere count, too.
    ///
    /// # Errors
    /// If too many wait.
    pub fn push_beside(&mut self, elsewhere: usize, flow: Flow, item: T) -> Result<(), QueueFull> {
        let bounds = &self.bounds;
        let is_full = self.waiting() + elsewhere >= bounds.waiting && flow.source != Source::System;
        self.sources.change(flow.source, bounds, |flows| {
            let flows = &mut flows.member;
            if flows.load.waiting >= bounds.waiting_of_source {
                flows.drop_unwanted(bounds);
                if flows.load.waiting >= bounds.waiting_of_source {
                    return Err(QueueFull::Share);
                }
            }
            flows.change(flow.caller, bounds, |line| line.member.push(item, bounds, is_full))
        })
    }

    /// Adds items before those of their flow, whatever the bounds: they had been accepted before.
    pub fn put_back(&mut self, flow: Flow, items: impl DoubleEndedIterator<Item = T>) {
        self.change(flow, |line| items.rev().for_each(|item| line.waiting.push_front(item)));
    }

    /// The flow whose turn it is.
    pub fn next(&self) -> Option<Flow> {
        let source = self.sources.next()?;
        let caller = self.sources.members.get(&source)?.member.next()?;
        Some(Flow { source, caller })
    }

    /// Takes the item whose turn it is. It runs until `ended`.
    pub fn pop(&mut self) -> Option<T> {
        let bounds = &self.bounds;
        let take = |line: &mut Line<T>| line.take();
        self.sources.pop(bounds, |flows| flows.pop(bounds, take).flatten()).flatten()
    }

    /// Takes the first item, in the order of turns, that may run now and is the next of its flow. It runs until `ended`.
    pub fn pop_if(&mut self, may_run: impl Fn(&T) -> bool) -> Option<T> {
        let flow = self.first(|_, line| line.waiting.front().is_some_and(&may_run))?;
        let bounds = &self.bounds;
        let take = |line: &mut Line<T>| line.take();
        self.sources
            .pop_member(flow.source, bounds, |flows| flows.pop_member(flow.caller, bounds, take).flatten())
            .flatten()
    }

    /// An item of this flow has run for this long.
    pub fn ended(&mut self, flow: Flow, time: Duration) {
        self.cost(flow, time, |line| line.running -= 1);
    }

    /// What a flow had done took this much longer than was known when it ended.
    pub fn charge(&mut self, flow: Flow, time: Duration) {
        self.cost(flow, time, |_| ());
    }

    /// Takes all items of a flow that wait.
    pub fn take(&mut self, flow: Flow) -> VecDeque<T> {
        self.change(flow, |line| std::mem::take(&mut line.waiting))
    }

    /// Drops everything that waits.
    pub fn clear(&mut self) {
        let sources: Vec<Source> = self.sources.members.keys().copied().collect();
        for source in sources {
            self.take_all(source);
        }
    }

    /// Takes all items of a source that wait, by their flows.
    pub fn take_all(&mut self, source: Source) -> Vec<(Flow, VecDeque<T>)> {
        let flows = self.sources.members.get(&source).into_iter().flat_map(|flows| flows.member.members.keys());
        let flows: Vec<Flow> = flows.map(|caller| Flow { source, caller: *caller }).collect();
        flows.into_iter().map(|flow| (flow, self.take(flow))).filter(|(_, items)| !items.is_empty()).collect()
    }

    /// How many items wait.
    pub fn waiting(&self) -> usize {
        self.sources.load.waiting
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Whether an item of this flow waits.
    pub fn has(&self, flow: Flow) -> bool {
        let flows = self.sources.members.get(&flow.source);
        flows
            .and_then(|flows| flows.member.members.get(&flow.caller))
            .is_some_and(|line| !line.member.waiting.is_empty())
    }

    /// Whether somebody waits for an item of another flow that may run. Drops what stands before it and isn't wanted.
    pub fn has_others(&mut self, flow: Flow) -> bool {
        while let Some(other) = self.first(|other, _| other != flow) {
            let is_wanted = self.change(other, |line| {
                while line.waiting.pop_front_if(|item| !item.is_wanted()).is_some() {}
                !line.waiting.is_empty()
            });
            if is_wanted {
                return true;
            }
        }
        false
    }

    /// The first flow for which this holds, of those whose next item may run.
    fn first(&self, holds: impl Fn(Flow, &Line<T>) -> bool) -> Option<Flow> {
        let flows = |source: &Source| {
            let flows = &self.sources.members.get(source)?.member;
            let mut ready = flows.ready.order.values().filter_map(|caller| Some((caller, flows.members.get(caller)?)));
            let flow = |caller: &Option<RecordId>| Flow { source: *source, caller: *caller };
            ready.find(|(caller, line)| holds(flow(caller), &line.member)).map(|(caller, _)| flow(caller))
        };
        self.sources.ready.order.values().find_map(flows)
    }

    fn change<R>(&mut self, flow: Flow, change: impl FnOnce(&mut Line<T>) -> R) -> R {
        self.cost(flow, Duration::ZERO, change)
    }

    /// Changes the items of a flow, which costs it and its source this much time.
    fn cost<R>(&mut self, flow: Flow, time: Duration, change: impl FnOnce(&mut Line<T>) -> R) -> R {
        let bounds = &self.bounds;
        self.sources.change(flow.source, bounds, |flows| {
            flows.virtual_time += time;
            flows.member.change(flow.caller, bounds, |line| {
                line.virtual_time += time;
                change(&mut line.member)
            })
        })
    }
}

impl<T: Queued> Line<T> {
    /// Takes the next item, which runs then.
    fn take(&mut self) -> Option<T> {
        let item = self.waiting.pop_front()?;
        self.running += 1;
        Some(item)
    }

    fn push(&mut self, item: T, bounds: &Bounds, is_full: bool) -> Result<(), QueueFull> {
        if self.waiting.len() >= bounds.waiting_of_flow {
            self.waiting.retain(Queued::is_wanted);
            if self.waiting.len() >= bounds.waiting_of_flow {
                return Err(QueueFull::Share);
            }
        }
        if is_full {
            return Err(QueueFull::Busy);
        }
        self.waiting.push_back(item);
        Ok(())
    }
}

impl<T: Queued> Flows<T> {
    /// Drops what nobody waits for.
    fn drop_unwanted(&mut self, bounds: &Bounds) {
        let callers: Vec<_> = self.members.keys().copied().collect();
        for caller in callers {
            self.change(caller, bounds, |line| line.member.waiting.retain(Queued::is_wanted));
        }
    }
}

/// Members that take turns: the one that has had the least time goes first. This is start-time fair queueing (Goyal, Vin
/// and Cheng, 1996) with the time that was measured as the cost: a member that comes begins at the virtual time of those
/// that are served, so that nobody saves up time or is owed any.
#[derive(Debug)]
struct Level<K, M> {
    members: HashMap<K, Ranked<M>>,
    ready: Ready<K>,
    /// The time that the member which was served last had had.
    virtual_time: Duration,
    /// That of all members.
    load: Load,
}

/// A member and its rank.
#[derive(Debug)]
struct Ranked<M> {
    member: M,
    virtual_time: Duration,
    /// Its place among those that are ready.
    place: Option<Place>,
}

/// The members whose next item may run.
#[derive(Debug)]
struct Ready<K> {
    order: BTreeMap<Place, K>,
    /// How often a member became ready, for the order among those that have had the same time.
    arrivals: u64,
}

/// The virtual time of a member, and when it became ready.
type Place = (Duration, u64);

/// Items of a member.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    waiting: usize,
    running: usize,
}

impl Load {
    fn is_idle(self) -> bool {
        self.waiting == 0 && self.running == 0
    }
}

trait Member: Default {
    fn load(&self) -> Load;
    /// Whether its next item may run.
    fn is_ready(&self, bounds: &Bounds) -> bool;
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), running: 0 }
    }
}

impl<T> Member for Line<T> {
    fn load(&self) -> Load {
        Load { waiting: self.waiting.len(), running: self.running }
    }

    fn is_ready(&self, bounds: &Bounds) -> bool {
        !self.waiting.is_empty() && self.running < bounds.running_of_flow
    }
}

impl<T> Member for Flows<T> {
    fn load(&self) -> Load {
        self.load
    }

    fn is_ready(&self, bounds: &Bounds) -> bool {
        !self.ready.order.is_empty() && self.load.running < bounds.running_of_source
    }
}

impl<K, M> Default for Level<K, M> {
    fn default() -> Self {
        let ready = Ready { order: BTreeMap::new(), arrivals: 0 };
        Self { members: HashMap::new(), ready, virtual_time: Duration::ZERO, load: Load::default() }
    }
}

impl<K: Copy + Eq + Hash, M: Member> Level<K, M> {
    /// The member whose turn it is.
    fn next(&self) -> Option<K> {
        self.ready.order.first_key_value().map(|(_, key)| *key)
    }

    /// Changes the member whose turn it is.
    fn pop<R>(&mut self, bounds: &Bounds, take: impl FnOnce(&mut M) -> R) -> Option<R> {
        let (place, key) = self.ready.order.pop_first()?;
        Some(self.serve((key, place), bounds, take))
    }

    /// Changes this member, which must be ready, as if it were its turn.
    fn pop_member<R>(&mut self, key: K, bounds: &Bounds, take: impl FnOnce(&mut M) -> R) -> Option<R> {
        let place = self.members.get(&key)?.place?;
        self.ready.order.remove(&place);
        Some(self.serve((key, place), bounds, take))
    }

    fn serve<R>(&mut self, (key, (time, _)): (K, Place), bounds: &Bounds, take: impl FnOnce(&mut M) -> R) -> R {
        self.virtual_time = self.virtual_time.max(time);
        self.change(key, bounds, |ranked| {
            // Behind those that have had the same time.
            ranked.place = None;
            take(&mut ranked.member)
        })
    }

    /// Changes a member, and with it its place and the load. One that wasn't known is added, and one that is idle and has
    /// had no more time than others is forgotten.
    fn change<R>(&mut self, key: K, bounds: &Bounds, change: impl FnOnce(&mut Ranked<M>) -> R) -> R {
        if self.members.len() >= limits::KNOWN_FLOWS && !self.members.contains_key(&key) {
            self.members.retain(|_, ranked| !ranked.member.load().is_idle());
        }
        let now = self.virtual_time;
        let mut entry = match self.members.entry(key) {
            Entry::Occupied(known) => known,
            Entry::Vacant(new) => new.insert_entry(Ranked { member: M::default(), virtual_time: now, place: None }),
        };
        let ranked = entry.get_mut();
        let before = ranked.member.load();
        if before.is_idle() {
            ranked.virtual_time = ranked.virtual_time.max(now);
        }
        let changed = change(ranked);
        let after = ranked.member.load();
        self.ready.arrange(key, ranked, bounds);
        self.load.waiting = self.load.waiting + after.waiting - before.waiting;
        self.load.running = self.load.running + after.running - before.running;
        if self.load.is_idle() {
            // Nobody has had more than another who also waits.
            self.members.clear();
            self.virtual_time = Duration::ZERO;
        } else if after.is_idle() && ranked.virtual_time <= now {
            entry.remove();
        }
        changed
    }
}

impl<K: Copy> Ready<K> {
    /// Gives a member that has changed its place.
    fn arrange<M: Member>(&mut self, key: K, ranked: &mut Ranked<M>, bounds: &Bounds) {
        let is_ready = ranked.member.is_ready(bounds);
        if is_ready && ranked.place.is_some_and(|(time, _)| time == ranked.virtual_time) {
            return;
        }
        if let Some(place) = ranked.place.take() {
            self.order.remove(&place);
        }
        if is_ready {
            let place = (ranked.virtual_time, self.arrivals);
            self.arrivals += 1;
            ranked.place = Some(place);
            self.order.insert(place, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Network;

    use super::*;

    const BOUNDS: Bounds =
        Bounds { waiting: 12, waiting_of_source: 8, waiting_of_flow: 4, running_of_source: 2, running_of_flow: 1 };
    /// What an item costs.
    const TIME: Duration = Duration::from_millis(10);

    /// The name of the item, and whether somebody waits for it.
    type Item = (&'static str, bool);

    impl Queued for Item {
        fn is_wanted(&self) -> bool {
            self.1
        }
    }

    fn flow(network: u8, caller: u8) -> Flow {
        let source = Source::Network(Network::V4([192, 0, 2, network]));
        Flow { source, caller: Some(RecordId::from_bytes([caller; 16])) }
    }

    fn queue(items: &[(Flow, &'static str)]) -> FairQueue<Item> {
        let mut queue = FairQueue::new(BOUNDS);
        for (flow, name) in items {
            queue.push(*flow, (*name, true)).expect("there is room");
        }
        queue
    }

    #[test]
    fn items_that_may_not_run_now_keep_their_turn() {
        let (first, second) = (flow(1, 1), flow(2, 1));
        let mut queue = queue(&[
            (first, "read 1"),
            (first, "work behind it"),
            (second, "work 1"),
            (second, "work 2"),
            (second, "read 2"),
        ]);
        let mut pop_work = || queue.pop_if(|(name, _)| name.starts_with("work")).map(|(name, _)| name);
        // One of a flow runs at a time.
        assert_eq!((pop_work(), pop_work()), (Some("work 1"), None));
        queue.ended(second, TIME);
        assert_eq!(queue.pop_if(|(name, _)| name.starts_with("work")), Some(("work 2", true)));
        queue.ended(second, TIME);
        assert_eq!(queue.pop_if(|(name, _)| name.starts_with("work")), None);
        assert_eq!(order(queue), ["read 1", "work behind it", "read 2"]);
    }

    #[test]
    fn items_that_wait_elsewhere_count() {
        let mut queue: FairQueue<Item> = FairQueue::new(BOUNDS);
        assert_eq!(queue.push_beside(BOUNDS.waiting - 1, flow(1, 1), ("last", true)), Ok(()));
        assert_eq!(queue.push_beside(BOUNDS.waiting - 1, flow(2, 1), ("late", true)), Err(QueueFull::Busy));
        assert_eq!(queue.push_beside(BOUNDS.waiting, Flow::SYSTEM, ("own", true)), Ok(()));
        assert_eq!(queue.waiting(), 2);
    }

    /// The order in which items run one after the other.
    fn order(mut queue: FairQueue<Item>) -> Vec<&'static str> {
        let mut names = Vec::new();
        while let Some(flow) = queue.next() {
            names.extend(queue.pop().map(|(name, _)| name));
            queue.ended(flow, TIME);
        }
        names
    }

    #[test]
    fn networks_take_turns_and_within_each_of_them_its_callers_do() {
        let (a1, a2, a3, b) = (flow(1, 1), flow(1, 2), flow(1, 3), flow(2, 1));
        let items = [(a1, "a1"), (a1, "a1"), (a2, "a2"), (a3, "a3"), (b, "b"), (b, "b"), (b, "b")];
        assert_eq!(order(queue(&items)), ["a1", "b", "a2", "b", "a3", "b", "a1"]);
    }

    #[test]
    fn a_network_pays_for_all_of_its_callers() {
        let mut queue = queue(&[(flow(1, 1), "a1"), (flow(1, 2), "a2"), (flow(2, 1), "b"), (flow(2, 1), "b")]);
        assert_eq!(queue.pop(), Some(("a1", true)));
        queue.ended(flow(1, 1), TIME * 2);
        queue.charge(flow(1, 1), TIME);
        assert_eq!(order(queue), ["b", "b", "a2"]);
    }

    #[test]
    fn a_network_and_a_caller_run_only_so_many_at_a_time() {
        let (a1, a2, a3, b) = (flow(1, 1), flow(1, 2), flow(1, 3), flow(2, 1));
        let mut queue = queue(&[(a1, "a1"), (a1, "a1 again"), (a2, "a2"), (a3, "a3"), (b, "b")]);
        let running: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(name, _)| name).collect();
        assert_eq!(running, ["a1", "b", "a2"]);
        queue.ended(a2, TIME);
        assert_eq!(queue.pop(), Some(("a3", true)), "the first caller still runs");
    }

    #[test]
    fn each_bound_refuses_whoever_is_beyond_it() {
        let mut queue = queue(&[]);
        let refused = |error: QueueFull| format!("{error:?}");
        let mut push = |network, caller| queue.push(flow(network, caller), ("x", true)).map_err(refused);
        for (network, caller) in [(1, 1), (1, 2), (2, 1)] {
            for _ in 0..4 {
                assert_eq!(push(network, caller), Ok(()));
            }
        }
        assert_eq!(push(2, 1), Err("Share".to_owned()), "the caller's own items");
        assert_eq!(push(1, 3), Err("Share".to_owned()), "those of its network");
        assert_eq!(push(3, 1), Err("Busy".to_owned()), "those of all");
        assert!(queue.push(Flow::SYSTEM, ("x", true)).is_ok());
    }

    #[test]
    fn items_that_nobody_waits_for_make_room_and_count_for_nothing() {
        let mut queue = queue(&[]);
        for caller in [1, 1, 1, 1, 2, 2, 2, 2] {
            queue.push(flow(1, caller), ("gone", false)).expect("there is room");
        }
        assert!(!queue.has_others(flow(1, 1)), "nobody waits for those of the other caller");
        assert!(queue.has(flow(1, 1)) && !queue.has(flow(1, 2)));
        queue.push(flow(1, 1), ("one", true)).expect("its flow makes room");
        assert!(queue.has_others(flow(1, 2)) && !queue.has_others(flow(1, 1)));
        assert_eq!(order(queue), ["one"]);
    }
}
