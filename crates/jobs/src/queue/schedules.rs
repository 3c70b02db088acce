//! Schedules. Of each one, the job for its next time waits in the queue, under a key. Whatever takes it from there, a server that runs it
//! or an operator who cancels it, adds the one after it in the same commit. So each time has one job, however many servers there
//! are, and a time at which none of them runs is made up for by the next one that does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backstay_base::{Conflict, Error, Timestamp, limits};
use backstay_engine::{Authority, Input, JobTerms, NewJob, Priority, Transaction, TxContext};
use backstay_model::{Missed, Model, Schedule};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::Jobs;
use super::ending::Ending;
use super::job::{Job, State};
use super::schema::Schema;
use crate::stored::later;

/// No name of an action begins like this, so no other key does.
const KEY: &str = "@schedule ";

/// The key of the job that waits for the next time of a schedule.
fn key(model: &Model, schedule: &Schedule) -> String {
    numbered(&model.actions[schedule.run].name, schedule.number)
}

fn numbered(action: &str, number: usize) -> String {
    format!("{KEY}{action} {number}")
}

/// The schedule with a key, if the model still has it.
fn schedule_of<'m>(model: &'m Model, of: &str) -> Option<&'m Schedule> {
    model.schedules.iter().find(|schedule| key(model, schedule) == of)
}

impl Job {
    /// The key of the schedule for whose next time it waits.
    pub(super) fn awaits(&self) -> Option<&str> {
        self.key.as_deref().filter(|key| key.starts_with(KEY))
    }

    /// Whether a schedule has queued it.
    pub(super) fn is_scheduled(&self) -> bool {
        self.series.as_deref().is_some_and(|series| series.starts_with(KEY))
    }
}

/// What becomes of a job that a server would run now, and the next time of its schedule, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// It runs, and another job waits for the next time.
    Run(Option<Timestamp>),
    /// It was missed, and waits for the next time itself.
    Wait(Option<Timestamp>),
}

/// What follows once a job of a schedule begins.
#[derive(Debug, Clone)]
pub(super) struct Succession {
    key: String,
    next: Option<Timestamp>,
}

fn begin(schedule: &Schedule, time: Timestamp, now: Timestamp) -> Begin {
    const DAY: i64 = 86_400_000_000;
    let is_missed = later(time, limits::SCHEDULE_GRACE_SECONDS * 1_000_000) < now;
    match schedule.missed {
        Missed::Once => Begin::Run(schedule.after(now)),
        Missed::Skip if is_missed => Begin::Wait(schedule.after(now)),
        Missed::Skip => Begin::Run(schedule.after(time)),
        Missed::All => {
            let first = later(now, -limits::SCHEDULE_MISSED_DAYS * DAY);
            match time < first {
                true => Begin::Wait(schedule.after(first)),
                false => Begin::Run(schedule.after(time)),
            }
        }
    }
}

impl Schema {
    /// What follows if a job that waits for the next time of this schedule begins now; `None` if it doesn't begin.
    pub(super) async fn succession(
        &self,
        cx: &mut TxContext<'_, '_>,
        (job, key): (&Job, &str),
    ) -> Result<Option<Succession>, Error> {
        let Some(schedule) = schedule_of(cx.model(), key) else {
            let gone = Ending::cancelled_because("the model no longer has its schedule");
            self.end(cx, job, &gone).await?;
            return Ok(None);
        };
        match begin(schedule, job.start_at.unwrap_or_else(|| cx.now()), cx.now()) {
            Begin::Wait(next) => {
                self.wait_until(cx, (job, schedule), next).await?;
                Ok(None)
            }
            Begin::Run(next) => Ok(Some(Succession { key: key.to_owned(), next })),
        }
    }

