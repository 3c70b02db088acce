use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Error, RecordId, limits};
use backstay_engine::{Authority, IfMatch, Input, Priority, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::ending::{End, Ending};
use super::job::{Job, State};
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
    /// Which attempt it is, counted from 1.
    pub attempt: u32,
    /// How many there are, at most.
    pub most: u32,
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
}

impl Jobs {
    /// The jobs that are due, the urgent ones first. However many of these can't begin, because as many of their kind run as may,
    /// some of the others are looked at.
    pub(super) async fn due(&self) -> Result<Vec<RecordId>, Error> {
        let Schema { collection, .. } = self.0.schema;
        let mut due = Vec::new();
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            let left = limits::JOBS_TOGETHER.saturating_sub(u32::try_from(due.len()).unwrap_or(u32::MAX));
            let most = left.max(limits::JOBS_TOGETHER / 4);
            let found = self.0.engine.peek_past(collection, self.0.schema.due(priority), most).await?;
            due.extend(found);
        }
        Ok(due)
    }
}

impl Transaction for Claim {
    type Answer = Vec<Claimed>;

    fn name(&self) -> &'static str {
        "claim-jobs"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let (mut claimed, mut running) = (Vec::new(), self.running.clone());
            for id in &self.due {
                if claimed.len() >= self.room {
                    break;
                }
                claimed.extend(self.one(cx, *id, &mut running).await?);
            }
            Ok(claimed)
        })
    }
}

impl Claim {
    async fn one(
        &self,
        cx: &mut TxContext<'_, '_>,
        id: RecordId,
        running: &mut HashMap<Arc<str>, u32>,
    ) -> Result<Option<Claimed>, Error> {
        let schema = &self.jobs.0.schema;
        let (job, succession) = loop {
            let Some(record) = cx.get(schema.collection, id).await? else { return Ok(None) };
            let job = Job::read(schema, &record)?;
            if !job.state.is_open() || job.due.is_none_or(|due| due > cx.now()) {
                return Ok(None);
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
            return Ok(None);
        };
        if job.state == State::Running && job.attempts >= most {
            let error = "the server stopped during the last attempt".to_owned();
            schema.end(cx, &job, &Ending::of(Outcome::Dead(error), most)).await?;
            return Ok(None);
        }
        let of_kind = running.entry(Arc::clone(&job.kind)).or_default();
        let is_full = *of_kind >= settings.concurrency;
        let due = if is_full { limits::JOB_LATER_MILLIS * 1000 } else { limits::JOB_LEASE_SECONDS * 1_000_000 };
        let mut input = Input::new().with(schema.due(job.priority), later(cx.now(), due));
        if !is_full {
            input = input
                .with(schema.state, State::Running.name())
                .with(schema.attempts, job.attempts + 1)
                .with(schema.worker, &*self.worker);
        }
        if !is_full && succession.is_some() {
            // The next one has the key from now on.
            input = input.with(schema.key, Value::Null).with(schema.live_key, Value::Null);
        }
        let unchanged = IfMatch::Versions(vec![job.version]);
        match cx.update(Authority::System, (schema.collection, id), input, Some(&unchanged)).await {
            Ok(_) if is_full => return Ok(None),
            Ok(_) => {}
            // Another server was quicker.
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        *of_kind += 1;
        if let Some(succession) = &succession {
            schema.succeed(cx, succession).await?;
        }
        let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let Job { id, kind, input, by, attempts, .. } = job;
        Ok(Some(Claimed { id, kind, input, by, attempt: number(attempts + 1), most: number(most) }))
    }
}

impl Claimed {
    /// How an attempt at it has ended.
    pub(super) fn ended(&self, outcome: Outcome) -> End {
        End { id: self.id, attempt: self.attempt, ending: Ending::of(outcome, i64::from(self.most)) }
    }
}
