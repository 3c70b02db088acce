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
            let (done, system) = (report.done, self.jobs.system());
            let keep = || {
                let keep =
                    Keep { schema: self.jobs.0.schema, id: self.id, attempt: self.attempt, report: report.clone() };
                self.jobs.0.engine.run(&system, keep)
            };
            stored(done, keep).await
        })
    }
}

/// Stores a report. If the lease of the job is extended at the same moment, the next report is stored instead, and the last one tried
/// again.
async fn stored<F>(done: f64, mut keep: impl FnMut() -> F) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    let mut left = if done >= 1.0 { limits::JOB_REPORT_TRIES } else { 1 };
    loop {
        left -= 1;
        match keep().await {
            Err(Error::Conflict(Conflict::Concurrent)) if left > 0 => {}
            Err(Error::Conflict(Conflict::Concurrent)) => return Ok(()),
            kept => return kept,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a report is tried that is refused so many times because its lease is extended.
    async fn tries(done: f64, refused: u32) -> u32 {
        let mut tries = 0;
        let keep = || {
            tries += 1;
            let result = if tries > refused { Ok(()) } else { Err(Conflict::Concurrent.into()) };
            std::future::ready(result)
        };
        stored(done, keep).await.expect("a job doesn't fail by what it reports");
        tries
    }

    #[tokio::test]
    async fn the_last_report_is_tried_again() {
        assert_eq!(tries(0.5, 0).await, 1);
        assert_eq!(tries(0.5, 9).await, 1);
        assert_eq!(tries(1.0, 2).await, 3);
        assert_eq!(tries(1.0, 9).await, 5);
        let refused = stored(1.0, || std::future::ready(Err(Conflict::Already("cancelled").into()))).await;
        assert!(refused.is_err());
    }
}
