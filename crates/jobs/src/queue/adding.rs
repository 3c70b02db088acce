use backstay_base::Error;
use backstay_engine::{Authority, IfMatch, Input, NewJob, Queue, TxContext};
use backstay_model::Collection;
use backstay_scalar::Value;
use futures_util::future::BoxFuture;

use super::job::{State, priority_name};
use super::schema::Schema;
use crate::stored::later;

/// Adds jobs to the queue, in the transactions that cause them.
#[derive(Debug)]
pub(super) struct Adder(pub(super) Schema);

impl Queue for Adder {
    fn add<'a>(&'a self, cx: &'a mut TxContext<'_, '_>, job: &'a NewJob) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.0.add(cx, job))
    }
}

impl Schema {
    async fn add(&self, cx: &mut TxContext<'_, '_>, job: &NewJob) -> Result<(), Error> {
        let key = job.terms.unique.as_ref().map(|key| format!("{} {key}", job.kind));
        if let Some(key) = &key
            && cx.find(self.collection, &[(self.live_key, Value::text(key.as_str()))]).await?.is_some()
        {
            return Ok(());
        }
        self.put(cx, job, key).await
    }

    /// Adds a job under a key that no other unfinished job has.
    pub(super) async fn put(&self, cx: &mut TxContext<'_, '_>, job: &NewJob, key: Option<String>) -> Result<(), Error> {
        let NewJob { id, kind, input, by, depth, terms } = job;
        let optional = |text: Option<&str>| text.map_or(Value::Null, Value::text);
        let start_at = terms.at.unwrap_or_else(|| later(cx.now(), terms.delay.max(0)));
        let stored = Input::new()
            .with(Collection::ID, *id)
            .with(self.kind, &**kind)
            .with(self.input, Value::Json(input.clone()))
            .with(self.priority, priority_name(terms.priority))
            .with(self.start_at, start_at)
            .with(self.attempts, 0)
            .with(self.most, terms.attempts.map_or(Value::Null, |most| i64::from(most.max(1)).into()))
            .with(self.key, optional(key.as_deref()))
            .with(self.live_key, optional(key.as_deref()))
            .with(self.series, optional(terms.series.as_deref()))
            .with(self.by, optional(by.as_deref()))
            .with(self.depth, i64::from(*depth));
        let behind = self.behind(cx, terms.series.as_deref(), stored).await?;
        let due = if behind.1 { Value::Null } else { start_at.into() };
        let stored = behind.0.with(self.due(terms.priority), due).with(self.state, State::Waiting.name());
        cx.create(Authority::System, self.collection, stored).await.map(drop)
    }

    /// The job as the last one of its series, and whether another one is before it.
    pub(super) async fn behind(
        &self,
        cx: &mut TxContext<'_, '_>,
        series: Option<&str>,
        job: Input,
    ) -> Result<(Input, bool), Error> {
        let Some(series) = series else { return Ok((job, false)) };
        let series = Value::text(series);
        let job = job.with(self.last_of, series.clone());
        while let Some(last) = cx.find(self.collection, &[(self.last_of, series.clone())]).await? {
            let followed = Input::new().with(self.last_of, Value::Null);
            // If it has ended in between, nothing would ever make this one due: look again.
            let unchanged = IfMatch::Versions(vec![last.version()]);
            match cx.update(Authority::System, (self.collection, last.id()), followed, Some(&unchanged)).await {
                Ok(_) => return Ok((job.with(self.before, last.id()), true)),
                Err(Error::Precondition { .. } | Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((job, false))
    }
}
