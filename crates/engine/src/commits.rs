use std::sync::Arc;

use backstay_store::CommitId;
use parking_lot::Mutex;

/// The last commit of a request, which all its contexts share.
#[derive(Debug, Clone)]
pub struct Commits(Option<Arc<Mutex<Option<CommitId>>>>);

impl Commits {
    /// Nobody asks.
    pub const UNNOTED: Self = Self(None);

    /// None so far.
    pub fn noted() -> Self {
        Self(Some(Arc::default()))
    }

    pub(crate) fn note(&self, commit: CommitId) {
        if let Some(last) = &self.0 {
            *last.lock() = Some(commit);
        }
    }

    pub(crate) fn last(&self) -> Option<CommitId> {
        self.0.as_ref().and_then(|last| *last.lock())
    }
}
