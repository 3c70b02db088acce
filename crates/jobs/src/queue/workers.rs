//! What runs jobs on one server.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Error, RecordId, Timestamp, limits};
use backstay_engine::{ChangeWatch, Dependency, Subject, Trace, TraceKind};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::claiming::{Claim, Claimed, Claims};
use super::ending::{End, KeepEnds};
use super::extending::Extend;
use super::job::Job;
use super::{Jobs, Outcome};
use crate::stored::later;

/// Runs jobs that are due. Dropping it drops those that run: they are due again when their leases end.
pub struct Workers {
    name: Arc<str>,
    running: HashMap<RecordId, Running>,
    tasks: JoinSet<()>,
    ended: Arc<Mutex<Vec<End>>>,
    has_ended: Arc<Notify>,
    extended: Instant,
    /// Jobs that are due while as many of their kind run here as may.
    held_back: HashMap<RecordId, Arc<str>>,
    quiet: Option<Quiet>,
}

/// No job could begin.
struct Quiet {
    since: Instant,
    /// When the next one is due.
    until: Option<Timestamp>,
    /// All jobs.
    watch: ChangeWatch,
}

struct Running {
    kind: Arc<str>,
    attempt: u32,
    abort: AbortHandle,
    /// The job.
    watch: ChangeWatch,
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
            held_back: HashMap::new(),
            quiet: None,
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
        self.look(jobs).await?;
        if self.extended.elapsed() >= Duration::from_secs(limits::JOB_EXTEND_SECONDS) {
            self.extend(jobs).await?;
        }
        let begun = self.begin(jobs).await?;
        Ok(kept || begun)
    }

    /// Waits until a job has ended here, or another one can begin as far as this server knows; at most this long.
    pub async fn pause(&self, most: Duration) {
        let changed = async {
            match &self.quiet {
                Some(quiet) => quiet.watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.has_ended.notified() => {}
            () = changed => {}
            () = sleep(most) => {}
        }
    }

    /// How long nothing has to be done, if no job ends here and none changes.
    pub fn idle(&self, jobs: &Jobs) -> Duration {
        let busy = Duration::from_millis(limits::JOB_MILLIS);
        let Some(quiet) = &self.quiet else { return busy };
        let longest = Duration::from_secs(limits::JOB_QUIET_SECONDS).saturating_sub(quiet.since.elapsed());
        let due = quiet.until.map(|until| until.micros() - jobs.0.engine.ambient().clock.now().micros());
        let due = due.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
        due.map_or(longest, |due| due.min(longest))
    }

    /// Stops: keeps what has ended, and gives back what runs, so that it is due at once instead of when its lease ends. The attempt that
    /// was interrupted counts.
    ///
    /// # Errors
    /// If the database can't be asked. The jobs are due again when their leases end.
    pub async fn release(&mut self, jobs: &Jobs) -> Result<(), Error> {
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        while self.keep(jobs).await? {}
        let running = self.running.drain().map(|(id, of)| (id, of.attempt)).collect();
        self.extend_by(jobs, running, 0).await.map(drop)
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

    /// Ends what doesn't run here any more, of those that have changed as far as this server knows: jobs that were cancelled.
    async fn look(&mut self, jobs: &Jobs) -> Result<(), Error> {
        let changed = self.running.iter().filter(|(_, of)| !of.watch.is_unchanged());
        let changed: Vec<RecordId> = changed.map(|(id, _)| *id).collect();
        for id in changed {
            let watch = jobs.watch(id);
            let record = jobs.0.engine.peek(jobs.0.schema.collection, id).await?;
            let job = record.map(|record| Job::read(&jobs.0.schema, &record)).transpose()?;
            let Some(running) = self.running.get_mut(&id) else { continue };
            if job.is_some_and(|job| job.is_run_by(&self.name, running.attempt)) {
                running.watch = watch;
            } else if let Some(gone) = self.running.remove(&id) {
                gone.abort.abort();
            }
        }
        Ok(())
    }

    async fn extend(&mut self, jobs: &Jobs) -> Result<(), Error> {
        self.extended = Instant::now();
        let running = self.running.iter().map(|(id, of)| (*id, of.attempt)).collect();
        for lost in self.extend_by(jobs, running, limits::JOB_LEASE_SECONDS).await? {
            if let Some(running) = self.running.remove(&lost) {
                running.abort.abort();
            }
        }
        Ok(())
    }

    /// Has the leases of these jobs end in so many seconds; which of them don't run here any more.
    async fn extend_by(
        &self,
        jobs: &Jobs,
        running: Vec<(RecordId, u32)>,
        seconds: i64,
    ) -> Result<Vec<RecordId>, Error> {
        let mut lost = Vec::new();
        for running in running.chunks(limits::JOBS_TOGETHER as usize) {
            let (schema, worker) = (jobs.0.schema, Arc::clone(&self.name));
            let extend = Extend { schema, worker, running: running.to_vec(), seconds };
            lost.extend(jobs.0.engine.run(&jobs.system(), extend).await?);
        }
        Ok(lost)
    }

    async fn begin(&mut self, jobs: &Jobs) -> Result<bool, Error> {
        let room = limits::JOBS_RUNNING.saturating_sub(self.running.len());
        if room == 0 {
            return Ok(false);
        }
        if self.is_quiet(jobs) {
            return Ok(false);
        }
        let watch = jobs.0.engine.watch(&[Dependency::Collection(jobs.0.schema.collection)]);
        let mut due = jobs.due(self.held_back.len()).await?;
        let known: HashSet<RecordId> = due.iter().copied().collect();
        self.held_back.retain(|id, _| known.contains(id));
        let mut running: HashMap<Arc<str>, u32> = HashMap::new();
        for of in self.running.values() {
            *running.entry(Arc::clone(&of.kind)).or_default() += 1;
        }
        due.retain(|id| self.held_back.get(id).is_none_or(|kind| has_room(jobs, kind, &running)));
        if due.is_empty() {
            let until = match self.held_back.is_empty() {
                true => jobs.next_due().await?,
                false => Some(later(jobs.0.engine.ambient().clock.now(), limits::JOB_LATER_MILLIS * 1000)),
            };
            self.quiet = Some(Quiet { since: Instant::now(), until, watch });
            return Ok(false);
        }
        self.quiet = None;
        let held_back = limits::JOBS_HELD_BACK.saturating_sub(self.held_back.len());
        let claim = Claim { jobs: jobs.clone(), due, worker: Arc::clone(&self.name), running, room, held_back };
        let Claims { claimed, held_back } = jobs.0.engine.run(&jobs.system(), claim).await?;
        // Jobs behind those that were just put aside are looked at next.
        let has_begun = !claimed.is_empty() || !held_back.is_empty();
        for begun in &claimed {
            self.held_back.remove(&begun.id);
        }
        self.held_back.extend(held_back);
        for job in claimed {
            self.run(jobs, job);
        }
        Ok(has_begun)
    }

    /// Whether no job could begin a short while ago, and nothing has changed since.
    fn is_quiet(&self, jobs: &Jobs) -> bool {
        const LONGEST: Duration = Duration::from_secs(limits::JOB_QUIET_SECONDS);
        self.quiet.as_ref().is_some_and(|quiet| {
            let is_due = quiet.until.is_some_and(|until| until <= jobs.0.engine.ambient().clock.now());
            quiet.since.elapsed() < LONGEST && !is_due && quiet.watch.is_unchanged()
        })
    }

    fn run(&mut self, jobs: &Jobs, job: Claimed) {
        let Some((handler, settings)) = jobs.handler(&job.kind) else { return };
        let watch = jobs.watch(job.id);
        let job = Claimed { trace: traced(jobs, &job), ..job };
        let running = handler.run(job.clone());
        let (ended, has_ended) = (Arc::clone(&self.ended), Arc::clone(&self.has_ended));
        let (id, kind, attempt) = (job.id, Arc::clone(&job.kind), job.attempt);
        let is_of = trace_kind(jobs, &job.kind);
        let abort = self.tasks.spawn(async move {
            let most = settings.timeout;
            let outcome = timeout(most, running).await;
            let outcome = outcome.unwrap_or_else(|_| Outcome::Again(format!("it took longer than {most:?}")));
            if let Some(error) = outcome.error() {
                tracing::warn!(job = %job.id, kind = &*job.kind, attempt = job.attempt, error, "a job has failed");
            }
            job.trace.end(None, || outcome.error().map(|error| told(is_of, error)));
            ended.lock().push(job.ended(outcome));
            has_ended.notify_one();
        });
        self.running.insert(id, Running { kind, attempt, abort, watch });
    }
}

/// The trace of an attempt, if the server is inspected.
fn traced(jobs: &Jobs, job: &Claimed) -> Trace {
    let engine = &jobs.0.engine;
    engine.inspector().begin(engine.ambient().clock.now(), || {
        let kind = trace_kind(jobs, &job.kind);
        let name = format!("{}, attempt {} of {}", job.kind, job.attempt, job.most);
        Some(Subject { id: job.id.to_string(), kind, name, parent: None })
    })
}

fn trace_kind(jobs: &Jobs, kind: &str) -> TraceKind {
    match jobs.0.engine.model().action_named(kind) {
        Some(_) => TraceKind::Job,
        None => TraceKind::Mail,
    }
}

/// What a trace tells of why an attempt has failed.
fn told(kind: TraceKind, error: &str) -> String {
    match kind {
        TraceKind::Job | TraceKind::Request => error.to_owned(),
        // What mail servers answer may name the recipient.
        TraceKind::Mail => "it has failed; `backstay job show` has the error".to_owned(),
    }
}

/// Whether another job of this kind may run.
fn has_room(jobs: &Jobs, kind: &str, running: &HashMap<Arc<str>, u32>) -> bool {
    let settings = jobs.handler(kind).map(|(_, settings)| settings);
    settings.is_none_or(|settings| running.get(kind).is_none_or(|running| *running < settings.concurrency))
}
