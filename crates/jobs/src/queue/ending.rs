use std::sync::Arc;

use backstay_base::{Ambient, Error, RecordId, limits};
use backstay_engine::{Authority, IfMatch, Input, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::job::{Job, State};
use super::schema::Schema;
use super::{Outcome, retry};
use crate::stored::later;

/// How an attempt has ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) id: RecordId,
    /// If another attempt has begun since, this one doesn't count.
    pub(super) attempt: u32,
    pub(super) ending: Ending,
}

/// What becomes of a job.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    state: State,
    result: Option<Arc<str>>,
    error: Option<String>,
    /// Microseconds until the next attempt, where that is known.
    again: Option<i64>,
    most: i64,
}

impl Ending {
    pub(super) fn of(outcome: Outcome, most: i64) -> Self {
        let whole = Self { state: State::Waiting, result: None, error: None, again: None, most };
        match outcome {
            Outcome::Done(result) => {
                let result = Some(result).filter(|result| result.len() <= limits::JOB_BYTES);
                Self { state: State::Done, result, ..whole }
            }
            Outcome::Again(error) => Self { error: Some(error), ..whole },
            Outcome::Dead(error) => Self { state: State::Dead, error: Some(error), ..whole },
        }
    }

    /// It waits: nothing here knows how to do it, but a server with another model may.
    pub(super) fn unknown(kind: &str) -> Self {
        Self {
            state: State::Waiting,
            result: None,
            error: Some(format!("no action handles jobs of kind `{kind}`")),
            again: Some(limits::JOB_LEASE_SECONDS * 1_000_000),
            most: 0,
        }
    }

    pub(super) fn cancelled() -> Self {
        Self { state: State::Cancelled, result: None, error: None, again: None, most: 0 }
    }

    pub(super) fn cancelled_because(reason: &str) -> Self {
        Self { error: Some(reason.to_owned()), ..Self::cancelled() }
    }
}

/// Keeps how attempts have ended.
#[derive(Debug)]
pub(super) struct KeepEnds {
    pub(super) schema: Schema,
    pub(super) ambient: Ambient,
    pub(super) ends: Vec<End>,
}

impl Transaction for KeepEnds {
    type Answer = ();

    fn name(&self) -> &'static str {
        "end-jobs"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for end in &self.ends {
                while !self.keep(cx, end).await? {}
            }
            Ok(())
        })
    }
}

impl KeepEnds {
    /// Keeps how one has ended. Returns whether that is done: nothing is if the job has changed since it was read.
    async fn keep(&self, cx: &mut TxContext<'_, '_>, End { id, attempt, ending }: &End) -> Result<bool, Error> {
        let Some(record) = cx.get(self.schema.collection, *id).await? else { return Ok(true) };
        let job = Job::read(&self.schema, &record)?;
        if job.state != State::Running || job.attempts != i64::from(*attempt) {
            return Ok(true);
        }
        let ending = match ending.state {
            State::Waiting if job.attempts >= ending.most => Ending { state: State::Dead, ..ending.clone() },
            State::Waiting => {
                let again = ending.again.unwrap_or_else(|| retry::after(job.attempts, &self.ambient));
                Ending { again: Some(again), ..ending.clone() }
            }
            State::Running | State::Done | State::Dead | State::Cancelled => ending.clone(),
        };
        self.schema.end(cx, &job, &ending).await
    }
}

impl Schema {
    /// Keeps how a job has ended, and lets the next one of its series begin; or until when it waits. Returns whether it did: nothing
    /// is done if the job has changed since it was read, since its place in the series is another one then.
    pub(super) async fn end(&self, cx: &mut TxContext<'_, '_>, job: &Job, ending: &Ending) -> Result<bool, Error> {
        let error = ending.error.as_deref().map(shortened);
        let mut input = Input::new()
            .with(self.state, ending.state.name())
            .with(self.worker, Value::Null)
            .with(self.last_error, error.map_or(Value::Null, Value::text));
        if ending.state.is_open() {
            input.set(self.due(job.priority), later(cx.now(), ending.again.unwrap_or(0)));
        } else {
            let day: i64 = 86_400_000_000;
            input = input
                .with(self.due(job.priority), Value::Null)
                .with(self.live_key, Value::Null)
                .with(self.last_of, Value::Null)
                .with(self.before, Value::Null)
                .with(self.result, ending.result.clone().map_or(Value::Null, Value::Json))
                .with(self.ended_at, cx.now())
                .with(self.gone_at, later(cx.now(), limits::JOB_KEPT_DAYS * day));
            if job.is_scheduled() {
                // The schedule goes on without it: if it is queued anew, it waits for no later time.
                input = input.with(self.key, Value::Null).with(self.series, Value::Null);
            }
        }
        let unchanged = IfMatch::Versions(vec![job.version]);
        match cx.update(Authority::System, (self.collection, job.id), input, Some(&unchanged)).await {
            Ok(_) => {}
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        if !ending.state.is_open() && job.series.is_some() {
            self.go_on(cx, job).await?;
        }
        Ok(true)
    }

    /// The job after this one is due, or waits for the one before it if that hasn't ended: then this one was cancelled.
    async fn go_on(&self, cx: &mut TxContext<'_, '_>, job: &Job) -> Result<(), Error> {
        if let (Some(before), true) = (job.before, job.is_last) {
            let input = Input::new().with(self.last_of, job.series.as_deref().map_or(Value::Null, Value::text));
            cx.update(Authority::System, (self.collection, before), input, None).await?;
        }
        for id in cx.referring(self.collection, self.before, job.id, 2).await? {
            let Some(record) = cx.get(self.collection, id).await? else { continue };
            let next = Job::read(self, &record)?;
            if let Some(before) = job.before {
                let input = Input::new().with(self.before, before);
                cx.update(Authority::System, (self.collection, id), input, None).await?;
                continue;
            }
            let due = next.start_at.unwrap_or_else(|| cx.now()).max(cx.now());
            let input = Input::new().with(self.before, Value::Null).with(self.due(next.priority), due);
            cx.update(Authority::System, (self.collection, id), input, None).await?;
        }
        Ok(())
    }
}

/// What is kept of an error.
fn shortened(error: &str) -> String {
    match error.char_indices().nth(4000) {
        Some((end, _)) => format!("{}…", &error[..end]),
        None => error.to_owned(),
    }
}
