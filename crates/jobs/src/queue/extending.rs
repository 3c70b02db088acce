use std::sync::Arc;

use backstay_base::{Error, RecordId};
use backstay_engine::{Authority, Input, Transaction, TxContext};
use futures_util::future::BoxFuture;

use super::job::Job;
use super::schema::Schema;
use crate::stored::later;

/// Extends the leases of jobs that run here. Answers which no longer do: they were cancelled, or another server runs them.
#[derive(Debug)]
pub(super) struct Extend {
    pub(super) schema: Schema,
    pub(super) worker: Arc<str>,
    pub(super) running: Vec<(RecordId, u32)>,
    /// From now on.
    pub(super) seconds: i64,
}

impl Transaction for Extend {
    type Answer = Vec<RecordId>;

    fn name(&self) -> &'static str {
        "extend-jobs"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let schema = &self.schema;
            let mut lost = Vec::new();
            for (id, attempt) in &self.running {
                let job = match cx.get(schema.collection, *id).await? {
                    Some(record) => Some(Job::read(schema, &record)?),
                    None => None,
                };
                let Some(job) = job.filter(|job| job.is_run_by(&self.worker, *attempt)) else {
                    lost.push(*id);
                    continue;
                };
                let until = later(cx.now(), self.seconds * 1_000_000);
                let input = Input::new().with(schema.due(job.priority), until);
                cx.update(Authority::System, (schema.collection, *id), input, None).await?;
            }
            Ok(lost)
        })
    }
}
