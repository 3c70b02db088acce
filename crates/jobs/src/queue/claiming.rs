use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Error, RecordId, Timestamp, limits};
use backstay_engine::{Authority, IfMatch, Input, Priority, Trace, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::ending::{End, Ending};
use super::job::{Job, State};
use super::reporting::Reporter;
use super::schema::Schema;
use super::{Jobs, Outcome};
use crate::stored::later;

/// A job that this server runs now.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub id: RecordId,
    /// Its kind.
    pub kind: Arc<str>,
    /// What it takes: a JSON object.
    pub input: Arc<str>,
    /// Who has queued it, as `caller_name` of the engine writes it; `None`: Backstay itself.
    pub by: Option<Arc<str>>,
    /// How many jobs have led to it, each queued by a change that the one before has made.
    pub depth: u32,
    /// Which attempt it is, counted from 1.
    pub attempt: u32,
    /// How many there are, at most.
    pub most: u32,
    /// Where it is noted what the attempt does.
    pub trace: Trace,
    /// Keeps how far it is.
    pub reporter: Reporter,
}

/// Claims jobs that are due, as far as there is room for their kinds.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) jobs: Jobs,
    pub(super) due: Vec<RecordId>,
    pub(super) worker: Arc<str>,
    /// How many jobs of each kind run here.
    pub(super) running: HashMap<Arc<str>, u32>,
    /// How many more may run here.
    pub(super) room: usize,
    /// How many more jobs of kinds of which as many run as may can be kept in mind.
    pub(super) held_back: usize,
}

/// What was claimed.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) claimed: Vec<Claimed>,
    /// Jobs that are due while as many of their kind run as may, and that kind.
    pub(super) held_back: Vec<(RecordId, Arc<str>)>,
}

impl Jobs {
    /// The jobs that are due, the urgent ones first: besides so many that are known to be. However many of these can't begin,
    /// because as many of their kind run as may, some of the others are looked at.
    pub(super) async fn due(&self, known: usize) -> Result<Vec<RecordId>, Error> {
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        let Schema { collection, .. } = self.0.schema;
        let mut due = Vec::new();
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            let left = limits::JOBS_TOGETHER.saturating_sub(u32::try_from(due.len()).unwrap_or(u32::MAX));
            let most = left.max(limits::JOBS_TOGETHER / 4).saturating_add(known);
            let found = self.0.engine.peek_past(collection, self.0.schema.due(priority), most).await?;
            due.extend(found);
        }
        Ok(due)
    }

    /// When the next job is due, or the first lease ends; `None` if no job has a moment.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let Schema { collection, .. } = self.0.schema;
        let mut next: Option<Timestamp> = None;
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            let Some(id) = self.0.engine.peek_earliest(collection, self.0.schema.due(priority)).await? else {
                continue;
            };
            // If it has just ended, something has changed.
            let Some(record) = self.0.engine.peek(collection, id).await? else { continue };
            let due = Job::read(&self.0.schema, &record)?.due;
            next = [next, due].into_iter().flatten().min();
        }
        Ok(next)
    }
}

impl Transaction for Claim {
    type Answer = Claims;

    fn name(&self) -> &'static str {
        "claim-jobs"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let (mut claims, mut running) = (Claims::default(), self.running.clone());
            for id in &self.due {
                if claims.claimed.len() >= self.room {
                    break;
                }
                self.one(cx, *id, (&mut claims, &mut running)).await?;
            }
            Ok(claims)
        })
    }
}

impl Claim {
    async fn one(
        &self,
        cx: &mut TxContext<'_, '_>,
        id: RecordId,
        (claims, running): (&mut Claims, &mut HashMap<Arc<str>, u32>),
    ) -> Result<(), Error> {
        let schema = &self.jobs.0.schema;
        let (job, succession) = loop {
            let Some(record) = cx.get(schema.collection, id).await? else { return Ok(()) };
            let job = Job::read(schema, &record)?;
            if !job.state.is_open() || job.due.is_none_or(|due| due > cx.now()) {
                return Ok(());
            }
            let Some(key) = job.awaits() else { break (job, None) };
            // Otherwise it now waits for another time, or has ended.
            if let Some(succession) = schema.succession(cx, (&job, key)).await? {
                break (job, Some(succession));
            }
        };
        let settings = self.jobs.handler(&job.kind).map(|(_, settings)| settings);
        let most = job.most.unwrap_or_else(|| settings.map_or(1, |of| i64::from(of.attempts)));
        let Some(settings) = settings else {
            schema.end(cx, &job, &Ending::unknown(&job.kind)).await?;
            return Ok(());
        };
        if job.state == State::Running && job.attempts >= most {
            let error = "the server stopped during the last attempt".to_owned();
            schema.end(cx, &job, &Ending::of(Outcome::Dead(error), most)).await?;
            return Ok(());
        }
        let of_kind = running.entry(Arc::clone(&job.kind)).or_default();
        let is_full = *of_kind >= settings.concurrency;
        if is_full && claims.held_back.len() < self.held_back {
            claims.held_back.push((id, job.kind));
            return Ok(());
        }
        let due = if is_full { limits::JOB_LATER_MILLIS * 1000 } else { limits::JOB_LEASE_SECONDS * 1_000_000 };
        let mut input = Input::new().with(schema.due(job.priority), later(cx.now(), due));
        if !is_full {
            input = input
                .with(schema.state, State::Running.name())
                .with(schema.attempts, job.attempts + 1)
                .with(schema.worker, &*self.worker);
        }
        if !is_full && job.done.is_some() {
            // It begins anew.
            input = input.with(schema.done, Value::Null).with(schema.note, Value::Null);
        }
        if !is_full && succession.is_some() {
            // The next one has the key from now on.
            input = input.with(schema.key, Value::Null).with(schema.live_key, Value::Null);
        }
        let unchanged = IfMatch::Versions(vec![job.version]);
        match cx.update(Authority::System, (schema.collection, id), input, Some(&unchanged)).await {
            Ok(_) if is_full => return Ok(()),
            Ok(_) => {}
            // Another server was quicker.
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        *of_kind += 1;
        if let Some(succession) = &succession {
            schema.succeed(cx, succession).await?;
        }
        let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let Job { id, kind, input, by, attempts, depth, .. } = job;
        let attempt = number(attempts + 1);
        let reporter = Reporter::new(&self.jobs, (id, attempt), settings.timeout);
        let trace = Trace::OFF;
        claims.claimed.push(Claimed { id, kind, input, by, depth, attempt, most: number(most), reporter, trace });
        Ok(())
    }
}

impl Claimed {
    /// How an attempt at it has ended.
    pub(super) fn ended(&self, outcome: Outcome) -> End {
        End { id: self.id, attempt: self.attempt, ending: Ending::of(outcome, i64::from(self.most)) }
    }
}
