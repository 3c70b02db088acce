use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use backstay_base::{Flow, limits};

use crate::StoreError;

/// For whom a read or a work is done, and until when it is of use.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// For whom: flows take turns.
    pub flow: Flow,
    /// When it ends, whatever it has achieved until then.
    pub deadline: Instant,
    /// How old the state may be that a read finds.
    pub freshness: Freshness,
}

/// How old the state may be that a read of one statement finds. Transactions always find the latest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It has every commit that was answered before.
    Latest,
    /// A replica may answer: it can lack what was committed within the last `limits::UNHEARD_MILLIS`, but neither what the
    /// flow has written through this process (`Store::wrote`) nor what was committed before this moment.
    Bounded {
        /// When a commit was known here that the caller has seen.
        since: Option<Instant>,
    },
}

impl Demand {
    /// What is demanded now, and ends after the time that a request may take.
    pub fn now(flow: Flow) -> Self {
        let deadline = Instant::now() + Duration::from_secs(limits::REQUEST_SECONDS);
        Self { flow, deadline, freshness: Freshness::Latest }
    }
}

/// A demand, and how far it is: whether anybody still waits for what is queued or runs for it, and whether that may
/// become durable.
#[derive(Debug, Clone)]
pub(crate) struct Interest {
    demand: Demand,
    progress: Arc<Progress>,
}

/// Somebody who waits; interest is lost when this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    deadline: Instant,
    progress: Arc<Progress>,
}

/// How far a work is, as flags of one number: the caller and the writer must not both have the last word.
#[derive(Debug, Default)]
struct Progress(AtomicU8);

impl Progress {
    /// Nobody waits any more.
    const LOST: u8 = 1;
    /// It was begun.
    const BEGUN: u8 = 2;
    /// It is part of a commit that may become durable.
    const COMMITTING: u8 = 4;

    fn has(&self, flag: u8) -> bool {
        self.0.load(Ordering::Relaxed) & flag != 0
    }

    /// Sets a flag and returns those that were set before.
    fn set(&self, flag: u8) -> u8 {
        self.0.fetch_or(flag, Ordering::Relaxed)
    }
}

impl Interest {
    pub(crate) fn new(demand: Demand) -> Self {
        Self { demand, progress: Arc::default() }
    }

    /// What the one who waits holds while waiting.
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting { deadline: self.demand.deadline, progress: Arc::clone(&self.progress) }
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.progress.has(Progress::LOST)
    }

    /// The work is begun at this moment. `Busy`: its deadline has come before that.
    pub(crate) fn begin(&self, now: Instant) -> Result<(), StoreError> {
        if now >= self.demand.deadline && !self.progress.has(Progress::BEGUN) {
            return Err(StoreError::Busy);
        }
        self.progress.set(Progress::BEGUN);
        Ok(())
    }

    /// The work has succeeded and becomes part of the next commit. `TimeLimit`: nobody waits any more, and its caller may
    /// have been told that nothing was changed.
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        let commit = |flags| (flags & Progress::LOST == 0).then_some(flags | Progress::COMMITTING);
        let changed = self.progress.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, commit);
        changed.map(drop).map_err(|_| StoreError::TimeLimit)
    }

    /// The commit that the work was part of was rolled back.
    pub(crate) fn rolled_back(&self) {
        self.progress.0.fetch_and(!Progress::COMMITTING, Ordering::Relaxed);
    }

    /// For whom it is.
    pub(crate) fn flow(&self) -> Flow {
        self.demand.flow
    }

    /// What is demanded.
    pub(crate) fn demand(&self) -> Demand {
        self.demand
    }

    /// When it ends.
    pub(crate) fn deadline(&self) -> Instant {
        self.demand.deadline
    }
}

impl Waiting {
    /// Stops waiting once the deadline has come, and says why nothing was changed. `None`: it hasn't come, or the work is
    /// part of a commit that may become durable.
    pub(crate) fn end(&self) -> Option<StoreError> {
        if Instant::now() < self.deadline {
            return None;
        }
        match self.progress.set(Progress::LOST) {
            flags if flags & Progress::COMMITTING != 0 => None,
            flags if flags & Progress::BEGUN != 0 => Some(StoreError::TimeLimit),
            _ => Some(StoreError::Busy),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.progress.set(Progress::LOST);
    }
}