    /// Adds the job for the next time of a schedule, after one that waits for it no longer.
    pub(super) async fn succeed(&self, cx: &mut TxContext<'_, '_>, succession: &Succession) -> Result<(), Error> {
        match (schedule_of(cx.model(), &succession.key), succession.next) {
            (Some(schedule), Some(next)) => self.add_scheduled(cx, schedule, next).await,
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// Adds the job after one that was cancelled.
    pub(super) async fn succeed_cancelled(&self, cx: &mut TxContext<'_, '_>, job: &Job) -> Result<(), Error> {
        let Some(schedule) = job.awaits().and_then(|key| schedule_of(cx.model(), key)) else { return Ok(()) };
        let after = job.start_at.map_or(cx.now(), |time| time.max(cx.now()));
        match schedule.after(after) {
            Some(next) => self.add_scheduled(cx, schedule, next).await,
            None => Ok(()),
        }
    }

    async fn add_scheduled(
        &self,
        cx: &mut TxContext<'_, '_>,
        schedule: &Schedule,
        time: Timestamp,
    ) -> Result<(), Error> {
        let model = cx.model();
        let key = key(model, schedule);
        let job = NewJob {
            id: cx.next_id(),
            kind: model.actions[schedule.run].name.as_str().into(),
            input: input(model, schedule, time),
            by: None,
            depth: 0,
            terms: JobTerms {
                at: Some(time),
                series: Some(key.clone()),
                priority: Priority::Normal,
                ..JobTerms::default()
            },
        };
        self.put(cx, &job, Some(key)).await
    }

    /// Has the job that waits for a schedule's next time wait for this one.
    async fn wait_until(
        &self,
        cx: &mut TxContext<'_, '_>,
        (job, schedule): (&Job, &Schedule),
        time: Option<Timestamp>,
    ) -> Result<(), Error> {
        let Some(time) = time else {
            return self.end(cx, job, &Ending::cancelled_because("its schedule has no further time")).await.map(drop);
        };
        let mut changed =
            Input::new().with(self.start_at, time).with(self.input, Value::Json(input(cx.model(), schedule, time)));
        if job.before.is_none() {
            changed.set(self.due(job.priority), time);
        }
        cx.update(Authority::System, (self.collection, job.id), changed, None).await.map(drop)
    }
}

/// What a job for this time takes.
fn input(model: &Model, schedule: &Schedule, time: Timestamp) -> Arc<str> {
    match model.takes(&model.actions[schedule.run], "at") {
        true => format!("{{\"at\":\"{time}\"}}").into(),
        false => "{}".into(),
    }
}

/// Whether the queue holds what the schedules of the model say.
#[derive(Debug, Default)]
pub(super) struct Planned(AtomicBool);

impl Jobs {
    /// Adds jobs for the schedules of the model that have none yet, and changes those of schedules that are other ones now; once.
    pub(super) async fn plan(&self) -> Result<(), Error> {
        let Planned(is_done) = &self.0.planned;
        if is_done.load(Ordering::Relaxed) {
            return Ok(());
        }
        let has_jobs = self.0.engine.model().actions.iter().any(|action| action.job.is_some());
        if has_jobs {
            match self.0.engine.run(&self.system(), Plan { schema: self.0.schema }).await {
                // Another server adds them at the same moment.
                Ok(()) | Err(Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        is_done.store(true, Ordering::Relaxed);
        Ok(())
    }
}

struct Plan {
    schema: Schema,
}

impl Transaction for Plan {
    type Answer = ();

    fn name(&self) -> &'static str {
        "plan-schedules"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let model = cx.model();
            for schedule in &model.schedules {
                self.one(cx, schedule).await?;
            }
            for (place, action) in model.actions.iter().enumerate().filter(|(_, action)| action.job.is_some()) {
                let first = model.schedules.iter().filter(|schedule| schedule.run == place).count();
                for number in first..limits::SCHEDULES {
                    let Some(job) = self.waiting(cx, &numbered(&action.name, number)).await? else { break };
                    let gone = Ending::cancelled_because("the model no longer has its schedule");
                    self.schema.end(cx, &job, &gone).await?;
                }
            }
            Ok(())
        })
    }
}

impl Plan {
    async fn one(&self, cx: &mut TxContext<'_, '_>, schedule: &Schedule) -> Result<(), Error> {
        let next = schedule.after(cx.now());
        match (self.waiting(cx, &key(cx.model(), schedule)).await?, next) {
            (None, Some(next)) => self.schema.add_scheduled(cx, schedule, next).await,
            // A later one is that of another expression, or of a clock that was ahead.
            (Some(job), _)
                if job.start_at.is_some_and(|time| schedule.is_at(time) && next.is_none_or(|next| time <= next)) =>
            {
                Ok(())
            }
            (Some(job), next) => self.schema.wait_until(cx, (&job, schedule), next).await,
            (None, None) => Ok(()),
        }
    }

    /// The job that waits for the next time of the schedule with this key.
    async fn waiting(&self, cx: &mut TxContext<'_, '_>, key: &str) -> Result<Option<Job>, Error> {
        let found = cx.find(self.schema.collection, &[(self.schema.live_key, Value::text(key))]).await?;
        let job = found.map(|record| Job::read(&self.schema, &record)).transpose()?;
        Ok(job.filter(|job| job.state == State::Waiting))
    }
}
