//! Work that is queued in a commit and done once that is durable. What a queue is made of, the engine doesn't know.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Caller, CallerKind, Error, Place, RecordId, Timestamp, ViolationKind, limits};
use backstay_model::{Action, Model};
use futures_util::future::BoxFuture;

use crate::inner::Inner;
use crate::{Context, TxContext};

/// How often a job can be tried.
const ATTEMPTS: u32 = limits::JOB_RETRIES + 1;

/// Keeps what is to be done after a commit.
pub trait Queue: fmt::Debug + Send + Sync {
    /// Adds a job in a transaction, unless it is unique and an unfinished one has its key.
    fn add<'a>(&'a self, cx: &'a mut TxContext<'_, '_>, job: &'a NewJob) -> BoxFuture<'a, Result<(), Error>>;
}

/// A queue as the engine keeps it, whose parts know nothing of transactions.
pub(crate) struct KeptQueue(pub(crate) Arc<dyn Queue>);

/// A job to be queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id.
    pub id: RecordId,
    /// What carries it out: the name of an action of the model, or one of Backstay's own.
    pub kind: Arc<str>,
    /// What it takes: a JSON object.
    pub input: Arc<str>,
    /// Who has queued it, as `caller_name` writes it; `None`: Backstay itself.
    pub by: Option<Arc<str>>,
    /// How many jobs have led to it, each queued by a change that the one before has made.
    pub depth: u32,
    /// When, how urgently and how often it is tried.
    pub terms: JobTerms,
}

/// When, how urgently and how often a job is tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobTerms {
    /// When it is due; `None`: at once.
    pub at: Option<Timestamp>,
    /// Microseconds after its commit until it is due, if it isn't due at a given moment.
    pub delay: i64,
    /// Which jobs come before which.
    pub priority: Priority,
    /// Only one unfinished job has this key.
    pub unique: Option<String>,
    /// The jobs of a series run one after the other, in the order in which they were queued.
    pub series: Option<String>,
    /// How often it is tried, at most; `None`: as often as its kind says.
    pub attempts: Option<u32>,
}

/// How urgent a job is. The more urgent ones that are due run first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before all others.
    High,
    /// As usual.
    #[default]
    Normal,
    /// After all others.
    Low,
}

/// A job that runs, as its procedure sees it.
pub trait RunningJob: fmt::Debug + Send + Sync {
    /// How long the attempt may take.
    fn timeout(&self) -> Duration;

    /// Keeps how far it is, for whoever looks at it. Reports that follow soon on another one may be left out.
    ///
    /// # Errors
    /// If the job was cancelled, or another server runs it now.
    fn report(&self, report: JobReport) -> BoxFuture<'_, Result<(), Error>>;
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobReport {
    /// What part of it is done: 0 to 1.
    pub done: f64,
    /// What it is at.
    pub note: Option<String>,
}

/// A job that a procedure asks for.
#[derive(Debug, Clone)]
pub struct AskedJob {
    /// What carries it out.
    pub job: JobName,
    /// Its arguments: a JSON object.
    pub input: String,
    /// When, how urgently and how often it is tried.
    pub terms: JobTerms,
}

/// What carries out a job that a procedure asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobName {
    /// The action of this name, which is a job.
    Action(String),
    /// One of Backstay's own kinds. Whoever asks for it has checked what it takes.
    Own(&'static str),
}

/// The engine was opened without a queue.
#[derive(Debug, thiserror::Error)]
#[error("nothing keeps the jobs that are queued")]
struct NoQueue;

/// Whom a caller is found by later: the kind and the id. Backstay itself has none.
pub fn caller_name(caller: &Caller) -> Option<Arc<str>> {
    let kind = caller.kind.name();
    match (caller.kind, caller.id) {
        (CallerKind::System, _) => None,
        (_, Some(id)) => Some(format!("{kind}:{id}").into()),
        (_, None) => Some(kind.into()),
    }
}

impl TxContext<'_, '_> {
    /// Queues a job in the commit of the transaction.
    pub async fn queue(&mut self, job: &NewJob) -> Result<(), Error> {
        if let Some(recorder) = &mut self.recorder {
            recorder.queued(&job.kind, job.id);
        }
        let queue = self.engine.queue.get().and_then(|queue| queue.downcast_ref::<KeptQueue>());
        queue.ok_or_else(|| Error::internal(NoQueue))?.0.add(self, job).await
    }
}

impl AskedJob {
    /// The job, if the model has it and it takes this.
    pub(crate) fn checked(self, inner: &Inner, cx: &Context) -> Result<NewJob, Error> {
        let Self { job, input, terms } = self;
        let (kind, input): (Arc<str>, Arc<str>) = match job {
            JobName::Action(name) => {
                let model = &inner.application.model;
                let action = job_named(model, &name)?;
                let input = model.read_arguments(action, &input, &Place::part("input")).map_err(Error::Malformed)?;
                (name.into(), input)
            }
            JobName::Own(kind) => (kind.into(), input.into()),
        };
        if input.len() > limits::JOB_BYTES {
            return Err(misused("input", format!("what a job takes has at most {} bytes", limits::JOB_BYTES)));
        }
        for (name, key) in [("unique", &terms.unique), ("series", &terms.series)] {
            let length = key.as_ref().map_or(1, |key| key.chars().count());
            if !(1..=limits::JOB_KEY_CHARS).contains(&length) {
                return Err(misused(name, format!("`{name}` has 1 to {} characters", limits::JOB_KEY_CHARS)));
            }
        }
        if terms.series.as_ref().is_some_and(|series| series.starts_with('@')) {
            return Err(misused("series", "series that begin with `@` are Backstay's own".to_owned()));
        }
        if terms.attempts.is_some_and(|attempts| !(1..=ATTEMPTS).contains(&attempts)) {
            let problem = format!("a job is tried 1 to {ATTEMPTS} times");
            let remedy = "write such a number as `attempts`, or leave it out".to_owned();
            return Err(Error::malformed(Place::part("attempts"), ViolationKind::Misused { problem, remedy }));
        }
        Ok(NewJob { id: inner.next_id(), kind, input, by: caller_name(cx.caller()), depth: cx.hook_depth, terms })
    }
}

fn misused(part: &'static str, problem: String) -> Error {
    let remedy = "queue the id of a record that holds it, or a shorter text".to_owned();
    Error::malformed(Place::part(part), ViolationKind::Misused { problem, remedy })
}

/// The action of this name that is a job.
fn job_named<'m>(model: &'m Model, name: &str) -> Result<&'m Action, Error> {
    let found = model.action_named(name);
    let (problem, remedy) = match found {
        Some(action) if action.job.is_some() => return Ok(action),
        Some(_) => (format!("`{name}` is not a job"), "mark the action with `@job`".to_owned()),
        None => {
            let jobs = model.actions.iter().filter(|action| action.job.is_some()).map(|action| action.name.as_str());
            let names: Vec<&str> = jobs.collect();
            (format!("there is no job `{name}`"), format!("name one of these: {}", names.join(", ")))
        }
    };
    Err(Error::malformed(Place::part("job"), ViolationKind::Misused { problem, remedy }))
}
