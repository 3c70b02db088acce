//! What runs jobs on one server.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Error, RecordId, limits};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::claiming::{Claim, Claimed};
use super::ending::{End, KeepEnds};
use super::extending::Extend;
use super::{Jobs, Outcome};

/// Runs jobs that are due. Dropping it drops those that run: they are due again when their leases end.
pub struct Workers {
    name: Arc<str>,
    running: HashMap<RecordId, Running>,
    tasks: JoinSet<()>,
    ended: Arc<Mutex<Vec<End>>>,
    has_ended: Arc<Notify>,
    extended: Instant,
}

struct Running {
    kind: Arc<str>,
    attempt: u32,
    abort: AbortHandle,
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("running", &self.running.len()).finish_non_exhaustive()
    }
}

impl Workers {
    /// The workers of a server with this name, which no other one has.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            running: HashMap::new(),
            tasks: JoinSet::new(),
            ended: Arc::default(),
            has_ended: Arc::default(),
            extended: Instant::now(),
        }
    }

    /// Keeps what has ended, extends leases and begins what is due. Returns whether there may be more to do at once.
    ///
    /// # Errors
    /// If the database can't be asked. What has ended is kept the next time.
    pub async fn step(&mut self, jobs: &Jobs) -> Result<bool, Error> {
        while self.tasks.try_join_next().is_some() {}
        jobs.plan().await?;
        let kept = self.keep(jobs).await?;
        if self.extended.elapsed() >= Duration::from_secs(limits::JOB_EXTEND_SECONDS) {
            self.extend(jobs).await?;
        }
        let begun = self.begin(jobs).await?;
        Ok(kept || begun)
    }

    /// Waits until a job has ended, at most this long.
    pub async fn pause(&self, most: Duration) {
        tokio::select! {
            () = self.has_ended.notified() => {}
            () = sleep(most) => {}
        }
    }

    /// How many jobs run here.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    async fn keep(&mut self, jobs: &Jobs) -> Result<bool, Error> {
        let ended: Vec<End> = {
            let mut ended = self.ended.lock();
            let together = ended.len().min(limits::JOBS_TOGETHER as usize);
            ended.drain(..together).collect()
        };
        if ended.is_empty() {
            return Ok(false);
        }
        let engine = &jobs.0.engine;
        let kept = KeepEnds { schema: jobs.0.schema, ambient: engine.ambient().clone(), ends: ended.clone() };
        if let Err(error) = engine.run(&jobs.system(), kept).await {
            self.ended.lock().extend(ended);
            return Err(error);
        }
        for end in &ended {
            self.running.remove(&end.id);
        }
        Ok(true)
    }

    async fn extend(&mut self, jobs: &Jobs) -> Result<(), Error> {
        self.extended = Instant::now();
        let running: Vec<(RecordId, u32)> = self.running.iter().map(|(id, of)| (*id, of.attempt)).collect();
        for running in running.chunks(limits::JOBS_TOGETHER as usize) {
            let extend = Extend { schema: jobs.0.schema, worker: Arc::clone(&self.name), running: running.to_vec() };
            for lost in jobs.0.engine.run(&jobs.system(), extend).await? {
                if let Some(running) = self.running.remove(&lost) {
                    running.abort.abort();
                }
            }
        }
        Ok(())
    }

    async fn begin(&mut self, jobs: &Jobs) -> Result<bool, Error> {
        let room = limits::JOBS_RUNNING.saturating_sub(self.running.len());
        if room == 0 {
            return Ok(false);
        }
        let due = jobs.due().await?;
        if due.is_empty() {
            return Ok(false);
        }
        let mut running: HashMap<Arc<str>, u32> = HashMap::new();
        for of in self.running.values() {
            *running.entry(Arc::clone(&of.kind)).or_default() += 1;
        }
        let claim = Claim { jobs: jobs.clone(), due, worker: Arc::clone(&self.name), running, room };
        let claimed = jobs.0.engine.run(&jobs.system(), claim).await?;
        let has_begun = !claimed.is_empty();
        for job in claimed {
            self.run(jobs, job);
        }
        Ok(has_begun)
    }

    fn run(&mut self, jobs: &Jobs, job: Claimed) {
        let Some((handler, _)) = jobs.handler(&job.kind) else { return };
        let running = handler.run(job.clone());
        let (ended, has_ended) = (Arc::clone(&self.ended), Arc::clone(&self.has_ended));
        let (id, kind, attempt) = (job.id, Arc::clone(&job.kind), job.attempt);
        let abort = self.tasks.spawn(async move {
            let most = Duration::from_secs(limits::JOB_SECONDS);
            let outcome = timeout(most, running).await;
            let outcome = outcome.unwrap_or_else(|_| Outcome::Again(format!("it took longer than {most:?}")));
            if let Outcome::Again(error) | Outcome::Dead(error) = &outcome {
                tracing::warn!(job = %job.id, kind = &*job.kind, attempt = job.attempt, error, "a job has failed");
            }
            ended.lock().push(job.ended(outcome));
            has_ended.notify_one();
        });
        self.running.insert(id, Running { kind, attempt, abort });
    }
}
