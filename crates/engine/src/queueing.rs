//! Jobs that are queued in commits of their own.

use std::sync::Arc;

use backstay_base::Error;
use futures_util::future::BoxFuture;

use crate::queue::KeptQueue;
use crate::{Context, Engine, NewJob, Queue, Transaction, TxContext, transaction};

impl Engine {
    /// Says what keeps the jobs that are queued. The first who says it decides.
    pub fn set_queue(&self, queue: Arc<dyn Queue>) {
        let _ = self.inner.queue.set(Arc::new(KeptQueue(queue)));
    }

    /// Queues jobs, in a commit of their own.
    ///
    /// # Errors
    /// If nothing is stored.
    pub async fn queue(&self, cx: &Context, jobs: Vec<NewJob>) -> Result<(), Error> {
        transaction::run(&self.inner, cx, QueueJobs(jobs)).await
    }
}

struct QueueJobs(Vec<NewJob>);

impl Transaction for QueueJobs {
    type Answer = ();

    fn name(&self) -> &'static str {
        "queue-jobs"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for job in &self.0 {
                cx.queue(job).await?;
            }
            Ok(())
        })
    }
}
