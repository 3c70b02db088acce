use std::fmt;
use std::sync::Arc;

use backstay_base::RecordId;
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_scalar::Value;
use backstay_sql::DecodeError;

/// A record among those of all collections.
pub(crate) type Key = (CollectionId, RecordId);

/// A stored record: one value per field of its collection, null for those that have no column.
#[derive(Clone, PartialEq)]
pub struct Record {
    id: RecordId,
    version: i64,
    values: Arc<[Value]>,
}

impl Record {
    /// A record with these values, which must include the id and the version.
    pub(crate) fn new(values: Vec<Value>) -> Result<Self, DecodeError> {
        let value = |field: FieldId| values.get(usize::from(field.0));
        let id = value(Collection::ID).and_then(Value::as_id);
        let version = value(Collection::VERSION).and_then(Value::as_int);
        match (id, version) {
            (Some(id), Some(version)) => Ok(Self { id, version, values: values.into() }),
            _ => Err(DecodeError { column: 0, expected: "a record with an id and a version" }),
        }
    }

    /// Its key.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// How often it was written: 1 when it was made.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The value of a field.
    pub fn value(&self, field: FieldId) -> &Value {
        &self.values[usize::from(field.0)]
    }

    /// Bytes that its values take in memory.
    pub(crate) fn size(&self) -> usize {
        self.values.iter().map(|value| size_of::<Value>() + value.size()).sum()
    }

    /// All values, by the fields' indexes.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }
}

// Its values are not shown: they may be classified.

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id()).field("version", &self.version()).finish_non_exhaustive()
    }
}
