use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backstay_base::{Clock, SystemClock, Timestamp};

/// The system's clock, as far ahead of it as a test has moved it.
#[derive(Debug, Clone, Default)]
pub(crate) struct MovedClock(Arc<AtomicI64>);

impl MovedClock {
    /// Moves it forward, at least to this moment.
    pub(crate) fn advance_to(&self, moment: Timestamp) {
        let ahead = moment.micros().saturating_sub(SystemClock.now().micros());
        self.0.fetch_max(ahead, Ordering::Relaxed);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::Relaxed);
        Timestamp::from_micros_saturating(SystemClock.now().micros().saturating_add(ahead))
    }
}
