use std::convert::Infallible;
use std::time::Duration;

use backstay_base::{Error, limits};
use backstay_engine::Engine;
use backstay_jobs::{Jobs, Workers};
use tokio::time::sleep;

use crate::serving::{Served, Serving};

const PAUSE: Duration = Duration::from_millis(limits::JOB_MILLIS);
/// After something has failed, which may have to do with the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Runs the jobs that are due. One takes longer than the application may be held for its exchange: if that is exchanged in between, the
/// end of an attempt isn't kept, and the job is tried again when its lease ends.
pub(super) async fn work_always(serving: &Serving) -> Infallible {
    let mut workers = serving.workers().lock().await;
    loop {
        let served = serving.served().await;
        let Some(Served { instance, .. }) = &*served else {
            drop(served);
            sleep(PAUSE).await;
            continue;
        };
        let workers = workers.get_or_insert_with(|| Workers::new(instance.engine.next_id().to_string()));
        let more = step(workers, &instance.jobs).await;
        let idle = workers.idle(&instance.jobs);
        drop(served);
        match more {
            Some(true) => tokio::task::yield_now().await,
            Some(false) => workers.pause(idle).await,
            None => sleep(AFTER_FAILURE).await,
        }
    }
}

/// Runs the jobs that are due now, and those that they queue.
pub(super) async fn work_off(engine: &Engine, jobs: &Jobs) -> Result<(), Error> {
    let mut workers = Workers::new(engine.next_id().to_string());
    loop {
        match (workers.step(jobs).await?, workers.running()) {
            (true, _) => {}
            (false, 0) => return Ok(()),
            (false, _) => workers.pause(PAUSE).await,
        }
    }
}

/// Whether there may be more to do at once; `None` if something has failed.
async fn step(workers: &mut Workers, jobs: &Jobs) -> Option<bool> {
    match workers.step(jobs).await {
        Ok(more) => Some(more),
        Err(error) => {
            tracing::warn!(%error, "the jobs that are due can't be run");
            None
        }
    }
}
