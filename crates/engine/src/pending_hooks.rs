use std::sync::Arc;

use backstay_base::RecordId;
use backstay_model::{FieldId, RecordEvent};

/// A change that queues a job.
#[derive(Debug)]
pub(crate) struct PendingHook {
    /// Its place in the model.
    pub(crate) hook: usize,
    pub(crate) record: RecordId,
    pub(crate) version: i64,
    pub(crate) event: RecordEvent,
    pub(crate) changed: Vec<FieldId>,
    pub(crate) run: PendingRun,
}

/// What is queued.
#[derive(Debug)]
pub(crate) enum PendingRun {
    /// The job of the action at this place.
    Action(usize),
    /// A mail to an account, made of this template.
    Notification { to: RecordId, template: Arc<str> },
}
