use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether anybody still waits for the result of something that is queued or runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interest {
    lost: Arc<AtomicBool>,
}

/// Somebody who waits; interest is lost when this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    lost: Arc<AtomicBool>,
}

impl Interest {
    /// What the one who waits holds while waiting.
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting { lost: Arc::clone(&self.lost) }
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.lost.store(true, Ordering::Relaxed);
    }
}
