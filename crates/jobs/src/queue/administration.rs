//! What operators see of jobs and do with them.

use std::sync::Arc;

use backstay_base::{Conflict, Error, RecordId, Timestamp, limits};
use backstay_engine::{Authority, Input, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::Jobs;
use super::ending::Ending;
use super::job::{Job, State};
use super::schema::Schema;

/// A job as operators see it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobLine {
    /// Its id.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// How far it is.
    pub state: State,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is due, or its lease ends.
    pub due: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Who has queued it.
    pub by: Option<String>,
    /// What it takes, as JSON.
    pub input: String,
    /// Its result, as JSON.
    pub result: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What part of it is done, 0 to 1, as it says itself.
    pub done: Option<f64>,
    /// What it is at.
    pub note: Option<String>,
}

impl From<Job> for JobLine {
    fn from(job: Job) -> Self {
        let text = |text: Option<Arc<str>>| text.map(|text| text.to_string());
        Self {
            id: job.id,
            kind: job.kind.to_string(),
            state: job.state,
            attempts: job.attempts,
            due: job.due,
            ended: job.ended_at,
            by: text(job.by),
            input: job.input.to_string(),
            result: text(job.result),
            error: text(job.last_error),
            done: job.done,
            note: text(job.note),
        }
    }
}

impl Jobs {
    /// The jobs in one of these states, the oldest first; at most `most`.
    pub async fn list(&self, states: &[State], most: usize) -> Result<Vec<JobLine>, Error> {
        let mut found = Vec::new();
        for state in states {
            self.add_listed(*state, most, &mut found).await?;
        }
        found.sort_by_key(|job: &JobLine| job.id);
        found.truncate(most);
        Ok(found)
    }

    /// Adds the oldest jobs in a state.
    async fn add_listed(&self, state: State, most: usize, found: &mut Vec<JobLine>) -> Result<(), Error> {
        let Schema { collection, state: field, .. } = self.0.schema;
        let (mut left, mut last) = (most, None);
        while left > 0 {
            let limit = limits::PAGE_MAX.min(u32::try_from(left).unwrap_or(u32::MAX));
            let wanted = (field, Value::text(state.name()));
            let page = self.0.engine.peek_having(collection, wanted, last.as_ref(), limit).await?;
            let is_last = page.len() < limit as usize;
            left -= page.len().min(left);
            for record in &page {
                found.push(Job::read(&self.0.schema, record)?.into());
            }
            last = page.into_iter().last();
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// One job.
    pub async fn show(&self, id: RecordId) -> Result<JobLine, Error> {
        let record = self.0.engine.peek(self.0.schema.collection, id).await?.ok_or_else(not_found)?;
        Ok(Job::read(&self.0.schema, &record)?.into())
    }

    /// Queues a job anew that was given up or cancelled.
    pub async fn retry(&self, id: RecordId) -> Result<(), Error> {
        self.0.engine.run(&self.system(), Retry { schema: self.0.schema, id }).await
    }

    /// Cancels a job. One that runs is stopped within seconds; what it has committed by then remains.
    pub async fn cancel(&self, id: RecordId) -> Result<(), Error> {
        self.0.engine.run(&self.system(), Cancel { schema: self.0.schema, id }).await
    }
}

fn not_found() -> Error {
    Error::NotFound { what: "job with this id".to_owned() }
}

struct Retry {
    schema: Schema,
    id: RecordId,
}

impl Transaction for Retry {
    type Answer = ();

    fn name(&self) -> &'static str {
        "retry-job"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Self { schema, id } = self;
            let record = cx.get(schema.collection, *id).await?.ok_or_else(not_found)?;
            let job = Job::read(schema, &record)?;
            match job.state {
                State::Dead | State::Cancelled => {}
                State::Waiting | State::Running => return Err(Conflict::Already("the job hasn't ended").into()),
                State::Done => return Err(Conflict::Already("the job is done").into()),
            }
            let key = job.key.as_deref().map_or(Value::Null, Value::text);
            let input = Input::new()
                .with(schema.state, State::Waiting.name())
                .with(schema.attempts, 0)
                .with(schema.done, Value::Null)
                .with(schema.note, Value::Null)
                .with(schema.live_key, key)
                .with(schema.start_at, cx.now())
                .with(schema.ended_at, Value::Null)
                .with(schema.gone_at, Value::Null);
            let (input, is_behind) = schema.behind(cx, job.series.as_deref(), input).await?;
            let due = if is_behind { Value::Null } else { cx.now().into() };
            let input = input.with(schema.due(job.priority), due);
            cx.update(Authority::System, (schema.collection, *id), input, None).await.map(drop)
        })
    }
}

struct Cancel {
    schema: Schema,
    id: RecordId,
}

impl Transaction for Cancel {
    type Answer = ();

    fn name(&self) -> &'static str {
        "cancel-job"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            loop {
                let record = cx.get(self.schema.collection, self.id).await?.ok_or_else(not_found)?;
                let job = Job::read(&self.schema, &record)?;
                if !job.state.is_open() {
                    return Err(Conflict::Already("the job has ended").into());
                }
                if self.schema.end(cx, &job, &Ending::cancelled()).await? {
                    return self.schema.succeed_cancelled(cx, &job).await;
                }
            }
        })
    }
}
