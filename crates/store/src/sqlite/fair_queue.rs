use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use backstay_base::{Flow, limits};

use crate::StoreError;

/// What waits in a queue.
pub(super) trait Queued {
    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;
}

/// How much may wait or run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Items that wait, of all flows but the system's.
    pub(super) waiting: usize,
    /// Items of one flow that wait.
    pub(super) waiting_of_flow: usize,
    /// Items of one flow that run at the same time.
    pub(super) running_of_flow: usize,
}

/// A queue in which flows take turns: the one that has had the least time goes first, and each waits behind its own
/// items only. This is start-time fair queueing (Goyal, Vin and Cheng, 1996) with the time that was measured as the cost:
/// a flow that comes begins at the virtual time of those that are served, so that nobody saves up time or is owed any.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    bounds: Bounds,
    lines: HashMap<Flow, Line<T>>,
    /// Flows whose next item may run.
    ready: BTreeMap<Place, Flow>,
    /// How often a flow became ready, for the order among those that have had the same time.
    arrivals: u64,
    /// The time that the flow which was served last had had.
    virtual_time: Duration,
    waiting: usize,
    running: usize,
}

/// The virtual time of a flow, and when it became ready.
type Place = (Duration, u64);

/// The items of one flow.
#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<T>,
    running: usize,
    virtual_time: Duration,
    /// Its place among those that are ready.
    place: Option<Place>,
}

impl<T> Line<T> {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running == 0
    }
}

impl<T: Queued> FairQueue<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            lines: HashMap::new(),
            ready: BTreeMap::new(),
            arrivals: 0,
            virtual_time: Duration::ZERO,
            waiting: 0,
            running: 0,
        }
    }

    /// Adds an item behind those of its flow. `FlowBusy`: too many of the flow wait; `Busy`: too many of all.
    pub(super) fn push(&mut self, flow: Flow, item: T) -> Result<(), StoreError> {
        let bounds = self.bounds;
        let is_full = self.waiting >= bounds.waiting && flow != Flow::System;
        let line = self.line(flow);
        if line.waiting.len() >= bounds.waiting_of_flow {
            let before = line.waiting.len();
            line.waiting.retain(Queued::is_wanted);
            let left = line.waiting.len();
            self.waiting -= before - left;
            if left >= bounds.waiting_of_flow {
                return Err(StoreError::FlowBusy);
            }
        } else if is_full {
            self.forget_idle(flow);
            return Err(StoreError::Busy);
        }
        self.line(flow).waiting.push_back(item);
        self.waiting += 1;
        self.arrange(flow);
        Ok(())
    }

    /// Adds items before those of their flow, whatever the bounds: they had been accepted before.
    pub(super) fn put_back(&mut self, flow: Flow, items: impl DoubleEndedIterator<Item = T>) {
        let line = self.line(flow);
        let before = line.waiting.len();
        items.rev().for_each(|item| line.waiting.push_front(item));
        let added = line.waiting.len() - before;
        self.waiting += added;
        self.arrange(flow);
        self.forget_idle(flow);
    }

    /// The flow whose turn it is.
    pub(super) fn next(&self) -> Option<Flow> {
        self.ready.first_key_value().map(|(_, flow)| *flow)
    }

    /// Takes the item whose turn it is. It runs until `ended`.
    pub(super) fn pop(&mut self) -> Option<T> {
        let (_, flow) = self.ready.pop_first()?;
        let line = self.lines.get_mut(&flow)?;
        // Behind those that have had the same time.
        line.place = None;
        let item = line.waiting.pop_front()?;
        line.running += 1;
        self.virtual_time = self.virtual_time.max(line.virtual_time);
        self.waiting -= 1;
        self.running += 1;
        self.arrange(flow);
        Some(item)
    }

    /// An item of this flow has run for this long.
    pub(super) fn ended(&mut self, flow: Flow, time: Duration) {
        let Some(line) = self.lines.get_mut(&flow) else { return };
        line.running -= 1;
        line.virtual_time += time;
        self.running -= 1;
        self.arrange(flow);
        if self.is_empty() && self.running == 0 {
            // Nobody has had more than another who also waits.
            self.lines.clear();
            self.virtual_time = Duration::ZERO;
        } else {
            self.forget_idle(flow);
        }
    }

    /// Takes all items of a flow that wait.
    pub(super) fn take(&mut self, flow: Flow) -> VecDeque<T> {
        let Some(line) = self.lines.get_mut(&flow) else { return VecDeque::new() };
        let taken = std::mem::take(&mut line.waiting);
        self.waiting -= taken.len();
        self.arrange(flow);
        self.forget_idle(flow);
        taken
    }

    /// Drops everything that waits.
    pub(super) fn clear(&mut self) {
        self.ready.clear();
        self.lines.values_mut().for_each(|line| (line.waiting, line.place) = (VecDeque::new(), None));
        self.waiting = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Whether an item of this flow waits.
    pub(super) fn has(&self, flow: Flow) -> bool {
        self.lines.get(&flow).is_some_and(|line| !line.waiting.is_empty())
    }

    /// Whether items of other flows wait.
    pub(super) fn has_others(&self, flow: Flow) -> bool {
        self.waiting > self.lines.get(&flow).map_or(0, |line| line.waiting.len())
    }

    fn line(&mut self, flow: Flow) -> &mut Line<T> {
        if self.lines.len() >= limits::KNOWN_FLOWS && !self.lines.contains_key(&flow) {
            self.lines.retain(|_, line| !line.is_idle());
        }
        let now = self.virtual_time;
        let line = self.lines.entry(flow).or_insert_with(|| Line {
            waiting: VecDeque::new(),
            running: 0,
            virtual_time: now,
            place: None,
        });
        if line.is_idle() {
            line.virtual_time = line.virtual_time.max(now);
        }
        line
    }

    /// Forgets a flow that is idle and has had no more time than others.
    fn forget_idle(&mut self, flow: Flow) {
        let now = self.virtual_time;
        if self.lines.get(&flow).is_some_and(|line| line.is_idle() && line.virtual_time <= now) {
            self.lines.remove(&flow);
        }
    }

    /// Gives a flow that has changed its place among those that are ready.
    fn arrange(&mut self, flow: Flow) {
        let Some(line) = self.lines.get_mut(&flow) else { return };
        let is_ready = !line.waiting.is_empty() && line.running < self.bounds.running_of_flow;
        let is_placed = line.place.is_some_and(|(time, _)| time == line.virtual_time);
        if is_ready && is_placed {
            return;
        }
        if let Some(place) = line.place.take() {
            self.ready.remove(&place);
        }
        if is_ready {
            let place = (line.virtual_time, self.arrivals);
            self.arrivals += 1;
            line.place = Some(place);
            self.ready.insert(place, flow);
        }
    }
}
