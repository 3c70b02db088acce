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
    /// Notifications: to the accounts to which the record itself referred, and to those that longer paths lead to.
    Notifications { known: Vec<RecordId> },
}
