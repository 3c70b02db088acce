//! How far a job is, as it says itself while it runs.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Conflict, Error, RecordId, limits};
use backstay_engine::{Authority, Input, JobReport, RunningJob, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::Jobs;
use super::job::{Job, State};
use super::schema::Schema;

/// Keeps what an attempt at a job reports.
#[derive(Clone)]
pub struct Reporter {
    jobs: Jobs,
    id: RecordId,
    attempt: u32,
    timeout: Duration,
    /// When the last report was stored.
    last: Arc<Mutex<Option<Instant>>>,
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("id", &self.id).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

impl Reporter {
    pub(super) fn new(jobs: &Jobs, (id, attempt): (RecordId, u32), timeout: Duration) -> Self {
        Self { jobs: jobs.clone(), id, attempt, timeout, last: Arc::default() }
    }

    /// Whether a report is stored: not if another one was a moment ago, unless it is the last one.
    fn is_due(&self, report: &JobReport) -> bool {
        const PAUSE: Duration = Duration::from_millis(limits::JOB_REPORT_MILLIS);
        let mut last = self.last.lock();
        let is_due = report.done >= 1.0 || last.is_none_or(|last| last.elapsed() >= PAUSE);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

impl RunningJob for Reporter {
    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn report(&self, report: JobReport) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if !self.is_due(&report) {
                return Ok(());
            }
            let keep = Keep { schema: self.jobs.0.schema, id: self.id, attempt: self.attempt, report };
            match self.jobs.0.engine.run(&self.jobs.system(), keep).await {
                // Its lease was extended at the same moment: the next report is stored.
                Err(Error::Conflict(Conflict::Concurrent)) => Ok(()),
                kept => kept,
            }
        })
    }
}

struct Keep {
    schema: Schema,
    id: RecordId,
    attempt: u32,
    report: JobReport,
}

impl Transaction for Keep {
    type Answer = ();

    fn name(&self) -> &'static str {
        "report-job"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Self { schema, id, attempt, report } = self;
            let job = match cx.get(schema.collection, *id).await? {
                Some(record) => Some(Job::read(schema, &record)?),
                None => None,
            };
            let runs = |job: &Job| job.state == State::Running && job.attempts == i64::from(*attempt);
            if !job.as_ref().is_some_and(runs) {
                return Err(Conflict::Already("the job was cancelled, or another server runs it now").into());
            }
            let note = report.note.as_deref().map_or(Value::Null, Value::text);
            let input = Input::new().with(schema.done, Value::Float(report.done)).with(schema.note, note);
            cx.update(Authority::System, (schema.collection, *id), input, None).await.map(drop)
        })
    }
}
