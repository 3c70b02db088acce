//! What keeps the jobs that are queued.

use std::sync::Arc;

use crate::queue::KeptQueue;
use crate::{Engine, Queue};

impl Engine {
    /// Says what keeps the jobs that are queued. The first who says it decides.
    pub fn set_queue(&self, queue: Arc<dyn Queue>) {
        let _ = self.inner.queue.set(Arc::new(KeptQueue(queue)));
    }
}
