use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backstay_base::{Flow, limits};

/// For whom a read or a work is done, and until when it is of use.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// For whom: flows take turns.
    pub flow: Flow,
    /// When it ends, whatever it has achieved until then.
    pub deadline: Instant,
}

impl Demand {
    /// What is demanded now, and ends after the time that a request may take.
    pub fn now(flow: Flow) -> Self {
        Self { flow, deadline: Instant::now() + Duration::from_secs(limits::REQUEST_SECONDS) }
    }
}

/// A demand, and whether anybody still waits for what is queued or runs for it.
#[derive(Debug, Clone)]
pub(crate) struct Interest {
    demand: Demand,
    lost: Arc<AtomicBool>,
}

/// Somebody who waits; interest is lost when this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    lost: Arc<AtomicBool>,
}

impl Interest {
    pub(crate) fn new(demand: Demand) -> Self {
        Self { demand, lost: Arc::default() }
    }

    /// What the one who waits holds while waiting.
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting { lost: Arc::clone(&self.lost) }
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// For whom it is.
    pub(crate) fn flow(&self) -> Flow {
        self.demand.flow
    }

    /// When it ends.
    pub(crate) fn deadline(&self) -> Instant {
        self.demand.deadline
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.lost.store(true, Ordering::Relaxed);
    }
}
