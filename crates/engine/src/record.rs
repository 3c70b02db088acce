use std::fmt;
use std::sync::Arc;

use backstay_base::RecordId;
use backstay_model::{Collection, FieldId};
use backstay_scalar::Value;

/// A stored record: one value per field of its collection, null for those that have no column.
#[derive(Clone, PartialEq)]
pub struct Record {
    values: Arc<[Value]>,
}

impl Record {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self { values: values.into() }
    }

    /// Its key.
    pub fn id(&self) -> RecordId {
        let id = self.value(Collection::ID).as_id();
        id.unwrap_or(RecordId::from_bytes([0; 16]))
    }

    /// How often it was written: 1 when it was made.
    pub fn version(&self) -> i64 {
        self.value(Collection::VERSION).as_int().unwrap_or(0)
    }

    /// The value of a field.
    pub fn value(&self, field: FieldId) -> &Value {
        &self.values[usize::from(field.0)]
    }

    /// All values, by the fields' indexes.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }
}

/// Values for some fields of a record, of the fields' types.
#[derive(Clone, Default, PartialEq)]
pub struct Draft {
    pub(crate) values: Vec<(FieldId, Value)>,
    /// Objects to be merged into the stored documents of these fields.
    pub(crate) patches: Vec<(FieldId, Arc<str>)>,
    pub(crate) links: Vec<(FieldId, Vec<RecordId>)>,
}

impl Draft {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// This draft with one more value.
    #[must_use]
    pub fn with(mut self, field: FieldId, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    /// Gives a stored field a value; null removes it.
    pub fn set(&mut self, field: FieldId, value: impl Into<Value>) {
        let value = value.into();
        match self.values.iter_mut().find(|(existing, _)| *existing == field) {
            Some(slot) => slot.1 = value,
            None => self.values.push((field, value)),
        }
    }

    /// The same as a merge patch (RFC 7396): an object for a field that holds a document is merged into what is stored.
    #[must_use]
    pub(crate) fn merging(mut self) -> Self {
        let is_object = |value: &Value| matches!(value, Value::Json(text) if text.starts_with('{'));
        for (field, value) in self.values.extract_if(.., |(_, value)| is_object(value)) {
            if let Value::Json(patch) = value {
                self.patches.push((field, patch));
            }
        }
        self
    }

    /// Makes these the members of a many-to-many relation, and no others.
    pub fn links(&mut self, field: FieldId, members: Vec<RecordId>) {
        self.links.retain(|(existing, _)| *existing != field);
        self.links.push((field, members));
    }

    /// The value given to a field, if any.
    pub fn value(&self, field: FieldId) -> Option<&Value> {
        self.values.iter().find(|(existing, _)| *existing == field).map(|(_, value)| value)
    }

    /// The fields that are given a value or members.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> {
        let values = self.values.iter().map(|(field, _)| *field);
        let patches = self.patches.iter().map(|(field, _)| *field);
        values.chain(patches).chain(self.links.iter().map(|(field, _)| *field))
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.fields().next().is_none()
    }
}

// Neither shows its values: they may be classified.

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id()).field("version", &self.version()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("fields", &self.fields().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
