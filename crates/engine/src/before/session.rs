//! What a transaction knows of the hooks that run before its changes, from one of its runs to the next.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use backstay_base::{Error, RecordId, Timestamp};
use backstay_model::CollectionId;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::Input;
use crate::noted::Digest;

/// The hooks of one transaction. A run that meets one without an outcome is undone; the hook runs outside of the transaction, and
/// the transaction again. So that hooks see the same each time, ids of new records and the moment that the model gives are kept.
#[derive(Default)]
pub(crate) struct Session(Mutex<State>);

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    now: Option<Timestamp>,
    /// Of new records, by their collection.
    ids: HashMap<CollectionId, Ids>,
    answered: HashMap<Digest, Arc<Answered>>,
    unanswered: Vec<Unanswered>,
}

#[derive(Default)]
struct Ids {
    made: Vec<RecordId>,
    /// How many of them the present run has used.
    used: usize,
}

/// A change of a record that a hook has to be asked about.
pub(crate) struct Unanswered {
    /// What tells it from others.
    pub(crate) key: Digest,
    /// The hook's place in the model.
    pub(crate) hook: usize,
    /// The change, as the hook is given it.
    pub(crate) text: Arc<str>,
    /// What it has read before, and is answered within the transaction now; empty if it hasn't run yet.
    pub(crate) known: Vec<Known>,
}

/// What a read is answered within the transaction.
pub(crate) struct Known {
    pub(crate) noted: Noted,
    pub(crate) answer: Result<Bytes, Error>,
}

/// A read of a hook.
#[derive(Clone)]
pub(crate) struct Noted {
    pub(crate) text: Arc<str>,
    /// The request, checked and planned: a `Prepared`, which knows of transactions.
    pub(crate) prepared: Arc<dyn Any + Send + Sync>,
    pub(crate) digest: Digest,
}

/// What a hook came to.
pub(crate) struct Answered {
    pub(crate) reads: Vec<Noted>,
    pub(crate) verdict: Verdict,
}

/// What a hook says of a change.
pub(crate) enum Verdict {
    /// These fields get other values.
    Changes(Box<Input>),
    /// The change is refused.
    Refused { code: Option<String>, message: String, field: Option<String> },
}

/// A hook has to run before the transaction can go on.
#[derive(Debug, thiserror::Error)]
#[error("a hook has to run before the change")]
pub(crate) struct Unasked;

impl Session {
    /// A run begins.
    pub(crate) fn begin(&self) {
        let mut state = self.0.lock();
        state.ids.values_mut().for_each(|ids| ids.used = 0);
        state.unanswered.clear();
    }

    /// The moment that the model gives, if a run has met a hook before.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        self.0.lock().now
    }

    /// A run has met a hook at this moment.
    pub(crate) fn met(&self, now: Timestamp) -> Timestamp {
        *self.0.lock().now.get_or_insert(now)
    }

    /// The next id of a new record: the one that it had in an earlier run, if there was one.
    pub(crate) fn id(&self, collection: CollectionId, make: impl FnOnce() -> RecordId) -> RecordId {
        let mut state = self.0.lock();
        let Ids { made, used } = state.ids.entry(collection).or_default();
        let at = *used;
        *used += 1;
        if at == made.len() {
            made.push(make());
        }
        made[at]
    }

    pub(crate) fn answered(&self, key: &Digest) -> Option<Arc<Answered>> {
        self.0.lock().answered.get(key).cloned()
    }

    pub(crate) fn answer(&self, key: Digest, answered: Answered) {
        self.0.lock().answered.insert(key, Arc::new(answered));
    }

    /// Notes a change that a hook has to be asked about.
    pub(crate) fn ask(&self, unanswered: Unanswered) {
        self.0.lock().unanswered.push(unanswered);
    }

    /// Whether the present run has met a hook without an outcome.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.lock().unanswered.is_empty()
    }

    pub(crate) fn take_unanswered(&self) -> Vec<Unanswered> {
        std::mem::take(&mut self.0.lock().unanswered)
    }

    /// Whether an outcome depends on what was read.
    pub(crate) fn has_read(&self) -> bool {
        self.0.lock().answered.values().any(|answered| !answered.reads.is_empty())
    }
}
