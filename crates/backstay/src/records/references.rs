use std::sync::Arc;

use backstay_base::{Error, RecordId, ViolationKind, limits};
use backstay_engine::{ByKey, Engine, Missing, Referred};
use backstay_model::{CollectionId, FieldId};
use backstay_rest::RelationReader;
use quick_cache::Equivalent;
use quick_cache::unsync::Cache;
use tokio::runtime::Handle;

/// References that are cached.
const REMEMBERED: usize = 100_000;

/// Finds the records that seed files refer to by an object with a value for each field of a unique index, such as
/// `{"email": "ada@newsroom.example"}`. Blocks the thread. The records must be committed.
pub(crate) struct References {
    engine: Engine,
    runtime: Handle,
    known: Cache<Named<Arc<str>>, RecordId>,
    failure: Option<Error>,
    absent: Absent,
}

/// The record of a collection that an object names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Named<T>(CollectionId, T);

/// Looks a text up without a copy of it.
impl Equivalent<Named<Arc<str>>> for Named<&str> {
    fn equivalent(&self, key: &Named<Arc<str>>) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

/// What a reference to a record that isn't stored becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is refused.
    Refused,
    /// It is refused, unless it is to one of these records: the same write may create that one before.
    RefusedBut(CollectionId),
}

impl References {
    pub(crate) fn new(engine: Engine, runtime: Handle, absent: Absent) -> Self {
        Self { engine, runtime, known: Cache::new(REMEMBERED), failure: None, absent }
    }

    /// The database error of a look-up, if there was one; it takes precedence over what `read` returned.
    pub(crate) fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    fn look_up(&mut self, named: &ByKey) -> Result<Option<RecordId>, ViolationKind> {
        let value = |field: &FieldId| Some((*field, named.input.value(*field)?.clone()));
        // One of them is a reference that is to be created.
        let Some(by) = named.key.iter().map(value).collect::<Option<Vec<_>>>() else { return Ok(None) };
        match self.runtime.block_on(self.engine.peek_by(named.target, &by)) {
            Ok(record) => Ok(record.map(|record| record.id())),
            Err(error) => {
                self.failure = Some(error);
                Err(ViolationKind::Required)
            }
        }
    }
}

impl RelationReader for References {
    fn known(&mut self, target: CollectionId, raw: &str) -> Option<RecordId> {
        self.known.get(&Named(target, raw)).copied()
    }

    fn find(&mut self, raw: &str, named: ByKey) -> Result<Referred, ViolationKind> {
        if let Some(id) = self.look_up(&named)? {
            self.known.insert(Named(named.target, Arc::from(raw)), id);
            return Ok(Referred::Id(id));
        }
        match (named.missing, self.absent) {
            (Missing::Create, _) => Ok(Referred::ByKey(Box::new(named))),
            (Missing::Refuse, Absent::RefusedBut(written)) if written == named.target => {
                Ok(Referred::ByKey(Box::new(named)))
            }
            (Missing::Refuse, Absent::Refused | Absent::RefusedBut(_)) => Err(named.is_missing(self.engine.model())),
        }
    }

    /// A record has got its links by many requests, and comes with all of them.
    fn most(&self) -> usize {
        usize::try_from(limits::LINKS_READ).unwrap_or(usize::MAX)
    }
}
