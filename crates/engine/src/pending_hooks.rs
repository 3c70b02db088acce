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
    /// The account that is notified, if that is what the hook does.
    pub(crate) recipient: Option<RecordId>,
}
